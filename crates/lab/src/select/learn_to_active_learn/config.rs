//! The configuration as people write it.

use crate::Error;
use lowshot_core::CoreError;
use lowshot_core::select::learn_to_active_learn::{Family, Loss, Problem, Recommendation, TrainConfig};
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Where a row of points changes from +1 to −1.
    #[default]
    Thresholds,
    /// Which arm answers +1 most often.
    BestArm,
}

/// How the end of a game is turned into a recommendation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recommend {
    /// Sums for thresholds, means for arms.
    #[default]
    Auto,
    /// The hypothesis that fits the sums of the answers best.
    Erm,
    /// The hypothesis that fits the means of the answers best.
    Means,
}

/// Who plays the game that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Player {
    /// The trained network.
    #[default]
    Learned,
    /// The exact robust policy.
    Exact,
    /// Queries at random.
    Random,
}

/// Whether other policies are held against the learned one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Only the exact values.
    None,
    /// All of them.
    #[default]
    All,
}

/// Configuration of `learn-to-active-learn`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is to be found out.
    pub task: Task,
    /// Points in the row, or arms: what can be asked.
    #[schemars(range(min = 2, max = 6))]
    pub queries: usize,
    /// Queries of a game. States are counted one by one, so many queries need a small budget.
    #[schemars(range(min = 1, max = 15))]
    pub budget: usize,
    /// Classes of thresholds: an answer is right with probability (1 + c) / 2. Numbers c from large to small.
    #[schemars(extend("x-when" = {"task": ["thresholds"]}, "examples" = ["0.9, 0.5, 0.25"]))]
    pub signals: String,
    /// Classes of arms: complexities ρ from small to large.
    #[schemars(extend("x-when" = {"task": ["best-arm"]}, "examples" = ["6, 20, 60"]))]
    pub complexities: String,
    /// What a recommendation costs.
    pub loss: Loss,
    /// How the end of a game is turned into a recommendation.
    pub recommend: Recommend,
    /// What else is held against the learned policy.
    pub compare: Compare,
    /// Networks trained, each from its own random numbers.
    #[schemars(range(min = 1, max = 10_000))]
    pub trials: usize,
    /// Let an adversary weigh the instances; without, the network is trained on their mean.
    #[schemars(extend("x-group" = "Training"))]
    pub adversary: bool,
    /// Training steps.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-group" = "Training"))]
    pub steps: usize,
    /// Hidden units of each of two layers.
    #[schemars(range(min = 4, max = 256), extend("x-group" = "Training"))]
    pub hidden: usize,
    /// Instances drawn in a step.
    #[schemars(range(min = 1, max = 1_024), extend("x-group" = "Training"))]
    pub problems: usize,
    /// Games with each of them in a step.
    #[schemars(range(min = 2, max = 1_024), extend("x-group" = "Training"))]
    pub rollouts: usize,
    /// Rate of the policy; falls to 0 along a line.
    #[schemars(range(min = 0.00001, max = 0.1), extend("x-group" = "Training"))]
    pub rate: f64,
    /// Bonus for undecided queries; falls to 0 along a line.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-group" = "Training"))]
    pub entropy: f64,
    /// Rate of the adversary's weights, at most that of the policy: a faster adversary collapses.
    #[schemars(range(min = 0.0, max = 0.1), extend("x-group" = "Adversary"))]
    pub mixture_rate: f64,
    /// Bonus for even weights.
    #[schemars(range(min = 0.0, max = 10.0), extend("x-group" = "Adversary"))]
    pub mixture_entropy: f64,
    /// Instances that the adversary may move within their class, beside those of the grid, which stay.
    #[schemars(range(min = 0, max = 1_024), extend("x-group" = "Adversary"))]
    pub moving: usize,
    /// Rate at which they move.
    #[schemars(range(min = 0.0, max = 0.1), extend("x-group" = "Adversary"))]
    pub particle_rate: f64,
    /// Steps of the exact solver.
    #[schemars(range(min = 50, max = 20_000), extend("x-group" = "Reference"))]
    pub exact_steps: usize,
    /// How often bisection takes an answer to be wrong; 0 to take the best of 0.05, 0.1, …, 0.45.
    #[schemars(range(min = 0.0, max = 0.49), extend("x-group" = "Reference", "x-when" = {"task": ["thresholds"]}))]
    pub beta: f64,
    /// Who plays the game that is shown.
    #[schemars(extend("x-group" = "Game"))]
    pub player: Player,
    /// The instance that answers: its number, class after class.
    #[schemars(range(min = 0, max = 1_000), extend("x-group" = "Game"))]
    pub instance: usize,
    /// Your own answers instead, + or -, one for each question; then the next question is shown.
    #[schemars(extend("x-group" = "Game", "examples" = ["+ - +"]))]
    pub answers: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            task: Task::Thresholds,
            queries: 4,
            budget: 6,
            signals: "0.9, 0.5, 0.25".to_owned(),
            complexities: "6, 20, 60".to_owned(),
            loss: Loss::Identification,
            recommend: Recommend::Auto,
            compare: Compare::All,
            trials: 1,
            adversary: true,
            steps: 500,
            hidden: 32,
            problems: 15,
            rollouts: 32,
            rate: 4e-3,
            entropy: 0.01,
            mixture_rate: 4e-3,
            mixture_entropy: 0.1,
            moving: 0,
            particle_rate: 2e-3,
            exact_steps: 300,
            beta: 0.0,
            player: Player::Learned,
            instance: 1,
            answers: String::new(),
        }
    }
}

