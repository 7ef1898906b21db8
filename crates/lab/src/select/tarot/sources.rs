//! Where candidates and targets come from.

use super::config::{Config, field_error};
use crate::{Context, Error, FeatureInput};
use lowshot_core::Rng;
use lowshot_core::random_projection::SignProjection;
use lowshot_core::rng::fnv1a;
use lowshot_core::select::TargetMixture;
use lowshot_data::Features;
use lowshot_protocol::NoteLevel;
use lowshot_protocol::schema::FieldError;
use std::collections::BTreeMap;

/// A class may give one in so many of its rows as targets.
const KEPT: usize = 2;

/// Data of one experiment.
pub enum Source {
    /// Drawn anew for each trial.
    Generated(TargetMixture, usize, usize),
    /// Candidates, with targets of their own or from their classes.
    Given(Box<Given>),
}

/// Rows from files or bundled sets, projected.
pub struct Given {
    dims: usize,
    data: Vec<f32>,
    /// Rows that are used: without later duplicates.
    usable: Vec<usize>,
    /// A class for each row, if there are labels.
    classes: Option<Vec<u32>>,
    names: Vec<String>,
    /// Target rows, with their classes.
    targets: Option<(Vec<f32>, Option<Vec<u32>>)>,
    shares: Vec<f64>,
    count: usize,
    pool: usize,
}

/// The data of one trial.
pub struct Data {
    /// Values in a row.
    pub dims: usize,
    /// Candidates, row-major.
    pub candidates: Vec<f32>,
    /// Their numbers in the input.
    pub ids: Vec<usize>,
    /// Targets, row-major.
    pub targets: Vec<f32>,
    /// Classes of candidates and targets, if they are known.
    pub classes: Option<(Vec<u32>, Vec<u32>)>,
    /// Rows of the input that became targets.
    pub target_ids: Vec<usize>,
}

impl Source {
    /// Opens the inputs, and checks the configuration against them.
    pub async fn open(config: &Config, cx: &mut Context) -> Result<Source, Error> {
        let shares = config.target_shares()?;
        let targets = match cx.features("targets").await? {
            Some(FeatureInput::Features(features)) => Some(features),
            Some(FeatureInput::Generator(_)) | None => None,
        };
        let features = match cx.features("features").await? {
            Some(FeatureInput::Features(features)) => features,
            Some(FeatureInput::Generator(_)) | None => {
                if let Some(targets) = targets {
                    let problem = "targets need candidates of the same kind: give the input `features`, too";
                    return Err(problem_of("targets", &targets, problem.to_owned()));
                }
                let (pool, count) = (config.generated(), config.targets);
                config.fits(pool, count)?;
                return Ok(Source::Generated(config.mixture()?, pool, count));
            }
        };
        let given = Given::new(config, features, targets, shares, cx).await?;
        let (candidates, count) = given.sizes();
        config.fits(candidates, count)?;
        Ok(Source::Given(Box::new(given)))
    }

    /// The data of a trial, from `rng` alone.
    pub fn draw(&self, rng: &Rng) -> Result<Data, Error> {
        match self {
            Source::Generated(make, pool, count) => {
                let [candidates, targets] = make.draw(*pool, *count, rng).map_err(field_error)?;
                let class = |of: Vec<i64>| of.into_iter().map(|cluster| cluster as u32).collect();
                Ok(Data {
                    dims: make.dims,
                    candidates: candidates.rows,
                    ids: (0..*pool).collect(),
                    targets: targets.rows,
                    classes: Some((class(candidates.clusters), class(targets.clusters))),
                    target_ids: Vec::new(),
                })
            }
            Source::Given(given) => given.draw(rng),
        }
    }

    /// Name of a class.
    pub fn class_name(&self, class: u32) -> String {
        match self {
            Source::Generated(..) => format!("cluster {class}"),
            Source::Given(given) => given.names.get(class as usize).cloned().unwrap_or_default(),
        }
    }

