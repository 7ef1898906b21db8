//! How much each source task matters to the target: ν with W·ν = w.

use crate::lasso::{LassoPoint, basis_pursuit, largest_lambda, lasso_path};
use crate::linalg::{dot, symmetric_eigen};

/// Directions with a smaller share of the largest singular value are no directions of the heads.
const SINGULAR: f64 = 1e-6;

/// Σ d_t·w_t·w_tᵀ, K × K; `weights` none for ones.
pub(super) fn second_moment(heads: &[f64], rank: usize, weights: Option<&[f64]>) -> Vec<f64> {
    let mut sum = vec![0.0; rank * rank];
    for (t, w) in heads.chunks_exact(rank.max(1)).enumerate() {
        let weight = weights.map_or(1.0, |d| d[t]);
        for i in 0..rank {
            for j in 0..rank {
                sum[i * rank + j] += weight * w[i] * w[j];
            }
        }
    }
    sum
}

/// The pseudo-inverse of a symmetric matrix applied to `b`, and whether `b` is in its range. Eigenvalues below
/// `cut` of the largest count as 0.
fn pseudo_solve(matrix: &[f64], b: &[f64], cut: f64) -> (Vec<f64>, bool) {
    let n = b.len();
    let (values, vectors) = symmetric_eigen(matrix, n);
    let top = values.first().copied().unwrap_or(0.0);
    let mut x = vec![0.0; n];
    let (mut outside, size) = (0.0, dot(b, b));
    for (value, vector) in values.iter().zip(vectors.chunks_exact(n.max(1))) {
        let part = dot(vector, b);
        if *value > cut * top {
            crate::linalg::add_scaled(&mut x, part / value, vector);
        } else {
            outside += part * part;
        }
    }
    (x, outside <= 1e-16 * size)
}

/// The ν of least 2-norm, Wᵀ(W·Wᵀ)⁺w (Chen, Jamieson and Du). Exact if w is in the span of the heads, else W·ν is the
/// projection of w.
#[must_use]
pub fn least_2_norm(heads: &[f64], target: &[f64]) -> Vec<f64> {
    let rank = target.len();
    let (y, _) = pseudo_solve(&second_moment(heads, rank, None), target, SINGULAR * SINGULAR);
    heads.chunks_exact(rank.max(1)).map(|w| dot(w, &y)).collect()
}

/// The ν of least 1-norm, at most K of it not 0; nothing if w is no combination of the heads.
#[must_use]
pub fn least_1_norm(heads: &[f64], target: &[f64]) -> Option<Vec<f64>> {
    basis_pursuit(heads, target)
}

/// The ν of least Σ √c_t·|ν_t|, for samples of cost c_t (derived: the best allocation for it costs least).
#[must_use]
pub fn least_cost_norm(heads: &[f64], target: &[f64], costs: &[f64]) -> Option<Vec<f64>> {
    let mut nu = basis_pursuit(&discounted(heads, target.len(), costs), target)?;
    undo(&mut nu, costs);
    Some(nu)
}

/// The Lasso path of ν down to `share`·λ_max, of ½‖Wν − w‖² + λ·Σ √c_t·|ν_t| (costs of 1: the method of the paper).
#[must_use]
pub fn lasso_relevance(heads: &[f64], target: &[f64], costs: &[f64], share: f64) -> Vec<LassoPoint> {
    let columns = discounted(heads, target.len(), costs);
    let mut path = lasso_path(&columns, target, share * largest_lambda(&columns, target));
    for point in &mut path {
        undo(&mut point.x, costs);
    }
    path
}

/// ν again without shrinkage: the shortest least-squares combination of the heads that `nu` uses.
#[must_use]
pub fn refit(heads: &[f64], target: &[f64], nu: &[f64]) -> Vec<f64> {
    let rank = target.len().max(1);
    let mut kept = heads.to_vec();
    for (w, nu) in kept.chunks_exact_mut(rank).zip(nu) {
        if *nu == 0.0 {
            w.fill(0.0);
        }
    }
    least_2_norm(&kept, target)
}

/// Sets all but the `count` largest |ν_t| to 0; of equal ones the lowest stay.
pub fn keep_largest(nu: &mut [f64], count: usize) {
    let mut order: Vec<usize> = (0..nu.len()).collect();
    order.sort_by(|a, b| nu[*b].abs().total_cmp(&nu[*a].abs()));
    for t in order.into_iter().skip(count) {
        nu[t] = 0.0;
    }
}

/// V(n) = wᵀ(W·diag(n)·Wᵀ)⁻¹w, the variance of the target's error up to a constant; infinite if w is outside of the span
/// of the heads that were sampled. Least, ‖ν‖₁²/N, for n in proportion to the |ν| of least 1-norm.
#[must_use]
pub fn variance(heads: &[f64], target: &[f64], amounts: &[f64]) -> f64 {
    let moment = second_moment(heads, target.len(), Some(amounts));
    let (y, inside) = pseudo_solve(&moment, target, 1e-13);
    if inside { dot(&y, target) } else { f64::INFINITY }
}

fn discounted(heads: &[f64], rank: usize, costs: &[f64]) -> Vec<f64> {
    let mut columns = heads.to_vec();
    for (w, cost) in columns.chunks_exact_mut(rank.max(1)).zip(costs) {
        w.iter_mut().for_each(|v| *v /= cost.sqrt());
    }
    columns
}

fn undo(nu: &mut [f64], costs: &[f64]) {
    for (nu, cost) in nu.iter_mut().zip(costs) {
        *nu /= cost.sqrt();
    }
}
