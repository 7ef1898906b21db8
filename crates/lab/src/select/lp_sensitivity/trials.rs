//! Draws of rows, and what a regression on them costs.

use super::config::{Config, Sizing, core_error, error};
use super::data::Table;
use super::pictures;
use super::scoring::{RANK_TOLERANCE, Scored};
use super::watch::Ticking;
use crate::{Context, Error};
use lowshot_core::Rng;
use lowshot_core::select::lp_sensitivity::distortion::distortion;
use lowshot_core::select::lp_sensitivity::regression::{Fit, FitOptions, fit, loss};
use lowshot_core::select::lp_sensitivity::sample::{
    Probabilities, RoundSize, Sample, recursive_root_leverage,
};
use lowshot_core::select::lp_sensitivity::{Basis, Dense, NoWatch, Rows, Score, power};
use serde::{Deserialize, Serialize};

/// Values of the matrix up to which its distortion is searched for in every trial.
const DISTORTION_VALUES: usize = 200_000;
/// Directions a search for the worst distortion starts from.
const DIRECTIONS: usize = 200;

/// What is kept of one trial: for each score and each size, the excess (or distortion) and the number of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Row-major: scores in the order of the run, sizes ascending.
    pub excess: Vec<f64>,
    /// Kept rows, in the same order.
    pub kept: Vec<u32>,
}

/// What the trials have in common, and the selection that is left.
pub struct Outcome {
    /// Scores in the order of the run.
    pub scores: Vec<Score>,
    /// Expected sizes, ascending.
    pub sizes: Vec<f64>,
    /// Which size is the configured one.
    pub main: usize,
    /// The scale of the probabilities.
    pub alpha: f64,
    /// Sum of the chosen scores.
    pub sum: f64,
    /// The fit on all rows, if there is a target.
    pub full: Option<Fit>,
    /// The selection of each score.
    pub samples: Vec<Sample>,
    /// The fit on each selection.
    pub fits: Vec<Option<Fit>>,
    /// Rows after each round of root leverage sampling, if it is the chosen score.
    pub rounds: Vec<usize>,
    /// Remarks.
    pub notes: Vec<String>,
}

struct Bench<'a> {
    config: &'a Config,
    table: &'a Table,
    scored: &'a Scored,
    /// The full loss, by which an excess is divided.
    best: f64,
    /// The basis in memory where distortions are measured.
    basis: Option<Dense>,
}

/// The rows a score keeps at a size.
async fn draw(bench: &Bench<'_>, score: Score, size: f64, rng: &Rng) -> Result<(Sample, Vec<usize>), Error> {
    let config = bench.config;
    if score == Score::RootLeverage && config.rounds > 1 && score == config.score {
        let untargeted = bench.table.without_target();
        let rows: &dyn Rows = if config.score_target { bench.table } else { &untargeted };
        let aim = match config.sizing {
            Sizing::Budget => RoundSize::Budget(size),
            Sizing::Accuracy => RoundSize::Accuracy(config.accuracy()),
        };
        let found = recursive_root_leverage(rows, config.p, aim, config.rounds, rng, &mut NoWatch).await;
        return found.map_err(core_error);
    }
    let scores = bench.scored.scores.of(score);
    let probabilities = Probabilities::with_budget(&scores, size, score.has_floor()).map_err(core_error)?;
    Ok((probabilities.draw(&mut rng.split("draw")), vec![]))
}

impl Bench<'_> {
    /// The fit on kept rows; nothing without a target. Without a row, every coefficient is 0.
    async fn fit(&self, sample: &Sample) -> Result<Option<Fit>, Error> {
        if !self.table.has_target() {
            return Ok(None);
        }
        let nothing =
            Fit { coefficients: vec![0.0; self.table.width()], loss: 0.0, iterations: 0, descent: vec![] };
        if sample.rows.is_empty() {
            return Ok(Some(nothing));
        }
        let ones = vec![1.0; sample.rows.len()];
        let kept = Dense::gather(self.table, &sample.rows, &ones).map_err(core_error)?;
        let width = self.table.width();
        if kept.values().chunks_exact(width + 1).all(|row| row[..width].iter().all(|x| *x == 0.0)) {
            return Ok(Some(nothing));
        }
        let options = FitOptions::default();
        let found = fit(&kept, &sample.weights, self.config.p, RANK_TOLERANCE, options, &mut NoWatch).await;
        found.map(Some).map_err(core_error)
    }

    fn excess(&self, sample: &Sample, fit: Option<&Fit>, rng: &Rng) -> f64 {
        match (fit, &self.basis) {
            (Some(fit), _) => {
                let cost = loss(self.table, &[], &fit.coefficients, self.config.p);
                // The full fit is optimal to many digits; rounding may leave a negative zero.
                (cost / self.best - 1.0).max(0.0)
            }
            (None, Some(basis)) => distortion(basis, self.config.p, sample, DIRECTIONS, rng).worst(),
            (None, None) => 0.0,
        }
    }
}

