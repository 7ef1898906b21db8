//! Batches of few-shot tasks and what is done to their features before any method.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::readback;
use crate::sampling::Episode;

/// Added to the squared norm of a row before the square root: a zero row stays zero instead of becoming NaN.
const NORM_GUARD: f32 = 1e-14;

/// How features are normalised before a method sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Normalization {
    /// Nothing is done.
    Un,
    /// Each row is divided by its length.
    L2n,
    /// The mean feature of the base classes is subtracted, then each row is divided by its length.
    #[default]
    Cl2n,
}

/// Normalises the rows (last dimension, D values) of `x`.
///
/// Done once on a whole data set, or on a batch of tasks. A row of zeros stays zero (1e-14 is added to the squared
/// length).
///
/// # Errors
/// [`CoreError::MissingBaseMean`] for [`Normalization::Cl2n`] without `base_mean`; [`CoreError::Shape`] if
/// `base_mean` does not have D values.
pub fn normalize<const D: usize>(
    x: Tensor<D>,
    normalization: Normalization,
    base_mean: Option<&Tensor<1>>,
) -> Result<Tensor<D>, CoreError> {
    let centred = match (normalization, base_mean) {
        (Normalization::Un, _) => return Ok(x),
        (Normalization::L2n, _) => x,
        (Normalization::Cl2n, None) => return Err(CoreError::MissingBaseMean),
        (Normalization::Cl2n, Some(mean)) => {
            let dims = x.dims();
            let dim = dims[D - 1];
            if mean.dims() != [dim] {
                let expected = format!("the features have {dim} dimensions");
                return Err(CoreError::Shape { what: "base_mean", found: mean.dims().to_vec(), expected });
            }
            let mut shape = [1; D];
            shape[D - 1] = dim;
            x - mean.clone().reshape(shape)
        }
    };
    let norm = centred.clone().square().sum_dim(D - 1).add_scalar(NORM_GUARD).sqrt();
    Ok(centred / norm)
}

/// A batch of few-shot tasks of one size: the same number of rows, support rows and classes.
#[derive(Clone, Debug)]
pub struct Tasks {
    /// Features `[B, N, D]`; the first `support` rows of a task are its support set, the others its queries.
    pub x: Tensor<3>,
    /// Labels of the support rows `[B, support]`, in `0..classes`.
    pub labels: Tensor<2, Int>,
    /// Number of classes K.
    pub classes: usize,
    /// Number of support rows.
    pub support: usize,
}

impl Tasks {
    /// A batch of tasks; shapes are checked here, values by [`Tasks::validate`].
    ///
    /// # Errors
    /// [`CoreError::Shape`] if the batch sizes differ, a task has no query, or a dimension is 0;
    /// [`CoreError::OutOfRange`] if there are fewer than 2 classes or fewer support rows than classes.
    pub fn new(x: Tensor<3>, labels: Tensor<2, Int>, classes: usize) -> Result<Self, CoreError> {
        let [b, n, d] = x.dims();
        let [labelled, support] = labels.dims();
        if b == 0 || d == 0 {
            let expected = "needs at least one task and one dimension".to_string();
            return Err(CoreError::Shape { what: "x", found: vec![b, n, d], expected });
        }
        if labelled != b {
            let expected = format!("x has {b} tasks");
            return Err(CoreError::Shape { what: "labels", found: vec![labelled, support], expected });
        }
        if support >= n {
            let expected = format!("x has {n} rows a task, and at least one must be a query");
            return Err(CoreError::Shape { what: "labels", found: vec![labelled, support], expected });
        }
        if classes < 2 {
            return Err(CoreError::range("ways", classes, "at least 2"));
        }
        if support < classes {
            let range = format!("at least {classes}, one for each class");
            return Err(CoreError::range("support rows", support, range));
        }
        Ok(Self { x, labels: readback::as_i32(labels), classes, support })
    }

