//! One trial: every selector on the same candidates and targets, judged by the transport to the targets.

use super::config::{Config, Rival, Size, Weights, field_error};
use super::pictures::Watch;
use super::sources::Data;
use crate::Error;
use burn::tensor::Device;
use lowshot_core::optimal_transport::SinkhornConfig;
use lowshot_core::select::tarot::{
    Estimate, Tarot, TarotSelection, WhitenMode, nearest_target_counts, potential_weights, whiten,
};
use lowshot_core::select::{MeanSimilarity, Random, RoundRobin, Selection, Selector, TargetPool};
use lowshot_core::{CoreError, Rng};
use serde::{Deserialize, Serialize};

/// What a selection is worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Chosen rows of the input, in order.
    pub selected: Vec<u64>,
    /// Transport distance to the targets, in correctly whitened space.
    pub distance: f64,
    /// Shares of the target classes, in the order of [`Record::classes`], and of all other classes; empty without labels.
    pub shares: Vec<f64>,
    /// Transport distance of the first rows, for each step of the curve.
    pub curve: Vec<f64>,
}

/// The estimated size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimated {
    /// What the union over the parts is worth.
    pub outcome: Outcome,
    /// For each part: candidates and distances after each layer, and the best layer.
    pub folds: Vec<(Vec<u32>, Vec<f64>, u32)>,
}

/// What is kept of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// TAROT.
    pub tarot: Outcome,
    /// The layer in which each row entered, from 1.
    pub layer: Vec<u32>,
    /// The nearest of the targets for which it entered; the nearest of all, where the size is estimated.
    pub nearest_target: Vec<u32>,
    /// Its distance to that target.
    pub wfd: Vec<f64>,
    /// Weights, if they are asked for.
    pub weight: Vec<f64>,
    /// Each rival.
    pub rivals: Vec<Outcome>,
    /// The estimated size, if it was asked for and could be.
    pub estimated: Option<Estimated>,
    /// Classes of the targets, the most frequent first; empty without labels.
    pub classes: Vec<u32>,
    /// Their shares among the targets.
    pub target_shares: Vec<f64>,
    /// Rows of the input that became targets.
    pub target_rows: Vec<u64>,
    /// True if there were too few rows for whitening.
    pub few_rows: bool,
    /// Seconds that TAROT took, whitening included, drawing excluded.
    pub seconds: f64,
}

/// Candidates and targets in the space of the selection and in that of the judge.
struct Spaces {
    chooser: TargetPool,
    judge: Option<TargetPool>,
    few_rows: bool,
}

impl Spaces {
    async fn make(
        config: &Config,
        data: &Data,
        device: &Device,
        watch: &mut Watch<'_>,
    ) -> Result<Spaces, Error> {
        let (chooser, few_rows) = space(config, config.whiten, data, device, watch).await?;
        let judge = match config.whiten {
            WhitenMode::Correct => None,
            _ => Some(space(config, WhitenMode::Correct, data, device, watch).await?.0),
        };
        Ok(Spaces { chooser, judge, few_rows })
    }

    fn judge(&self) -> &TargetPool {
        self.judge.as_ref().unwrap_or(&self.chooser)
    }
}

async fn space(
    config: &Config,
    mode: WhitenMode,
    data: &Data,
    device: &Device,
    watch: &mut Watch<'_>,
) -> Result<(TargetPool, bool), Error> {
    let settings = config.whitening(mode);
    let white = whiten(&data.candidates, &data.targets, data.dims, &settings, device, watch).await;
    let white = watch.or_own_error(white)?;
    let few_rows = white.few_rows && mode != WhitenMode::None;
    Ok((TargetPool::new(white.candidates, white.targets, data.dims, device)?, few_rows))
}

/// Judges selections.
struct Judge<'a> {
    pool: &'a TargetPool,
    data: &'a Data,
    classes: &'a [u32],
    transport: SinkhornConfig,
}

