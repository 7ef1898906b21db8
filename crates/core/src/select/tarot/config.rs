//! How TAROT selects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CoreError;
use crate::optimal_transport::SinkhornConfig;

/// Which rows of the last layer are taken, if not all fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TieRule {
    /// Those with the smallest transport potential: near places that many targets want.
    #[default]
    SmallestPotential,
    /// Those with the largest, as the official code does: the far ones.
    LargestPotential,
    /// Those nearest to the target that they are for; needs no transport.
    NearestTarget,
}

/// Configuration of [`Tarot`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TarotConfig {
    /// Which rows of the last layer are taken.
    pub tie: TieRule,
    /// Regularisation of the transport, in units of the distance (default 0.02), 0.001 to 1. The official code takes
    /// 0.0001 and stops far from convergence.
    pub epsilon: f64,
    /// Parts of the targets when the size is estimated (default 10), 2 to 1000.
    pub folds: usize,
    /// Layers without improvement that end the search of a part (default 1, as published), at least 1.
    pub patience: usize,
    /// Candidates whose cosine to a target is not above this do not serve it when the size is estimated (default 0),
    /// -1 to 1.
    pub threshold: f64,
    /// Most layers tried when the size is estimated (default 2000), at least 1.
    pub layers: usize,
}

impl Default for TarotConfig {
    fn default() -> Self {
        Self { tie: TieRule::default(), epsilon: 0.02, folds: 10, patience: 1, threshold: 0.0, layers: 2000 }
    }
}

/// Targeted selection: [`Tarot::choose`] for a given size, [`Tarot::estimate`] for a size that transport suggests.
#[derive(Clone, Copy, Debug)]
pub struct Tarot {
    pub(super) config: TarotConfig,
}

impl Tarot {
    /// Checks the configuration.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names the field.
    pub fn new(config: TarotConfig) -> Result<Self, CoreError> {
        if !(0.001..=1.0).contains(&config.epsilon) {
            return Err(CoreError::range("epsilon", config.epsilon, "0.001 to 1"));
        }
        if !(2..=1000).contains(&config.folds) {
            return Err(CoreError::range("folds", config.folds, "2 to 1000"));
        }
        if !(-1.0..=1.0).contains(&config.threshold) {
            return Err(CoreError::range("threshold", config.threshold, "-1 to 1"));
        }
        for (field, value) in [("patience", config.patience), ("layers", config.layers)] {
            if value == 0 {
                return Err(CoreError::range(field, value, "at least 1"));
            }
        }
        Ok(Self { config })
    }

    /// How transport is solved.
    pub fn transport_config(&self) -> SinkhornConfig {
        SinkhornConfig { epsilon: self.config.epsilon, ..SinkhornConfig::default() }
    }
}
