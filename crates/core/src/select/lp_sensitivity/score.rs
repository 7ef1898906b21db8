//! The scores by name.

use super::lewis::{LewisOptions, LewisWeights, lewis_weights};
use super::rows::{Basis, Dense, Rows, leverage};
use super::sensitivity::{Certified, SolveOptions, sensitivities};
use super::{Watch, check_p};
use crate::CoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the probability of a row is proportional to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// Every row alike.
    Uniform,
    /// Leverage scores: the sensitivities of least squares, used for any p.
    Leverage,
    /// Leverage scores to the power p/2, which bound the sensitivities and need no iteration.
    RootLeverage,
    /// Lewis weights.
    Lewis,
    /// Sensitivities: the largest share of the loss that a row can have.
    #[default]
    Sensitivity,
    /// Sensitivity plus leverage score.
    SensitivityPlusLeverage,
}

impl Score {
    /// All of them, the baselines first.
    pub const ALL: [Score; 6] = [
        Score::Uniform,
        Score::Leverage,
        Score::RootLeverage,
        Score::Lewis,
        Score::Sensitivity,
        Score::SensitivityPlusLeverage,
    ];

    /// Name in kebab case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Score::Uniform => "uniform",
            Score::Leverage => "leverage",
            Score::RootLeverage => "root-leverage",
            Score::Lewis => "lewis",
            Score::Sensitivity => "sensitivity",
            Score::SensitivityPlusLeverage => "sensitivity-plus-leverage",
        }
    }

    /// True if the rule adds 1/n to every probability, which is part of the paper's rule for sensitivities.
    #[must_use]
    pub fn has_floor(self) -> bool {
        self == Score::Sensitivity
    }

    /// True if sensitivities are needed.
    #[must_use]
    pub fn needs_sensitivities(self) -> bool {
        matches!(self, Score::Sensitivity | Score::SensitivityPlusLeverage)
    }
}

/// Root leverage scores: τ^{p/2} for p < 2, min(1, n^{p/2−1}·τ^{p/2}) for p > 2. They bound the sensitivities.
#[must_use]
pub fn root_leverage(leverage: &[f64], p: f64) -> Vec<f64> {
    let n = leverage.len() as f64;
    let factor = if p > 2.0 { libm::pow(n, 0.5 * p - 1.0) } else { 1.0 };
    leverage.iter().map(|tau| (factor * libm::pow(*tau, 0.5 * p)).min(1.0)).collect()
}

/// The scores of a matrix that all others follow from.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Exponent of the loss.
    pub p: f64,
    /// Rank of the matrix.
    pub rank: usize,
    /// Leverage scores.
    pub leverage: Vec<f64>,
    /// Lewis weights with their form.
    pub lewis: LewisWeights,
    /// Sensitivities or upper bounds of them; empty until they are computed.
    pub sensitivity: Vec<f64>,
}

impl Scores {
    /// Leverage scores and Lewis weights: two passes and one a Lewis iteration, O(n + d²) memory.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for p; [`CoreError::Interrupted`].
    pub async fn cheap(
        basis: &Basis<'_>,
        p: f64,
        options: LewisOptions,
        watch: &mut dyn Watch,
    ) -> Result<Scores, CoreError> {
        check_p(p)?;
        let leverage = leverage(basis, watch).await?;
        let lewis = lewis_weights(basis, p, options, watch).await?;
        Ok(Scores { p, rank: basis.rank(), leverage, lewis, sensitivity: Vec::new() })
    }

    /// Those and the sensitivities of all rows, solved one by one; the basis comes along, n × r values.
    ///
    /// # Errors
    /// As [`Scores::cheap`] and [`sensitivities`].
    pub async fn exact(
        rows: &dyn Rows,
        p: f64,
        options: SolveOptions,
        watch: &mut dyn Watch,
    ) -> Result<(Scores, Vec<Certified>, Dense), CoreError> {
        let basis = Basis::of(rows, 1e-10, watch).await?;
        let mut scores = Scores::cheap(&basis, p, LewisOptions::default(), watch).await?;
        let u = basis.dense()?;
        let solved = sensitivities(&u, &scores.lewis, p, options, watch).await?;
        scores.sensitivity = solved.iter().map(|one| one.value).collect();
        Ok((scores, solved, u))
    }

    /// Upper bounds of the sensitivities from the Lewis weights: w for p < 2, min(1, r^{p/2−1}·w) for p > 2.
    #[must_use]
    pub fn upper_bounds(&self) -> Vec<f64> {
        self.lewis.weights.iter().map(|w| LewisWeights::sandwich(*w, self.rank, self.p)[1]).collect()
    }

    /// The scores of a name.
    #[must_use]
    pub fn of(&self, score: Score) -> Vec<f64> {
        match score {
            Score::Uniform => vec![1.0; self.leverage.len()],
            Score::Leverage => self.leverage.clone(),
            Score::RootLeverage => root_leverage(&self.leverage, self.p),
            Score::Lewis => self.lewis.weights.clone(),
            Score::Sensitivity => self.sensitivity.clone(),
            Score::SensitivityPlusLeverage => {
                self.sensitivity.iter().zip(&self.leverage).map(|(s, t)| s + t).collect()
            }
        }
    }
}
