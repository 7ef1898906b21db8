//! Where the tasks come from: drawn from features, given in a file, or generated.

use super::config::{Config, Spread};
use crate::{Context, Error, FeatureInput};
use burn::tensor::{Device, Int, Tensor, TensorData};
use lowshot_core::fewshot::{Normalization, Tasks, normalize};
use lowshot_core::rng::Rng;
use lowshot_core::sampling::{Episode, TaskSampler};
use lowshot_core::synthetic::SyntheticTasks;
use lowshot_data::Features;
use lowshot_protocol::NoteLevel;

/// Features on the device, normalised.
pub struct Space {
    /// `[rows, dims]`.
    pub x: Tensor<2>,
    /// Label of each row that tasks may use.
    pub labels: Vec<i64>,
    /// Which rows these are.
    pub rows: Vec<usize>,
}

/// The tasks of a run; task `i` depends on the seed and `i` only.
pub enum TaskSource {
    /// Drawn from labelled features.
    Drawn(Box<Space>, Box<TaskSampler>, Rng),
    /// Given in a file.
    Given(Box<Space>, Vec<Episode>, Vec<Vec<i64>>),
    /// Generated.
    Synthetic(Box<Config>, Spread, Rng),
}

/// One task on the host.
pub struct HostTask {
    /// Number among all tasks.
    pub index: u64,
    /// Row numbers and class numbers; of generated tasks, rows count through all tasks.
    pub episode: Episode,
    /// The label of each class number.
    pub classes: Vec<i64>,
    /// Rows of generated tasks.
    rows: Option<Vec<f32>>,
}

impl HostTask {
    /// The label of each query as the tasks' author writes it.
    pub fn named(&self, class: i64) -> i64 {
        usize::try_from(class).ok().and_then(|c| self.classes.get(c)).copied().unwrap_or(class)
    }

    /// Rows of a generated task.
    pub fn generated(&self) -> Option<&[f32]> {
        self.rows.as_deref()
    }
}

/// Reads features and puts them on the device, normalised.
pub async fn space(features: Features, config: &Config, cx: &Context, input: &str) -> Result<Space, Error> {
    let labels = features.labels().map(<[i64]>::to_vec).ok_or_else(|| Error::Input {
        input: input.to_owned(),
        origin: features.source().to_owned(),
        problem: "it has no labels; few-shot tasks need an array `labels` with one class a row".to_owned(),
    })?;
    let x = tensor(features, config, cx)?;
    let rows = (0..labels.len()).collect();
    Ok(Space { x, labels, rows })
}

/// The features as a normalised tensor `[rows, dims]`.
pub fn tensor(features: Features, config: &Config, cx: &Context) -> Result<Tensor<2>, Error> {
    let device = cx.device();
    let (rows, dims) = (features.rows(), features.dims());
    let mean =
        features.base_mean().map(|m| Tensor::<1>::from_data(TensorData::new(m.to_vec(), [dims]), device));
    let x = Tensor::<2>::from_data(TensorData::new(features.into_values(), [rows, dims]), device);
    let kind = match (config.normalization, &mean) {
        (Normalization::Cl2n, None) => Normalization::L2n,
        (kind, _) => kind,
    };
    Ok(normalize(x, kind, mean.as_ref())?)
}

/// What is said when CL2N has no mean to subtract.
pub const NO_BASE_MEAN: &str = "normalization cl2n subtracts the mean of the base classes, but the features bring no \
                                `base_mean`; they are only divided by their length (l2n)";

impl TaskSource {
    /// Opens the tasks that inputs and configuration describe; also says how many there are.
    pub async fn open(config: &Config, cx: &mut Context) -> Result<(TaskSource, u64), Error> {
        let spread = config.spread()?;
        let given = cx.bytes("episodes").await?;
        match cx.features("features").await? {
            Some(FeatureInput::Features(features)) => {
                if config.normalization == Normalization::Cl2n && features.base_mean().is_none() {
                    cx.note(NoteLevel::Info, NO_BASE_MEAN);
                }
                let space = space(features, config, cx, "features").await?;
                if let Some((name, bytes)) = given {
                    let episodes = lowshot_data::read_episodes(&bytes, space.labels.len(), None)
                        .map_err(|e| Error::read("episodes", &name, &e))?;
                    let (episodes, classes): (Vec<_>, Vec<_>) = episodes.into_iter().map(numbered).unzip();
                    let total = episodes.len() as u64;
                    return Ok((TaskSource::Given(Box::new(space), episodes, classes), total));
                }
                if let Spread::Counts(_) = spread {
                    return Err(counts_need_generator());
                }
                let sampler = TaskSampler::new(&space.labels, config.spec()?)?;
                let rng = cx.rng("tasks");
                Ok((TaskSource::Drawn(Box::new(space), Box::new(sampler), rng), config.episodes as u64))
            }
            Some(FeatureInput::Generator(_)) | None => {
                if let Some((name, _)) = given {
                    return Err(Error::Input {
                        input: "episodes".to_owned(),
                        origin: name,
                        problem:
                            "it names rows of features, but builtin:synthetic has none; give `features` too"
                                .into(),
                    });
                }
                let rng = cx.rng("tasks");
                Ok((TaskSource::Synthetic(Box::new(config.clone()), spread, rng), config.episodes as u64))
            }
        }
    }

