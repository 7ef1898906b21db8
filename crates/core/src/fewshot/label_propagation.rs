//! Label propagation on the same neighbour graph, as a baseline.
//!
//! Zhou, Bousquet, Lal, Weston, Schölkopf, "Learning with Local and Global Consistency" (NeurIPS 2003): with
//! S = D^(−1/2) W D^(−1/2), the limit of F ← α S F + (1 − α) Y, which is (1 − α)(I − α S)⁻¹ Y. Their experiments fix
//! α = 0.99, the default here.

use burn::tensor::{Int, Tensor};
use lowshot_kernels::{MAX_NEIGHBORS, knn, nearest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prototype_laplacian::{one_hot, support_means};
use super::{Assignments, Observer, Progress, Tasks, TransductiveClassifier};
use crate::{CoreError, readback};

/// Rows of a task up to which it is accepted: its graph is dense.
const MAX_ROWS: usize = 4096;
/// Terms of the series are added until α^terms is below this.
const SERIES_REST: f64 = 1e-7;

/// Configuration of [`LabelPropagation`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct LabelPropagationConfig {
    /// How far labels spread, 0 to 0.9999; the given labels weigh 1 − α.
    pub alpha: f64,
    /// Neighbours k of the graph, counting the point itself, 2 to 33.
    pub knn: usize,
    /// Whether queries are moved by the difference of the support and query means first.
    pub query_shift: bool,
}

impl Default for LabelPropagationConfig {
    /// α = 0.99, k = 3, with the query shift.
    fn default() -> Self {
        Self { alpha: 0.99, knn: 3, query_shift: true }
    }
}

impl LabelPropagationConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] that names the field and its range.
    pub fn check(self) -> Result<LabelPropagation, CoreError> {
        if !(0.0..=0.9999).contains(&self.alpha) {
            return Err(CoreError::range("alpha", self.alpha, "0 to 0.9999"));
        }
        if !(2..=MAX_NEIGHBORS + 1).contains(&self.knn) {
            return Err(CoreError::range("knn", self.knn, format!("2 to {}", MAX_NEIGHBORS + 1)));
        }
        Ok(LabelPropagation { config: self })
    }
}

/// Label propagation over the graph (W + Wᵀ)/2 of the nearest neighbours of all points of a task.
///
/// The series Σ (αS)ᵗ Y is summed by doubling, about 11 products of N × N matrices at α = 0.99, instead of a linear
/// solve. A query that no label reaches (its part of the graph has no support row) gets the class of the nearest
/// support mean. `z` holds F with rows scaled to sum 1; the energy is that of Zhou's objective,
/// ½ Σ w‖F_i/√d_i − F_j/√d_j‖² + μ/2 Σ‖F_i − Y_i‖² with μ = 1/α − 1.
#[derive(Clone, Debug)]
pub struct LabelPropagation {
    config: LabelPropagationConfig,
}

/// F `[B, N, K]` of the graph `w` `[B, N, N]` (symmetric) and the labels `y` `[B, N, K]`; and S.
fn propagate(w: Tensor<3>, y: &Tensor<3>, alpha: f64) -> (Tensor<3>, Tensor<3>) {
    let degree = w.clone().sum_dim(2).clamp_min(1e-12).sqrt();
    let s = w / degree.clone() / degree.swap_dims(1, 2);
    // F_2t = F_t + (αS)ᵗ F_t, and (αS)²ᵗ = ((αS)ᵗ)².
    let mut f = y.clone();
    let mut power = s.clone().mul_scalar(alpha);
    let mut rest = alpha;
    while rest > SERIES_REST {
        f = f.clone() + power.clone().matmul(f);
        rest *= rest;
        if rest > SERIES_REST {
            power = power.clone().matmul(power);
        }
    }
    (f.mul_scalar(1.0 - alpha), s)
}

/// The symmetric weights `[B, N, N]` of neighbours `[B, N, k]`.
fn dense_graph(index: &Tensor<3, Int>) -> Tensor<3> {
    let [b, n, edges] = index.dims();
    let mut directed = Tensor::<3>::zeros([b, n, n], &index.device());
    for edge in 0..edges {
        let to = index.clone().slice([0..b, 0..n, edge..edge + 1]).squeeze_dim::<2>(2);
        directed = directed + one_hot(&readback::as_i32(to), n);
    }
    (directed.clone() + directed.swap_dims(1, 2)).mul_scalar(0.5)
}

