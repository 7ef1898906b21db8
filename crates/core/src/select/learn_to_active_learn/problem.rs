//! The task: which queries there are, what may be recommended, and what a mistake costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CoreError;

/// What a recommendation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// 1 for any hypothesis but the best.
    #[default]
    Identification,
    /// How much worse than the best the recommended hypothesis is: max_z ⟨z, θ⟩ − ⟨ẑ, θ⟩.
    Regret,
}

/// How a hypothesis is recommended from sums S and counts n of the answers; ties are broken evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recommendation {
    /// argmax ⟨z, S⟩: the fewest disagreements, for hypotheses of signs.
    #[default]
    Erm,
    /// argmax ⟨z, S/n⟩: the best mean, for arms.
    Means,
}

/// Queries are the coordinates of an unknown θ in [−1, 1]^d; a query answers +1 with probability (1 + θ_i)/2, else −1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    queries: usize,
    hypotheses: Vec<f64>,
    budget: usize,
    loss: Loss,
    recommendation: Recommendation,
}

/// Largest budget: counts fit into a nibble where states are enumerated, and into a byte elsewhere.
const MOST_BUDGET: usize = 50;
/// Largest d × m.
const MOST_VALUES: usize = 1 << 20;

impl Problem {
    /// A problem with `hypotheses` row-major, m × `queries`.
    ///
    /// # Errors
    /// As [`Problem::check`].
    pub fn new(
        queries: usize,
        hypotheses: Vec<f64>,
        budget: usize,
        loss: Loss,
        recommendation: Recommendation,
    ) -> Result<Problem, CoreError> {
        let problem = Problem { queries, hypotheses, budget, loss, recommendation };
        problem.check()?;
        Ok(problem)
    }

    /// Checks a problem that was read from a file.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for a ragged or empty table or less than two hypotheses, [`CoreError::NotFinite`],
    /// [`CoreError::OutOfRange`] for a budget outside of 1 to 50 and for hypotheses that are equal.
    pub fn check(&self) -> Result<(), CoreError> {
        let (d, values) = (self.queries, self.hypotheses.len());
        if d == 0 || !values.is_multiple_of(d) || values < 2 * d || values > MOST_VALUES {
            return Err(CoreError::Shape {
                what: "the table of hypotheses",
                found: vec![values, d],
                expected: "it needs at least two rows of one value for each query, and at most 2^20 values"
                    .to_owned(),
            });
        }
        if self.hypotheses.iter().any(|value| !value.is_finite()) {
            return Err(CoreError::NotFinite { what: "the table of hypotheses" });
        }
        if !(1..=MOST_BUDGET).contains(&self.budget) {
            return Err(CoreError::range("budget", self.budget, format!("1 to {MOST_BUDGET}")));
        }
        for z in 1..self.count() {
            if (0..z).any(|other| self.hypothesis(other) == self.hypothesis(z)) {
                return Err(CoreError::range("hypotheses", z, "different from every earlier one"));
            }
        }
        Ok(())
    }

    /// Where does −1 begin? d points in a row, d + 1 hypotheses: +1 on the first j points, −1 after.
    ///
    /// # Errors
    /// As [`Problem::new`].
    pub fn thresholds(points: usize, budget: usize) -> Result<Problem, CoreError> {
        let mut hypotheses = Vec::with_capacity(points * (points + 1));
        for j in 0..=points {
            for i in 0..points {
                hypotheses.push(if i < j { 1.0 } else { -1.0 });
            }
        }
        Problem::new(points, hypotheses, budget, Loss::Identification, Recommendation::Erm)
    }

    /// Which arm has the largest mean? Queries and hypotheses are the arms.
    ///
    /// # Errors
    /// As [`Problem::new`].
    pub fn best_arm(arms: usize, budget: usize) -> Result<Problem, CoreError> {
        let mut hypotheses = vec![0.0; arms * arms];
        for arm in 0..arms {
            hypotheses[arm * arms + arm] = 1.0;
        }
        Problem::new(arms, hypotheses, budget, Loss::Identification, Recommendation::Means)
    }

    /// The same problem with another loss.
    pub fn with_loss(mut self, loss: Loss) -> Problem {
        self.loss = loss;
        self
    }

    /// The same problem with another way to recommend.
    pub fn with_recommendation(mut self, recommendation: Recommendation) -> Problem {
        self.recommendation = recommendation;
        self
    }

