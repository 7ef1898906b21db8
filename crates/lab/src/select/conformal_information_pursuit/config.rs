//! The configuration as people write it.

use lowshot_core::CoreError;
use lowshot_core::select::conformal_information_pursuit::{Objective, Slack};
use lowshot_core::select::{Expectation, Likelihood, StopRule};
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who thinks of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The program: games about many hidden objects, with every policy.
    #[default]
    Simulate,
    /// You: think of one of the labels and answer in `answers`. Games of the program follow.
    Play,
}

/// What else asks about the same objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Nothing.
    None,
    /// Random questions and Information Pursuit.
    #[default]
    Main,
    /// Also questions in order, the other objectives, and Information Pursuit with probabilities repaired by a
    /// temperature and by Platt scaling.
    All,
}

/// How thresholds are calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Thresholding {
    /// One for each number of answers, on random questions: as published.
    #[default]
    PerLength,
    /// One for all numbers of answers: too small for some, too large for others.
    Common,
    /// One for each number of answers, on the first turns of games that Information Pursuit played.
    Games,
}

/// Configuration of `conformal-information-pursuit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who thinks of something.
    pub mode: Mode,
    /// Your answers in the order of the questions: y, n, or ? if you do not know. Or name a question: `milk=y`.
    #[schemars(extend("x-when" = {"mode": ["play"]}, "examples" = ["y n y", "milk=y legs=4:n ?"]))]
    pub answers: String,
    /// Most questions of a game. Published: 20.
    #[schemars(range(min = 1, max = 200))]
    pub questions: usize,
    /// How the sizes of prediction sets become bits.
    pub objective: Objective,
    /// Which objects stand for the hidden one when a question is judged.
    pub expectation: Expectation,
    /// How many objects stand for it. Published: 4 and 12.
    #[schemars(range(min = 1, max = 1_000), extend("x-when" = {"expectation": ["uniform-sample"]}))]
    pub samples: usize,
    /// Miscoverage: prediction sets may miss the true label so often.
    #[schemars(range(min = 0.01, max = 0.9))]
    pub alpha: f64,
    /// What else asks about the same objects.
    pub compare: Compare,
    /// Softmax temperature: 1 believes the table, 0.1 is as sure as a language model.
    #[schemars(range(min = 0.01, max = 3.0), extend("x-group" = "Predictor"))]
    pub temperature: f64,
    /// How much the predictor misunderstands answers (standard deviation of a fixed error of each logit). With a
    /// temperature of 0.1, 0.5 behaves like a language model.
    #[schemars(range(min = 0.0, max = 3.0), extend("x-group" = "Predictor"))]
    pub logit_noise: f64,
    /// How a table of answers becomes likelihoods; matters where a label has several rows.
    #[schemars(extend("x-group" = "Predictor"))]
    pub likelihood: Likelihood,
    /// Probability of a wrong answer that the predictor reckons with.
    #[schemars(range(min = 0.001, max = 0.45), extend("x-group" = "Predictor"))]
    pub error: f64,
    /// Column of the label that is to be found; empty for the first.
    #[schemars(extend("x-group" = "Data", "examples" = ["", "type"]))]
    pub label: String,
    /// Labels whose answers are all the same count as one: no question can tell them apart.
    #[schemars(extend("x-group" = "Data"))]
    pub merge: bool,
    /// Learn, calibrate and test on different rows, a third each. Every label needs three rows.
    #[schemars(extend("x-group" = "Data"))]
    pub hold_out: bool,
    /// Share of answers that are wrong.
    #[schemars(range(min = 0.0, max = 0.49), extend("x-group" = "Data"))]
    pub wrong_answers: f64,
    /// How thresholds are calibrated.
    #[schemars(extend("x-group" = "Calibration"))]
    pub thresholding: Thresholding,
    /// Draws for each number of answers. Published: 100 and 200.
    #[schemars(range(min = 5, max = 10_000), extend("x-group" = "Calibration"))]
    pub draws: usize,
    /// What 1 − α_N is in the bound, above which coverage cannot be.
    #[schemars(extend("x-group" = "Calibration", "x-when" = {"objective": ["bound"]}))]
    pub slack: Slack,
    /// Count an empty set as all labels. As published, an empty set looks certain.
    #[schemars(extend("x-group" = "Calibration"))]
    pub empty_is_all: bool,
    /// Stop when the scores of the candidates spread by fewer bits; 0 for never. Published example: 0.01.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-group" = "Stopping"))]
    pub stop_spread: f64,
    /// Stop when so few labels are plausible; 0 for never.
    #[schemars(range(min = 0, max = 100), extend("x-group" = "Stopping"))]
    pub stop_set: usize,
    /// Predictors and calibrations drawn, one after the other.
    #[schemars(range(min = 1, max = 100_000), extend("x-group" = "Trials"))]
    pub trials: usize,
    /// Objects played in a trial, drawn from the data; all if there are fewer.
    #[schemars(range(min = 1, max = 100_000), extend("x-group" = "Trials"))]
    pub games: usize,
    /// What the game that is shown hides, a name in the label column; empty for any.
    #[schemars(extend("x-group" = "Trials", "x-when" = {"mode": ["simulate"]}, "examples" = ["", "platypus"]))]
    pub hidden: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mode: Mode::Simulate,
            answers: String::new(),
            questions: 15,
            objective: Objective::Bound,
            expectation: Expectation::UniformSample,
            samples: 4,
            alpha: 0.1,
            compare: Compare::Main,
            temperature: 0.1,
            logit_noise: 0.5,
            likelihood: Likelihood::NaiveBayes,
            error: 0.1,
            label: String::new(),
            merge: true,
            hold_out: false,
            wrong_answers: 0.0,
            thresholding: Thresholding::PerLength,
            draws: 100,
            slack: Slack::Estimation,
            empty_is_all: false,
            stop_spread: 0.01,
            stop_set: 0,
            trials: 10,
            games: 20,
            hidden: String::new(),
        }
    }
}

impl Config {
    /// When a game is over.
    pub fn rule(&self) -> StopRule {
        StopRule { questions: self.questions, spread: self.stop_spread, set: self.stop_set }
    }
}

/// An error of a field.
pub fn wrong(field: &str, problem: String, expected: impl Into<String>) -> crate::Error {
    FieldError { field: field.to_owned(), problem, expected: expected.into() }.into()
}

/// A range error of the algorithm as an error of the field.
pub fn field_error(error: CoreError) -> crate::Error {
    match error {
        CoreError::OutOfRange { field, value, range } => wrong(field, format!("is {value}"), range),
        other => other.into(),
    }
}