    /// The tasks that `episodes` describe, as rows of `features` `[rows, D]`, gathered on the device.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if the episodes differ in size (see [`group_by_size`]) or their labels in number;
    /// [`CoreError::OutOfRange`] for a row index outside of `features`; [`CoreError::Label`] and
    /// [`CoreError::NoSupport`] for labels that are not `0..K` with every class present.
    pub fn from_episodes(features: &Tensor<2>, episodes: &[Episode]) -> Result<Self, CoreError> {
        let [available, dim] = features.dims();
        let size = |e: &Episode| (e.support.len(), e.query.len(), e.ways());
        let Some(first) = episodes.first() else {
            return Err(CoreError::range("episodes", 0, "at least 1"));
        };
        let (support, query, classes) = size(first);
        let (mut rows, mut labels) = (vec![], vec![]);
        for (task, episode) in episodes.iter().enumerate() {
            let found = vec![episode.support.len(), episode.query.len(), episode.ways()];
            if size(episode) != (support, query, classes) {
                let expected = format!(
                    "the first of its batch has [{support}, {query}, {classes}] support rows, queries and classes"
                );
                return Err(CoreError::Shape { what: "an episode", found, expected });
            }
            if episode.support_labels.len() != support {
                let found = vec![episode.support_labels.len()];
                let expected = format!("the episode has {support} support rows");
                return Err(CoreError::Shape { what: "support_labels", found, expected });
            }
            check_labels(task, &episode.support_labels, classes)?;
            for row in episode.support.iter().chain(&episode.query) {
                if *row >= available || *row > i32::MAX as usize {
                    let range = format!("below {available}, the number of rows of the features");
                    return Err(CoreError::range("row index of an episode", row, range));
                }
                rows.push(*row as i32);
            }
            labels.extend(episode.support_labels.iter().map(|l| *l as i32));
        }
        let (b, n, device) = (episodes.len(), support + query, features.device());
        let x = features.clone().select(0, readback::indices(rows, [b * n], &device)).reshape([b, n, dim]);
        Self::new(x, readback::indices(labels, [b, support], &device), classes)
    }

    /// Checks the labels: in range, and every class supported. Reads `B · support` labels back.
    ///
    /// Features that are not finite are found by the methods themselves, in the energies that they read anyway.
    ///
    /// # Errors
    /// [`CoreError::Label`], [`CoreError::NoSupport`].
    pub async fn validate(&self) -> Result<(), CoreError> {
        let labels = readback::integers("support labels", self.labels.clone()).await?;
        for (task, labels) in labels.chunks(self.support).enumerate() {
            check_labels(task, labels, self.classes)?;
        }
        Ok(())
    }

    /// Number of tasks B.
    pub fn count(&self) -> usize {
        self.x.dims()[0]
    }

    /// Number of rows N of a task, support and queries.
    pub fn rows(&self) -> usize {
        self.x.dims()[1]
    }

    /// The tasks with their queries moved by η = mean of the support rows − mean of the query rows.
    ///
    /// This removes the difference of the means of the two sets; rows are not normalised again.
    pub fn shift_queries(&self) -> Self {
        let [b, n, d] = self.x.dims();
        let support = self.x.clone().slice([0..b, 0..self.support, 0..d]);
        let query = self.x.clone().slice([0..b, self.support..n, 0..d]);
        let eta = support.clone().mean_dim(1) - query.clone().mean_dim(1);
        Self { x: Tensor::cat(vec![support, query + eta], 1), ..self.clone() }
    }
}

/// Places in `episodes` that can be one batch: equal numbers of support rows, queries and classes.
pub fn group_by_size(episodes: &[Episode]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
    for (place, episode) in episodes.iter().enumerate() {
        groups.entry((episode.support.len(), episode.query.len(), episode.ways())).or_default().push(place);
    }
    groups.into_values().collect()
}

