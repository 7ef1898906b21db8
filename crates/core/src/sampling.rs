//! Few-shot tasks drawn from a labelled data set, each from its own index, so that shards of a run agree.

use serde::{Deserialize, Serialize};

use crate::{CoreError, Rng};

/// How the query rows of a task are spread over its classes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Imbalance {
    /// The same number of queries in every class.
    #[default]
    None,
    /// Class shares drawn from a symmetric Dirichlet distribution (companion protocol of the method: 2).
    Dirichlet {
        /// Concentration (> 0); small values give very uneven tasks.
        concentration: f64,
    },
}

/// The size of the tasks to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskSpec {
    /// Classes of a task (≥ 2).
    pub ways: usize,
    /// Support rows of each class (≥ 1).
    pub shots: usize,
    /// Query rows of each class on average (≥ 1): a task has `ways · queries` of them in all.
    pub queries: usize,
    /// How the query rows are spread over the classes.
    pub imbalance: Imbalance,
}

impl Default for TaskSpec {
    /// 5 ways, 1 shot, 15 queries of each class.
    fn default() -> Self {
        Self { ways: 5, shots: 1, queries: 15, imbalance: Imbalance::None }
    }
}

impl TaskSpec {
    /// Checks the ranges of the fields.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] that names the field.
    pub fn check(&self) -> Result<(), CoreError> {
        if self.ways < 2 {
            return Err(CoreError::range("ways", self.ways, "at least 2"));
        }
        if self.shots < 1 {
            return Err(CoreError::range("shots", self.shots, "at least 1"));
        }
        if self.queries < 1 {
            return Err(CoreError::range("queries", self.queries, "at least 1"));
        }
        match self.imbalance {
            Imbalance::Dirichlet { concentration } if !(concentration > 0.0 && concentration.is_finite()) => {
                Err(CoreError::range("imbalance", concentration, "a Dirichlet concentration above 0"))
            }
            _ => Ok(()),
        }
    }

    /// Query rows of each class of a task, `ways · queries` in all, drawn from `rng` if the task is imbalanced.
    ///
    /// Shares are rounded by the largest remainder: every share is rounded down, then the classes with the
    /// largest remainders (ties: the lower class) get one more, so that the sum is exact. A class may get none.
    pub fn query_counts(&self, rng: &mut Rng) -> Vec<usize> {
        match self.imbalance {
            Imbalance::None => vec![self.queries; self.ways],
            Imbalance::Dirichlet { concentration } => {
                round_shares(&rng.dirichlet(concentration, self.ways), self.ways * self.queries)
            }
        }
    }
}

/// Whole numbers in the proportion of `shares` (which sum to 1) whose sum is exactly `total`.
fn round_shares(shares: &[f64], total: usize) -> Vec<usize> {
    let exact: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    let mut counts: Vec<usize> =
        exact.iter().map(|value| (libm::floor(*value) as usize).min(total)).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    // Stable: equal remainders keep the order of the classes.
    order.sort_by(|a, b| {
        let remainder = |class: &usize| exact[*class] - libm::floor(exact[*class]);
        remainder(b).total_cmp(&remainder(a))
    });
    let missing = total.saturating_sub(counts.iter().sum());
    for class in order.into_iter().cycle().take(missing) {
        counts[class] += 1;
    }
    counts
}

/// One task as row indices of a data set; labels are the classes of the task, `0..ways`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// Rows of the support set.
    pub support: Vec<usize>,
    /// Class of each support row.
    pub support_labels: Vec<i64>,
    /// Rows of the query set.
    pub query: Vec<usize>,
    /// Class of each query row.
    pub query_labels: Vec<i64>,
}

impl Episode {
    /// Number of classes: one more than the largest support label (0 if there is none).
    pub fn ways(&self) -> usize {
        self.support_labels.iter().map(|l| usize::try_from(*l).map_or(0, |l| l + 1)).max().unwrap_or(0)
    }
}