impl Judge<'_> {
    async fn distance(&self, rows: &[usize], watch: &mut Watch<'_>) -> Result<f64, Error> {
        let found = self.pool.transport(rows, None, &self.transport, false, watch).await;
        Ok(watch.or_own_error(found)?.cost)
    }

    async fn outcome(&self, rows: &[usize], watch: &mut Watch<'_>) -> Result<Outcome, Error> {
        let mut shares = Vec::new();
        if let Some((of, _)) = &self.data.classes {
            shares = vec![0.0; self.classes.len() + 1];
            for row in rows {
                let place = self.classes.iter().position(|class| *class == of[*row]);
                shares[place.unwrap_or(self.classes.len())] += 1.0 / rows.len() as f64;
            }
        }
        Ok(Outcome {
            selected: rows.iter().map(|row| self.data.ids[*row] as u64).collect(),
            distance: self.distance(rows, watch).await?,
            shares,
            curve: Vec::new(),
        })
    }
}

/// Runs a trial; `watch` draws it if it has a picture.
pub async fn run(
    config: &Config,
    data: &Data,
    steps: &[usize],
    device: &Device,
    rng: &Rng,
    watch: &mut Watch<'_>,
) -> Result<Record, Error> {
    let tarot = Tarot::new(config.tarot()).map_err(field_error)?;
    let start = watch.ticks.working_seconds();
    let spaces = Spaces::make(config, data, device, watch).await?;
    let pool = &spaces.chooser;
    let (classes, target_shares) = target_classes(data);
    let judge = Judge { pool: spaces.judge(), data, classes: &classes, transport: tarot.transport_config() };
    let whitening = watch.ticks.working_seconds() - start;
    watch.spread(pool);

    // The selection.
    let start = watch.ticks.working_seconds();
    watch.draws(true);
    let chosen = match config.size {
        Size::Fixed => {
            let found = tarot.choose(pool, config.budget, watch).await;
            watch.or_own_error(found)?
        }
        Size::Estimated => TarotSelection::default(),
    };
    watch.draws(false);
    let mut seconds = whitening + watch.ticks.working_seconds() - start;
    let start = watch.ticks.working_seconds();
    let estimate = estimate(config, &tarot, pool, rng, watch).await?;
    let chosen = match (config.size, &estimate) {
        (Size::Estimated, Some(estimate)) => {
            seconds += watch.ticks.working_seconds() - start;
            served(pool, estimate)
        }
        _ => chosen,
    };
    let size = chosen.rows.len();
    watch.chose(&chosen.rows, judge.pool, &judge.transport).await?;

    // What it is worth, and its curve.
    let mut ours = judge.outcome(&chosen.rows, watch).await?;
    let found = tarot.choose_sizes(pool, steps, watch).await;
    for selection in watch.or_own_error(found)? {
        ours.curve.push(judge.distance(&selection.rows, watch).await?);
    }
    let weight = weights(config, &judge, &chosen.rows, watch).await?;
    let estimated = match estimate {
        Some(estimate) => Some(Estimated {
            outcome: judge.outcome(&estimate.rows, watch).await?,
            folds: estimate
                .folds
                .iter()
                .map(|fold| {
                    let sizes = fold.sizes.iter().map(|size| *size as u32).collect();
                    (sizes, fold.distances.clone(), fold.best as u32)
                })
                .collect(),
        }),
        None => None,
    };

    // The rivals: one long selection each, whose beginnings are the smaller ones.
    let longest = steps.iter().copied().max().unwrap_or(0).max(size);
    let mut rivals = Vec::new();
    for rival in config.rivals() {
        let rng = rng.split(rival.name());
        let found = match rival {
            Rival::MeanSimilarity => select(&MeanSimilarity, pool, longest, &rng, watch).await?,
            Rival::RoundRobin => select(&RoundRobin, pool, longest, &rng, watch).await?,
            Rival::Random => select(&Random, &pool.rows(), longest, &rng.split("random"), watch).await?,
        };
        let mut outcome = judge.outcome(&found.rows[..size], watch).await?;
        for step in steps {
            outcome.curve.push(judge.distance(&found.rows[..*step], watch).await?);
        }
        rivals.push(outcome);
        watch.ticks.pass().await?;
    }
    Ok(Record {
        tarot: ours,
        layer: chosen.layer.iter().map(|layer| *layer as u32).collect(),
        nearest_target: chosen.target.iter().map(|target| *target as u32).collect(),
        wfd: chosen.distance,
        weight,
        rivals,
        estimated,
        classes,
        target_shares,
        target_rows: data.target_ids.iter().map(|row| *row as u64).collect(),
        few_rows: spaces.few_rows,
        seconds,
    })
}

