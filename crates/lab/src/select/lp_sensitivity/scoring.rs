//! All scores of the matrix, exact where it is small enough.

use super::config::{Config, core_error};
use super::data::Table;
use super::pictures;
use super::watch::{TICK_SECONDS, Ticking};
use crate::{Context, Error};
use lowshot_core::select::lp_sensitivity::estimate::total_sensitivity;
use lowshot_core::select::lp_sensitivity::lewis::{LewisOptions, LewisWeights};
use lowshot_core::select::lp_sensitivity::sample::Probabilities;
use lowshot_core::select::lp_sensitivity::score::Scores;
use lowshot_core::select::lp_sensitivity::sensitivity::{SensitivitySolver, SolveOptions};
use lowshot_core::select::lp_sensitivity::{Basis, Dense, Rows};

/// A column that depends on others to within the digits of f32 counts as dependent.
pub const RANK_TOLERANCE: f64 = 1e-6;
/// Values of a basis up to which Lewis weights are iterated to all digits; of a larger one, to five.
const SMALL: usize = 1 << 20;
/// Draws for the estimate of the total sensitivity where not all are solved for.
const TOTAL_DRAWS: usize = 40;

/// The scores, and what they are in this run.
pub struct Scored {
    /// Leverage, Lewis weights, sensitivities.
    pub scores: Scores,
    /// Upper bounds of the sensitivities; empty if there are none.
    pub upper: Vec<f64>,
    /// Sum of all sensitivities: exact or estimated.
    pub total: f64,
    /// Standard error of the sum; 0 if it is exact.
    pub total_error: f64,
    /// What was left out, for people.
    pub notes: Vec<String>,
    /// Seconds.
    pub seconds: f64,
}

/// Scores the matrix.
///
/// # Errors
/// Those of the core; [`Error::Stopped`].
pub async fn score(config: &Config, table: &Table, cx: &mut Context) -> Result<Scored, Error> {
    let start = cx.now();
    let untargeted = table.without_target();
    let rows: &dyn Rows = if config.score_target { table } else { &untargeted };
    pictures::first_cloud(table, cx);
    let mut watch = Ticking::new(cx);
    let basis = Basis::of(rows, RANK_TOLERANCE, &mut watch).await;
    let basis = watch.result(basis)?;
    let (n, r) = (basis.rows(), basis.rank());
    let tolerance = if n.saturating_mul(r) <= SMALL { 1e-10 } else { 1e-5 };
    let options = LewisOptions { tolerance, ..LewisOptions::default() };
    let scores = Scores::cheap(&basis, config.p, options, &mut watch).await;
    let scores = watch.result(scores)?;
    let mut scored =
        Scored { scores, upper: vec![], total: 0.0, total_error: 0.0, notes: vec![], seconds: 0.0 };
    if scored.scores.lewis.change > 10.0 * tolerance {
        scored.notes.push(format!(
            "Lewis weights were still changing by {:.0e} after {} passes.",
            scored.scores.lewis.change, scored.scores.lewis.passes
        ));
    }
    if r < rows.columns() {
        scored.notes.push(format!(
            "{} of {} columns depend on the others (or are zero) and change no score.",
            rows.columns() - r,
            rows.columns()
        ));
    }
    if config.scores().iter().any(|score| score.needs_sensitivities()) {
        solve(config, table, &basis, &mut scored, watch.cx).await?;
    } else {
        estimate(config, &basis, &mut scored, watch.cx).await?;
    }
    scored.seconds = cx.now() - start;
    Ok(scored)
}

fn options(config: &Config) -> SolveOptions {
    // Six digits are more than a probability needs.
    SolveOptions { iterations: config.iterations, gap: 1e-6, ..SolveOptions::default() }
}

