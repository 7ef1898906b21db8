//! Bounds of an entropy by the sizes of prediction sets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Means of sizes below this count as this, so that logarithms stay finite; far below what a size in a pool can give.
const SMALLEST_MEAN: f64 = 1e-12;

/// How the sizes of prediction sets become bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// The entropy bound with the nominal α: what produced the published numbers.
    #[default]
    Bound,
    /// Logarithm of the mean size: the form in the paper's main text.
    LogMean,
    /// The entropy bound with the miscoverage that the question has on the pool: Fano's inequality, true for any set.
    /// Not in the paper.
    Fano,
}

/// One object that stands for the hidden one, after a question was answered for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Its weight; weights sum to 1.
    pub weight: f64,
    /// Labels in the prediction set.
    pub size: usize,
    /// Whether its own label is in it.
    pub covered: bool,
}

/// Entropy of a coin in bits; 0 for a probability outside of (0, 1).
pub fn binary_entropy(p: f64) -> f64 {
    if p > 0.0 && p < 1.0 { -p * libm::log2(p) - (1.0 - p) * libm::log2(1.0 - p) } else { 0.0 }
}

fn bits(labels: usize) -> f64 {
    if labels > 1 { libm::log2(labels as f64) } else { 0.0 }
}

impl Objective {
    /// The score of a question in bits, small is good. `alpha` is the nominal miscoverage and `lower` is α_N, so that
    /// 1 − α ≤ coverage ≤ 1 − α_N; both matter for [`Objective::Bound`] alone.
    ///
    /// ```text
    /// bound    h_b(α) + (1 − α_N) mean of log2 |S| over covered + α · mean of log2(C − |S|) over the others
    /// log-mean log2(mean of |S|)
    /// fano     h_b(e) + Σ w log2 |S| over covered + Σ w log2(C − |S|) over the others,   e = Σ w over the others
    /// ```
    pub fn score(self, objects: &[Judged], classes: usize, alpha: f64, lower: f64) -> f64 {
        let (mut covered, mut inside, mut missed, mut outside, mut size) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for object in objects {
            size += object.weight * object.size as f64;
            if object.covered {
                covered += object.weight;
                inside += object.weight * bits(object.size);
            } else {
                missed += object.weight;
                outside += object.weight * bits(classes - object.size.min(classes));
            }
        }
        let mean = |sum: f64, weight: f64| if weight > 0.0 { sum / weight } else { 0.0 };
        match self {
            Objective::Bound => {
                binary_entropy(alpha) + (1.0 - lower) * mean(inside, covered) + alpha * mean(outside, missed)
            }
            Objective::LogMean => libm::log2(size.max(SMALLEST_MEAN)),
            Objective::Fano => binary_entropy(missed.min(1.0)) + inside + outside,
        }
    }
}
