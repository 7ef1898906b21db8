//! The configuration as people write it.

use lowshot_core::CoreError;
use lowshot_core::select::ideal::{Estimator, IdealConfig, Init};
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What else chooses rows of the same pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Nothing.
    None,
    /// Rows drawn at random.
    Random,
    /// Random, fast Vote-k, facility location, k-center and diversity.
    #[default]
    All,
}

/// Who labels the rows that a cascade from the chosen rows reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labeller {
    /// Nobody: only the chosen rows are labelled.
    #[default]
    None,
    /// The nearest labelled row.
    Nearest,
    /// A vote of the nearest labelled rows.
    Vote,
    /// The truth, with mistakes: stands for a language model.
    Oracle,
}

/// Configuration of `ideal`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rows to choose, which somebody then labels. Published: 18 and 100.
    #[schemars(range(min = 1, max = 10_000))]
    pub budget: usize,
    /// Edges from each row to its most similar other rows.
    #[schemars(range(min = 2, max = 32))]
    pub successors: usize,
    /// How influence is estimated.
    pub estimator: Estimator,
    /// Live-edge worlds, or fresh cascades for each candidate. The official code draws 10 cascades.
    #[schemars(range(min = 1, max = 2_000))]
    pub diffusions: usize,
    /// Where the greedy search starts.
    pub init: Init,
    /// What else chooses rows of the same pools.
    pub compare: Compare,
    /// Pools drawn from the data (or generated), one after the other.
    #[schemars(range(min = 1, max = 100_000), extend("x-group" = "Trials"))]
    pub trials: usize,
    /// Rows of a pool; fewer if the data has fewer. Published: 3000.
    #[schemars(range(min = 10, max = 1_000_000), extend("x-group" = "Trials"))]
    pub pool: usize,
    /// Other rows, each labelled like its nearest chosen row to measure accuracy; at most a fifth of small data.
    #[schemars(range(min = 1, max = 100_000), extend("x-group" = "Trials"))]
    pub test: usize,
    /// Leave out rows that equal an earlier one: duplicates are each other's nearest rows and keep influence to
    /// themselves.
    #[schemars(extend("x-group" = "Trials"))]
    pub deduplicate: bool,
    /// Fresh worlds on which all selections are judged, none of them seen by the search.
    #[schemars(range(min = 10, max = 2_000), extend("x-group" = "Trials"))]
    pub judges: usize,
    /// Search each pool a second time with other random numbers, and count the rows chosen both times.
    #[schemars(extend("x-group" = "Trials"))]
    pub repeat: bool,
    /// Neighbours that a row votes for in fast Vote-k; 0: a twentieth of the pool, 5 to 150. Published: 150.
    #[schemars(range(min = 0, max = 1_000), extend("x-group" = "Baselines", "x-when" = {"compare": ["all"]}))]
    pub vote_neighbors: usize,
    /// Who labels the rows that a cascade from the chosen rows reaches.
    #[schemars(extend("x-group" = "Automatic annotation"))]
    pub labeller: Labeller,
    /// Labelled rows that a vote or a prompt holds.
    #[schemars(range(min = 1, max = 100), extend("x-group" = "Automatic annotation", "x-when" = {"labeller": ["vote"]}))]
    pub examples: usize,
    /// Share of wrong labels of the oracle.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-group" = "Automatic annotation", "x-when" = {"labeller": ["oracle"]}))]
    pub oracle_error: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            budget: 18,
            successors: 10,
            estimator: Estimator::Worlds,
            diffusions: 100,
            init: Init::Empty,
            compare: Compare::All,
            trials: 10,
            pool: 300,
            test: 400,
            deduplicate: true,
            judges: 100,
            repeat: false,
            vote_neighbors: 0,
            labeller: Labeller::None,
            examples: 5,
            oracle_error: 0.1,
        }
    }
}

impl Config {
    /// The selector's configuration.
    pub fn selector(&self) -> IdealConfig {
        IdealConfig { estimator: self.estimator, diffusions: self.diffusions, init: self.init }
    }

    /// Checks the fields against the number of rows of a pool.
    ///
    /// # Errors
    /// [`FieldError`] of the field.
    pub fn fits(&self, pool: usize) -> Result<(), FieldError> {
        let (largest, below) = (pool, pool.saturating_sub(1));
        for (field, value, most) in [("budget", self.budget, largest), ("successors", self.successors, below)]
        {
            if value > most {
                let problem = format!("is {value}, but a pool has {pool} rows");
                let expected = format!("at most {most}, or a larger `pool` of larger data");
                return Err(FieldError { field: field.to_owned(), problem, expected });
            }
        }
        Ok(())
    }

    /// Neighbours that a row votes for, in a pool of so many rows.
    pub fn votes(&self, pool: usize) -> usize {
        let wanted = if self.vote_neighbors == 0 { (pool / 20).clamp(5, 150) } else { self.vote_neighbors };
        wanted.min(pool.saturating_sub(1)).max(1)
    }

    /// What else is run.
    pub fn rivals(&self) -> &'static [Rival] {
        match self.compare {
            Compare::None => &[],
            Compare::Random => &[Rival::Random],
            Compare::All => {
                &[Rival::Random, Rival::VoteK, Rival::FacilityLocation, Rival::KCenter, Rival::Diversity]
            }
        }
    }

    /// Budgets at which curves have a point: all of few, evenly spread ones of many, always the last.
    pub fn steps(&self) -> Vec<usize> {
        const MOST: usize = 25;
        let count = self.budget.min(MOST);
        (1..=count).map(|step| step * self.budget / count).collect()
    }
}

/// A selector beside IDEAL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Rows drawn at random.
    Random,
    /// Fast Vote-k.
    VoteK,
    /// Facility location.
    FacilityLocation,
    /// Farthest first.
    KCenter,
    /// Smallest sum of similarities.
    Diversity,
}

impl Rival {
    /// Name in tables and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Rival::Random => "random",
            Rival::VoteK => "vote-k",
            Rival::FacilityLocation => "facility-location",
            Rival::KCenter => "k-center",
            Rival::Diversity => "diversity",
        }
    }
}

/// A range error of the algorithm as an error of the field.
pub fn field_error(error: CoreError) -> crate::Error {
    match error {
        CoreError::OutOfRange { field, value, range } => {
            FieldError { field: field.to_owned(), problem: format!("is {value}"), expected: range }.into()
        }
        other => other.into(),
    }
}
