//! The configuration as people write it.

use lowshot_core::select::lp_sensitivity::Score;
use lowshot_core::select::lp_sensitivity::generate::{Noise, Shape};
use lowshot_core::select::lp_sensitivity::sample::Accuracy;
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What decides the number of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sizing {
    /// The expected number of kept rows.
    #[default]
    Budget,
    /// A relative error, by the shape of the theory; its constants are unknown.
    Accuracy,
}

/// What is run on the same trials beside the chosen score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Nothing.
    None,
    /// Uniform sampling.
    Uniform,
    /// Every score.
    #[default]
    All,
}

/// What generated rows look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shapes {
    /// Gaussian rows, each times a size with a heavy tail.
    #[default]
    Cloud,
    /// Powers of one number.
    Polynomial,
}

/// The noise of a generated target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseTail {
    /// Normal.
    Gaussian,
    /// Student's t with 3 degrees of freedom.
    T3,
    /// Student's t with 1.5 degrees of freedom: no variance.
    #[default]
    #[serde(rename = "t1.5")]
    T15,
}

/// Configuration of `lp-sensitivity`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Exponent of the loss Σ|aᵀx − b|^p: 1 is least absolute deviations, 2 least squares; the larger, the more a few
    /// extreme rows decide.
    #[schemars(range(min = 1.0, max = 10.0))]
    pub p: f64,
    /// What the probability of a row is proportional to.
    pub score: Score,
    /// What is run on the same trials beside the chosen score.
    pub compare: Compare,
    /// What decides the number of rows.
    pub sizing: Sizing,
    /// Expected number of kept rows; 0 takes 10 for each column.
    #[schemars(range(min = 0, max = 10_000_000), extend("x-when" = {"sizing": ["budget"]}))]
    pub budget: usize,
    /// Relative error ε, for the predicted sizes and for sizing by accuracy.
    #[schemars(range(min = 0.001, max = 0.999))]
    pub epsilon: f64,
    /// Draws of rows for each score and size.
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: usize,
    /// What is predicted: `last` (the last feature), the number of a feature from 1, `labels`, or `none`: then the
    /// distortion of the loss is measured in place of a regression.
    #[schemars(extend("examples" = ["last", "1", "labels", "none"], "x-group" = "Data"))]
    pub target: String,
    /// Add a column of ones.
    #[schemars(extend("x-group" = "Data"))]
    pub intercept: bool,
    /// Score features and target together, which keeps the loss for every x. Without the target, labels are needed for
    /// the kept rows only, but its outliers are missed.
    #[schemars(extend("x-group" = "Data"))]
    pub score_target: bool,
    /// Generated rows: a cloud, or powers of one number.
    #[schemars(extend("x-group" = "Generated data"))]
    pub shape: Shapes,
    /// Generated rows.
    #[schemars(range(min = 10, max = 10_000_000), extend("x-group" = "Generated data"))]
    pub rows: usize,
    /// Features of generated rows.
    #[schemars(range(min = 1, max = 200), extend("x-group" = "Generated data", "x-when" = {"shape": ["cloud"]}))]
    pub columns: usize,
    /// Highest power.
    #[schemars(range(min = 1, max = 7), extend("x-group" = "Generated data", "x-when" = {"shape": ["polynomial"]}))]
    pub degree: usize,
    /// Tail of the sizes of generated rows, each exp(tail · normal): 0 for rows of one size.
    #[schemars(range(min = 0.0, max = 1.5), extend("x-group" = "Generated data", "x-when" = {"shape": ["cloud"]}))]
    pub tail: f64,
    /// Rows planted far away.
    #[schemars(range(min = 0, max = 1000), extend("x-group" = "Generated data"))]
    pub planted: usize,
    /// Tail of the noise of a generated target.
    #[schemars(extend("x-group" = "Generated data"))]
    pub noise: NoiseTail,
    /// Rows up to which sensitivities are solved for against all rows. Of a larger matrix, so many rows with the largest
    /// bounds are solved for against a sample of so many; the others take their upper bound by Lewis weights.
    #[schemars(range(min = 20, max = 20_000), extend("x-group" = "Solver"))]
    pub exact_rows: usize,
    /// Most iterations for one sensitivity.
    #[schemars(range(min = 20, max = 400), extend("x-group" = "Solver"))]
    pub iterations: usize,
    /// Rounds of root leverage sampling, each on the kept rows of the one before.
    #[schemars(range(min = 1, max = 6), extend("x-group" = "Solver", "x-when" = {"score": ["root-leverage"]}))]
    pub rounds: usize,
    /// Probability δ to miss ε, for sizing by accuracy.
    #[schemars(range(min = 0.000001, max = 0.999), extend("x-group" = "Solver", "x-when" = {"sizing": ["accuracy"]}))]
    pub failure: f64,
    /// Constant of the sample size, which the paper does not give: twice as much, twice the rows.
    #[schemars(range(min = 0.000001, max = 1_000_000.0), extend("x-group" = "Solver", "x-when" = {"sizing": ["accuracy"]}))]
    pub constant: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            p: 1.5,
            score: Score::Sensitivity,
            compare: Compare::All,
            sizing: Sizing::Budget,
            budget: 0,
            epsilon: 0.3,
            trials: 20,
            target: "last".to_owned(),
            intercept: false,
            score_target: true,
            shape: Shapes::Cloud,
            rows: 500,
            columns: 4,
            degree: 5,
            tail: 1.0,
            planted: 0,
            noise: NoiseTail::T15,
            exact_rows: 1000,
            iterations: 60,
            rounds: 1,
            failure: 0.05,
            constant: 1.0,
        }
    }
}

