//! The game between policy and adversary on finitely many instances, solved exactly: the reference for all else.

use super::{CountPolicy, Problem, States};
use crate::CoreError;

/// A small problem with the instances that the adversary may choose.
pub struct ExactGame<'a> {
    problem: &'a Problem,
    states: &'a States,
    instances: usize,
    /// Likelihood of the answers of each last state under each instance.
    likelihood: Vec<f64>,
    /// L(z, θ_j), m × instances.
    loss: Vec<f64>,
}

/// A deterministic policy: the query of each state, and the recommendation of each last one.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Mean loss under the mixture it answers to.
    pub value: f64,
    /// Query, or hypothesis in the last states, by state.
    pub choices: Vec<u32>,
}

/// Most likelihoods that are kept.
const MOST_VALUES: usize = 8 << 20;

impl<'a> ExactGame<'a> {
    /// A game about `instances`, each of d values in [−1, 1].
    ///
    /// # Errors
    /// As [`Problem::check_instance`]; [`CoreError::OutOfRange`] without instances, [`CoreError::TooLarge`] with too many.
    pub fn new(
        problem: &'a Problem,
        states: &'a States,
        instances: &[Vec<f64>],
    ) -> Result<ExactGame<'a>, CoreError> {
        let leaves = states.len() - states.first_leaf();
        if instances.is_empty() {
            return Err(CoreError::range("instances", 0, "at least 1"));
        }
        if leaves.saturating_mul(instances.len()) > MOST_VALUES {
            return Err(CoreError::TooLarge {
                what: "the exact solver",
                rows: instances.len(),
                limit: MOST_VALUES / leaves,
                remedy: "use fewer instances or a smaller budget",
            });
        }
        let mut likelihood = Vec::with_capacity(leaves * instances.len());
        for theta in instances {
            problem.check_instance(theta)?;
        }
        for leaf in states.first_leaf()..states.len() {
            for theta in instances {
                let mut product = 1.0;
                for (k, count) in states.counts(leaf).iter().enumerate() {
                    let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
                    for _ in 0..*count {
                        product *= (1.0 + sign * theta[k / 2]) / 2.0;
                    }
                }
                likelihood.push(product);
            }
        }
        let mut loss = Vec::with_capacity(problem.count() * instances.len());
        for z in 0..problem.count() {
            for theta in instances {
                loss.push(problem.loss(z, theta));
            }
        }
        Ok(ExactGame { problem, states, instances: instances.len(), likelihood, loss })
    }

    /// The Bayes-optimal policy against the mixture `mu` of the instances; of equal choices the first.
    pub fn best_response(&self, mu: &[f64]) -> Response {
        let (states, n) = (self.states, self.instances);
        let (first, d) = (states.first_leaf(), self.problem.queries());
        let mut choices = vec![0u32; states.len()];
        let mut value = vec![0.0; states.len()];
        let mut joint = vec![0.0; n];
        for s in first..states.len() {
            for j in 0..n {
                joint[j] = mu[j] * self.likelihood[(s - first) * n + j];
            }
            value[s] = f64::INFINITY;
            for z in 0..self.problem.count() {
                let mut risk = 0.0;
                for j in 0..n {
                    risk += joint[j] * self.loss[z * n + j];
                }
                if risk < value[s] {
                    (value[s], choices[s]) = (risk, z as u32);
                }
            }
        }
        for s in (0..first).rev() {
            value[s] = f64::INFINITY;
            for query in 0..d {
                let risk = value[states.after(s, query, 0)] + value[states.after(s, query, 1)];
                if risk < value[s] {
                    (value[s], choices[s]) = (risk, query as u32);
                }
            }
        }
        Response { value: value[0], choices }
    }

    /// Expected loss of a policy on each instance, exactly.
    pub fn losses(&self, policy: &dyn CountPolicy) -> Vec<f64> {
        let weights = self.states.weights(policy);
        let mut losses = vec![0.0; self.instances];
        let mut advice = vec![0.0; self.problem.count()];
        for s in self.states.first_leaf()..self.states.len() {
            if weights[s] > 0.0 {
                policy.recommend(self.states.counts(s), &mut advice);
                for (z, probability) in advice.iter().enumerate() {
                    if *probability > 0.0 {
                        self.add(s, z, weights[s] * probability, &mut losses);
                    }
                }
            }
        }
        losses
    }

    fn add(&self, leaf: usize, z: usize, weight: f64, losses: &mut [f64]) {
        let n = self.instances;
        let place = (leaf - self.states.first_leaf()) * n;
        for j in 0..n {
            losses[j] += weight * self.likelihood[place + j] * self.loss[z * n + j];
        }
    }
}

/// Hedge for the adversary against best responses; the mean of the responses is the policy.
pub struct MinMax<'a> {
    game: ExactGame<'a>,
    offsets: Vec<f64>,
    scores: Vec<f64>,
    mixture: Vec<f64>,
    /// Sum of the weights with which the responses come to a state and make a choice: d, or m in last states, by state.
    flow: Vec<f64>,
    losses: Vec<f64>,
    lower: f64,
    steps: usize,
}

/// Size of the first step of the adversary.
const ETA: f64 = 1.5;