impl LabelPropagation {
    fn solve(&self, tasks: &Tasks) -> Result<Assignments, CoreError> {
        let [b, n, _] = tasks.x.dims();
        let (k, device) = (tasks.classes, tasks.x.device());
        if n > MAX_ROWS {
            let remedy = "use fewer queries a task";
            return Err(CoreError::TooLarge { what: "label propagation", rows: n, limit: MAX_ROWS, remedy });
        }
        if self.config.knn > n {
            return Err(CoreError::range(
                "knn",
                self.config.knn,
                format!("at most {n}, the points of a task"),
            ));
        }
        let graph = dense_graph(&knn(tasks.x.clone(), self.config.knn - 1).index);
        let queries = Tensor::zeros([b, n - tasks.support, k], &device);
        let y = Tensor::cat(vec![one_hot(&tasks.labels, k), queries], 1);
        let (f, s) = propagate(graph, &y, self.config.alpha);
        let prototypes = support_means(tasks);
        let near = one_hot(&readback::as_i32(nearest(tasks.x.clone(), prototypes.clone()).label), k);
        let total = f.clone().sum_dim(2);
        let unreached = total.clone().lower_elem(1e-12).expand([b, n, k]);
        let z = (f.clone() / total.clamp_min(1e-12)).mask_where(unreached, near);
        let smooth = (f.clone() * (f.clone() - s.matmul(f.clone()))).reshape([b, n * k]).sum_dim(1);
        let fit = (f - y).square().reshape([b, n * k]).sum_dim(1);
        let mu = 1.0 / self.config.alpha.max(1e-12) - 1.0;
        let ones = || readback::indices(vec![1; b], [b], &device);
        Ok(Assignments {
            label: readback::as_i32(z.clone().argmax(2)).squeeze_dim(2),
            z,
            prototypes,
            inner_iterations: ones(),
            outer_iterations: ones(),
            energy: (smooth + fit.mul_scalar(0.5 * mu)).squeeze_dim(1),
            support: tasks.support,
        })
    }
}