/// Rows of the basis that stand for all in a denominator: all, or a sample by Lewis weights.
fn denominator(config: &Config, basis: &Basis<'_>, scored: &Scored, cx: &Context) -> Result<Dense, Error> {
    if basis.rows() <= config.exact_rows {
        return basis.dense().map_err(core_error);
    }
    let weights = &scored.scores.lewis.weights;
    let probabilities =
        Probabilities::with_budget(weights, config.exact_rows as f64, false).map_err(core_error)?;
    let sample = probabilities.draw(&mut cx.rng("denominator"));
    sample.scaled(basis, config.p).map_err(core_error)
}

async fn solve(
    config: &Config,
    table: &Table,
    basis: &Basis<'_>,
    scored: &mut Scored,
    cx: &mut Context,
) -> Result<(), Error> {
    let n = basis.rows();
    let bounds = scored.scores.upper_bounds();
    let exact = n <= config.exact_rows;
    let reduced = denominator(config, basis, scored, cx)?;
    let mut solver = SensitivitySolver::new(&reduced, &scored.scores.lewis, config.p, options(config))
        .map_err(core_error)?;
    let mut order: Vec<usize> = (0..n).collect();
    if !exact {
        order.sort_by(|a, b| bounds[*b].total_cmp(&bounds[*a]).then(a.cmp(b)));
        order.truncate(config.exact_rows);
    }
    let mut values = if exact { vec![0.0; n] } else { bounds.clone() };
    let mut upper = bounds;
    let mut row = vec![0.0; basis.rank()];
    let mut worst = 0.0_f64;
    let mut drawn = cx.now();
    let mut watch = Ticking::new(cx);
    for (done, i) in order.iter().enumerate() {
        basis.read(*i, &mut row);
        let one = solver.solve(&row);
        if exact {
            values[*i] = one.value;
            upper[*i] = upper[*i].min(one.upper).max(one.value);
            if one.value > 0.0 {
                worst = worst.max(upper[*i] / one.value - 1.0);
            }
        } else {
            // Against a sample the value may exceed what is proved for all rows.
            values[*i] = one.value.min(values[*i]);
        }
        let now = watch.cx.now();
        if now - drawn > 4.0 * TICK_SECONDS {
            drawn = now;
            watch.cx.progress(done as u64 + 1, order.len() as u64, "sensitivities");
            pictures::cloud(table, &values, &[], watch.cx);
        }
        watch.pass().await?;
    }
    watch.cx.progress(order.len() as u64, order.len() as u64, "sensitivities");
    if exact {
        scored.total = values.iter().sum();
        if worst > 1e-3 {
            scored.notes.push(format!(
                "The bounds of a sensitivity are up to {:.1} % apart: more iterations would bring them together.",
                100.0 * worst
            ));
        }
    } else {
        let rng = watch.cx.rng("total");
        let weights = &scored.scores.lewis.weights;
        let found = total_sensitivity(basis, weights, &mut solver, TOTAL_DRAWS, &rng, &mut watch).await;
        let estimate = watch.result(found)?;
        (scored.total, scored.total_error) = (estimate.value, estimate.error);
        scored.notes.push(format!(
            "{n} rows are more than exact_rows = {}: sensitivities of the {} rows with the largest bounds were solved \
             for against {} rows sampled by Lewis weights; the others have their upper bound. That costs sample size, \
             not correctness.",
            config.exact_rows,
            order.len(),
            reduced.rows(),
        ));
    }
    scored.scores.sensitivity = values;
    scored.upper = upper;
    Ok(())
}

/// Only the sum, which the predicted sizes need.
async fn estimate(
    config: &Config,
    basis: &Basis<'_>,
    scored: &mut Scored,
    cx: &mut Context,
) -> Result<(), Error> {
    let reduced = denominator(config, basis, scored, cx)?;
    let lewis: &LewisWeights = &scored.scores.lewis;
    let mut solver =
        SensitivitySolver::new(&reduced, lewis, config.p, options(config)).map_err(core_error)?;
    let rng = cx.rng("total");
    let mut watch = Ticking::new(cx);
    let found = total_sensitivity(basis, &lewis.weights, &mut solver, TOTAL_DRAWS, &rng, &mut watch).await;
    let found = watch.result(found)?;
    (scored.total, scored.total_error) = (found.value, found.error);
    Ok(())
}
