//! The configuration as people write it.

use lowshot_core::CoreError;
use lowshot_core::select::lasso_amtrl::{ActiveSampling, FitOptions, Heads, Schedule, Strategy};
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What else spreads the same budget over the same tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Nothing.
    None,
    /// The same number of samples from every task.
    Uniform,
    /// Uniform, L2 and L1 with estimated and (generated tasks) with known relevance, and the target's samples alone.
    #[default]
    All,
}

/// How the pictures of a task are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Not at all.
    Identity,
    /// Normal noise of 0.3.
    #[default]
    Noise,
    /// Mean of 3 × 3 pixels.
    Blur,
    /// Black for white.
    Invert,
    /// One pixel to the right.
    ShiftX,
    /// One pixel down.
    ShiftY,
    /// A square of 3 × 3 pixels is black.
    Occlusion,
    /// Left for right.
    Mirror,
    /// Rows for columns.
    Transpose,
    /// Less contrast: 0.3·a + 0.35.
    Contrast,
}

impl Change {
    /// All changes, in the order of the tasks.
    pub const ALL: [Change; 10] = [
        Change::Identity,
        Change::Noise,
        Change::Blur,
        Change::Invert,
        Change::ShiftX,
        Change::ShiftY,
        Change::Occlusion,
        Change::Mirror,
        Change::Transpose,
        Change::Contrast,
    ];

    /// Name in pictures.
    pub fn name(self) -> &'static str {
        match self {
            Change::Identity => "identity",
            Change::Noise => "noise",
            Change::Blur => "blur",
            Change::Invert => "invert",
            Change::ShiftX => "shift-x",
            Change::ShiftY => "shift-y",
            Change::Occlusion => "occlusion",
            Change::Mirror => "mirror",
            Change::Transpose => "transpose",
            Change::Contrast => "contrast",
        }
    }
}

/// Configuration of `lasso-amtrl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How samples are spread over the source tasks.
    pub strategy: Strategy,
    /// Labelled samples of all source tasks together (their cost, where samples differ in cost).
    #[schemars(range(min = 10, max = 10_000_000))]
    pub budget: usize,
    /// Labelled samples of the target; with fewer than twice `rank` the relevance is noise.
    #[schemars(range(min = 1, max = 100_000))]
    pub shots: usize,
    /// Dimensions of the representation that all tasks share.
    #[schemars(range(min = 1, max = 64))]
    pub rank: usize,
    /// Share of the budget for a first round that treats all tasks alike.
    #[schemars(range(min = 0.01, max = 0.9))]
    pub explore: f64,
    /// Weight of the Lasso, as a share of the smallest weight for which no task is relevant.
    #[schemars(range(min = 0.001, max = 0.9))]
    pub lasso: f64,
    /// What else spreads the same budget over the same tasks.
    pub compare: Compare,
    /// Tell the strategy the true relevance, which only generated tasks have.
    pub known: bool,
    /// When relevance is estimated.
    #[schemars(extend("x-group" = "Rounds"))]
    pub schedule: Schedule,
    /// Rounds of equal size.
    #[schemars(range(min = 2, max = 8), extend("x-group" = "Rounds", "x-when" = {"schedule": ["equal-rounds"]}))]
    pub rounds: usize,
    /// Tasks that `l1-top-k` keeps.
    #[schemars(range(min = 1, max = 1_000), extend("x-group" = "Rounds", "x-when" = {"strategy": ["l1-top-k"]}))]
    pub top: usize,
    /// Take the shrinkage of the Lasso away again.
    #[schemars(extend("x-group" = "Rounds"))]
    pub debias: bool,
    /// Measure heads by the second moment of the features, for inputs whose directions differ in size.
    #[schemars(extend("x-group" = "Rounds"))]
    pub whiten: bool,
    /// Least samples of each task where relevance is known; at most half of an even share.
    #[schemars(range(min = 0, max = 10_000), extend("x-group" = "Rounds"))]
    pub floor: usize,
    /// A sample of the dearest task costs so many times that of the cheapest; 1: all cost the same.
    #[schemars(range(min = 1.0, max = 100.0), extend("x-group" = "Rounds"))]
    pub cost_spread: f64,
    /// Alternations between heads and basis in a fit.
    #[schemars(range(min = 1, max = 200), extend("x-group" = "Fit"))]
    pub iterations: usize,
    /// Ridge for each sample.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-group" = "Fit"))]
    pub ridge: f64,
    /// Ridge for each sample where the target's samples are alone; they are fitted in all inputs, not in K dimensions.
    #[schemars(range(min = 0.0, max = 10.0), extend("x-group" = "Fit"))]
    pub target_ridge: f64,
    /// Worlds, or splits of the pictures, one after the other.
    #[schemars(range(min = 1, max = 100_000), extend("x-group" = "Trials"))]
    pub trials: usize,
    /// Points of the curve against budget: the whole budget, half of it, a quarter, …
    #[schemars(range(min = 1, max = 6), extend("x-group" = "Trials"))]
    pub points: usize,
    /// Generated: source tasks.
    #[schemars(range(min = 2, max = 1_000), extend("x-group" = "Generated tasks"))]
    pub tasks: usize,
    /// Generated: inputs of a sample.
    #[schemars(range(min = 1, max = 200), extend("x-group" = "Generated tasks"))]
    pub dims: usize,
    /// Generated: how the heads of the tasks lie.
    #[schemars(extend("x-group" = "Generated tasks"))]
    pub heads: Heads,
    /// Generated: standard deviation of the noise of a label.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-group" = "Generated tasks"))]
    pub noise: f64,
    /// Pictures: how those of the target are changed; the source tasks have all other changes.
    #[schemars(extend("x-group" = "Picture tasks"))]
    pub target_change: Change,
    /// Pictures: the class, from 0, that the target tells from the rest.
    #[schemars(range(min = 0, max = 1_000), extend("x-group" = "Picture tasks"))]
    pub target_class: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            strategy: Strategy::L1,
            budget: 4000,
            shots: 400,
            rank: 4,
            explore: 0.25,
            lasso: 0.05,
            compare: Compare::All,
            known: false,
            schedule: Schedule::TwoRounds,
            rounds: 4,
            top: 4,
            debias: false,
            whiten: false,
            floor: 5,
            cost_spread: 1.0,
            iterations: 25,
            ridge: 1e-8,
            target_ridge: 1e-3,
            trials: 10,
            points: 2,
            tasks: 40,
            dims: 20,
            heads: Heads::Gaussian,
            noise: 1.0,
            target_change: Change::Noise,
            target_class: 3,
        }
    }
}

