//! Few-shot tasks: the first one in pictures, then all of them in batches.

use super::config::{Config, Rival, field_error};
use super::outcome::{self, Record};
use super::pictures::{self, TaskPicture};
use super::tasks::{HostTask, TaskSource};
use super::tune;
use crate::{Context, Error};
use burn::tensor::Device;
use lowshot_core::fewshot::label_propagation::{LabelPropagation, LabelPropagationConfig};
use lowshot_core::fewshot::prototype_laplacian::PrototypeLaplacian;
use lowshot_core::fewshot::{Assignments, Tasks, TransductiveClassifier, group_by_size};
use lowshot_core::metrics::accuracy;
use lowshot_core::readback;
use lowshot_core::sampling::Episode;
use lowshot_protocol::Report;

/// Tasks of the largest batch; more do not make a processor or a GPU busier.
const BATCH_TASKS: usize = 2048;
/// Seconds a batch should take, so that a page stays alive and a stop is prompt.
const BATCH_SECONDS: f64 = 0.12;

/// The solver of one mode.
pub enum Solver {
    /// The method in one of its modes.
    Mode(PrototypeLaplacian),
    /// The baseline on the same graph.
    LabelPropagation(LabelPropagation),
}

impl Solver {
    /// The solver of a rival (or of the chosen mode) with a given λ.
    pub fn new(config: &Config, rival: Rival, lambda: f64) -> Result<Solver, Error> {
        match rival {
            Rival::Mode(mode) => {
                let params = config.few_shot(mode, lambda).check().map_err(field_error)?;
                Ok(Solver::Mode(PrototypeLaplacian::new(params)))
            }
            Rival::LabelPropagation => {
                let base = LabelPropagationConfig::default();
                let propagation =
                    LabelPropagationConfig { knn: config.knn, query_shift: config.query_shift, ..base };
                Ok(Solver::LabelPropagation(propagation.check().map_err(field_error)?))
            }
        }
    }

    async fn solve(&self, tasks: &Tasks) -> Result<Assignments, Error> {
        Ok(match self {
            Solver::Mode(solver) => solver.classify(tasks, &mut ()).await?,
            Solver::LabelPropagation(solver) => solver.classify(tasks, &mut ()).await?,
        })
    }
}

/// What a solver assigned to a batch.
pub struct Scored {
    found: Assignments,
    predicted: Vec<Vec<i64>>,
    /// Accuracy of every task.
    pub scores: Vec<f64>,
}

/// Solves a batch and judges every task of it.
pub async fn score(solver: &Solver, batch: &Tasks, tasks: &[&HostTask]) -> Result<Scored, Error> {
    let found = solver.solve(batch).await?;
    let predicted = found.query_labels().await?;
    let judge = |(labels, task): (&Vec<i64>, &&HostTask)| accuracy(labels, &task.episode.query_labels);
    let scores = predicted.iter().zip(tasks).map(judge).collect::<Result<Vec<f64>, _>>()?;
    Ok(Scored { found, predicted, scores })
}

/// Runs few-shot tasks.
pub async fn run(config: &Config, cx: &mut Context) -> Result<Report, Error> {
    // Wrong settings are told before anything is read.
    for rival in config.others().into_iter().chain([Rival::Mode(config.mode)]) {
        Solver::new(config, rival, config.fixed_lambda().unwrap_or(1.0))?;
    }
    let (mut source, total) = TaskSource::open(config, cx).await?;
    let tuned = tune::few_shot(config, &mut source, cx).await?;
    let lambda = tuned.as_ref().map(|t| t.lambda).or(config.fixed_lambda()).unwrap_or_default();
    let main = Solver::new(config, Rival::Mode(config.mode), lambda)?;
    let rivals = config.others();
    let others = rivals
        .iter()
        .map(|rival| Solver::new(config, *rival, lambda))
        .collect::<Result<Vec<Solver>, Error>>()?;
    let first = cx.shard().map_or(0, |shard| shard.range(total).start);
    if first < total {
        show(&main, &source, first, config.mode.has_laplacian() && lambda > 0.0, cx).await?;
    }
    let remaining = cx.remaining(total);
    let whole = cx.shard().map_or(total, |shard| {
        let range = shard.range(total);
        range.end - range.start
    });
    let mut done = whole - remaining.len() as u64;
    let mut tally = outcome::Tally::new(config, &rivals, cx.recorded()?.into_values());
    let mut size = 8;
    let mut at = 0;
    let mut drawn = f64::NEG_INFINITY;
    while at < remaining.len() {
        let start = cx.now();
        let chunk = &remaining[at..(at + size).min(remaining.len())];
        let tasks = chunk.iter().map(|index| source.task(*index)).collect::<Result<Vec<_>, Error>>()?;
        let values = tasks.iter().map(|task| source.values(task)).max().unwrap_or(1);
        let mut records = Vec::with_capacity(tasks.len());
        let episodes: Vec<Episode> = tasks.iter().map(|t| t.episode.clone()).collect();
        for group in group_by_size(&episodes) {
            let group: Vec<&HostTask> = group.into_iter().map(|place| &tasks[place]).collect();
            records.extend(solve_group(&main, &others, &source, &group, cx).await?);
        }
        records.sort_by_key(|(index, _)| *index);
        for (index, record) in records {
            cx.record(index, &record)?;
            tally.add(&record);
        }
        at += chunk.len();
        done += chunk.len() as u64;
        cx.progress(done, whole, "tasks");
        let now = cx.now();
        if now - drawn > 0.15 || at == remaining.len() || cx.stepping() {
            cx.view("accuracy", tally.bars());
            drawn = now;
        }
        let limit = (cx.batch_values() / values.max(1)).clamp(1, BATCH_TASKS);
        let factor = (BATCH_SECONDS / (now - start).max(1e-6)).clamp(0.5, 8.0);
        size = ((size as f64 * factor) as usize).clamp(1, limit);
        cx.tick().await?;
    }
    if remaining.is_empty() {
        cx.view("accuracy", tally.bars());
    }
    let mut report = outcome::report(config, &source, &rivals, lambda, tuned, cx)?;
    if rivals.iter().any(|rival| tally.loses_to(*rival)) {
        report.notes.push(
            "Here the chosen mode does not win. Clustering assumes about as many queries of each class; when they \
             are far from even, or classes do not form clusters, a simpler method is better."
                .to_owned(),
        );
    }
    Ok(report)
}