    /// Task number `index`.
    pub fn task(&self, index: u64) -> Result<HostTask, Error> {
        match self {
            TaskSource::Drawn(space, sampler, rng) => {
                let mut episode = sampler.task(rng, index)?;
                for row in episode.support.iter_mut().chain(&mut episode.query) {
                    *row = space.rows[*row];
                }
                let classes = (0..episode.ways() as i64).collect();
                Ok(HostTask { index, episode, classes, rows: None })
            }
            TaskSource::Given(_, episodes, classes) => {
                let at = index as usize;
                Ok(HostTask {
                    index,
                    episode: episodes[at].clone(),
                    classes: classes[at].clone(),
                    rows: None,
                })
            }
            TaskSource::Synthetic(config, spread, rng) => {
                let queries = match spread {
                    Spread::Counts(counts) => counts.clone(),
                    Spread::Drawn(_) => config.spec()?.query_counts(&mut rng.split("counts").at(index)),
                };
                let generator = SyntheticTasks { shots: config.shots, queries, ..SyntheticTasks::default() };
                let task = generator.task(rng, index)?;
                let support = task.support_labels.len();
                let rows = support + task.query_labels.len();
                let first = index as usize * rows;
                let episode = Episode {
                    support: (first..first + support).collect(),
                    support_labels: task.support_labels,
                    query: (first + support..first + rows).collect(),
                    query_labels: task.query_labels,
                };
                let classes = (0..config.ways as i64).collect();
                Ok(HostTask { index, episode, classes, rows: Some(task.rows) })
            }
        }
    }

    /// Tasks of one size as a batch on the device.
    pub fn batch(&self, tasks: &[&HostTask], device: &Device) -> Result<Tasks, Error> {
        match self {
            TaskSource::Drawn(space, ..) | TaskSource::Given(space, ..) => {
                let episodes: Vec<Episode> = tasks.iter().map(|t| t.episode.clone()).collect();
                Ok(Tasks::from_episodes(&space.x, &episodes)?)
            }
            TaskSource::Synthetic(config, ..) => {
                let support = config.ways * config.shots;
                let points = tasks.first().map_or(0, |t| t.episode.query.len()) + support;
                let rows: Vec<f32> =
                    tasks.iter().filter_map(|t| t.rows.as_deref()).flatten().copied().collect();
                let labels: Vec<i32> =
                    tasks.iter().flat_map(|t| &t.episode.support_labels).map(|label| *label as i32).collect();
                let dims = rows.len() / (tasks.len() * points).max(1);
                let x = Tensor::<3>::from_data(TensorData::new(rows, [tasks.len(), points, dims]), device);
                let labels =
                    Tensor::<2, Int>::from_data(TensorData::new(labels, [tasks.len(), support]), device);
                Ok(Tasks::new(x, labels, config.ways)?)
            }
        }
    }

    /// Number of feature values of a task, for the size of a batch.
    pub fn values(&self, task: &HostTask) -> usize {
        match self {
            TaskSource::Drawn(space, ..) | TaskSource::Given(space, ..) => {
                (task.episode.support.len() + task.episode.query.len()) * space.x.dims()[1]
            }
            TaskSource::Synthetic(..) => task.rows.as_ref().map_or(0, Vec::len),
        }
    }

    /// True if the tasks are generated, so that their rows are an artifact of the run.
    pub fn is_generated(&self) -> bool {
        matches!(self, TaskSource::Synthetic(..))
    }
}

/// A task of a file with its classes numbered `0..K` in the order of their labels, and the labels.
fn numbered(episode: lowshot_data::Episode) -> (Episode, Vec<i64>) {
    let classes = episode.classes();
    let number = |label: &i64| classes.binary_search(label).map_or(-1, |at| at as i64);
    let numbered = Episode {
        support_labels: episode.support_labels.iter().map(number).collect(),
        query_labels: episode.query_labels.iter().map(number).collect(),
        support: episode.support,
        query: episode.query,
    };
    (numbered, classes)
}

fn counts_need_generator() -> Error {
    lowshot_protocol::schema::FieldError {
        field: "imbalance".to_owned(),
        problem: "gives counts for each class".to_owned(),
        expected: "none or dirichlet:2; fixed counts work with builtin:synthetic or an `episodes` file"
            .to_owned(),
    }
    .into()
}