/// One competitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rival {
    /// How it spreads samples.
    pub strategy: Strategy,
    /// True if it is told the true relevance.
    pub known: bool,
}

impl Rival {
    /// Name in tables and metrics.
    pub fn name(self) -> &'static str {
        match (self.strategy, self.known) {
            (Strategy::Uniform, _) => "uniform",
            (Strategy::L2, false) => "l2",
            (Strategy::L2, true) => "l2-known",
            (Strategy::L1, false) => "l1",
            (Strategy::L1, true) => "l1-known",
            (Strategy::L1TopK, false) => "l1-top-k",
            (Strategy::L1TopK, true) => "l1-top-k-known",
            (Strategy::L1Cost, false) => "l1-cost",
            (Strategy::L1Cost, true) => "l1-cost-known",
        }
    }
}

impl Config {
    /// The strategy that the run is about, then the others; known relevance only of generated tasks.
    pub fn rivals(&self, generated: bool) -> Vec<Rival> {
        let own = Rival { strategy: self.strategy, known: self.known && generated };
        let others: &[(Strategy, bool)] = match self.compare {
            Compare::None => &[],
            Compare::Uniform => &[(Strategy::Uniform, false)],
            Compare::All => &[
                (Strategy::Uniform, false),
                (Strategy::L2, false),
                (Strategy::L1, false),
                (Strategy::L2, true),
                (Strategy::L1, true),
            ],
        };
        let mut all = vec![own];
        for (strategy, known) in others {
            let rival = Rival { strategy: *strategy, known: *known };
            if rival != own && (generated || !known) {
                all.push(rival);
            }
        }
        let cheapest = Rival { strategy: Strategy::L1Cost, known: true };
        if self.compare == Compare::All && self.cost_spread > 1.0 && generated && own != cheapest {
            all.push(cheapest);
        }
        all
    }

    /// The method of a competitor.
    pub fn method(&self, strategy: Strategy, costs: Vec<f64>) -> ActiveSampling {
        ActiveSampling {
            strategy,
            schedule: self.schedule,
            explore: self.explore,
            rounds: self.rounds,
            lasso: self.lasso,
            floor: 0,
            top: self.top,
            debias: self.debias,
            whiten: self.whiten,
            costs,
            fit: FitOptions { rank: self.rank, iterations: self.iterations, ridge: self.ridge },
        }
    }

    /// Budgets of the curve, the whole one last.
    pub fn budgets(&self) -> Vec<f64> {
        (0..self.points).rev().map(|halvings| self.budget as f64 / f64::from(1 << halvings as u32)).collect()
    }
}

/// An error of a field.
pub fn error(field: &str, problem: String, expected: String) -> FieldError {
    FieldError { field: field.to_owned(), problem, expected }
}

/// A range error of the algorithm as an error of the field.
pub fn core_error(error: CoreError) -> crate::Error {
    match error {
        CoreError::OutOfRange { field, value, range } => {
            FieldError { field: field.to_owned(), problem: format!("is {value}"), expected: range }.into()
        }
        other => other.into(),
    }
}
