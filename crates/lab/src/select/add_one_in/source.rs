//! Where the pool comes from.

use super::config::{Config, JudgeKind, QualitySource, field};
use super::transcript;
use crate::{Context, Error, FeatureInput};
use burn::tensor::{Tensor, TensorData};
use lowshot_core::Rng;
use lowshot_core::rng::fnv1a;
use lowshot_core::select::add_one_in::{Asked, Sample, toy_pool};
use lowshot_core::select::{Distance, Points, QualityPool, percentiles};
use lowshot_data::Features;
use lowshot_protocol::NoteLevel;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Columns of the vectors that stand in for embeddings of texts.
const HASHED: usize = 64;

/// What is chosen from in one trial.
#[derive(Clone)]
pub struct Pool {
    /// Positions and qualities.
    pub pool: QualityPool,
    /// Share of the pool that is worse.
    pub percentile: Vec<f64>,
    /// Labels or clusters.
    pub labels: Option<Vec<i64>>,
    /// The positions on the device, `[1, N, D]`; of length 1 for the cosine distance.
    pub x: Tensor<3>,
}

/// The pool of every trial, or a generator of them, and what else was given.
pub struct Source {
    given: Option<Rc<Pool>>,
    distance: Distance,
    /// Texts of the rows.
    pub samples: Vec<Sample>,
    /// Lines of the samples as they were given.
    pub lines: Vec<String>,
    /// Recorded answers by trial.
    pub transcript: BTreeMap<u64, Vec<Asked>>,
}

#[derive(Deserialize)]
struct Line {
    instruction: String,
    #[serde(default)]
    input: String,
    #[serde(alias = "response")]
    output: String,
    quality: Option<f64>,
}

impl Source {
    /// Reads the inputs and checks the configuration against them.
    pub async fn open(config: &Config, cx: &mut Context) -> Result<Source, Error> {
        let mut source = Source {
            given: None,
            distance: config.distance,
            samples: Vec::new(),
            lines: Vec::new(),
            transcript: BTreeMap::new(),
        };
        let mut own = None;
        if let Some((name, bytes)) = cx.bytes("samples").await? {
            own = source.read_samples(&name, &bytes)?;
        }
        match cx.bytes("transcript").await? {
            Some((name, bytes)) => source.transcript = transcript::read(&name, &bytes)?,
            None if config.judge == JudgeKind::Replay => {
                return Err(field("judge", "is replay", "another judge, or a `transcript` input"));
            }
            None => {}
        }
        if config.judge == JudgeKind::Chat {
            cx.platform()
                .chat_ready()
                .map_err(|problem| field("judge", "is chat", format!("another judge: {problem}")))?;
            if source.samples.is_empty() {
                return Err(field("judge", "is chat", "another judge, or a `samples` input to ask about"));
            }
        }
        let features = match cx.features("features").await? {
            Some(FeatureInput::Features(features)) => Some(features),
            _ => None,
        };
        if let Some(pool) = source.fixed(config, features, own, cx)? {
            config.check(pool.pool.rows())?;
            source.given = Some(Rc::new(pool));
        } else {
            config.check(toy_pool(&Rng::new(0))?.pool.rows())?;
        }
        let labelled = source.given.as_ref().is_none_or(|pool| pool.labels.is_some());
        if config.judge == JudgeKind::Loss && !labelled {
            return Err(field("judge", "is loss", "another judge, or features with labels"));
        }
        Ok(source)
    }

    /// True if every trial has its own points.
    pub fn is_generated(&self) -> bool {
        self.given.is_none()
    }

    /// The pool of a trial, which generated points take from its random numbers.
    pub fn pool(&self, rng: &Rng, cx: &Context) -> Result<Rc<Pool>, Error> {
        match &self.given {
            Some(pool) => Ok(pool.clone()),
            None => {
                let toy = toy_pool(rng)?;
                Ok(Rc::new(self.prepare(toy.pool, Some(toy.clusters), cx)))
            }
        }
    }

