//! One selection and its rivals on the same pool.

use super::config::{Config, Rival};
use super::judge::Judge;
use super::pictures::Picture;
use super::source::{Pool, Source};
use crate::{Context, Error};
use burn::tensor::{Int, Tensor, TensorData};
use lowshot_core::metrics::label_entropy;
use lowshot_core::select::add_one_in::{AddOneIn, Asked, ChoiceLoop, QuestionObserver};
use lowshot_core::select::{
    Distance, DiverseQuality, FarthestPoint, QualityThreshold, Random, Selection, SelectionObserver,
    Selector, TopQuality,
};
use lowshot_core::{CoreError, Rng, readback};
use lowshot_kernels::nearest;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Seconds between two pictures of a run that nobody holds.
const PICTURE_SECONDS: f64 = 0.15;

/// Shares of the budget at which the growing selection is measured.
pub const CHECKPOINTS: usize = 10;
/// Distances times dimensions up to which methods that compare rows with all chosen ones are run.
const PAIRWISE_WORK: u64 = 2 << 30;

/// What one method chose in one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The rows in order.
    pub rows: Vec<usize>,
    /// Mean quality.
    pub quality: f64,
    /// Mean quality percentile.
    pub percentile: f64,
    /// Entropy of the labels of the rows, in nats.
    pub entropy: Option<f64>,
    /// Mean distance of a row of the pool to the nearest chosen row.
    pub mean_cover: f64,
    /// The largest.
    pub max_cover: f64,
    /// Share of the rows that were not chosen whose nearest chosen row has their label.
    pub neighbour: Option<f64>,
}

/// What is kept of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The method.
    pub ours: Scores,
    /// Its random first rows.
    pub initial: Vec<usize>,
    /// Every question.
    pub asked: Vec<Asked>,
    /// The rivals in their order; `None` for one that is too slow for the pool or finds no row.
    pub rivals: Vec<Option<Scores>>,
    /// Rows of the pool.
    pub pool: usize,
    /// Share of the pool chosen, and mean percentile of the rows picked by then (random first rows left out).
    pub growth: Vec<[f64; 2]>,
    /// Mean distance to the chosen rows and mean quality, as the selection of trial 0 grows.
    pub path: Vec<[f64; 2]>,
}

/// Runs one trial.
pub async fn run(
    config: &Config,
    source: &Source,
    pool: &Pool,
    index: u64,
    rng: &Rng,
    shown: bool,
    cx: &mut Context,
) -> Result<Record, Error> {
    let judge = Judge::new(config, source, pool, index, rng, cx.platform())?;
    let alone = config.trials == 1;
    let picture = shown.then(|| Picture::new(pool));
    if let Some(picture) = &picture {
        cx.view("points", picture.view(&[], None));
    }
    let total = config.budget as u64;
    let mut watch = Watch { cx, picture, alone, total, drawn: f64::NEG_INFINITY, error: None };
    let chosen = AddOneIn::new(config.core()).run(pool.pool.rows(), judge, rng, &mut watch).await;
    if let Some(error) = watch.error.take() {
        return Err(error);
    }
    let chosen = chosen?;
    if let Some(picture) = &watch.picture {
        watch.cx.view("points", picture.view(&chosen.selection.rows, None));
    }
    let rows = chosen.selection.rows;
    let mut path = Vec::new();
    let measured = if index == 0 { CHECKPOINTS } else { 0 };
    for at in checkpoints(rows.len()).take(measured) {
        let scores = score(pool, config.distance, rows[..at].to_vec()).await?;
        path.push([scores.mean_cover, scores.quality]);
    }
    let mut rivals = Vec::new();
    for rival in config.rivals() {
        let found = select(config, pool, rival, rng, watch.cx).await?;
        rivals.push(match found {
            Some(selection) => Some(score(pool, config.distance, selection.rows).await?),
            None => None,
        });
    }
    Ok(Record {
        growth: growth(pool, &rows, &chosen.initial),
        ours: score(pool, config.distance, rows).await?,
        initial: chosen.initial,
        asked: chosen.asked,
        rivals,
        pool: pool.pool.rows(),
        path,
    })
}

/// How many rows are chosen at each checkpoint.
pub fn checkpoints(rows: usize) -> impl Iterator<Item = usize> {
    (1..=CHECKPOINTS).map(move |part| (rows * part / CHECKPOINTS).max(1))
}

fn growth(pool: &Pool, rows: &[usize], initial: &[usize]) -> Vec<[f64; 2]> {
    let first: std::collections::BTreeSet<usize> = initial.iter().copied().collect();
    let mut points = Vec::new();
    for at in checkpoints(rows.len()) {
        let picked: Vec<f64> =
            rows[..at].iter().filter(|row| !first.contains(row)).map(|row| pool.percentile[*row]).collect();
        if !picked.is_empty() {
            let mean = picked.iter().sum::<f64>() / picked.len() as f64;
            points.push([at as f64 / pool.pool.rows() as f64, mean]);
        }
    }
    points
}

