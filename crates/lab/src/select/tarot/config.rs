//! The configuration as people write it.

use lowshot_core::CoreError;
use lowshot_core::select::tarot::{Ridge, TarotConfig, TieRule, WhitenConfig, WhitenMode};
use lowshot_core::select::{TargetMixture, geometric_sizes};
use lowshot_protocol::schema::FieldError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Candidates that are generated where no number is given.
const GENERATED: usize = 800;
/// Largest cost matrix that a curve computes, in cells.
const CURVE_CELLS: usize = 1 << 22;

/// Who decides how many rows are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// The budget.
    #[default]
    Fixed,
    /// Transport to targets that were held out: layers are added while it falls.
    Estimated,
}

/// What else chooses rows of the same pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Nothing.
    None,
    /// Rows drawn at random.
    Random,
    /// Random, mean similarity and round robin.
    #[default]
    All,
}

/// What the number `ridge` is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RidgeRule {
    /// Not used: 1e-5 of the mean variance, or 1e-3 of it with fewer than 5 rows for each column.
    #[default]
    Auto,
    /// The mean variance of the features.
    Relative,
    /// Squared units of the features, as in the official code.
    Absolute,
}

/// Weights of the chosen rows in `selection.json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// None.
    #[default]
    None,
    /// The number of targets to which a row is the nearest chosen one; not in the paper.
    NearestTargets,
    /// The largest transport potential less that of the row; the paper's code takes the potential itself, which favours
    /// far rows.
    Potential,
}

/// Configuration of `tarot`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who decides how many rows are chosen.
    pub size: Size,
    /// Rows to choose.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-when" = {"size": ["fixed"]}))]
    pub budget: usize,
    /// How features are whitened before their directions are compared.
    pub whiten: WhitenMode,
    /// Which rows of the last layer are taken, if not all fit.
    #[schemars(extend("x-when" = {"size": ["fixed"]}))]
    pub tie: TieRule,
    /// What else chooses rows of the same pools.
    pub compare: Compare,
    /// Share of each target cluster (or class), the first ones of the generated, random ones of other data. Not used
    /// where the input `targets` is given.
    #[schemars(extend("examples" = ["60/30/10", "1", "50/50"], "x-group" = "Data"))]
    pub shares: String,
    /// Targets, drawn from the data; at most half of the rows of a class. Not used where the input `targets` is given.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-group" = "Data"))]
    pub targets: usize,
    /// Candidates; 0: all other rows, and 800 generated ones.
    #[schemars(range(min = 0, max = 10_000_000), extend("x-group" = "Data"))]
    pub pool: usize,
    /// Leave out rows that equal an earlier one: duplicates fill whole layers.
    #[schemars(extend("x-group" = "Data"))]
    pub deduplicate: bool,
    /// Trials: data drawn anew, and targets shuffled anew.
    #[schemars(range(min = 1, max = 100_000), extend("x-group" = "Data"))]
    pub trials: usize,
    /// Generated clusters, 32 at most in 6 dimensions.
    #[schemars(range(min = 1, max = 64), extend("x-group" = "Generated data"))]
    pub clusters: usize,
    /// Dimensions of generated rows.
    #[schemars(range(min = 2, max = 512), extend("x-group" = "Generated data"))]
    pub dims: usize,
    /// Standard deviation along one direction that says nothing about the cluster; that of the others is about 3.
    #[schemars(range(min = 0.0, max = 100.0), extend("x-group" = "Generated data"))]
    pub nuisance: f64,
    /// Columns to which features are projected first, by random signs; 0: as they are. Published: 4096, of gradients.
    #[schemars(range(min = 0, max = 8_192), extend("x-group" = "Features"))]
    pub project: usize,
    /// What the ridge is measured in.
    #[schemars(extend("x-group" = "Features"))]
    pub ridge_rule: RidgeRule,
    /// Added to the diagonal of the covariance.
    #[schemars(range(min = 0.0, max = 1000.0), extend("x-group" = "Features", "x-when" = {"ridge_rule": ["relative", "absolute"]}))]
    pub ridge: f64,
    /// Estimate a size too, to mark it beside the curve. Needs as many targets as folds.
    #[schemars(extend("x-group" = "Estimated size", "x-when" = {"size": ["fixed"]}))]
    pub estimate: bool,
    /// Parts of the targets: each chooses rows in turn, and all others judge.
    #[schemars(range(min = 2, max = 1_000), extend("x-group" = "Estimated size"))]
    pub folds: usize,
    /// Layers without improvement that end the search of a part. Published: 1.
    #[schemars(range(min = 1, max = 100), extend("x-group" = "Estimated size"))]
    pub patience: usize,
    /// Cosine above which a candidate may serve a target.
    #[schemars(range(min = -1.0, max = 1.0), extend("x-group" = "Estimated size"))]
    pub threshold: f64,
    /// Most layers that are tried.
    #[schemars(range(min = 1, max = 100_000), extend("x-group" = "Estimated size"))]
    pub layers: usize,
    /// Entropy of the transport plan, in units of the distance (0 to 2). The official code takes 0.0001 and stops far from
    /// convergence.
    #[schemars(range(min = 0.001, max = 1.0), extend("x-group" = "Transport"))]
    pub epsilon: f64,
    /// Sizes at which the curve has a point; 0: no curve.
    #[schemars(range(min = 0, max = 100), extend("x-group" = "Transport"))]
    pub curve: usize,
    /// Weights of the chosen rows in `selection.json`.
    #[schemars(extend("x-group" = "Transport"))]
    pub weights: Weights,
}