    /// Values in a row, candidates and targets of a trial.
    pub fn sizes(&self) -> (usize, usize, usize) {
        match self {
            Source::Generated(make, pool, count) => (make.dims, *pool, *count),
            Source::Given(given) => {
                let (candidates, targets) = given.sizes();
                (given.dims, candidates, targets)
            }
        }
    }
}

impl Given {
    async fn new(
        config: &Config,
        features: Features,
        targets: Option<Features>,
        shares: Vec<f64>,
        cx: &mut Context,
    ) -> Result<Given, Error> {
        let (rows, dims) = (features.rows(), features.dims());
        if let Some(targets) = &targets
            && targets.dims() != dims
        {
            let problem = format!(
                "has {} columns, but the candidates have {dims}: both must be made alike",
                targets.dims()
            );
            return Err(problem_of("targets", targets, problem));
        }
        let mut names = Names::default();
        let classes = names.classes_of(&features);
        let target_classes = targets.as_ref().and_then(|targets| names.classes_of(targets));
        if classes.is_none() && targets.is_none() {
            let problem =
                "has no labels, so no targets can be drawn from its classes: give the input `targets`";
            return Err(problem_of("features", &features, problem.to_owned()));
        }
        let (kinds, origin) = (names.known.len(), features.source().to_owned());
        let usable = if config.deduplicate { distinct(features.data(), dims) } else { (0..rows).collect() };
        if usable.len() < rows {
            let text = format!("{} rows equal an earlier row and are left out", rows - usable.len());
            cx.note(NoteLevel::Info, text);
        }
        let projection = SignProjection { seed: cx.rng("projection").bits(), out: config.project };
        let project = config.project > 0 && config.project < dims;
        let device = cx.device().clone();
        let mut data = features.into_values();
        let mut given = targets.map(Features::into_values);
        if project {
            data = projection.apply(data, dims, &device).await?;
            if let Some(targets) = &mut given {
                *targets = projection.apply(std::mem::take(targets), dims, &device).await?;
            }
            let text = format!("{dims} columns are projected to {} by random signs", config.project);
            cx.note(NoteLevel::Info, text);
        }
        let dims = if project { config.project } else { dims };
        let found = Given {
            dims,
            data,
            usable,
            classes,
            names: names.list,
            targets: given.map(|rows| (rows, target_classes)),
            shares,
            count: config.targets,
            pool: config.pool,
        };
        if found.targets.is_none() {
            if found.shares.len() > kinds {
                let expected = format!("at most {kinds} shares, as {origin} has that many classes");
                return Err(field("shares", format!("is `{}`", config.shares), expected));
            }
            // Whatever classes are drawn: the smallest must be able to serve the largest share.
            let mut sizes = vec![0usize; kinds];
            found
                .usable
                .iter()
                .filter_map(|row| found.class(*row))
                .for_each(|class| sizes[class as usize] += 1);
            let least = sizes.iter().copied().min().unwrap_or(0) / KEPT;
            let largest = found.shares.iter().fold(0.0f64, |top, share| top.max(*share));
            let most = (least as f64 / largest) as usize;
            if found.counts().iter().any(|count| *count > least) {
                let expected = format!(
                    "at most {most}: the smallest class of {origin} has {} rows, and half of them stay candidates",
                    sizes.iter().min().unwrap_or(&0)
                );
                return Err(field("targets", format!("is {}", config.targets), expected));
            }
        }
        Ok(found)
    }

    fn class(&self, row: usize) -> Option<u32> {
        self.classes.as_ref()?.get(row).copied()
    }

    /// Targets of each share.
    fn counts(&self) -> Vec<usize> {
        let mut sum = 0.0;
        let mut before = 0;
        let mut counts = Vec::with_capacity(self.shares.len());
        for (at, share) in self.shares.iter().enumerate() {
            sum += share;
            let last = at + 1 == self.shares.len();
            let upto = if last { self.count } else { (sum * self.count as f64).round() as usize };
            counts.push(upto.saturating_sub(before));
            before = upto.max(before);
        }
        counts
    }