/// Runs a rival; `None` if the pool is too large for it or it finds no row.
async fn select(
    config: &Config,
    pool: &Pool,
    rival: Rival,
    rng: &Rng,
    cx: &mut Context,
) -> Result<Option<Selection>, Error> {
    let (rows, budget, distance) = (pool.pool.rows(), config.budget, config.distance);
    let work = (rows as u64).saturating_mul(budget as u64).saturating_mul(pool.pool.points().dims() as u64);
    if matches!(rival, Rival::DiverseQuality | Rival::FarthestPoint) && work > PAIRWISE_WORK {
        return Ok(None);
    }
    let mut ticking = Ticking { cx, error: None };
    let observer = &mut ticking;
    let found = match rival {
        Rival::Random => Random.select(&rows, budget, &rng.split("uniform"), observer).await,
        Rival::TopQuality => TopQuality.select(&pool.pool, budget, rng, observer).await,
        Rival::DiverseQuality => {
            let method = DiverseQuality { distance, least: config.least_distance };
            method.select(&pool.pool, budget, rng, observer).await
        }
        Rival::QualityThreshold => {
            let method = QualityThreshold { threshold: config.threshold };
            match method.select(&pool.pool, budget, rng, observer).await {
                // Nothing reaches the threshold: a result of its own, told in the report.
                Err(CoreError::OutOfRange { .. }) => return Ok(None),
                other => other,
            }
        }
        Rival::FarthestPoint => {
            FarthestPoint { distance }.select(pool.pool.points(), budget, rng, observer).await
        }
    };
    match ticking.error.take() {
        Some(error) => Err(error),
        None => Ok(Some(found?)),
    }
}

/// Measures a selection. Distances to all rows are found on the device.
async fn score(pool: &Pool, distance: Distance, rows: Vec<usize>) -> Result<Scores, Error> {
    let count = rows.len() as f64;
    let mean = |values: &[f64]| rows.iter().map(|row| values[*row]).sum::<f64>() / count;
    let device = pool.x.device();
    let index: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::new(index, [rows.len()]), &device);
    let found = nearest(pool.x.clone(), pool.x.clone().select(1, index));
    let label = readback::integers("nearest chosen rows", found.label).await?;
    let away = readback::floats("distances to the chosen rows", found.sqdist).await?;
    let mut chosen = vec![false; away.len()];
    rows.iter().for_each(|row| chosen[*row] = true);
    let away: Vec<f64> = away
        .iter()
        .zip(&chosen)
        .map(|(square, chosen)| match (chosen, distance) {
            (true, _) => 0.0,
            (false, Distance::Euclidean) => f64::from(square.max(0.0)).sqrt(),
            // Rows have length 1 here: |x − y|² = 2 − 2 cos.
            (false, Distance::Cosine) => f64::from(square.max(0.0)) / 2.0,
        })
        .collect();
    let (mut entropy, mut neighbour) = (None, None);
    if let Some(labels) = &pool.labels {
        entropy = Some(label_entropy(&rows.iter().map(|row| labels[*row]).collect::<Vec<_>>())?);
        let of =
            |row: usize| usize::try_from(label[row]).ok().and_then(|at| rows.get(at)).map(|r| labels[*r]);
        let others: Vec<usize> = (0..labels.len()).filter(|row| !chosen[*row]).collect();
        let right = others.iter().filter(|row| of(**row) == Some(labels[**row])).count();
        neighbour = (!others.is_empty()).then(|| right as f64 / others.len() as f64);
    }
    Ok(Scores {
        quality: mean(pool.pool.quality()),
        percentile: mean(&pool.percentile),
        entropy,
        mean_cover: away.iter().sum::<f64>() / away.len() as f64,
        max_cover: away.iter().copied().fold(0.0, f64::max),
        neighbour,
        rows,
    })
}

/// Draws the questions of a trial, and is where it can be held or stopped.
struct Watch<'a> {
    cx: &'a mut Context,
    picture: Option<Picture>,
    alone: bool,
    total: u64,
    drawn: f64,
    error: Option<Error>,
}

impl QuestionObserver for Watch<'_> {
    async fn asked(&mut self, state: &ChoiceLoop, last: &Asked) -> ControlFlow<()> {
        let now = self.cx.now();
        if now - self.drawn > PICTURE_SECONDS || self.cx.stepping() {
            if let Some(picture) = &self.picture {
                self.cx.view("points", picture.view(state.selected(), Some(last)));
            }
            if self.alone {
                self.cx.progress(state.selected().len() as u64, self.total, "rows");
            }
            self.drawn = now;
        }
        pass(self.cx, &mut self.error).await
    }
}

/// Is where a rival can be held or stopped.
struct Ticking<'a> {
    cx: &'a mut Context,
    error: Option<Error>,
}

impl SelectionObserver for Ticking<'_> {
    async fn chosen(&mut self, count: usize, _row: usize, _score: f64) -> ControlFlow<()> {
        // A person who steps through the questions does not want to step through the rivals as well.
        if self.cx.stepping() || !count.is_multiple_of(16) {
            return ControlFlow::Continue(());
        }
        pass(self.cx, &mut self.error).await
    }
}

async fn pass(cx: &mut Context, error: &mut Option<Error>) -> ControlFlow<()> {
    match cx.tick().await {
        Ok(()) => ControlFlow::Continue(()),
        Err(stopped) => {
            *error = Some(stopped);
            ControlFlow::Break(())
        }
    }
}