/// Draws tasks from the labels of a data set.
///
/// Support and query rows are disjoint. (The companion repository's imbalanced protocol lets them coincide; here
/// they never do.)
#[derive(Clone, Debug)]
pub struct TaskSampler {
    spec: TaskSpec,
    classes: Vec<(i64, Vec<usize>)>,
}

impl TaskSampler {
    /// A sampler over the rows that `labels` describe, one label a row.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a bad `spec`; [`CoreError::TooFewClasses`] if the data has fewer classes
    /// than `ways`; [`CoreError::TooFewRows`] naming the first class that cannot give `shots + queries` rows (of
    /// an imbalanced task: `shots + 1`).
    pub fn new(labels: &[i64], spec: TaskSpec) -> Result<Self, CoreError> {
        spec.check()?;
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|row| labels[*row]);
        let mut classes: Vec<(i64, Vec<usize>)> = Vec::new();
        for row in order {
            match classes.last_mut() {
                Some((class, rows)) if *class == labels[row] => rows.push(row),
                _ => classes.push((labels[row], vec![row])),
            }
        }
        if classes.len() < spec.ways {
            return Err(CoreError::TooFewClasses { available: classes.len(), ways: spec.ways });
        }
        let query = if spec.imbalance == Imbalance::None { spec.queries } else { 1 };
        if let Some((class, rows)) = classes.iter().find(|(_, rows)| rows.len() < spec.shots + query) {
            let support = spec.shots;
            return Err(CoreError::TooFewRows { class: *class, available: rows.len(), support, query });
        }
        Ok(Self { spec, classes })
    }

    /// Number of classes of the data set.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// Task number `index`, drawn from `rng.split("episodes").at(index)` and nothing else.
    ///
    /// # Errors
    /// [`CoreError::TooFewRows`] if an imbalanced task needs more rows of a class than there are.
    pub fn task(&self, rng: &Rng, index: u64) -> Result<Episode, CoreError> {
        let TaskSpec { ways, shots, .. } = self.spec;
        let mut rng = rng.split("episodes").at(index);
        let chosen = rng.sample(self.classes.len(), ways);
        let counts = self.spec.query_counts(&mut rng);
        let mut episode =
            Episode { support: vec![], support_labels: vec![], query: vec![], query_labels: vec![] };
        for (label, (class, query)) in chosen.into_iter().zip(counts).enumerate() {
            let (class, rows) = &self.classes[class];
            if rows.len() < shots + query {
                let available = rows.len();
                return Err(CoreError::TooFewRows { class: *class, available, support: shots, query });
            }
            let picked = rng.sample(rows.len(), shots + query);
            for (place, row) in picked.into_iter().map(|row| rows[row]).enumerate() {
                let (to, labels) = if place < shots {
                    (&mut episode.support, &mut episode.support_labels)
                } else {
                    (&mut episode.query, &mut episode.query_labels)
                };
                to.push(row);
                labels.push(label as i64);
            }
        }
        Ok(episode)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Rng;

    fn data(per_class: &[usize]) -> Vec<i64> {
        // Interleaved, so that a class is not a run of rows.
        let longest = per_class.iter().copied().max().unwrap_or(0);
        (0..longest)
            .flat_map(|i| {
                per_class.iter().enumerate().filter(move |(_, n)| i < **n).map(|(c, _)| 10 + c as i64)
            })
            .collect()
    }

    #[test]
    fn balanced_tasks_have_their_counts_and_right_labels() {
        let labels = data(&[20, 25, 30, 20, 20, 40]);
        let sampler = TaskSampler::new(&labels, TaskSpec { shots: 3, ..Default::default() }).unwrap();
        let rng = Rng::new(1);
        for index in 0..50 {
            let task = sampler.task(&rng, index).unwrap();
            assert_eq!((task.support.len(), task.query.len()), (15, 75));
            for class in 0..5 {
                assert_eq!(task.support_labels.iter().filter(|l| **l == class).count(), 3);
                assert_eq!(task.query_labels.iter().filter(|l| **l == class).count(), 15);
                let of = |rows: &[usize], ls: &[i64]| -> Vec<i64> {
                    rows.iter().zip(ls).filter(|(_, l)| **l == class).map(|(r, _)| labels[*r]).collect()
                };
                let mut truth = of(&task.support, &task.support_labels);
                truth.extend(of(&task.query, &task.query_labels));
                truth.dedup();
                assert_eq!(truth.len(), 1, "all rows of a task's class are of one class of the data");
            }
            let mut rows = [task.support.clone(), task.query.clone()].concat();
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), 90, "support and query are disjoint");
        }
    }

    #[test]
    fn a_task_depends_on_its_index_only() {
        let labels = data(&[40; 8]);
        let sampler = TaskSampler::new(&labels, TaskSpec::default()).unwrap();
        let rng = Rng::new(9);
        let all: Vec<Episode> = (0..10).map(|i| sampler.task(&rng, i).unwrap()).collect();
        let mut used = rng.clone();
        used.bits();
        assert_eq!(sampler.task(&used, 7).unwrap(), all[7]);
        assert_ne!(all[6], all[7]);
    }

    #[test]
    fn imbalanced_tasks_sum_exactly() {
        let labels = data(&[100; 6]);
        let imbalance = Imbalance::Dirichlet { concentration: 2.0 };
        let sampler = TaskSampler::new(&labels, TaskSpec { imbalance, ..Default::default() }).unwrap();
        let rng = Rng::new(2);
        let mut spread = 0;
        for index in 0..200 {
            let task = sampler.task(&rng, index).unwrap();
            assert_eq!((task.support.len(), task.query.len()), (5, 75));
            spread = spread.max(task.query_labels.iter().filter(|l| **l == 0).count());
            assert!(task.query.iter().all(|row| !task.support.contains(row)));
        }
        assert!(spread > 30, "some task must be far from 15 queries a class: {spread}");
    }

    #[test]
    fn shortages_name_the_class() {
        let labels = data(&[20, 20, 10, 20, 20]);
        let error = TaskSampler::new(&labels, TaskSpec::default()).unwrap_err();
        assert!(matches!(error, CoreError::TooFewRows { class: 12, available: 10, support: 1, query: 15 }));
        let error = TaskSampler::new(&data(&[20; 4]), TaskSpec::default()).unwrap_err();
        assert!(matches!(error, CoreError::TooFewClasses { available: 4, ways: 5 }));
        assert!(matches!(
            TaskSampler::new(&[], TaskSpec::default()).unwrap_err(),
            CoreError::TooFewClasses { available: 0, .. }
        ));
        // Imbalanced: found when a task needs it.
        let imbalance = Imbalance::Dirichlet { concentration: 0.1 };
        let sampler =
            TaskSampler::new(&data(&[20; 5]), TaskSpec { imbalance, ..Default::default() }).unwrap();
        let found = (0..20).find_map(|i| sampler.task(&Rng::new(1), i).err());
        assert!(matches!(found, Some(CoreError::TooFewRows { available: 20, .. })));
    }

    #[test]
    fn bad_specs_name_the_field() {
        let spec = TaskSpec::default();
        let nan = Imbalance::Dirichlet { concentration: f64::NAN };
        for (bad, name) in [
            (TaskSpec { ways: 1, ..spec }, "ways"),
            (TaskSpec { shots: 0, ..spec }, "shots"),
            (TaskSpec { queries: 0, ..spec }, "queries"),
            (TaskSpec { imbalance: nan, ..spec }, "imbalance"),
        ] {
            let error = TaskSampler::new(&[0, 1], bad).unwrap_err();
            assert!(matches!(error, CoreError::OutOfRange { field, .. } if field == name), "{error}");
        }
    }

    proptest! {
        #[test]
        fn rounded_shares_sum_and_stay_within_one(seed: u64, total in 1usize..500, ways in 1usize..20) {
            let shares = Rng::new(seed).dirichlet(0.5, ways);
            let counts = round_shares(&shares, total);
            prop_assert_eq!(counts.iter().sum::<usize>(), total);
            for (share, count) in shares.iter().zip(&counts) {
                prop_assert!((share * total as f64 - *count as f64).abs() < 1.0 + 1e-9);
            }
        }
    }
}
