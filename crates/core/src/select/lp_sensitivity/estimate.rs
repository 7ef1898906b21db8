//! Cheaper than a solve for every row: blocks with random signs, and the total from a few rows.

use super::rows::{Dense, Rows};
use super::sensitivity::SensitivitySolver;
use super::{Watch, beat};
use crate::{CoreError, Rng};

/// Upper estimates of all sensitivities by random signs (after Padmanabhan, Woodruff and Zhang 2023): rows in blocks
/// of `block`; `draws` random sums Σ ±aⱼ of a block are solved for, and every row of it gets the largest value.
///
/// Each is at least its sensitivity with probability 1 − 2^{−draws}; the sum grows by at most `block`^p. n·draws/block
/// solves in place of n.
///
/// # Errors
/// [`CoreError::OutOfRange`] for a block or draws of 0; [`CoreError::Interrupted`].
pub async fn block_signs(
    u: &Dense,
    solver: &mut SensitivitySolver<'_>,
    block: usize,
    draws: usize,
    rng: &Rng,
    watch: &mut dyn Watch,
) -> Result<Vec<f64>, CoreError> {
    for (field, value) in [("block", block), ("draws", draws)] {
        if value == 0 {
            return Err(CoreError::range(field, value, "1 or more"));
        }
    }
    let (n, r) = (u.rows(), u.columns());
    let mut scores = vec![0.0_f64; n];
    for (at, scores) in scores.chunks_mut(block).enumerate() {
        let mut rng = rng.split("signs").at(at as u64);
        for _ in 0..draws {
            let mut sum = vec![0.0; r];
            for k in 0..scores.len() {
                let sign = if rng.bits() >> 63 == 0 { 1.0 } else { -1.0 };
                sum.iter_mut().zip(u.row(at * block + k)).for_each(|(s, x)| *s += sign * x);
            }
            let value = solver.solve(&sum).upper.min(1.0);
            scores.iter_mut().for_each(|score| *score = score.max(value));
        }
        beat(watch, ((at + 1) * block).min(n), n).await?;
    }
    Ok(scores)
}

/// Draws for failure probability δ over n rows: log₂(n/δ).
#[must_use]
pub fn sign_draws(rows: usize, failure: f64) -> usize {
    libm::ceil(libm::log2((rows as f64 / failure).max(2.0))) as usize
}

/// An estimate with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// Its standard error; 0 for one draw.
    pub error: f64,
    /// Draws.
    pub draws: usize,
}

/// The total sensitivity 𝔖 = r·E[σᵢ/wᵢ], i drawn with probability wᵢ/r by the Lewis weights `lewis`. The ratio lies
/// between 1 and r^{p/2−1}, so a few solves are enough.
///
/// # Errors
/// [`CoreError::OutOfRange`] for 0 draws or more weights than rows; [`CoreError::Interrupted`].
pub async fn total_sensitivity(
    u: &dyn Rows,
    lewis: &[f64],
    solver: &mut SensitivitySolver<'_>,
    draws: usize,
    rng: &Rng,
    watch: &mut dyn Watch,
) -> Result<Estimate, CoreError> {
    if draws == 0 {
        return Err(CoreError::range("draws", draws, "1 or more"));
    }
    if lewis.len() != u.rows() {
        let expected = format!("needs one for each of {} rows", u.rows());
        return Err(CoreError::Shape { what: "Lewis weights", found: vec![lewis.len()], expected });
    }
    let mut sums = Vec::with_capacity(lewis.len());
    let mut sum = 0.0;
    for w in lewis {
        sum += w;
        sums.push(sum);
    }
    let mut rng = rng.split("total");
    let mut values = Vec::with_capacity(draws);
    let mut read = vec![0.0; u.columns()];
    for done in 0..draws {
        let point = rng.uniform() * sum;
        // Rounding may leave the point at the very end; a row of weight 0 is never met before it.
        let row = sums.partition_point(|s| *s <= point).min(lewis.len() - 1);
        u.read(row, &mut read);
        values.push(sum * solver.solve(&read).value / lewis[row].max(f64::MIN_POSITIVE));
        beat(watch, done + 1, draws).await?;
    }
    let count = draws as f64;
    let value = values.iter().sum::<f64>() / count;
    let spread = values.iter().map(|v| (v - value) * (v - value)).sum::<f64>();
    let error = if draws > 1 { (spread / (count - 1.0) / count).sqrt() } else { 0.0 };
    Ok(Estimate { value, error, draws })
}