impl<'a> MinMax<'a> {
    /// min over policies, max over instances of loss − offset; offsets are 0 for one class, and V_k for the robust policy.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if there is not one offset an instance.
    pub fn new(game: ExactGame<'a>, offsets: Vec<f64>) -> Result<MinMax<'a>, CoreError> {
        let n = game.instances;
        if offsets.len() != n {
            return Err(CoreError::Shape {
                what: "the list of offsets",
                found: vec![offsets.len()],
                expected: format!("it needs one for each of the {n} instances"),
            });
        }
        let first = game.states.first_leaf();
        let flow = first * game.problem.queries() + (game.states.len() - first) * game.problem.count();
        Ok(MinMax {
            offsets,
            scores: vec![0.0; n],
            mixture: vec![1.0 / n as f64; n],
            flow: vec![0.0; flow],
            losses: vec![0.0; n],
            lower: f64::NEG_INFINITY,
            steps: 0,
            game,
        })
    }

    /// One step: the best response to the mixture, then the mixture moves to what it does badly on.
    pub fn step(&mut self) {
        let response = self.game.best_response(&self.mixture);
        let (states, d, m) = (self.game.states, self.game.problem.queries(), self.game.problem.count());
        let first = states.first_leaf();
        let mut weights = vec![0.0; states.len()];
        let mut losses = vec![0.0; self.offsets.len()];
        weights[0] = 1.0;
        for s in 0..states.len() {
            if weights[s] == 0.0 {
                continue;
            }
            let choice = response.choices[s] as usize;
            if s < first {
                self.flow[s * d + choice] += weights[s];
                for answer in 0..2 {
                    weights[states.after(s, choice, answer)] += weights[s];
                }
            } else {
                self.flow[first * d + (s - first) * m + choice] += weights[s];
                self.game.add(s, choice, weights[s], &mut losses);
            }
        }
        let mut bound = response.value;
        self.steps += 1;
        let rate = ETA / libm::sqrt(self.steps as f64);
        for j in 0..losses.len() {
            bound -= self.mixture[j] * self.offsets[j];
            self.losses[j] += losses[j];
            self.scores[j] += rate * (losses[j] - self.offsets[j]);
        }
        self.lower = self.lower.max(bound);
        softmax(&self.scores, &mut self.mixture);
    }

    /// Bounds of the value of the game, from below by the best mixture, from above by the mean policy.
    pub fn bounds(&self) -> (f64, f64) {
        let mut upper = f64::NEG_INFINITY;
        for (loss, offset) in self.losses().iter().zip(&self.offsets) {
            upper = upper.max(loss - offset);
        }
        (self.lower, upper)
    }

    /// Losses of the mean policy, by instance.
    pub fn losses(&self) -> Vec<f64> {
        self.losses.iter().map(|loss| loss / self.steps.max(1) as f64).collect()
    }

    /// The adversary's mixture of the instances.
    pub fn mixture(&self) -> &[f64] {
        &self.mixture
    }

    /// The mean policy as one policy that chooses by chance in each state: it has the same losses as drawing one of
    /// the responses and playing it, since the weights of states are sums along its flow.
    pub fn policy(&self) -> TablePolicy<'a> {
        TablePolicy { problem: self.game.problem, states: self.game.states, flow: self.flow.clone() }
    }
}

/// A policy with a probability for every choice in every state.
pub struct TablePolicy<'a> {
    problem: &'a Problem,
    states: &'a States,
    flow: Vec<f64>,
}

impl<'a> TablePolicy<'a> {
    /// A deterministic policy.
    pub fn of(problem: &'a Problem, states: &'a States, response: &Response) -> TablePolicy<'a> {
        let (d, m, first) = (problem.queries(), problem.count(), states.first_leaf());
        let mut flow = vec![0.0; first * d + (states.len() - first) * m];
        for (s, choice) in response.choices.iter().enumerate() {
            let place = if s < first { s * d } else { first * d + (s - first) * m };
            flow[place + *choice as usize] = 1.0;
        }
        TablePolicy { problem, states, flow }
    }

    /// False in a state that the policy never comes to: it has no flow there.
    fn shares(&self, counts: &[u8], last: bool, out: &mut [f64]) -> bool {
        let (d, first) = (self.problem.queries(), self.states.first_leaf());
        let Some(s) = self.states.find(counts).filter(|s| (*s >= first) == last) else { return false };
        let place = if last { first * d + (s - first) * out.len() } else { s * d };
        out.copy_from_slice(&self.flow[place..place + out.len()]);
        let total: f64 = out.iter().sum();
        for share in out.iter_mut() {
            *share /= total;
        }
        total > 0.0
    }
}

impl CountPolicy for TablePolicy<'_> {
    fn query(&self, counts: &[u8], probabilities: &mut [f64]) {
        if !self.shares(counts, false, probabilities) {
            probabilities.fill(1.0 / probabilities.len() as f64);
        }
    }

    /// Before its last state the policy has no recommendation; it is the problem's own then.
    fn recommend(&self, counts: &[u8], probabilities: &mut [f64]) {
        if !self.shares(counts, true, probabilities) {
            self.problem.recommend(counts, probabilities);
        }
    }
}

/// exp(scores) / Σ exp(scores).
pub(super) fn softmax(scores: &[f64], out: &mut [f64]) {
    let mut most = f64::NEG_INFINITY;
    for score in scores {
        most = most.max(*score);
    }
    let mut total = 0.0;
    for (share, score) in out.iter_mut().zip(scores) {
        *share = libm::exp(score - most);
        total += *share;
    }
    for share in out.iter_mut() {
        *share /= total;
    }
}
