//! The configuration as people write it.

use lowshot_core::CoreError;
use lowshot_core::select::Distance;
use lowshot_core::select::add_one_in::{AddOneInConfig, LossValue, MAX_LABELS, ShardOrder};
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who answers the questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JudgeKind {
    /// λ_q · quality + λ_d · distance to the nearest shown row of the chosen set.
    #[default]
    Value,
    /// λ_q · quality + λ_d · how much nearer some reference rows get to the chosen set.
    Facility,
    /// The loss of a small classifier that is trained on the shown rows of the chosen set (needs labels).
    Loss,
    /// Any option: the control.
    Random,
    /// The answers of the `transcript` input.
    Replay,
    /// A language model, asked about the `samples` input (command line only).
    Chat,
}

/// Where the quality of a row comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QualitySource {
    /// Generated points and samples bring their own, features get their typicality.
    #[default]
    Auto,
    /// The last column of the features, which is no position then.
    LastColumn,
    /// Rank of a row's nearness to the mean of its class, or of all rows if there are no labels.
    Typicality,
}

/// What is run on the same pool beside the method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Nothing.
    None,
    /// Random rows.
    Random,
    /// Random rows, the best rows, the best that are not near to each other, a threshold, the farthest.
    #[default]
    All,
}

/// Configuration of `add-one-in`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rows to choose, the random first ones included.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub budget: usize,
    /// Chosen rows shown with a question.
    #[schemars(range(min = 1, max = 1000))]
    pub context: usize,
    /// Candidates shown with a question: the quality dial. A language model has letters for 26.
    #[schemars(range(min = 1, max = 1000))]
    pub options: usize,
    /// Rows drawn at random before the first question, in every shard.
    #[schemars(range(min = 1, max = 100_000))]
    pub initial: usize,
    /// Who answers the questions.
    pub judge: JudgeKind,
    /// Weight of the quality.
    #[schemars(range(min = 0.0, max = 1000.0), extend("x-when" = {"judge": ["value", "facility"]}))]
    pub lambda_q: f64,
    /// Weight of what is new.
    #[schemars(range(min = 0.0, max = 1000.0), extend("x-when" = {"judge": ["value", "facility"]}))]
    pub lambda_d: f64,
    /// Times that the whole selection is repeated: intervals are over these.
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: usize,
    /// What is run on the same pool beside the method.
    pub compare: Compare,
    /// Share of the questions that the judge answers at random.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-group" = "Bad judges", "x-when" = {"judge": ["value", "facility", "loss", "random"]}))]
    pub noise: f64,
    /// Share of the questions that the judge answers with the first option.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-group" = "Bad judges", "x-when" = {"judge": ["value", "facility", "loss", "random"]}))]
    pub position_bias: f64,
    /// Share of the questions that the judge does not answer.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-group" = "Bad judges", "x-when" = {"judge": ["value", "facility", "loss", "random"]}))]
    pub failures: f64,
    /// Fresh questions after one that was not answered, before a random option is taken.
    #[schemars(range(min = 0, max = 1000), extend("x-group" = "Bad judges"))]
    pub retries: usize,
    /// Where the quality of a row comes from.
    #[schemars(extend("x-group" = "Pool"))]
    pub quality: QualitySource,
    /// How far apart two rows are.
    #[schemars(extend("x-group" = "Pool"))]
    pub distance: Distance,
    /// Parts of the pool that are chosen from independently, each with its own random first rows.
    #[schemars(range(min = 1, max = 1000), extend("x-group" = "Pool"))]
    pub shards: usize,
    /// Cut the pool into shards after shuffling it, or as it lies (official code; the last rows then belong to none).
    #[schemars(extend("x-group" = "Pool"))]
    pub shard_order: ShardOrder,
    /// Reference rows that are to be near to the chosen set.
    #[schemars(range(min = 1, max = 10_000), extend("x-group" = "Judge", "x-when" = {"judge": ["facility"]}))]
    pub reference: usize,
    /// What an option is worth to the classifier: its loss, or how much a step on it lowers that.
    #[schemars(extend("x-group" = "Judge", "x-when" = {"judge": ["loss"]}))]
    pub loss_value: LossValue,
    /// Words of a field of a sample that are shown to a language model; the rest is cut off.
    #[schemars(range(min = 1, max = 10_000), extend("x-group" = "Judge", "x-when" = {"judge": ["chat"]}))]
    pub words: usize,
    /// Most questions to a language model in all.
    #[schemars(range(min = 1, max = 10_000_000), extend("x-group" = "Judge", "x-when" = {"judge": ["chat"]}))]
    pub calls: usize,
    /// The method `diverse-quality` passes over rows nearer than this to a better one (DEITA, with the cosine distance:
    /// 0.1).
    #[schemars(range(min = 0.0, max = 1000.0), extend("x-group" = "Baselines", "x-when" = {"compare": ["all"]}))]
    pub least_distance: f64,
    /// The method `quality-threshold` keeps rows of at least this quality, up to the budget (AlpaGasus: 4.5 of 5).
    #[schemars(range(min = -1e9, max = 1e9), extend("x-group" = "Baselines", "x-when" = {"compare": ["all"]}))]
    pub threshold: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            budget: 100,
            context: 10,
            options: 10,
            initial: 10,
            judge: JudgeKind::Value,
            lambda_q: 1.0,
            lambda_d: 1.0,
            trials: 20,
            compare: Compare::All,
            noise: 0.0,
            position_bias: 0.0,
            failures: 0.0,
            retries: 10,
            quality: QualitySource::Auto,
            distance: Distance::Euclidean,
            shards: 1,
            shard_order: ShardOrder::Shuffled,
            reference: 100,
            loss_value: LossValue::Loss,
            words: 400,
            calls: 1000,
            least_distance: 0.02,
            threshold: 0.9,
        }
    }
}

