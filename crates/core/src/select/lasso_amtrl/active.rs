//! Rounds of drawing, fitting and estimating.

use super::allocation::{Limits, allocate};
use super::fit::{FitOptions, MultiTaskFit, Representation};
use super::relevance::{keep_largest, lasso_relevance, least_2_norm, refit};
use super::{Moments, TaskSource};
use crate::CoreError;
use crate::lasso::LassoPoint;
use crate::linalg::cholesky_with_ridge;
use crate::select::{SelectionObserver, work};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How samples are spread over the source tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// As many from every task.
    Uniform,
    /// In proportion to ν², for the ν of least 2-norm (Chen, Jamieson and Du).
    L2,
    /// In proportion to |ν|, for the ν of the Lasso.
    #[default]
    L1,
    /// As `l1`, on the tasks with the largest |ν| only.
    L1TopK,
    /// As `l1`, with samples that differ in cost: in proportion to |ν|/√cost.
    L1Cost,
}

/// When relevance is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Once, after a first round that treats all tasks alike.
    #[default]
    TwoRounds,
    /// After each of several rounds of equal size, the first of which treats all tasks alike.
    EqualRounds,
    /// After rounds that grow: max(ν²·4^i, 2^i) times the samples that a task has in the first (ν² is |ν|·‖ν‖₁ for
    /// `l1`).
    GrowingRounds,
}

/// The method, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveSampling {
    /// How samples are spread.
    pub strategy: Strategy,
    /// When relevance is estimated.
    pub schedule: Schedule,
    /// Share of the budget that the first round spends, above 0 and up to 1. Not used with rounds of equal size.
    pub explore: f64,
    /// Rounds of equal size, at least 2.
    pub rounds: usize,
    /// Weight of the Lasso as a share of the smallest weight with ν = 0, above 0 and below 1.
    pub lasso: f64,
    /// Least samples of each task in a round that follows an estimate.
    pub floor: usize,
    /// Tasks that `l1-top-k` keeps.
    pub top: usize,
    /// Take the shrinkage of the Lasso away again.
    pub debias: bool,
    /// Measure heads by the second moment of the features, for inputs that are not white.
    pub whiten: bool,
    /// Cost of a sample of each task; empty for ones.
    pub costs: Vec<f64>,
    /// The fit.
    pub fit: FitOptions,
}

impl Default for ActiveSampling {
    fn default() -> ActiveSampling {
        ActiveSampling {
            strategy: Strategy::L1,
            schedule: Schedule::TwoRounds,
            explore: 0.25,
            rounds: 4,
            lasso: 0.05,
            floor: 0,
            top: 4,
            debias: false,
            whiten: false,
            costs: Vec::new(),
            fit: FitOptions::default(),
        }
    }
}

/// One round.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The relevance that it followed; empty for a round that treats all tasks alike.
    pub relevance: Vec<f64>,
    /// Samples drawn of each task.
    pub counts: Vec<usize>,
}

/// What a run found.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// All rounds.
    pub rounds: Vec<Round>,
    /// Samples of each task.
    pub counts: Vec<usize>,
    /// Cost of all samples.
    pub spent: f64,
    /// The relevance that the last round followed; zeros if it treated all tasks alike.
    pub relevance: Vec<f64>,
    /// The Lasso path of the last estimate; empty for other strategies.
    pub path: Vec<LassoPoint>,
    /// The fit to all samples.
    pub representation: Representation,
    /// Head of the target.
    pub head: Vec<f64>,
    /// Estimates that were 0 everywhere, after which all tasks were treated alike.
    pub empty_estimates: usize,
}

impl Outcome {
    /// B·w of the target: the weights of the inputs.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        self.representation.weights(&self.head)
    }
}

impl ActiveSampling {
    /// Checks ranges, for a number of source tasks.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names the field; [`CoreError::Shape`] for costs of another number of tasks.
    pub fn check(&self, tasks: usize) -> Result<(), CoreError> {
        if !(self.explore > 0.0 && self.explore <= 1.0) {
            return Err(CoreError::range("explore", self.explore, "above 0 and at most 1"));
        }
        if !(self.lasso > 0.0 && self.lasso < 1.0) {
            return Err(CoreError::range("lasso", self.lasso, "above 0 and below 1"));
        }
        if self.rounds < 2 {
            return Err(CoreError::range("rounds", self.rounds, "at least 2"));
        }
        if self.top == 0 {
            return Err(CoreError::range("top", self.top, "at least 1"));
        }
        if !self.costs.is_empty() && self.costs.len() != tasks {
            let expected = format!("there are {tasks} tasks, each with one cost");
            return Err(CoreError::Shape {
                what: "costs of samples",
                found: vec![self.costs.len()],
                expected,
            });
        }
        Ok(())
    }

