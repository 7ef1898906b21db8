//! The policy that is learned, and the form in which it is kept.

use serde::{Deserialize, Serialize};

use super::exact::softmax;
use super::{CountPolicy, Network, Problem};
use crate::CoreError;

/// A network that chooses queries; recommendations are the problem's own.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedPolicy {
    problem: Problem,
    network: Network,
}

/// A learned policy as it is written down: everything that is needed to play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedPolicy {
    /// What it was trained for.
    pub problem: Problem,
    /// Hidden units of a layer.
    pub hidden: usize,
    /// Weights in the order of [`Network`], rounded: so many digits survive any way of writing them down.
    pub weights: Vec<f32>,
    /// Where the adversary ended: θ of each particle.
    pub particles: Vec<Vec<f64>>,
    /// The adversary's probabilities of the particles.
    pub mixture: Vec<f64>,
    /// r_k of each class.
    pub levels: Vec<f64>,
    /// V_k of each class, which the policy was held against.
    pub values: Vec<f64>,
}

impl SavedPolicy {
    /// Makes it ready to play.
    ///
    /// # Errors
    /// What is wrong with the problem, the weights or the particles.
    pub fn open(&self) -> Result<LearnedPolicy, CoreError> {
        self.problem.check()?;
        for theta in &self.particles {
            self.problem.check_instance(theta)?;
        }
        if self.hidden > 4096 {
            return Err(CoreError::range("hidden", self.hidden, "at most 4096"));
        }
        let d = self.problem.queries();
        let weights = self.weights.iter().map(|weight| f64::from(*weight)).collect();
        let network = Network::of(3 * d + 1, self.hidden, d, weights)?;
        Ok(LearnedPolicy { problem: self.problem.clone(), network })
    }
}

impl LearnedPolicy {
    /// A policy of a network with 3d + 1 inputs and d outputs.
    pub(super) fn new(problem: Problem, network: Network) -> LearnedPolicy {
        LearnedPolicy { problem, network }
    }

    /// The problem it plays.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Its network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    pub(super) fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }
}

/// What the network sees: for each query 4n/T, 4S/T and S/n, then t/T.
pub(super) fn features(problem: &Problem, counts: &[u8], out: &mut [f64]) {
    let (d, budget) = (problem.queries(), problem.budget() as f64);
    let mut asked = 0.0;
    for i in 0..d {
        let (plus, minus) = (f64::from(counts[2 * i]), f64::from(counts[2 * i + 1]));
        out[3 * i] = 4.0 * (plus + minus) / budget;
        out[3 * i + 1] = 4.0 * (plus - minus) / budget;
        out[3 * i + 2] = (plus - minus) / (plus + minus).max(1.0);
        asked += plus + minus;
    }
    out[3 * d] = asked / budget;
}

impl CountPolicy for LearnedPolicy {
    fn query(&self, counts: &[u8], probabilities: &mut [f64]) {
        let mut input = vec![0.0; 3 * self.problem.queries() + 1];
        let mut pass = vec![0.0; self.network.pass()];
        features(&self.problem, counts, &mut input);
        self.network.forward(&input, &mut pass);
        softmax(&pass[2 * self.network.hidden()..], probabilities);
    }

    fn recommend(&self, counts: &[u8], probabilities: &mut [f64]) {
        self.problem.recommend(counts, probabilities);
    }
}
