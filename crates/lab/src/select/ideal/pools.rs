//! Where pools come from.

use super::config::Config;
use crate::{Context, Error, FeatureInput};
use burn::tensor::Device;
use lowshot_core::Rng;
use lowshot_core::select::{Embeddings, GaussianClusters};
use lowshot_protocol::NoteLevel;

/// One in so many rows of small data is kept for testing.
const TEST_SHARE: usize = 5;

/// Pools of one experiment.
pub enum Pools {
    /// Drawn anew for each trial.
    Generated {
        /// The generator.
        make: GaussianClusters,
        /// Rows of a pool.
        pool: usize,
        /// Rows of a test set.
        test: usize,
    },
    /// Parts of a data set.
    Drawn {
        /// All rows.
        all: Box<Embeddings>,
        /// The rows that are used.
        usable: Vec<usize>,
        /// A label for each row of `all`.
        labels: Option<Vec<i64>>,
        /// Names of the labels 0, 1, …
        names: Vec<String>,
        /// Rows of a pool.
        pool: usize,
        /// Rows of a test set.
        test: usize,
    },
}

/// One pool with what is known about it.
pub struct Pool {
    /// The rows.
    pub rows: Embeddings,
    /// Their numbers in the data.
    pub ids: Vec<usize>,
    /// Their labels.
    pub labels: Option<Vec<i64>>,
    /// Other rows with their labels; none without labels.
    pub test: Option<(Embeddings, Vec<i64>)>,
}

impl Pools {
    /// Opens the data, and checks the configuration against it.
    pub async fn open(config: &Config, cx: &mut Context) -> Result<Pools, Error> {
        let features = match cx.features("features").await? {
            Some(FeatureInput::Features(features)) => features,
            Some(FeatureInput::Generator(_)) | None => {
                config.fits(config.pool)?;
                let make = GaussianClusters::default();
                return Ok(Pools::Generated { make, pool: config.pool, test: config.test });
            }
        };
        let (rows, dims, source) = (features.rows(), features.dims(), features.source().to_owned());
        let problem =
            |problem: String| Error::Input { input: "features".to_owned(), origin: source.clone(), problem };
        let labels = features.labels().map(<[i64]>::to_vec);
        let names = features.label_names().to_vec();
        if let Some(row) = features.data().chunks_exact(dims).position(|row| row.iter().all(|v| *v == 0.0)) {
            return Err(problem(format!(
                "row {row} is zero in every column, and cosine similarity needs a direction; remove that row"
            )));
        }
        let all = Embeddings::new(features.into_values(), rows, dims, cx.device())?;
        let usable = if config.deduplicate { all.distinct() } else { (0..rows).collect() };
        if usable.len() < rows {
            let text = format!("{} rows equal an earlier row and are left out", rows - usable.len());
            cx.note(NoteLevel::Info, text);
        }
        let spare = usable.len().saturating_sub(config.pool).max(usable.len() / TEST_SHARE);
        let test = if labels.is_some() { config.test.min(spare) } else { 0 };
        let pool = config.pool.min(usable.len() - test);
        if labels.is_none() {
            cx.note(
                NoteLevel::Info,
                "The data has no labels: influence is measured, accuracy and classes are not.",
            );
        }
        config.fits(pool)?;
        Ok(Pools::Drawn { all: Box::new(all), usable, labels, names, pool, test })
    }

    /// The pool of a trial, from `rng` alone. Rows keep the order of the data.
    pub fn draw(&self, rng: &Rng, device: &Device) -> Result<Pool, Error> {
        match self {
            Pools::Generated { make, pool, test } => {
                let (data, mut labels) = make.draw(pool + test, rng)?;
                let all = Embeddings::new(data, pool + test, make.dims, device)?;
                let rest: Vec<usize> = (*pool..pool + test).collect();
                let test = (all.subset(&rest)?, labels.split_off(*pool));
                let ids: Vec<usize> = (0..*pool).collect();
                Ok(Pool { rows: all.subset(&ids)?, ids, labels: Some(labels), test: Some(test) })
            }
            Pools::Drawn { all, usable, labels, pool, test, .. } => {
                let mut order = rng.split("rows").sample(usable.len(), pool + test);
                let mut rest = order.split_off(*pool);
                order.sort_unstable();
                rest.sort_unstable();
                let name =
                    |places: Vec<usize>| -> Vec<usize> { places.into_iter().map(|at| usable[at]).collect() };
                let (ids, rest) = (name(order), name(rest));
                let of = |ids: &[usize]| -> Option<Vec<i64>> {
                    labels.as_ref().map(|labels| ids.iter().map(|id| labels[*id]).collect())
                };
                let test = match of(&rest) {
                    Some(labels) if !rest.is_empty() => Some((all.subset(&rest)?, labels)),
                    _ => None,
                };
                Ok(Pool { rows: all.subset(&ids)?, labels: of(&ids), ids, test })
            }
        }
    }

    /// What to call a label.
    pub fn label_name(&self, label: i64) -> String {
        match self {
            Pools::Generated { .. } => format!("cluster {label}"),
            Pools::Drawn { names, .. } => {
                let name = usize::try_from(label).ok().and_then(|at| names.get(at));
                name.cloned().unwrap_or_else(|| label.to_string())
            }
        }
    }

    /// Rows of a pool.
    pub fn size(&self) -> usize {
        match self {
            Pools::Generated { pool, .. } | Pools::Drawn { pool, .. } => *pool,
        }
    }
}

impl Pool {
    /// The classes of the pool, ascending.
    pub fn classes(&self) -> Vec<i64> {
        let mut classes = self.labels.clone().unwrap_or_default();
        classes.sort_unstable();
        classes.dedup();
        classes
    }
}
