//! The split-conformal quantile and prediction sets.

use serde::{Deserialize, Serialize};

use crate::CoreError;

/// Probabilities this much below a threshold, relatively, are in the set: tables give the same probability by other
/// sums, and a tie lost by rounding would be a label lost.
const ROUNDING: f64 = 1e-9;

/// The threshold on the probability of a label so that the true label stays at or above it with probability at least
/// 1 − α: the j-th smallest of `scores`, j = ⌊α (n + 1) + 1e-9⌋. For j = 0, where there are too few scores for so small
/// an α, it is −∞: the set is all labels.
///
/// The text of the paper takes the ⌈(1 − α)(n + 1)⌉-th smallest, which is right for a score of *non*conformity only;
/// its code has this form.
///
/// # Errors
/// [`CoreError::OutOfRange`] for an α that is not above 0 and below 1, [`CoreError::Lengths`] without scores,
/// [`CoreError::NotFinite`].
pub fn threshold(scores: &[f64], alpha: f64) -> Result<f64, CoreError> {
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(CoreError::range("alpha", alpha, "above 0 and below 1"));
    }
    if scores.is_empty() {
        return Err(CoreError::Lengths { what: "calibration scores", left: 0, right: 0 });
    }
    if scores.iter().any(|score| !score.is_finite()) {
        return Err(CoreError::NotFinite { what: "the list of calibration scores" });
    }
    let rank = libm::floor(alpha * (scores.len() as f64 + 1.0) + 1e-9) as usize;
    if rank == 0 {
        return Ok(f64::NEG_INFINITY);
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    Ok(sorted[rank.min(sorted.len()) - 1])
}

/// Labels whose probability is at least `threshold`, ascending.
///
/// At least, not above: with few different probabilities, labels tied with the threshold belong to the set.
pub fn prediction_set(probabilities: &[f64], threshold: f64) -> Vec<usize> {
    let within = within(threshold);
    let kept = probabilities.iter().enumerate().filter(|(_, p)| **p >= within);
    kept.map(|(label, _)| label).collect()
}

/// The threshold less what rounding may take.
pub(crate) fn within(threshold: f64) -> f64 {
    threshold - threshold.abs().min(1.0) * ROUNDING
}

/// A threshold for each length of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Miscoverage α.
    pub alpha: f64,
    /// Scores behind each threshold.
    pub draws: usize,
    /// Thresholds for lengths 1, 2, …; `None` where every label is in the set.
    values: Vec<Option<f64>>,
}

impl Thresholds {
    /// From the scores of each length, from 1 on.
    ///
    /// # Errors
    /// As [`threshold`].
    pub fn each(scores: &[Vec<f64>], alpha: f64) -> Result<Thresholds, CoreError> {
        let values = scores.iter().map(|scores| finite(threshold(scores, alpha)?));
        let draws = scores.iter().map(Vec::len).min().unwrap_or_default();
        Ok(Thresholds { alpha, draws, values: values.collect::<Result<_, _>>()? })
    }

    /// One threshold for all lengths, from the scores of all. Sets of short histories become too small by it and sets
    /// of long ones too large: it is here to be seen.
    ///
    /// # Errors
    /// As [`threshold`].
    pub fn common(scores: &[Vec<f64>], alpha: f64) -> Result<Thresholds, CoreError> {
        let all = scores.concat();
        let value = finite(threshold(&all, alpha)?)?;
        Ok(Thresholds { alpha, draws: all.len(), values: vec![value; scores.len()] })
    }

    /// The same threshold for all lengths up to `lengths`, given by hand.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for α; [`CoreError::NotFinite`] for a NaN.
    pub fn fixed(value: f64, lengths: usize, alpha: f64, draws: usize) -> Result<Thresholds, CoreError> {
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(CoreError::range("alpha", alpha, "above 0 and below 1"));
        }
        Ok(Thresholds { alpha, draws, values: vec![finite(value)?; lengths] })
    }

    /// The threshold for histories of a length; −∞, every label, for those that were not calibrated.
    pub fn at(&self, length: usize) -> f64 {
        let value = length.checked_sub(1).and_then(|place| self.values.get(place)).copied().flatten();
        value.unwrap_or(f64::NEG_INFINITY)
    }

    /// Thresholds for lengths 1, 2, …; `None` where every label is in the set.
    pub fn values(&self) -> &[Option<f64>] {
        &self.values
    }
}

/// −∞ as a value that every format can write.
fn finite(value: f64) -> Result<Option<f64>, CoreError> {
    match value {
        value if value.is_nan() => Err(CoreError::NotFinite { what: "a threshold" }),
        value => Ok(value.is_finite().then_some(value)),
    }
}
