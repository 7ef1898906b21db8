//! The few-shot classifier: preprocessing, prototypes of the support set, and the solver of the chosen mode.

use burn::tensor::{Int, Tensor};

use super::config::Params;
use super::graph::neighborhood;
use super::laplacian_shot;
use super::mode::Mode;
use super::prototypes::{Members, means, one_hot};
use super::solver::{self, Problem, Rules, Solution, Support};
use crate::fewshot::{Assignments, Observer, Tasks, TransductiveClassifier};
use crate::{CoreError, readback};

/// Rows up to which kernel k-means of a task is accepted: its kernel matrix is dense.
const MAX_KERNEL_ROWS: usize = 4096;

/// Transductive few-shot classification by prototypes and a Laplacian (arXiv 2106.09516), all modes.
///
/// Features are expected to be normalised already: [`normalize`](crate::fewshot::normalize).
#[derive(Clone, Debug)]
pub struct PrototypeLaplacian {
    params: Params,
}

impl PrototypeLaplacian {
    /// A classifier with checked parameters.
    pub fn new(params: Params) -> Self {
        Self { params }
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    async fn solve<O: Observer>(&self, tasks: &Tasks, observer: &mut O) -> Result<Assignments, CoreError> {
        let Params { mode, limits, graph, .. } = &self.params;
        let prototypes = support_means(tasks);
        match mode {
            Mode::NearestPrototype | Mode::LaplacianShot => {
                let prototypes = if self.params.rectify {
                    laplacian_shot::rectify_prototypes(&tasks.x, prototypes)
                } else {
                    prototypes
                };
                laplacian_shot::classify(tasks, prototypes, &self.params, observer).await
            }
            _ => {
                let rows = tasks.rows();
                if *mode == Mode::KernelKMeans && rows > MAX_KERNEL_ROWS {
                    let remedy = "use fewer queries a task, or slk-ms";
                    let what = "kernel-k-means";
                    return Err(CoreError::TooLarge { what, rows, limit: MAX_KERNEL_ROWS, remedy });
                }
                let wanted = (limits.lambda > 0.0, mode.has_bandwidth());
                let neighborhood = neighborhood(&tasks.x, graph, wanted).await?;
                let support = Some(Support::new(tasks.labels.clone(), rows, tasks.classes));
                let problem = Problem { x: tasks.x.clone(), neighborhood, support };
                let rules = Rules {
                    mode: *mode,
                    limits: limits.clone(),
                    clamp: self.params.clamp_support,
                    soft: limits.monotone,
                };
                let solution = solver::solve(problem, prototypes, &rules, observer).await?;
                Ok(assignments(solution, tasks, limits.lambda))
            }
        }
    }
}

impl TransductiveClassifier for PrototypeLaplacian {
    /// Labels the rows of every task; see [`PrototypeLaplacianConfig`](super::PrototypeLaplacianConfig).
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if a task has fewer points than `knn`; [`CoreError::TooLarge`] for kernel k-means
    /// of more than 4,096 rows a task; [`CoreError::NotFinite`] for NaN or infinite features; the errors of
    /// [`Tasks::validate`].
    async fn classify<O: Observer>(&self, tasks: &Tasks, observer: &mut O) -> Result<Assignments, CoreError> {
        tasks.validate().await?;
        // Rectification is defined on shifted queries.
        let fixed = matches!(self.params.mode, Mode::NearestPrototype | Mode::LaplacianShot);
        if self.params.query_shift || (fixed && self.params.rectify) {
            self.solve(&tasks.shift_queries(), observer).await
        } else {
            self.solve(tasks, observer).await
        }
    }
}

/// The mean of the support rows of each class, `[B, K, D]`.
pub(crate) fn support_means(tasks: &Tasks) -> Tensor<3> {
    let [b, _, d] = tasks.x.dims();
    let support = tasks.x.clone().slice([0..b, 0..tasks.support, 0..d]);
    means(&support, &Members::Hard(&tasks.labels), tasks.classes)
}

fn assignments(solution: Solution, tasks: &Tasks, lambda: f32) -> Assignments {
    let Solution { state, inner, outer } = solution;
    let device = state.label.device();
    Assignments {
        z: state.z.unwrap_or_else(|| one_hot(&state.label, tasks.classes)),
        label: state.label,
        prototypes: state.prototypes,
        inner_iterations: inner,
        outer_iterations: host_counts(&outer, &device),
        energy: relaxed(&state.terms, lambda),
        support: tasks.support,
    }
}

fn host_counts(counts: &[usize], device: &burn::tensor::Device) -> Tensor<1, Int> {
    readback::indices(counts.iter().map(|c| *c as i32).collect(), [counts.len()], device)
}

/// R `[B]` from entropy, unary and pairwise terms `[B, 3]`.
pub(super) fn relaxed(terms: &Tensor<2>, lambda: f32) -> Tensor<1> {
    let [b, _] = terms.dims();
    let linear = terms.clone().slice([0..b, 0..2]).sum_dim(1);
    (linear - terms.clone().slice([0..b, 2..3]).mul_scalar(0.5 * lambda)).squeeze_dim(1)
}
