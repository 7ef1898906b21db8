//! One trial: every strategy on the same tasks and the same samples.

use super::config::{Config, Rival, core_error};
use super::pictures;
use super::tasks::{Tasks, Trial};
use crate::{Context, Error};
use lowshot_core::Rng;
use lowshot_core::select::SelectionObserver;
use lowshot_core::select::lasso_amtrl::allocation::spread_costs;
use lowshot_core::select::lasso_amtrl::relevance::{
    keep_largest, least_1_norm, least_2_norm, least_cost_norm, refit, variance,
};
use lowshot_core::select::lasso_amtrl::{LinearWorld, Moments, Outcome, Strategy, ridge_weights};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// What a strategy came to, in order of the budgets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Excess risk, or test error.
    pub error: Vec<f64>,
    /// Test error with both sides of equal weight; zeros for generated tasks.
    pub balanced: Vec<f64>,
    /// V(n) with the true heads; empty for pictures, infinity as −1.
    pub variance: Vec<f64>,
    /// Samples of each task at the whole budget.
    pub counts: Vec<u32>,
    /// Relevance of each task that the last round followed.
    pub relevance: Vec<f64>,
    /// Samples of each task in each round.
    pub rounds: Vec<Vec<u32>>,
    /// True if an estimate was 0 everywhere.
    pub empty: bool,
}

/// What is kept of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The strategy of the run first.
    pub found: Vec<Found>,
    /// Error and balanced error of the target's samples alone.
    pub alone: (f64, f64),
    /// The true ν of least 1-norm; empty for pictures.
    pub truth: Vec<f64>,
    /// True heads of the sources, then of the target, T + 1 × K; empty for pictures.
    pub heads: Vec<f64>,
    /// Cost of a sample of each task; empty if all cost the same.
    pub costs: Vec<f64>,
    /// Seconds of the strategy of the run at the whole budget.
    pub seconds: f64,
}

/// Keeps the run alive between two steps of a fit.
struct Watch<'a> {
    cx: &'a mut Context,
    drawn: f64,
    error: Option<Error>,
}

impl SelectionObserver for Watch<'_> {
    async fn working(&mut self) -> ControlFlow<()> {
        let now = self.cx.now();
        if now - self.drawn < 0.03 && !self.cx.stepping() {
            return ControlFlow::Continue(());
        }
        let passed = self.cx.tick().await;
        self.drawn = self.cx.now();
        match passed {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

/// Runs a trial; the first of a run is also drawn.
pub async fn run(
    config: &Config,
    tasks: &Tasks,
    rng: &Rng,
    picture: bool,
    cx: &mut Context,
) -> Result<Record, Error> {
    let (trial, target) = tasks.draw(config, rng)?;
    let names = tasks.names(config);
    let costs = spread_costs(names.len(), config.cost_spread, rng);
    let truth = trial.world().and_then(|w| least_1_norm(w.heads(), w.target())).unwrap_or_default();
    if picture {
        cx.view(
            "allocation",
            pictures::allocation(&names, &vec![0; names.len()], &truth, config.budget as f64),
        );
    }
    let alone = trial.judge(&ridge_weights(&target, 0, config.target_ridge));
    let heads = trial.world().map_or_else(Vec::new, |w| [w.heads(), w.target()].concat());
    let mut record = Record { found: Vec::new(), alone, truth, heads, costs: costs.clone(), seconds: 0.0 };
    for (place, rival) in config.rivals(tasks.generated()).into_iter().enumerate() {
        let mut found = Found::default();
        for budget in config.budgets() {
            let start = cx.now();
            let mut own = trial.clone();
            let outcome = strategy(config, rival, &mut own, &target, &costs, budget, cx).await?;
            if place == 0 {
                record.seconds = cx.now() - start;
            }
            let (error, balanced) = trial.judge(&outcome.weights());
            found.error.push(error);
            found.balanced.push(balanced);
            if let Some(world) = trial.world() {
                let amounts: Vec<f64> = outcome.counts.iter().map(|n| *n as f64).collect();
                let v = variance(world.heads(), world.target(), &amounts);
                found.variance.push(if v.is_finite() { v } else { -1.0 });
            }
            found.counts = short(&outcome.counts);
            found.rounds = outcome.rounds.iter().map(|round| short(&round.counts)).collect();
            found.empty = outcome.empty_estimates > 0;
            if picture && place == 0 {
                cx.view("allocation", pictures::allocation(&names, &outcome.counts, &record.truth, budget));
                if outcome.path.len() > 1 {
                    cx.view("path", pictures::path(&names, &outcome.path));
                }
            }
            found.relevance = outcome.relevance;
            cx.tick().await?;
        }
        record.found.push(found);
    }
    Ok(record)
}

fn short(counts: &[usize]) -> Vec<u32> {
    counts.iter().map(|n| *n as u32).collect()
}

async fn strategy(
    config: &Config,
    rival: Rival,
    trial: &mut Trial<'_>,
    target: &Moments,
    costs: &[f64],
    budget: f64,
    cx: &mut Context,
) -> Result<Outcome, Error> {
    let method = config.method(rival.strategy, costs.to_vec());
    let known = trial.world().filter(|_| rival.known).map(|world| relevance(config, rival, world, costs));
    let (drawn, names) = (cx.now(), trial.source().tasks());
    let mut watch = Watch { cx, drawn, error: None };
    let found = match known {
        Some(nu) => {
            // Floors that would use up the budget would make all strategies alike.
            let total = if costs.is_empty() { names as f64 } else { costs.iter().sum() };
            let floor = config.floor.min((0.5 * budget / total) as usize);
            method.run_known(&nu, floor, trial.source(), target, budget, &mut watch).await
        }
        None => method.run(trial.source(), target, budget, &mut watch).await,
    };
    match watch.error {
        Some(error) => Err(error),
        None => found.map_err(core_error),
    }
}

/// The true relevance by the strategy's norm. Heads of fewer dimensions than tasks span everything.
fn relevance(config: &Config, rival: Rival, world: &LinearWorld, costs: &[f64]) -> Vec<f64> {
    let (heads, target) = (world.heads(), world.target());
    let shortest = match rival.strategy {
        Strategy::Uniform | Strategy::L2 => None,
        Strategy::L1Cost if !costs.is_empty() => least_cost_norm(heads, target, costs),
        _ => least_1_norm(heads, target),
    };
    let mut nu = shortest.unwrap_or_else(|| least_2_norm(heads, target));
    if rival.strategy == Strategy::L1TopK {
        keep_largest(&mut nu, config.top);
        nu = refit(heads, target, &nu);
    }
    nu
}