/// The estimated size. Beside a fixed size it is only a mark, so where it cannot be had there is none.
async fn estimate(
    config: &Config,
    tarot: &Tarot,
    pool: &TargetPool,
    rng: &Rng,
    watch: &mut Watch<'_>,
) -> Result<Option<Estimate>, Error> {
    let needed = config.size == Size::Estimated;
    if !needed && (!config.estimate || config.folds > pool.targets()) {
        return Ok(None);
    }
    match tarot.estimate(pool, &rng.split("estimate"), watch).await {
        Ok(found) => Ok(Some(found)),
        Err(CoreError::OutOfRange { .. }) if !needed => Ok(None),
        other => watch.or_own_error(other).map(Some),
    }
}

/// The rows of an estimate with the nearest of all targets.
fn served(pool: &TargetPool, estimate: &Estimate) -> TarotSelection {
    let nearest = |row: &usize| {
        let ranked = (0..pool.targets()).map(|target| (pool.distance(*row, target), target));
        ranked.fold((f64::INFINITY, 0), |best, found| if found.0 < best.0 { found } else { best })
    };
    let found: Vec<(f64, usize)> = estimate.rows.iter().map(nearest).collect();
    TarotSelection {
        rows: estimate.rows.clone(),
        layer: estimate.layer.clone(),
        target: found.iter().map(|(_, target)| *target).collect(),
        distance: found.iter().map(|(distance, _)| *distance).collect(),
        partial: false,
    }
}

async fn weights(
    config: &Config,
    judge: &Judge<'_>,
    rows: &[usize],
    watch: &mut Watch<'_>,
) -> Result<Vec<f64>, Error> {
    Ok(match config.weights {
        Weights::None => Vec::new(),
        Weights::NearestTargets => nearest_target_counts(judge.pool, rows),
        Weights::Potential => {
            let found = judge.pool.transport(rows, None, &judge.transport, false, watch).await;
            potential_weights(&watch.or_own_error(found)?.f)
        }
    })
}

async fn select<S: Selector>(
    selector: &S,
    pool: &S::Pool,
    budget: usize,
    rng: &Rng,
    watch: &mut Watch<'_>,
) -> Result<Selection, Error> {
    let found = selector.select(pool, budget, rng, watch).await;
    watch.or_own_error(found)
}

/// The classes of the targets with their shares, the most frequent first, ties to the lower class.
fn target_classes(data: &Data) -> (Vec<u32>, Vec<f64>) {
    let Some((_, targets)) = &data.classes else { return (Vec::new(), Vec::new()) };
    let mut classes = targets.clone();
    classes.sort_unstable();
    classes.dedup();
    let count = |class: u32| targets.iter().filter(|other| **other == class).count();
    let mut ranked: Vec<(usize, u32)> = classes.into_iter().map(|class| (count(class), class)).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let share = |count: usize| count as f64 / targets.len() as f64;
    (
        ranked.iter().map(|(_, class)| *class).collect(),
        ranked.iter().map(|(count, _)| share(*count)).collect(),
    )
}
