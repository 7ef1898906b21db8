//! ℓp Lewis weights: the one reweighting whose leverage scores are the weights themselves.

use super::rows::{Basis, Blocks, Rows};
use super::{Watch, beat, check_p};
use crate::CoreError;
use crate::linalg::{add_outer, cholesky_with_ridge, dot, invert_upper, multiply};

/// When the iteration ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LewisOptions {
    /// Largest change of a log weight that counts as none; default 1e-10.
    pub tolerance: f64,
    /// Most passes over the rows; default 1000.
    pub passes: usize,
}

impl Default for LewisOptions {
    fn default() -> LewisOptions {
        LewisOptions { tolerance: 1e-10, passes: 1000 }
    }
}

/// The weights, and the quadratic form that they define.
#[derive(Clone, Debug, PartialEq)]
pub struct LewisWeights {
    /// w, one a row; they sum to the rank.
    pub weights: Vec<f64>,
    /// H (r × r, row-major) in the coordinates of the basis, with H·Hᵀ = (UᵀW^{1−2/p}U)⁻¹.
    pub map: Vec<f64>,
    /// Passes over the rows.
    pub passes: usize,
    /// Largest change of a log weight in the last pass.
    pub change: f64,
}

impl LewisWeights {
    /// Bounds of the sensitivity of a row with weight w: w/r^{1−p/2} ≤ σ ≤ w for p < 2, w ≤ σ ≤ r^{p/2−1}·w for p > 2.
    #[must_use]
    pub fn sandwich(w: f64, rank: usize, p: f64) -> [f64; 2] {
        let factor = libm::pow(rank as f64, 0.5 * p - 1.0);
        if p < 2.0 { [factor * w, w] } else { [w, (factor * w).min(1.0)] }
    }
}

/// The fixed point of w = τ(W^{1/2−1/p}A) by wᵢ ← wᵢ·(τᵢ/wᵢ)^θ.
///
/// The derivative of log τ by log w is (1−2/p)·(I−S) with S row-stochastic and eigenvalues in [0, 1], so near the fixed
/// point θ = 2p/(p+2) contracts by |p−2|/(p+2) a pass: better than p/2 (Cohen and Peng; |1−p/2|, which diverges from
/// p = 4 on) and than 1 (1−2/p). Should the changes not shrink far from it, θ goes to those. One pass over the rows an iteration: each is preconditioned by the form of the
/// one before, so the Gram matrix that is factored stays near the identity. Log weights, so that 1e-200 is no problem;
/// for p < 2, where the exponent is negative, weights below 1e-12 of the largest count as that.
///
/// # Errors
/// [`CoreError::OutOfRange`] for p; [`CoreError::Interrupted`].
pub async fn lewis_weights(
    basis: &Basis<'_>,
    p: f64,
    options: LewisOptions,
    watch: &mut dyn Watch,
) -> Result<LewisWeights, CoreError> {
    check_p(p)?;
    let (n, r) = (basis.rows(), basis.rank());
    let mut theta = 2.0 * p / (p + 2.0);
    let mut checked = f64::INFINITY;
    let exponent = 1.0 - 2.0 / p;
    let mut log_w = vec![libm::log(r as f64 / n as f64); n];
    // The form of even weights c is c^{1−2/p}·I in an orthonormal basis.
    let mut map = vec![0.0; r * r];
    let even = libm::exp(-0.5 * exponent * log_w.first().copied().unwrap_or(0.0));
    (0..r).for_each(|i| map[i * r + i] = even);
    let mut log_floor = f64::NEG_INFINITY;
    let (mut passes, mut change) = (0, f64::INFINITY);
    let mut z = Vec::new();
    let mut factor = Vec::new();
    while passes < options.passes && change > options.tolerance {
        let mut gram = vec![0.0; r * r];
        let mut top = f64::NEG_INFINITY;
        change = 0.0;
        let mut blocks = Blocks::new(basis);
        while let Some((start, rows)) = blocks.next() {
            z.resize(rows.len(), 0.0);
            multiply(rows, &map, r, r, &mut z);
            for (z, log_w) in z.chunks_exact(r).zip(&mut log_w[start..]) {
                let square = dot(z, z);
                if square == 0.0 {
                    *log_w = f64::NEG_INFINITY;
                    continue;
                }
                // log τ − log w, with τ = w^{1−2/p}·uᵀ(H·Hᵀ)u.
                let step = theta * (exponent * log_w.max(log_floor) + libm::log(square) - *log_w);
                change = change.max(step.abs());
                *log_w += step;
                top = top.max(*log_w);
                add_outer(&mut gram, libm::exp(exponent * log_w.max(log_floor)), z);
            }
            beat(watch, passes * n + start, options.passes * n).await?;
        }
        if p < 2.0 {
            log_floor = top + libm::log(1e-12);
        }
        passes += 1;
        if passes.is_multiple_of(20) {
            if change > 0.5 * checked {
                theta = if p < 2.0 { 0.5 * p } else { 1.0 };
            }
            checked = change;
        }
        if cholesky_with_ridge(&gram, r, &mut factor).is_none() {
            return Err(CoreError::NotFinite { what: "Lewis weights" });
        }
        // H ← H·L⁻ᵀ.
        let mut upper = vec![0.0; r * r];
        for i in 0..r {
            (0..=i).for_each(|j| upper[j * r + i] = factor[i * r + j]);
        }
        invert_upper(&mut upper, r);
        let mut next = vec![0.0; r * r];
        multiply(&map, &upper, r, r, &mut next);
        map = next;
    }
    Ok(LewisWeights { weights: log_w.into_iter().map(libm::exp).collect(), map, passes, change })
}