/// Which values are predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The last feature.
    Last,
    /// A feature, from 0.
    Column(usize),
    /// The labels.
    Labels,
    /// Nothing.
    None,
}

impl Config {
    /// Checks what the schema cannot say.
    ///
    /// # Errors
    /// [`FieldError`] of the field.
    pub fn check(&self) -> Result<(), FieldError> {
        if self.planted > self.rows {
            let expected = format!("at most {}, the number of rows", self.rows);
            return Err(error("planted", format!("is {}", self.planted), expected));
        }
        self.target().map(|_| ())
    }

    /// What is predicted.
    ///
    /// # Errors
    /// [`FieldError`] named `target`.
    pub fn target(&self) -> Result<Target, FieldError> {
        match self.target.trim() {
            "last" => Ok(Target::Last),
            "labels" => Ok(Target::Labels),
            "none" => Ok(Target::None),
            text => match text.parse::<usize>() {
                Ok(column) if column > 0 => Ok(Target::Column(column - 1)),
                _ => Err(error(
                    "target",
                    format!("is `{text}`"),
                    "last, labels, none, or the number of a feature from 1".to_owned(),
                )),
            },
        }
    }

    /// The accuracy that is asked for.
    pub fn accuracy(&self) -> Accuracy {
        Accuracy { epsilon: self.epsilon, failure: self.failure, constant: self.constant }
    }

    /// The scores that are run, in the order in which they are shown.
    pub fn scores(&self) -> Vec<Score> {
        let runs = |score: &Score| {
            *score == self.score
                || match self.compare {
                    Compare::None => false,
                    Compare::Uniform => *score == Score::Uniform,
                    Compare::All => true,
                }
        };
        Score::ALL.into_iter().filter(runs).collect()
    }

    /// What generated rows are.
    pub fn generated(&self) -> (Shape, Noise) {
        let shape = match self.shape {
            Shapes::Cloud => Shape::Cloud { columns: self.columns, tail: self.tail },
            Shapes::Polynomial => Shape::Polynomial { degree: self.degree },
        };
        let noise = match self.noise {
            NoiseTail::Gaussian => Noise::Gaussian,
            NoiseTail::T3 => Noise::Student(3.0),
            NoiseTail::T15 => Noise::Student(1.5),
        };
        (shape, noise)
    }
}

/// An error of a field.
pub fn error(field: &str, problem: String, expected: String) -> FieldError {
    FieldError { field: field.to_owned(), problem, expected }
}

/// An error of the mathematics; a range error is one of the field of that name.
pub fn core_error(error: lowshot_core::CoreError) -> crate::Error {
    match error {
        lowshot_core::CoreError::OutOfRange { field, value, range } => {
            FieldError { field: field.to_owned(), problem: format!("is {value}"), expected: range }.into()
        }
        other => other.into(),
    }
}
