//! Policies to compare with: chance, plans, noisy bisection, and rules of bandits at a fixed budget.

use super::problem::evenly_best;
use super::{CountPolicy, Problem, complexity};
use crate::CoreError;

/// Every query with equal probability.
pub struct AtRandom<'a>(pub &'a Problem);

impl CountPolicy for AtRandom<'_> {
    fn query(&self, _counts: &[u8], probabilities: &mut [f64]) {
        probabilities.fill(1.0 / self.0.queries() as f64);
    }

    fn recommend(&self, counts: &[u8], probabilities: &mut [f64]) {
        self.0.recommend(counts, probabilities);
    }
}

/// Queries by fixed shares: each time the one that is most behind its share, ties broken evenly.
pub struct Allocation<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// Share of each query.
    pub shares: Vec<f64>,
}

impl<'a> Allocation<'a> {
    /// The same share for each.
    pub fn even(problem: &'a Problem) -> Allocation<'a> {
        Allocation { problem, shares: vec![1.0 / problem.queries() as f64; problem.queries()] }
    }

    /// The best shares λ* for an instance: it must be known, so this is a reference and no method.
    pub fn oracle(problem: &'a Problem, theta: &[f64]) -> Allocation<'a> {
        Allocation { problem, shares: complexity(problem, theta, 300).allocation }
    }
}

impl CountPolicy for Allocation<'_> {
    fn query(&self, counts: &[u8], probabilities: &mut [f64]) {
        let budget = self.problem.budget() as f64;
        for (i, score) in probabilities.iter_mut().enumerate() {
            *score = budget * self.shares[i] - pulls(counts, i);
        }
        evenly_best(probabilities);
    }

    fn recommend(&self, counts: &[u8], probabilities: &mut [f64]) {
        self.problem.recommend(counts, probabilities);
    }
}

/// SGBS, soft generalised binary search (noisy bisection) for hypotheses of signs: weights p_z ∝ β^wrong (1 − β)^right,
/// the query whose signs are most evenly divided, and the heaviest hypothesis at the end; ties broken evenly.
pub struct Bisection<'a> {
    problem: &'a Problem,
    /// ln(β / (1 − β)).
    penalty: f64,
}

impl<'a> Bisection<'a> {
    /// Bisection that takes each answer to be wrong with probability `beta`.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for β outside of (0, 0.5), or hypotheses that are not of signs.
    pub fn new(problem: &'a Problem, beta: f64) -> Result<Bisection<'a>, CoreError> {
        if !(beta > 0.0 && beta < 0.5) {
            return Err(CoreError::range("beta", beta, "above 0 and below 0.5"));
        }
        for z in 0..problem.count() {
            if let Some(value) = problem.hypothesis(z).iter().find(|value| value.abs() != 1.0) {
                return Err(CoreError::range("hypotheses", value, "1 or -1 for bisection"));
            }
        }
        Ok(Bisection { problem, penalty: libm::log(beta / (1.0 - beta)) })
    }

    fn weights(&self, counts: &[u8]) -> Vec<f64> {
        let mut scores = vec![0.0; self.problem.count()];
        for (z, score) in scores.iter_mut().enumerate() {
            for (i, sign) in self.problem.hypothesis(z).iter().enumerate() {
                *score += self.penalty * f64::from(counts[2 * i + usize::from(*sign > 0.0)]);
            }
        }
        let mut weights = vec![0.0; scores.len()];
        super::exact::softmax(&scores, &mut weights);
        weights
    }
}

impl CountPolicy for Bisection<'_> {
    fn query(&self, counts: &[u8], probabilities: &mut [f64]) {
        probabilities.fill(0.0);
        for (z, weight) in self.weights(counts).iter().enumerate() {
            for (i, sign) in self.problem.hypothesis(z).iter().enumerate() {
                probabilities[i] += weight * sign;
            }
        }
        for score in probabilities.iter_mut() {
            *score = -score.abs();
        }
        evenly_best(probabilities);
    }

    fn recommend(&self, counts: &[u8], probabilities: &mut [f64]) {
        probabilities.copy_from_slice(&self.weights(counts));
        evenly_best(probabilities);
    }
}

/// How a [`Bandit`] chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The query that tells the leader from the challenger with the largest upper gap.
    LinGapE,
    /// The query with the largest upper bound of its mean.
    LinUcb,
    /// The query most behind the best shares for the estimate, and none left far behind.
    TrackAndStop,
}

/// A bandit rule without its stopping rule, with ridge estimates θ̂ = S / (n + 1); ties broken evenly.
pub struct Bandit<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// The rule.
    pub rule: Rule,
    /// Width of intervals in standard deviations: to be tuned, since default confidences are for long games.
    pub scale: f64,
}

impl CountPolicy for Bandit<'_> {
    fn query(&self, counts: &[u8], probabilities: &mut [f64]) {
        let d = self.problem.queries();
        let (mut asked, mut theta) = (0.0, vec![0.0; d]);
        for i in 0..d {
            asked += pulls(counts, i);
            theta[i] = (f64::from(counts[2 * i]) - f64::from(counts[2 * i + 1])) / (pulls(counts, i) + 1.0);
        }
        match self.rule {
            Rule::LinUcb => {
                for i in 0..d {
                    probabilities[i] = theta[i] + self.scale / libm::sqrt(pulls(counts, i) + 1.0);
                }
            }
            Rule::LinGapE => {
                let leader = self.problem.best(&theta);
                let (mut best, mut challenger) = (f64::NEG_INFINITY, leader);
                for z in (0..self.problem.count()).filter(|z| *z != leader) {
                    let mut norm = 0.0;
                    for i in 0..d {
                        let step = self.problem.hypothesis(z)[i] - self.problem.hypothesis(leader)[i];
                        norm += step * step / (pulls(counts, i) + 1.0);
                    }
                    let gap = self.problem.value(z, &theta) - self.problem.value(leader, &theta)
                        + self.scale * libm::sqrt(norm);
                    if gap > best {
                        (best, challenger) = (gap, z);
                    }
                }
                for i in 0..d {
                    let step = self.problem.hypothesis(challenger)[i] - self.problem.hypothesis(leader)[i];
                    let n = pulls(counts, i) + 1.0;
                    probabilities[i] = step * step * (1.0 / n - 1.0 / (n + 1.0));
                }
            }
            Rule::TrackAndStop => {
                let floor = libm::sqrt(asked) - d as f64 / 2.0;
                let shares = complexity(self.problem, &theta, 40).allocation;
                let mut forced = false;
                for i in 0..d {
                    forced |= pulls(counts, i) < floor;
                }
                for i in 0..d {
                    let n = pulls(counts, i);
                    probabilities[i] = if forced { -n } else { (asked + 1.0) * shares[i] - n };
                }
            }
        }
        evenly_best(probabilities);
    }

    fn recommend(&self, counts: &[u8], probabilities: &mut [f64]) {
        self.problem.recommend(counts, probabilities);
    }
}

fn pulls(counts: &[u8], query: usize) -> f64 {
    f64::from(counts[2 * query]) + f64::from(counts[2 * query + 1])
}