    fn read_samples(&mut self, name: &str, bytes: &[u8]) -> Result<Option<Vec<f64>>, Error> {
        let wrong =
            |problem: String| Error::Input { input: "samples".into(), origin: name.to_owned(), problem };
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".to_owned()))?;
        let mut quality = Vec::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let expected = "wanted {\"instruction\": …, \"input\": …, \"output\": …, \"quality\": …}, a JSON object a \
                            line; input and quality are optional";
            let read: Line =
                serde_json::from_str(line).map_err(|e| wrong(format!("line {}: {e}; {expected}", at + 1)))?;
            quality.extend(read.quality);
            let Line { instruction, input, output: response, .. } = read;
            self.samples.push(Sample { instruction, input, response });
            self.lines.push(line.to_owned());
        }
        if self.samples.is_empty() {
            return Err(wrong("has no line".to_owned()));
        }
        match quality.len() {
            0 => Ok(None),
            count if count == self.samples.len() => Ok(Some(quality)),
            count => {
                let rows = self.samples.len();
                Err(wrong(format!(
                    "{count} of {rows} samples have a `quality`; give it to all of them or to none"
                )))
            }
        }
    }

    /// The one pool of all trials, if features or samples were given.
    fn fixed(
        &self,
        config: &Config,
        features: Option<Features>,
        own: Option<Vec<f64>>,
        cx: &Context,
    ) -> Result<Option<Pool>, Error> {
        let (points, labels, column) = match features {
            None if self.samples.is_empty() => {
                return match config.quality {
                    QualitySource::Auto => Ok(None),
                    _ => Err(field(
                        "quality",
                        "is not auto",
                        "auto, as generated points bring their own quality",
                    )),
                };
            }
            None => (hashed(&self.samples)?, None, None),
            Some(features) => {
                let (rows, origin) = (features.rows(), features.source().to_owned());
                let wrong = |problem: String| Error::Input { input: "features".into(), origin, problem };
                if !self.samples.is_empty() && self.samples.len() != rows {
                    let samples = self.samples.len();
                    return Err(wrong(format!(
                        "it has {rows} rows, but there are {samples} samples; give one row each"
                    )));
                }
                let labels = features.labels().map(<[i64]>::to_vec);
                let (mut dims, mut data) = (features.dims(), features.into_values());
                let mut column = None;
                if config.quality == QualitySource::LastColumn {
                    if dims < 2 {
                        return Err(wrong(
                            "it has one column only, which cannot be quality and position".to_owned(),
                        ));
                    }
                    column =
                        Some(data.chunks_exact(dims).map(|row| f64::from(row[dims - 1])).collect::<Vec<_>>());
                    data = data.chunks_exact(dims).flat_map(|row| &row[..dims - 1]).copied().collect();
                    dims -= 1;
                }
                (Points::new(data, dims)?, labels, column)
            }
        };
        if config.quality == QualitySource::LastColumn && column.is_none() {
            return Err(field(
                "quality",
                "is last-column",
                "auto or typicality, or give `features` with such a column",
            ));
        }
        let own = own.filter(|_| config.quality == QualitySource::Auto);
        let quality = match column.or(own) {
            Some(quality) => quality,
            None => {
                cx.note(
                    NoteLevel::Info,
                    "There is no quality with this pool. A row's typicality, the rank of its nearness to the mean of its \
                     class, stands in for it.",
                );
                typicality(&points, labels.as_deref())
            }
        };
        Ok(Some(self.prepare(QualityPool::new(points, quality)?, labels, cx)))
    }

    fn prepare(&self, pool: QualityPool, labels: Option<Vec<i64>>, cx: &Context) -> Pool {
        let (rows, dims) = (pool.rows(), pool.points().dims());
        let data = TensorData::new(pool.points().values().to_vec(), [1, rows, dims]);
        let mut x = Tensor::<3>::from_data(data, cx.device());
        if self.distance == Distance::Cosine {
            let length = x.clone().square().sum_dim(2).sqrt().clamp_min(1e-12);
            x = x / length;
        }
        Pool { percentile: percentiles(pool.quality()), pool, labels, x }
    }
}

/// The rank of each row's nearness to the mean of its class, as a share: the nearest row of all has the highest.
fn typicality(points: &Points, labels: Option<&[i64]>) -> Vec<f64> {
    let class = |row: usize| labels.and_then(|labels| labels.get(row)).copied().unwrap_or_default();
    let mut means: BTreeMap<i64, (Vec<f64>, f64)> = BTreeMap::new();
    for row in 0..points.rows() {
        let (sum, count) = means.entry(class(row)).or_insert_with(|| (vec![0.0; points.dims()], 0.0));
        sum.iter_mut().zip(points.row(row)).for_each(|(s, v)| *s += f64::from(*v));
        *count += 1.0;
    }
    let nearness = |row: usize| {
        let (sum, count) = &means[&class(row)];
        let square = |(v, s): (&f32, &f64)| (f64::from(*v) - s / count) * (f64::from(*v) - s / count);
        -points.row(row).iter().zip(sum).map(square).sum::<f64>()
    };
    percentiles(&(0..points.rows()).map(nearness).collect::<Vec<_>>())
}

/// Counts of the words of a sample in columns by their hash, as rows of length 1: crude, but enough to tell apart
/// what is about something else.
fn hashed(samples: &[Sample]) -> Result<Points, Error> {
    let mut values = Vec::with_capacity(samples.len() * HASHED);
    for sample in samples {
        let mut row = [0.0f32; HASHED];
        for text in [&sample.instruction, &sample.input, &sample.response] {
            for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
                row[fnv1a(word.to_lowercase().as_bytes()) as usize % HASHED] += 1.0;
            }
        }
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(1.0);
        values.extend(row.map(|v| v / length));
    }
    Ok(Points::new(values, HASHED)?)
}