    /// Number of queries, d.
    pub fn queries(&self) -> usize {
        self.queries
    }

    /// Number of hypotheses, m.
    pub fn count(&self) -> usize {
        self.hypotheses.len() / self.queries.max(1)
    }

    /// Queries of a game, T.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// One hypothesis, d values.
    pub fn hypothesis(&self, z: usize) -> &[f64] {
        &self.hypotheses[z * self.queries..(z + 1) * self.queries]
    }

    /// ⟨z, θ⟩.
    pub fn value(&self, z: usize, theta: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (a, b) in self.hypothesis(z).iter().zip(theta) {
            sum += a * b;
        }
        sum
    }

    /// z*(θ), the hypothesis with the largest ⟨z, θ⟩; of equals the first.
    pub fn best(&self, theta: &[f64]) -> usize {
        let (mut best, mut most) = (0, f64::NEG_INFINITY);
        for z in 0..self.count() {
            let value = self.value(z, theta);
            if value > most {
                (best, most) = (z, value);
            }
        }
        best
    }

    /// L(z, θ).
    pub fn loss(&self, z: usize, theta: &[f64]) -> f64 {
        let best = self.best(theta);
        match self.loss {
            Loss::Identification => f64::from(u8::from(z != best)),
            Loss::Regret => self.value(best, theta) - self.value(z, theta),
        }
    }

    /// True if the loss moves with θ, so that the adversary has its gradient too.
    pub(super) fn has_loss_gradient(&self) -> bool {
        self.loss == Loss::Regret
    }

    /// Probabilities of the hypotheses that are recommended after `counts`, m of them.
    pub fn recommend(&self, counts: &[u8], probabilities: &mut [f64]) {
        let mut best = f64::NEG_INFINITY;
        let mut equal = 0.0;
        for z in 0..self.count() {
            let mut value = 0.0;
            for (i, weight) in self.hypothesis(z).iter().enumerate() {
                let (plus, minus) = (f64::from(counts[2 * i]), f64::from(counts[2 * i + 1]));
                value += weight
                    * match self.recommendation {
                        Recommendation::Erm => plus - minus,
                        Recommendation::Means => (plus - minus) / (plus + minus).max(1.0),
                    };
            }
            // Means are ratios of small numbers: equal ones may differ in their last digit.
            if value > best + 1e-12 {
                (best, equal) = (value, 0.0);
            }
            probabilities[z] = value;
            equal += f64::from(u8::from(value >= best - 1e-12));
        }
        for value in probabilities.iter_mut() {
            *value = if *value >= best - 1e-12 { 1.0 / equal } else { 0.0 };
        }
    }

    /// Checks an instance θ.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if it does not have d values, [`CoreError::OutOfRange`] for one outside of [−1, 1].
    pub fn check_instance(&self, theta: &[f64]) -> Result<(), CoreError> {
        if theta.len() != self.queries {
            return Err(CoreError::Shape {
                what: "an instance",
                found: vec![theta.len()],
                expected: format!("it needs one value for each of the {} queries", self.queries),
            });
        }
        match theta.iter().find(|value| !(-1.0..=1.0).contains(*value)) {
            Some(value) => Err(CoreError::range("theta", value, "from -1 to 1")),
            None => Ok(()),
        }
    }
}

/// Chooses queries from how often each was answered +1 and −1; the order of the answers carries no information.
///
/// `counts` holds 2d numbers: of query i the +1 at 2i, the −1 at 2i + 1.
pub trait CountPolicy {
    /// Probabilities of the next query, d of them.
    fn query(&self, counts: &[u8], probabilities: &mut [f64]);

    /// Probabilities of the recommendation, m of them.
    fn recommend(&self, counts: &[u8], probabilities: &mut [f64]);
}

/// 1 shared by the entries with the largest of `scores`, up to rounding; 0 elsewhere.
pub(super) fn evenly_best(scores: &mut [f64]) {
    let mut best = f64::NEG_INFINITY;
    for score in scores.iter() {
        best = best.max(*score);
    }
    let mut equal = 0.0;
    for score in scores.iter_mut() {
        *score = f64::from(u8::from(*score >= best - 1e-12 * best.abs().max(1.0)));
        equal += *score;
    }
    for score in scores.iter_mut() {
        *score /= equal;
    }
}