    /// Candidates and targets of a trial.
    fn sizes(&self) -> (usize, usize) {
        let (targets, left) = match &self.targets {
            Some((rows, _)) => (rows.len() / self.dims, self.usable.len()),
            None => (self.count, self.usable.len().saturating_sub(self.count)),
        };
        (if self.pool == 0 { left } else { self.pool.min(left) }, targets)
    }

    fn rows(&self, of: &[usize]) -> Vec<f32> {
        of.iter().flat_map(|row| &self.data[row * self.dims..(row + 1) * self.dims]).copied().collect()
    }

    fn draw(&self, rng: &Rng) -> Result<Data, Error> {
        let mut taken = vec![false; self.data.len() / self.dims];
        let mut target_ids = Vec::new();
        if self.targets.is_none() {
            let kinds = rng.split("classes").sample(self.names.len(), self.shares.len());
            let rng = rng.split("targets");
            for (place, (kind, count)) in kinds.into_iter().zip(self.counts()).enumerate() {
                let members: Vec<usize> =
                    self.usable.iter().copied().filter(|row| self.class(*row) == Some(kind as u32)).collect();
                for at in rng.at(place as u64).sample(members.len(), count) {
                    taken[members[at]] = true;
                    target_ids.push(members[at]);
                }
            }
        }
        let left: Vec<usize> = self.usable.iter().copied().filter(|row| !taken[*row]).collect();
        let (count, _) = self.sizes();
        let mut ids = left;
        if count < ids.len() {
            let mut places = rng.split("pool").sample(ids.len(), count);
            places.sort_unstable();
            ids = places.into_iter().map(|at| ids[at]).collect();
        }
        let of = |rows: &[usize]| -> Option<Vec<u32>> { rows.iter().map(|row| self.class(*row)).collect() };
        let (targets, target_classes) = match &self.targets {
            Some((rows, classes)) => (rows.clone(), classes.clone()),
            None => (self.rows(&target_ids), of(&target_ids)),
        };
        Ok(Data {
            dims: self.dims,
            candidates: self.rows(&ids),
            classes: of(&ids).zip(target_classes),
            ids,
            targets,
            target_ids,
        })
    }
}

/// Classes by name, so that two files agree on them.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, u32>,
    list: Vec<String>,
}

impl Names {
    fn classes_of(&mut self, features: &Features) -> Option<Vec<u32>> {
        let labels = features.labels()?;
        let class = |label: &i64| {
            let name = features.label_name(*label);
            *self.known.entry(name).or_insert_with_key(|name| {
                self.list.push(name.clone());
                self.list.len() as u32 - 1
            })
        };
        Some(labels.iter().map(class).collect())
    }
}

/// The first of each group of equal rows, ascending.
fn distinct(data: &[f32], dims: usize) -> Vec<usize> {
    let mut seen: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut kept = Vec::new();
    let mut bytes = Vec::with_capacity(4 * dims);
    for (at, row) in data.chunks_exact(dims).enumerate() {
        bytes.clear();
        row.iter().for_each(|v| bytes.extend((v + 0.0).to_le_bytes()));
        let alike = seen.entry(fnv1a(&bytes)).or_default();
        if alike.iter().all(|other| &data[other * dims..(other + 1) * dims] != row) {
            alike.push(at);
            kept.push(at);
        }
    }
    kept
}

fn field(field: &str, problem: String, expected: String) -> Error {
    FieldError { field: field.to_owned(), problem, expected }.into()
}

fn problem_of(input: &str, features: &Features, problem: String) -> Error {
    Error::Input { input: input.to_owned(), origin: features.source().to_owned(), problem }
}
