//! Judges that weigh quality against what is new.

use super::choice_loop::Question;
use super::scorer::{Choice, ChoiceScorer, ScorerError, best, weight};
use crate::select::{Distance, QualityPool};
use crate::{CoreError, Rng};

/// λ_q · quality + λ_d · distance to the nearest row of the context.
///
/// A question without context has no distance: 0.
#[derive(Clone, Debug)]
pub struct ValueScorer<'a> {
    pool: &'a QualityPool,
    lambda_q: f64,
    lambda_d: f64,
    distance: Distance,
}

impl<'a> ValueScorer<'a> {
    /// A judge of the rows of `pool`.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] of a weight that is negative or not finite.
    pub fn new(
        pool: &'a QualityPool,
        lambda_q: f64,
        lambda_d: f64,
        distance: Distance,
    ) -> Result<ValueScorer<'a>, CoreError> {
        let (lambda_q, lambda_d) = (weight("lambda_q", lambda_q)?, weight("lambda_d", lambda_d)?);
        Ok(ValueScorer { pool, lambda_q, lambda_d, distance })
    }

    /// The score of each option.
    pub fn scores(&self, context: &[usize], options: &[usize]) -> Vec<f64> {
        let score = |row: &usize| {
            let away = if self.lambda_d > 0.0 && !context.is_empty() {
                nearest(self.pool, self.distance, *row, context)
            } else {
                0.0
            };
            self.lambda_q * quality(self.pool, *row) + self.lambda_d * away
        };
        options.iter().map(score).collect()
    }
}

impl ChoiceScorer for ValueScorer<'_> {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        best(self.scores(&question.context, &question.options), &question.options)
    }
}

/// λ_q · quality + λ_d · the facility-location gain Σ_u max(0, sim(u, option) − max_c sim(u, c)) over reference rows u.
///
/// The similarity is the negative distance; the gain is the same for any similarity that differs by a constant, so
/// with the cosine distance it is that of the cosine similarity. A question without context has a gain of −Σ distance,
/// which ranks alike. The sum grows with the number of reference rows, against λ_q.
#[derive(Clone, Debug)]
pub struct FacilityScorer<'a> {
    pool: &'a QualityPool,
    reference: Vec<usize>,
    lambda_q: f64,
    lambda_d: f64,
    distance: Distance,
}

impl<'a> FacilityScorer<'a> {
    /// A judge of the rows of `pool` with `reference` of them, drawn evenly, as the facilities' customers.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] of a weight that is negative or not finite, or of no reference row.
    pub fn new(
        pool: &'a QualityPool,
        reference: usize,
        lambda_q: f64,
        lambda_d: f64,
        distance: Distance,
        rng: &Rng,
    ) -> Result<FacilityScorer<'a>, CoreError> {
        let (lambda_q, lambda_d) = (weight("lambda_q", lambda_q)?, weight("lambda_d", lambda_d)?);
        if reference == 0 {
            return Err(CoreError::range("reference", 0, "at least 1"));
        }
        let reference = rng.split("facility reference").sample(pool.rows(), reference);
        Ok(FacilityScorer { pool, reference, lambda_q, lambda_d, distance })
    }

    /// The score of each option.
    pub fn scores(&self, context: &[usize], options: &[usize]) -> Vec<f64> {
        let covered: Vec<f64> =
            self.reference.iter().map(|u| nearest(self.pool, self.distance, *u, context)).collect();
        let score = |row: &usize| {
            let gain = |(u, covered): (&usize, &f64)| {
                let distance = self.pool.points().distance(self.distance, *u, *row);
                if covered.is_finite() { (covered - distance).max(0.0) } else { -distance }
            };
            let gain: f64 = self.reference.iter().zip(&covered).map(gain).sum();
            self.lambda_q * quality(self.pool, *row) + self.lambda_d * gain
        };
        options.iter().map(score).collect()
    }
}

impl ChoiceScorer for FacilityScorer<'_> {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        best(self.scores(&question.context, &question.options), &question.options)
    }
}

/// Distance of a row to the nearest of some others; infinite without others.
fn nearest(pool: &QualityPool, distance: Distance, row: usize, others: &[usize]) -> f64 {
    others.iter().map(|c| pool.points().distance(distance, row, *c)).fold(f64::INFINITY, f64::min)
}

/// A row that the pool does not have is worth nothing, and never wins.
fn quality(pool: &QualityPool, row: usize) -> f64 {
    pool.quality().get(row).copied().unwrap_or(f64::NAN)
}
