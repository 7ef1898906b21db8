//! Choosing λ on tasks that are not the test tasks.

use super::config::{Config, Rival};
use super::few_shot::{Solver, score};
use super::tasks::{HostTask, Space, TaskSource, space};
use crate::{Context, Error, FeatureInput};
use lowshot_core::fewshot::prototype_laplacian::Mode;
use lowshot_core::metrics::mean_interval;
use lowshot_core::sampling::TaskSampler;
use lowshot_protocol::schema::FieldError;
use lowshot_protocol::{Cell, Table};

/// The grid of the published script, and that of LaplacianShot.
const GRID: &[f64] = &[0.05, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0];
const LAPLACIAN_SHOT_GRID: &[f64] = &[0.1, 0.3, 0.5, 0.7, 0.8, 1.0, 1.2, 1.5];
/// Validation tasks, as published.
const TASKS: u64 = 500;
/// Tasks of a batch.
const BATCH: u64 = 100;

/// A chosen λ.
pub struct Tuned {
    /// The value.
    pub lambda: f64,
    /// Accuracy for each λ tried.
    pub table: Table,
    /// How it was chosen.
    pub note: String,
}

/// Chooses λ if the configuration asks for it. Without a `validation` input the classes of the features are split in
/// halves, and the test tasks keep to the other half.
pub async fn few_shot(
    config: &Config,
    source: &mut TaskSource,
    cx: &mut Context,
) -> Result<Option<Tuned>, Error> {
    if config.fixed_lambda().is_some() {
        return Ok(None);
    }
    if !config.mode.has_laplacian() {
        return Err(not_tunable(&format!("a number, as mode {} has no Laplacian", config.mode)));
    }
    let (validation, origin) = validation(config, source, cx).await?;
    let grid = if config.mode == Mode::LaplacianShot { LAPLACIAN_SHOT_GRID } else { GRID };
    let mut best = (f64::NEG_INFINITY, grid[0]);
    let mut rows = Vec::new();
    for (place, lambda) in grid.iter().enumerate() {
        let solver = Solver::new(config, Rival::Mode(config.mode), *lambda)?;
        let mut values = Vec::with_capacity(TASKS as usize);
        for start in (0..TASKS).step_by(BATCH as usize) {
            let tasks = (start..(start + BATCH).min(TASKS))
                .map(|index| validation.task(index))
                .collect::<Result<Vec<HostTask>, Error>>()?;
            let tasks: Vec<&HostTask> = tasks.iter().collect();
            values.extend(score(&solver, &validation.batch(&tasks, cx.device())?, &tasks).await?.scores);
            cx.progress(place as u64 * TASKS + start, grid.len() as u64 * TASKS, "validation tasks");
            cx.tick().await?;
        }
        let interval = mean_interval(&values)?;
        rows.push(vec![
            Cell::from(*lambda),
            (100.0 * interval.mean).into(),
            (100.0 * interval.half_width).into(),
        ]);
        // The first of equals: the least smoothing.
        if interval.mean > best.0 {
            best = (interval.mean, *lambda);
        }
    }
    let columns = vec!["λ".to_owned(), "accuracy (%)".to_owned(), "± 95 %".to_owned()];
    let table = Table { title: "λ on validation tasks".to_owned(), columns, rows };
    let note = format!("λ = {} was chosen on {TASKS} validation tasks from {origin}.", best.1);
    Ok(Some(Tuned { lambda: best.1, table, note }))
}

async fn validation(
    config: &Config,
    source: &mut TaskSource,
    cx: &mut Context,
) -> Result<(TaskSource, String), Error> {
    let rng = cx.rng("validation");
    if let Some(FeatureInput::Features(features)) = cx.features("validation").await? {
        let space = space(features, config, cx, "validation").await?;
        let sampler = TaskSampler::new(&space.labels, config.spec()?)?;
        return Ok((
            TaskSource::Drawn(Box::new(space), Box::new(sampler), rng),
            "the validation input".to_owned(),
        ));
    }
    match source {
        TaskSource::Synthetic(config, spread, _) => {
            let tasks = TaskSource::Synthetic(config.clone(), spread.clone(), rng);
            Ok((tasks, "the same generator, other seeds".to_owned()))
        }
        TaskSource::Given(..) => Err(not_tunable("a number, or a `validation` input beside the `episodes`")),
        TaskSource::Drawn(space, sampler, _) => {
            let mut classes: Vec<i64> = space.labels.clone();
            classes.sort_unstable();
            classes.dedup();
            if classes.len() < 2 * config.ways {
                return Err(not_tunable(&format!(
                    "a number, or a `validation` input: the features have {} classes, and two separate sets of {} \
                     classes would be needed",
                    classes.len(),
                    config.ways
                )));
            }
            cx.rng("split").shuffle(&mut classes);
            let (held, test) = classes.split_at(classes.len() / 2);
            let half = |keep: &[i64]| only(space, keep);
            let (held, test) = (half(held), half(test));
            **sampler = TaskSampler::new(&test.labels, config.spec()?)?;
            let held_sampler = TaskSampler::new(&held.labels, config.spec()?)?;
            **space = test;
            Ok((
                TaskSource::Drawn(Box::new(held), Box::new(held_sampler), rng),
                "half of the classes; the test tasks use the other half".to_owned(),
            ))
        }
    }
}

/// The same features, of which tasks may use the rows of some classes only.
fn only(space: &Space, keep: &[i64]) -> Space {
    let places: Vec<usize> = (0..space.labels.len()).filter(|at| keep.contains(&space.labels[*at])).collect();
    Space {
        x: space.x.clone(),
        labels: places.iter().map(|at| space.labels[*at]).collect(),
        rows: places.iter().map(|at| space.rows[*at]).collect(),
    }
}

fn not_tunable(expected: &str) -> Error {
    FieldError { field: "lambda".to_owned(), problem: "is tune".to_owned(), expected: expected.to_owned() }
        .into()
}