    /// Draws `budget` (a number of samples, or a cost) from the sources, in rounds. Ends with a fit to all samples.
    ///
    /// # Errors
    /// Those of [`ActiveSampling::check`], of the fit and of the allocation; [`CoreError::Interrupted`].
    pub async fn run<O: SelectionObserver>(
        &self,
        source: &mut dyn TaskSource,
        target: &Moments,
        budget: f64,
        observer: &mut O,
    ) -> Result<Outcome, CoreError> {
        let mut state = self.start(source, target, budget)?;
        let tasks = source.tasks();
        if self.strategy == Strategy::Uniform {
            self.draw(source, &mut state, &[], budget, 0)?;
            return self.finish(state, target, observer).await;
        }
        let first = match self.schedule {
            Schedule::EqualRounds => budget / self.rounds as f64,
            _ => self.explore * budget,
        };
        self.draw(source, &mut state, &[], first, 0)?;
        let each = state.moments.total() as f64 / tasks as f64;
        loop {
            let rest = budget - state.spent;
            // A remainder that rounding left, or that is too small for any sample, is no round.
            if rest < state.costs.iter().fold(f64::INFINITY, |least, c| least.min(*c)) * (1.0 - 1e-9) {
                break;
            }
            let fitted = self.fit(&state.moments, observer).await?;
            let nu = self.estimate(&fitted, &mut state, target);
            let round = state.rounds.len();
            let size = match self.schedule {
                Schedule::TwoRounds => rest,
                Schedule::EqualRounds if round + 1 >= self.rounds => rest,
                Schedule::EqualRounds => first.min(rest),
                Schedule::GrowingRounds => self.growing(&nu, each, round, &state.costs).min(rest),
            };
            let floor = match self.schedule {
                Schedule::GrowingRounds => (each * libm::exp2(round as f64)) as usize,
                _ => self.floor,
            };
            // The last of growing rounds gets what is left, which may be less than its floor.
            let total: f64 = state.costs.iter().sum();
            let floor = floor.min((size / total) as usize);
            let spent = state.spent;
            self.draw(source, &mut state, &nu, size, floor)?;
            if size >= rest || state.spent <= spent {
                break;
            }
        }
        self.finish(state, target, observer).await
    }

    /// Draws everything at once by a known relevance, with a floor for each task, and fits.
    ///
    /// # Errors
    /// As [`ActiveSampling::run`]; [`CoreError::Shape`] if `relevance` is of another number of tasks.
    pub async fn run_known<O: SelectionObserver>(
        &self,
        relevance: &[f64],
        floor: usize,
        source: &mut dyn TaskSource,
        target: &Moments,
        budget: f64,
        observer: &mut O,
    ) -> Result<Outcome, CoreError> {
        let mut state = self.start(source, target, budget)?;
        if relevance.len() != source.tasks() {
            let expected = format!("there are {} tasks", source.tasks());
            return Err(CoreError::Shape { what: "relevance", found: vec![relevance.len()], expected });
        }
        self.draw(source, &mut state, relevance, budget, floor)?;
        self.finish(state, target, observer).await
    }

    /// Shares of the tasks by their relevance: ν², |ν| or |ν|/√cost; all alike if it is 0 everywhere.
    #[must_use]
    pub fn shares(&self, relevance: &[f64], costs: &[f64]) -> Vec<f64> {
        let mut shares = Vec::with_capacity(costs.len());
        for (t, cost) in costs.iter().enumerate() {
            let nu = relevance.get(t).copied().unwrap_or(0.0);
            shares.push(match self.strategy {
                Strategy::Uniform => 1.0,
                Strategy::L2 => nu * nu,
                Strategy::L1 | Strategy::L1TopK => nu.abs(),
                Strategy::L1Cost => nu.abs() / cost.sqrt(),
            });
        }
        if shares.iter().all(|p| *p == 0.0) {
            shares.fill(1.0);
        }
        shares
    }

    fn start(&self, source: &dyn TaskSource, target: &Moments, budget: f64) -> Result<State, CoreError> {
        let tasks = source.tasks();
        self.check(tasks)?;
        if target.tasks() != 1 || target.total() == 0 {
            let expected = "the target is one task with at least one sample".to_owned();
            let found = vec![target.tasks(), target.total()];
            return Err(CoreError::Shape { what: "samples of the target", found, expected });
        }
        if !target.is_finite() {
            return Err(CoreError::NotFinite { what: "samples of the target" });
        }
        if !(budget > 0.0 && budget.is_finite()) {
            return Err(CoreError::range("budget", budget, "positive and finite"));
        }
        let costs = if self.costs.is_empty() { vec![1.0; tasks] } else { self.costs.clone() };
        let mut most = 0.0;
        for (t, cost) in costs.iter().enumerate() {
            most += cost * source.left(t) as f64;
        }
        if budget > most * (1.0 + 1e-9) {
            return Err(CoreError::range("budget", budget, format!("at most {most}, all samples there are")));
        }
        Ok(State {
            moments: Moments::new(tasks, target.dims()),
            costs,
            spent: 0.0,
            rounds: Vec::new(),
            path: Vec::new(),
            empty_estimates: 0,
        })
    }