/// Runs the trials.
///
/// # Errors
/// Those of the configuration and of the core; [`Error::Stopped`].
pub async fn run(
    config: &Config,
    table: &Table,
    scored: &Scored,
    cx: &mut Context,
) -> Result<Outcome, Error> {
    let n = table.rows();
    let scores = config.scores();
    let chosen = scored.scores.of(config.score);
    let sum: f64 = chosen.iter().sum();
    let (size, alpha) = match config.sizing {
        Sizing::Budget => {
            let size = if config.budget == 0 { (10 * table.columns()).min(n) } else { config.budget };
            if size > n {
                let expected = format!("0 to {n}, the number of rows");
                return Err(error("budget", format!("is {size}"), expected).into());
            }
            let size = size as f64;
            let probabilities = Probabilities::with_budget(&chosen, size, config.score.has_floor());
            (size, probabilities.map_err(core_error)?.alpha)
        }
        Sizing::Accuracy => {
            let rank = scored.scores.rank;
            let alpha = config.accuracy().alpha(config.score, config.p, sum, n, rank).map_err(core_error)?;
            let expected = Probabilities::with_alpha(&chosen, alpha, config.score.has_floor()).expected();
            // Above every row there is nothing to ask for; the floor alone is one row.
            (expected.clamp(1.001_f64.min(n as f64), n as f64), alpha)
        }
    };
    let (sizes, main) = grid(size, table.columns(), n);
    let mut notes = Vec::new();
    if size >= n as f64 {
        notes.push("All rows are kept: the selection is the data itself.".to_owned());
    }
    let mut bench = Bench { config, table, scored, best: 1.0, basis: None };
    let mut full = None;
    let mut watch = Ticking::new(cx);
    if table.has_target() {
        let found = fit(table, &[], config.p, RANK_TOLERANCE, FitOptions::default(), &mut watch).await;
        let found = watch.result(found)?;
        let nothing: f64 = loss(table, &[], &vec![0.0; table.width()], config.p);
        bench.best = found.loss;
        if found.loss <= 1e-20 * nothing || nothing == 0.0 {
            bench.best = if nothing > 0.0 { nothing } else { power(1.0, config.p) };
            notes.push(
                "The features fit the target exactly, so an excess over the full loss has no meaning: costs are \
                 shares of the loss of predicting 0."
                    .to_owned(),
            );
        }
        full = Some(found);
    } else {
        if n.saturating_mul(table.columns()) > DISTORTION_VALUES {
            let expected = format!(
                "a target for a matrix of more than {DISTORTION_VALUES} values: without one the worst direction over \
                 all rows is searched for in every trial"
            );
            return Err(error("target", "is `none`".to_owned(), expected).into());
        }
        let basis = Basis::of(table, RANK_TOLERANCE, &mut watch).await;
        bench.basis = Some(watch.result(basis)?.dense().map_err(core_error)?);
    }
    let mut outcome = Outcome {
        samples: vec![],
        fits: vec![],
        rounds: vec![],
        scores,
        sizes,
        main,
        alpha,
        sum,
        full,
        notes,
    };
    let rng = watch.cx.rng("selection");
    for score in outcome.scores.clone() {
        let (sample, rounds) = draw(&bench, score, size, &rng.split(score.name())).await?;
        let fit = bench.fit(&sample).await?;
        if score == config.score {
            pictures::cloud(table, &chosen, &sample.rows, watch.cx);
            outcome.rounds = rounds;
        }
        outcome.samples.push(sample);
        outcome.fits.push(fit);
        watch.pass().await?;
    }
    let ratio = Basis::of(table, RANK_TOLERANCE, &mut watch).await;
    let ratio = watch.result(ratio)?;
    pictures::fit(table, &outcome, watch.cx);
    pictures::ratio(config, &ratio, &outcome, watch.cx);
    pictures::bars(config, table, scored, size, watch.cx);
    trials(&bench, &outcome, &mut watch).await?;
    Ok(outcome)
}

async fn trials(bench: &Bench<'_>, outcome: &Outcome, watch: &mut Ticking<'_>) -> Result<(), Error> {
    let total = bench.config.trials as u64;
    let rng = watch.cx.rng("trials");
    let remaining = watch.cx.remaining(total);
    let mut drawn = f64::NEG_INFINITY;
    for (place, index) in remaining.iter().enumerate() {
        let mut record = Record { excess: vec![], kept: vec![] };
        for score in &outcome.scores {
            for (k, size) in outcome.sizes.iter().enumerate() {
                let rng = rng.at(*index).split(score.name()).at(k as u64);
                let (sample, _) = draw(bench, *score, *size, &rng).await?;
                let fit = bench.fit(&sample).await?;
                record.excess.push(bench.excess(&sample, fit.as_ref(), &rng));
                record.kept.push(u32::try_from(sample.rows.len()).unwrap_or(u32::MAX));
                watch.pass().await?;
            }
        }
        watch.cx.record(*index, &record)?;
        watch.cx.progress(place as u64 + 1, remaining.len() as u64, "trials");
        let now = watch.cx.now();
        if now - drawn > 0.2 || place + 1 == remaining.len() || watch.cx.stepping() {
            drawn = now;
            let records = watch.cx.recorded::<Record>()?;
            pictures::excess(outcome, records.values(), bench.table.has_target(), watch.cx);
        }
    }
    if remaining.is_empty() {
        let records = watch.cx.recorded::<Record>()?;
        pictures::excess(outcome, records.values(), bench.table.has_target(), watch.cx);
    }
    Ok(())
}

/// Sizes from a quarter of the configured one to eight times, between what a fit needs and half of the rows.
fn grid(size: f64, columns: usize, n: usize) -> (Vec<f64>, usize) {
    let least = (columns as f64 + 2.0).min(size);
    let most = (0.5 * n as f64).max(size);
    let mut sizes: Vec<f64> = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
        .into_iter()
        .map(|factor| factor * size)
        .filter(|one| *one == size || (*one >= least && *one <= most))
        .collect();
    sizes.dedup();
    let main = sizes.iter().position(|one| *one == size).unwrap_or(0);
    (sizes, main)
}