impl Config {
    /// The problem.
    pub fn problem(&self) -> Result<Problem, Error> {
        let problem = match self.task {
            Task::Thresholds => Problem::thresholds(self.queries, self.budget),
            Task::BestArm => Problem::best_arm(self.queries, self.budget),
        };
        let problem = problem.map_err(field_error)?.with_loss(self.loss);
        Ok(match self.recommend {
            Recommend::Auto => problem,
            Recommend::Erm => problem.with_recommendation(Recommendation::Erm),
            Recommend::Means => problem.with_recommendation(Recommendation::Means),
        })
    }

    /// Its instances, class by class.
    pub fn family(&self, problem: &Problem) -> Result<Family, Error> {
        match self.task {
            Task::Thresholds => Family::scaled_hypotheses(problem, &numbers("signals", &self.signals)?)
                .map_err(|error| renamed("signals", error)),
            Task::BestArm => Family::arms(problem, &numbers("complexities", &self.complexities)?)
                .map_err(|error| renamed("complexities", error)),
        }
    }

    /// Name of each class.
    pub fn class_names(&self) -> Result<Vec<String>, Error> {
        let (sign, list) = match self.task {
            Task::Thresholds => ("c", numbers("signals", &self.signals)?),
            Task::BestArm => ("ρ", numbers("complexities", &self.complexities)?),
        };
        Ok(list.iter().map(|number| format!("{sign} = {number}")).collect())
    }

    /// How to train.
    pub fn training(&self) -> TrainConfig {
        TrainConfig {
            hidden: self.hidden,
            steps: self.steps,
            problems: self.problems,
            rollouts: self.rollouts,
            rate: self.rate,
            entropy: self.entropy,
            adversary: self.adversary,
            mixture_rate: self.mixture_rate,
            mixture_entropy: self.mixture_entropy,
            moving: self.moving,
            particle_rate: self.particle_rate,
            ..TrainConfig::default()
        }
    }

    /// The visitor's answers, true for +.
    pub fn given_answers(&self) -> Result<Vec<bool>, Error> {
        let mut given = Vec::new();
        for letter in self.answers.chars() {
            match letter {
                '+' | 'y' | '1' => given.push(true),
                '-' | '−' | 'n' | '0' => given.push(false),
                ' ' | ',' => {}
                other => {
                    return Err(wrong("answers", format!("has `{other}`"), "+ and -, one for each question"));
                }
            }
        }
        if given.len() > self.budget {
            let expected = format!("at most {}, the budget", self.budget);
            return Err(wrong("answers", format!("has {} answers", given.len()), expected));
        }
        Ok(given)
    }
}

/// Up to eight numbers with commas or blanks between them.
fn numbers(field: &str, text: &str) -> Result<Vec<f64>, Error> {
    let mut list = Vec::new();
    for part in text.split([',', ' ', ';']).filter(|part| !part.is_empty()) {
        match part.parse::<f64>() {
            Ok(number) if number.is_finite() => list.push(number),
            _ => return Err(wrong(field, format!("has `{part}`"), "numbers with commas between them")),
        }
    }
    if list.is_empty() || list.len() > 8 {
        return Err(wrong(field, format!("has {} numbers", list.len()), "1 to 8 numbers"));
    }
    Ok(list)
}

/// An error of a field.
pub fn wrong(field: &str, problem: String, expected: impl Into<String>) -> Error {
    FieldError { field: field.to_owned(), problem, expected: expected.into() }.into()
}

/// A range error of the algorithm as one of the field that it came from.
fn renamed(field: &str, error: CoreError) -> Error {
    match error {
        CoreError::OutOfRange { value, range, .. } => wrong(field, format!("has {value}"), range),
        other => other.into(),
    }
}

/// A range error of the algorithm as one of the field of the same name.
pub fn field_error(error: CoreError) -> Error {
    match error {
        CoreError::OutOfRange { field, value, range } => wrong(field, format!("is {value}"), range),
        CoreError::TooLarge { rows, limit, .. } => wrong(
            "budget",
            format!("leads to {rows} last states"),
            format!("so small, with so few queries, that there are at most {limit}"),
        ),
        other => other.into(),
    }
}