impl TransductiveClassifier for LabelPropagation {
    /// Spreads the support labels over each task's graph in one pass; the observer hears once, at the end.
    ///
    /// # Errors
    /// [`CoreError::TooLarge`] for more than 4,096 rows a task, [`CoreError::OutOfRange`] if a task has fewer rows
    /// than `knn`, [`CoreError::NotFinite`] for NaN or infinite features; the errors of [`Tasks::validate`].
    async fn classify<O: Observer>(&self, tasks: &Tasks, observer: &mut O) -> Result<Assignments, CoreError> {
        tasks.validate().await?;
        // A graph hides what it was made of, so its energy would not show this.
        let sum = readback::floats("features", tasks.x.clone().sum()).await?;
        if sum.iter().any(|v| !v.is_finite()) {
            return Err(CoreError::NotFinite { what: "the features" });
        }
        let found =
            if self.config.query_shift { self.solve(&tasks.shift_queries())? } else { self.solve(tasks)? };
        let energy = readback::floats("energy", found.energy.clone().mean()).await?;
        let energy = energy.first().copied().map_or(f64::NAN, f64::from);
        let progress = Progress { outer: 0, running: 0, tasks: tasks.count(), energy };
        if observer.progress(progress).await.is_break() {
            return Err(CoreError::Interrupted);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use futures::executor::block_on;

    use super::*;
    use crate::Rng;
    use crate::metrics::accuracy;
    use crate::synthetic::SyntheticTasks;

    fn floats<const D: usize>(t: Tensor<D>) -> Vec<f32> {
        block_on(readback::floats("test", t)).unwrap()
    }

    #[test]
    fn propagation_satisfies_its_linear_system() {
        // A path 0-1-2 and an edge 3-4; labels on 0 and 4.
        let mut w = vec![0.0f32; 25];
        for (a, b) in [(0, 1), (1, 2), (3, 4)] {
            (w[a * 5 + b], w[b * 5 + a]) = (1.0, 1.0);
        }
        let device = Device::flex();
        let w = Tensor::<3>::from_data(TensorData::new(w, [1, 5, 5]), &device);
        let y = [1.0f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let y = Tensor::<3>::from_data(TensorData::new(y.to_vec(), [1, 5, 2]), &device);
        for alpha in [0.0, 0.3, 0.9, 0.99] {
            let (f, s) = propagate(w.clone(), &y, alpha);
            // (I − αS) F = (1 − α) Y
            let left = floats(f.clone() - s.matmul(f.clone()).mul_scalar(alpha));
            let right = floats(y.clone().mul_scalar(1.0 - alpha));
            assert!(
                left.iter().zip(&right).all(|(l, r)| (l - r).abs() < 1e-5),
                "{alpha}: {left:?} {right:?}"
            );
        }
    }

    #[test]
    fn labels_spread_along_the_graph_and_unreached_points_take_the_nearest_mean() {
        // Two chains of points, one label at the far end of each, and a far pair that no label reaches.
        let mut rows = vec![0.0f32, 0.0, 9.0, 1.0];
        (1..10).for_each(|i| rows.extend([i as f32, 0.0]));
        (0..9).for_each(|i| rows.extend([i as f32, 1.0 + 0.001 * i as f32]));
        rows.extend([60.0, 50.0, 60.0, 50.1, 60.0, 50.2]);
        let n = rows.len() / 2;
        let device = Device::flex();
        let x = Tensor::<3>::from_data(TensorData::new(rows, [1, n, 2]), &device).mul(
            // Stretched, so that neighbours are along the chains only.
            Tensor::from_data([[[1.0f32, 5.0]]], &device),
        );
        let tasks = Tasks::new(x, readback::indices(vec![0, 1], [1, 2], &device), 2).unwrap();
        let method = LabelPropagationConfig { query_shift: false, ..Default::default() }.check().unwrap();
        let found = block_on(method.classify(&tasks, &mut ())).unwrap();
        let labels = &block_on(found.query_labels()).unwrap()[0];
        assert_eq!(labels[..9], [0; 9]);
        assert_eq!(labels[9..18], [1; 9]);
        assert_eq!(labels[18..], [1; 3]);
        for row in floats(found.z).chunks(2) {
            assert!((row[0] + row[1] - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn it_beats_the_nearest_prototype_on_generated_tasks() {
        let (tasks, truth) = SyntheticTasks::default().batch(&Rng::new(1), 0, 200, &Device::flex()).unwrap();
        let method = LabelPropagationConfig::default().check().unwrap();
        let found = block_on(block_on(method.classify(&tasks, &mut ())).unwrap().query_labels()).unwrap();
        let mean = found.iter().zip(&truth).map(|(f, t)| accuracy(f, t).unwrap()).sum::<f64>() / 200.0;
        println!("label propagation: {mean}");
        assert!(mean > 0.60, "{mean}");
    }

    #[test]
    fn features_that_are_not_numbers_are_an_error() {
        let (tasks, _) = SyntheticTasks::default().batch(&Rng::new(1), 0, 2, &Device::flex()).unwrap();
        let method = LabelPropagationConfig::default().check().unwrap();
        let nan = Tasks { x: tasks.x.clone().slice_fill([1..2, 70..71, 3..4], f32::NAN), ..tasks };
        assert!(matches!(block_on(method.classify(&nan, &mut ())), Err(CoreError::NotFinite { .. })));
    }

    #[test]
    fn bad_settings_name_the_field() {
        for (config, name) in [
            (LabelPropagationConfig { alpha: 1.0, ..Default::default() }, "alpha"),
            (LabelPropagationConfig { alpha: f64::NAN, ..Default::default() }, "alpha"),
            (LabelPropagationConfig { knn: 1, ..Default::default() }, "knn"),
        ] {
            let error = config.check().unwrap_err();
            assert!(matches!(error, CoreError::OutOfRange { field, .. } if field == name), "{error}");
        }
    }
}