/// What a solver found for some tasks, on the host.
struct Solved {
    predicted: Vec<Vec<i64>>,
    scores: Vec<f64>,
    iterations: Vec<(usize, usize)>,
    classes: usize,
    z: Vec<f32>,
    prototypes: Vec<f32>,
}

async fn solve(
    solver: &Solver,
    source: &TaskSource,
    tasks: &[&HostTask],
    device: &Device,
) -> Result<Solved, Error> {
    let batch = source.batch(tasks, device)?;
    let Scored { found, predicted, scores } = score(solver, &batch, tasks).await?;
    let [count, rows, classes] = found.z.dims();
    let z = found.z.clone().slice([0..count, found.support..rows, 0..classes]);
    Ok(Solved {
        predicted,
        scores,
        iterations: found.iterations().await?,
        classes,
        z: readback::floats("assignments", z).await?,
        prototypes: readback::floats("prototypes", found.prototypes.clone()).await?,
    })
}

async fn solve_group(
    main: &Solver,
    others: &[Solver],
    source: &TaskSource,
    tasks: &[&HostTask],
    cx: &Context,
) -> Result<Vec<(u64, Record)>, Error> {
    let start = cx.now();
    let device = cx.device();
    let parts = cx.in_parts(tasks, |part| solve(main, source, part, device)).await?;
    let seconds = (cx.now() - start) / tasks.len() as f64;
    let mut rivals = vec![Vec::with_capacity(others.len()); tasks.len()];
    for other in others {
        let judge =
            async |part: &[&HostTask]| Ok(score(other, &source.batch(part, device)?, part).await?.scores);
        let scores: Vec<Vec<f64>> = cx.in_parts(tasks, judge).await?;
        for (rival, score) in rivals.iter_mut().zip(scores.into_iter().flatten()) {
            rival.push(score);
        }
    }
    let mut records = Vec::with_capacity(tasks.len());
    for part in parts {
        let count = part.predicted.len();
        let (z_size, m_size) = (part.z.len() / count, part.prototypes.len() / count);
        for (place, predicted) in part.predicted.iter().enumerate() {
            let at = records.len();
            let task = tasks[at];
            let (inner, outer) = part.iterations[place];
            let record = Record {
                predicted: predicted.iter().map(|class| task.named(*class)).collect(),
                accuracy: part.scores[place],
                inner: inner as u32,
                outer: outer as u32,
                rivals: std::mem::take(&mut rivals[at]),
                classes: part.classes as u32,
                z: part.z[place * z_size..(place + 1) * z_size].to_vec(),
                prototypes: part.prototypes[place * m_size..(place + 1) * m_size].to_vec(),
                seconds,
            };
            records.push((task.index, record));
        }
    }
    Ok(records)
}

/// Solves one task step by step, drawing every step.
async fn show(
    main: &Solver,
    source: &TaskSource,
    index: u64,
    iterates: bool,
    cx: &mut Context,
) -> Result<(), Error> {
    let Solver::Mode(solver) = main else { return Ok(()) };
    let task = source.task(index)?;
    let batch = source.batch(&[&task], cx.device())?;
    let mut picture = TaskPicture::new(&batch, &task, cx).await?;
    let result = solver.classify(&batch, &mut picture).await;
    if let Some(error) = picture.take_error() {
        return Err(error);
    }
    result?;
    picture.finish();
    if !iterates {
        pictures::no_objective(cx);
    }
    Ok(())
}