    fn draw(
        &self,
        source: &mut dyn TaskSource,
        state: &mut State,
        relevance: &[f64],
        budget: f64,
        floor: usize,
    ) -> Result<(), CoreError> {
        let caps: Vec<usize> = (0..source.tasks()).map(|t| source.left(t)).collect();
        let shares =
            if relevance.is_empty() { vec![1.0; caps.len()] } else { self.shares(relevance, &state.costs) };
        let limits = Limits { floor, caps: &caps, costs: &state.costs };
        let counts = allocate(&shares, budget, limits)?;
        for (t, count) in counts.iter().enumerate() {
            source.draw(t, *count, &mut state.moments);
            state.spent += state.costs[t] * *count as f64;
        }
        state.rounds.push(Round { relevance: relevance.to_vec(), counts });
        Ok(())
    }

    /// Samples that a growing round asks for, as a cost.
    fn growing(&self, nu: &[f64], each: f64, round: usize, costs: &[f64]) -> f64 {
        let norm: f64 = nu.iter().map(|v| v.abs()).sum();
        let (steep, flat) = (libm::exp2(2.0 * round as f64), libm::exp2(round as f64));
        let mut sum = 0.0;
        for (nu, cost) in nu.iter().zip(costs) {
            let weight = if self.strategy == Strategy::L2 { nu * nu } else { nu.abs() * norm };
            sum += cost * each * (weight * steep).max(flat);
        }
        sum
    }

    async fn fit<O: SelectionObserver>(
        &self,
        samples: &Moments,
        observer: &mut O,
    ) -> Result<Representation, CoreError> {
        let mut fit = MultiTaskFit::new(samples, self.fit)?;
        for _ in 0..self.fit.iterations {
            fit.step();
            work(observer).await?;
        }
        Ok(fit.finish())
    }

    /// ν from a fit.
    fn estimate(&self, fitted: &Representation, state: &mut State, target: &Moments) -> Vec<f64> {
        let (_, k) = fitted.shape();
        let mut head = fitted.head(target, self.fit.ridge);
        let mut heads = fitted.heads().to_vec();
        if self.whiten {
            // Lᵀw for Σ = L·Lᵀ: any root of Σ does, as a rotation changes neither norm nor Lasso.
            let mut root = Vec::new();
            if cholesky_with_ridge(&fitted.feature_moment(&state.moments), k, &mut root).is_some() {
                for w in heads.chunks_exact_mut(k).chain([&mut head[..]]) {
                    for i in 0..k {
                        w[i] = (i..k).map(|j| root[j * k + i] * w[j]).sum();
                    }
                }
            }
        }
        let mut nu = if self.strategy == Strategy::L2 {
            least_2_norm(&heads, &head)
        } else {
            let ones = vec![1.0; state.costs.len()];
            let weights = if self.strategy == Strategy::L1Cost { &state.costs } else { &ones };
            state.path = lasso_relevance(&heads, &head, weights, self.lasso);
            let mut nu = state.path.last().map_or_else(Vec::new, |point| point.x.clone());
            if self.strategy == Strategy::L1TopK {
                keep_largest(&mut nu, self.top);
            }
            if self.debias || self.strategy == Strategy::L1TopK {
                nu = refit(&heads, &head, &nu);
            }
            nu
        };
        if nu.iter().any(|v| !v.is_finite()) {
            nu.fill(0.0);
        }
        if nu.iter().all(|v| *v == 0.0) {
            state.empty_estimates += 1;
        }
        nu
    }

    async fn finish<O: SelectionObserver>(
        &self,
        state: State,
        target: &Moments,
        observer: &mut O,
    ) -> Result<Outcome, CoreError> {
        let representation = self.fit(&state.moments, observer).await?;
        let head = representation.head(target, self.fit.ridge);
        let relevance = match state.rounds.last() {
            Some(round) if !round.relevance.is_empty() => round.relevance.clone(),
            _ => vec![0.0; state.moments.tasks()],
        };
        Ok(Outcome {
            counts: state.moments.counts().to_vec(),
            spent: state.spent,
            relevance,
            path: state.path,
            representation,
            head,
            empty_estimates: state.empty_estimates,
            rounds: state.rounds,
        })
    }
}

/// What a run knows so far.
struct State {
    moments: Moments,
    costs: Vec<f64>,
    spent: f64,
    rounds: Vec<Round>,
    path: Vec<LassoPoint>,
    empty_estimates: usize,
}