fn check_labels(task: usize, labels: &[i64], classes: usize) -> Result<(), CoreError> {
    // A set, not a table of `classes` entries: a label from a file may be anything.
    let mut present = BTreeSet::new();
    for (position, label) in labels.iter().enumerate() {
        match usize::try_from(*label) {
            Ok(class) if class < classes => present.insert(class),
            _ => return Err(CoreError::Label { task, position, label: *label, classes }),
        };
    }
    match (0..classes).zip(&present).find(|(class, found)| class != *found) {
        Some((class, _)) => Err(CoreError::NoSupport { task, class }),
        None if present.len() < classes => Err(CoreError::NoSupport { task, class: present.len() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use futures::executor::block_on;

    use super::*;

    fn features() -> Tensor<2> {
        // Row r is (r, 10 r).
        let rows: Vec<f32> = (0..8).flat_map(|r| [r as f32, 10.0 * r as f32]).collect();
        Tensor::from_data(TensorData::new(rows, [8, 2]), &Device::flex())
    }

    fn episode(support: &[usize], support_labels: &[i64], query: &[usize]) -> Episode {
        let query_labels = vec![0; query.len()];
        let (support, support_labels) = (support.to_vec(), support_labels.to_vec());
        Episode { support, support_labels, query: query.to_vec(), query_labels }
    }

    #[test]
    fn episodes_become_rows_support_first() {
        let episodes = [episode(&[3, 1], &[1, 0], &[7, 7, 0]), episode(&[0, 2], &[0, 1], &[4, 5, 6])];
        let tasks = Tasks::from_episodes(&features(), &episodes).unwrap();
        assert_eq!((tasks.count(), tasks.rows(), tasks.support, tasks.classes), (2, 5, 2, 2));
        let first: Vec<f32> =
            block_on(readback::floats("x", tasks.x.clone())).unwrap().chunks(2).map(|r| r[0]).collect();
        assert_eq!(first, [3.0, 1.0, 7.0, 7.0, 0.0, 0.0, 2.0, 4.0, 5.0, 6.0]);
        block_on(tasks.validate()).unwrap();
    }

    #[test]
    fn wrong_episodes_say_what_is_wrong() {
        let x = features();
        let good = episode(&[0, 1], &[0, 1], &[2]);
        let error = |episodes: &[Episode]| Tasks::from_episodes(&x, episodes).unwrap_err();
        assert!(matches!(error(&[]), CoreError::OutOfRange { field: "episodes", .. }));
        let longer = episode(&[0, 1], &[0, 1], &[2, 3]);
        assert!(matches!(error(&[good.clone(), longer]), CoreError::Shape { what: "an episode", .. }));
        assert!(matches!(error(&[episode(&[0, 8], &[0, 1], &[2])]), CoreError::OutOfRange { .. }));
        assert!(matches!(error(&[episode(&[0, 1], &[0], &[2])]), CoreError::Shape { .. }));
        assert!(matches!(error(&[episode(&[0, 1], &[0, -1], &[2])]), CoreError::Label { label: -1, .. }));
        assert!(matches!(error(&[episode(&[0, 1], &[0, 0], &[2])]), CoreError::OutOfRange { .. }));
        assert!(matches!(error(&[episode(&[0, 1], &[0, 2], &[2])]), CoreError::NoSupport { class: 1, .. }));
        assert!(matches!(error(&[episode(&[0, 1], &[1, 1], &[2])]), CoreError::NoSupport { class: 0, .. }));
        let huge = episode(&[0, 1], &[0, i64::MAX], &[2]);
        assert!(matches!(error(&[huge]), CoreError::NoSupport { .. }));
        assert!(matches!(error(&[episode(&[0, 1], &[0, 1], &[])]), CoreError::Shape { .. }));
    }

    #[test]
    fn groups_hold_episodes_of_one_size() {
        let a = episode(&[0, 1], &[0, 1], &[2]);
        let b = episode(&[0, 1], &[0, 1], &[2, 3]);
        assert_eq!(group_by_size(&[a.clone(), b.clone(), a, b]), [vec![0, 2], vec![1, 3]]);
        assert!(group_by_size(&[]).is_empty());
    }

    #[test]
    fn the_shift_makes_the_means_equal() {
        let tasks = Tasks::from_episodes(&features(), &[episode(&[0, 1], &[0, 1], &[4, 5, 6])]).unwrap();
        let x = block_on(readback::floats("x", tasks.shift_queries().x)).unwrap();
        assert_eq!(x, [0.0, 0.0, 1.0, 10.0, -0.5, -5.0, 0.5, 5.0, 1.5, 15.0]);
    }

    #[test]
    fn normalization_needs_a_fitting_mean_for_cl2n_only() {
        let x = features();
        let error = normalize(x.clone(), Normalization::Cl2n, None).unwrap_err();
        assert!(matches!(error, CoreError::MissingBaseMean));
        let three = Tensor::<1>::zeros([3], &x.device());
        let error = normalize(x.clone(), Normalization::Cl2n, Some(&three)).unwrap_err();
        assert!(matches!(error, CoreError::Shape { what: "base_mean", .. }));
        let rows = block_on(readback::floats("", normalize(x, Normalization::L2n, None).unwrap())).unwrap();
        assert_eq!(rows[..2], [0.0, 0.0]);
        assert!(rows[2..].chunks(2).all(|r| (r[0] * r[0] + r[1] * r[1] - 1.0).abs() < 1e-6));
    }
}