impl Default for Config {
    fn default() -> Config {
        let TarotConfig { tie, epsilon, folds, patience, threshold, layers } = TarotConfig::default();
        let TargetMixture { clusters, dims, nuisance, .. } = TargetMixture::default();
        Config {
            size: Size::Fixed,
            budget: 60,
            whiten: WhitenMode::Correct,
            tie,
            compare: Compare::All,
            shares: "60/30/10".to_owned(),
            targets: 60,
            pool: 0,
            deduplicate: true,
            trials: 5,
            clusters,
            dims,
            nuisance,
            project: 64,
            ridge_rule: RidgeRule::Auto,
            ridge: 1e-5,
            estimate: true,
            folds,
            patience,
            threshold,
            layers,
            epsilon,
            curve: 9,
            weights: Weights::None,
        }
    }
}

impl Config {
    /// The method's configuration.
    pub fn tarot(&self) -> TarotConfig {
        TarotConfig {
            tie: self.tie,
            epsilon: self.epsilon,
            folds: self.folds,
            patience: self.patience,
            threshold: self.threshold,
            layers: self.layers,
        }
    }

    /// How features are whitened.
    pub fn whitening(&self, mode: WhitenMode) -> WhitenConfig {
        let ridge = match self.ridge_rule {
            RidgeRule::Auto => Ridge::Auto,
            RidgeRule::Relative => Ridge::Relative(self.ridge),
            RidgeRule::Absolute => Ridge::Absolute(self.ridge),
        };
        WhitenConfig { mode, ridge }
    }

    /// The generator.
    pub fn mixture(&self) -> Result<TargetMixture, FieldError> {
        Ok(TargetMixture {
            clusters: self.clusters,
            shares: self.target_shares()?,
            dims: self.dims,
            nuisance: self.nuisance,
            ..TargetMixture::default()
        })
    }

    /// Candidates that are generated.
    pub fn generated(&self) -> usize {
        if self.pool == 0 { GENERATED } else { self.pool }
    }

    /// The shares of the target classes, summing to 1.
    ///
    /// # Errors
    /// [`FieldError`] of the field.
    pub fn target_shares(&self) -> Result<Vec<f64>, FieldError> {
        let read = |text: &str| text.trim().parse::<f64>().ok().filter(|v| *v > 0.0 && v.is_finite());
        let shares: Option<Vec<f64>> = self.shares.split('/').map(read).collect();
        let shares = shares.ok_or_else(|| FieldError {
            field: "shares".to_owned(),
            problem: format!("is `{}`", self.shares),
            expected: "positive numbers separated by `/`, such as 60/30/10".to_owned(),
        })?;
        let total: f64 = shares.iter().sum();
        Ok(shares.into_iter().map(|share| share / total).collect())
    }

    /// What else is run.
    pub fn rivals(&self) -> &'static [Rival] {
        match self.compare {
            Compare::None => &[],
            Compare::Random => &[Rival::Random],
            Compare::All => &[Rival::MeanSimilarity, Rival::RoundRobin, Rival::Random],
        }
    }

    /// Sizes at which curves have a point: from a third of the targets to all candidates, in equal ratios, as far as the
    /// cost matrix stays small.
    pub fn steps(&self, candidates: usize, targets: usize) -> Vec<usize> {
        let last = candidates.min((CURVE_CELLS / targets.max(1)).max(self.budget));
        geometric_sizes(targets / 3, last, self.curve)
    }

    /// Checks the fields against the candidates and targets of a trial.
    ///
    /// # Errors
    /// [`FieldError`] of the field.
    pub fn fits(&self, candidates: usize, targets: usize) -> Result<(), FieldError> {
        let error = |field: &str, value: usize, expected: String| FieldError {
            field: field.to_owned(),
            problem: format!("is {value}"),
            expected,
        };
        if self.size == Size::Fixed && self.budget > candidates {
            let expected = format!("1 to {candidates}, the number of candidates");
            return Err(error("budget", self.budget, expected));
        }
        if self.size == Size::Estimated && self.folds > targets {
            return Err(error("folds", self.folds, format!("2 to {targets}, the number of targets")));
        }
        Ok(())
    }
}

/// A selector beside TAROT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Largest mean similarity.
    MeanSimilarity,
    /// Targets take in turn.
    RoundRobin,
    /// Rows drawn at random.
    Random,
}

impl Rival {
    /// Name in tables and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Rival::MeanSimilarity => "mean-similarity",
            Rival::RoundRobin => "round-robin",
            Rival::Random => "random",
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