/// What the method is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Rows drawn evenly.
    Random,
    /// The best rows.
    TopQuality,
    /// The best rows that are not near to a better one.
    DiverseQuality,
    /// All rows above a threshold, up to the budget.
    QualityThreshold,
    /// Farthest first.
    FarthestPoint,
}

impl Rival {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Rival::Random => "random",
            Rival::TopQuality => "top-quality",
            Rival::DiverseQuality => "diverse-quality",
            Rival::QualityThreshold => "quality-threshold",
            Rival::FarthestPoint => "farthest-point",
        }
    }

    /// True if it needs a rating of every row of the pool.
    pub fn rates_all(self) -> bool {
        matches!(self, Rival::TopQuality | Rival::DiverseQuality | Rival::QualityThreshold)
    }
}

impl Config {
    /// The configuration of the loop.
    pub fn core(&self) -> AddOneInConfig {
        AddOneInConfig {
            budget: self.budget,
            context: self.context,
            options: self.options,
            initial: self.initial,
            shards: self.shards,
            shard_order: self.shard_order,
            retries: self.retries,
        }
    }

    /// Checks what the schema cannot say, against a pool of `rows` rows.
    ///
    /// # Errors
    /// [`FieldError`] of the field.
    pub fn check(&self, rows: usize) -> Result<(), crate::Error> {
        if self.judge == JudgeKind::Chat && self.options > MAX_LABELS {
            let expected = format!("at most {MAX_LABELS}, as a language model names an option by its letter");
            return Err(field("options", format!("is {}", self.options), expected));
        }
        self.core().check(rows).map_err(|error| match error {
            CoreError::OutOfRange { field: name, value, range } => field(name, format!("is {value}"), range),
            other => other.into(),
        })
    }

    /// The methods that are run on the same pool.
    pub fn rivals(&self) -> Vec<Rival> {
        match self.compare {
            Compare::None => vec![],
            Compare::Random => vec![Rival::Random],
            Compare::All => vec![
                Rival::Random,
                Rival::TopQuality,
                Rival::DiverseQuality,
                Rival::QualityThreshold,
                Rival::FarthestPoint,
            ],
        }
    }
}

/// An error of a field.
pub fn field(name: &str, problem: impl Into<String>, expected: impl Into<String>) -> crate::Error {
    FieldError { field: name.to_owned(), problem: problem.into(), expected: expected.into() }.into()
}
