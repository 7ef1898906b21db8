//! How hard an instance is: the complexity ρ of transductive linear bandits, by its concave dual.

use super::Problem;

/// Gaps below this count as this: near a tie ρ has no bound.
const LEAST_GAP: f64 = 1e-3;

/// ρ(θ) with what comes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Complexity {
    /// The value of the dual, which is at most ρ.
    pub rho: f64,
    /// max_z ‖z* − z‖² in the norm of the allocation, which is at least ρ.
    pub upper: f64,
    /// Shares of the queries, d values that sum to 1.
    pub allocation: Vec<f64>,
    /// dρ/dθ by the envelope theorem, d values.
    pub gradient: Vec<f64>,
}

/// ρ(θ) = min_λ max_{z ≠ z*} Σ_i (z* − z)_i² / λ_i / ⟨θ, z* − z⟩², by `iterations` steps of exponentiated gradient.
///
/// About ρ·ln(1/δ) queries tell z* with unit noise. 40 iterations serve training, 300 give three digits. Gaps are at
/// least 10⁻³. `theta` has d values.
pub fn complexity(problem: &Problem, theta: &[f64], iterations: usize) -> Complexity {
    let (d, m, star) = (problem.queries(), problem.count(), problem.best(theta));
    let mut squares = vec![0.0; m * d];
    let mut gaps = vec![0.0; m];
    for z in 0..m {
        gaps[z] = (problem.value(star, theta) - problem.value(z, theta)).max(LEAST_GAP);
        for i in 0..d {
            let step = (problem.hypothesis(star)[i] - problem.hypothesis(z)[i]) / gaps[z];
            squares[z * d + i] = step * step;
        }
    }
    let mut mu = vec![1.0 / (m - 1) as f64; m];
    mu[star] = 0.0;
    let mut best = Complexity { rho: -1.0, upper: 0.0, allocation: vec![0.0; d], gradient: vec![0.0; d] };
    let (mut best_mu, mut roots, mut slope) = (mu.clone(), vec![0.0; d], vec![0.0; m]);
    for step in 1..=iterations.max(1) {
        roots.fill(0.0);
        for z in 0..m {
            for i in 0..d {
                roots[i] += mu[z] * squares[z * d + i];
            }
        }
        let mut sum = 0.0;
        for root in roots.iter_mut() {
            *root = libm::sqrt(*root);
            sum += *root;
        }
        if sum * sum > best.rho {
            best.rho = sum * sum;
            best_mu.copy_from_slice(&mu);
            for i in 0..d {
                best.allocation[i] = roots[i] / sum;
            }
        }
        let mut steepest: f64 = 0.0;
        for z in 0..m {
            slope[z] = 0.0;
            for i in 0..d {
                if roots[i] > 0.0 {
                    slope[z] += sum * squares[z * d + i] / roots[i];
                }
            }
            steepest = steepest.max(slope[z]);
        }
        let mut total = 0.0;
        for z in 0..m {
            mu[z] *= libm::exp(2.0 / libm::sqrt(step as f64) * slope[z] / steepest);
            total += mu[z];
        }
        for weight in mu.iter_mut() {
            *weight /= total;
        }
    }
    for z in 0..m {
        let mut norm = 0.0;
        for i in 0..d {
            if best.allocation[i] > 0.0 {
                norm += squares[z * d + i] / best.allocation[i];
            }
        }
        best.upper = best.upper.max(norm);
        // ‖z* − z‖² is norm × gap²; the derivative of gap⁻² is −2 gap⁻³ (z* − z).
        for i in 0..d {
            let step = problem.hypothesis(star)[i] - problem.hypothesis(z)[i];
            best.gradient[i] -= 2.0 * best_mu[z] * norm / gaps[z] * step;
        }
    }
    best
}
