//! Who answers.

use super::choice_loop::Question;
use crate::CoreError;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Position of the option that adds most.
    pub index: usize,
    /// The score of each option, if the judge has scores.
    pub scores: Option<Vec<f64>>,
    /// What the judge said besides.
    pub note: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ScorerError {
    /// This question was not answered; a fresh one may be.
    #[error("no valid answer: {reason}")]
    Invalid {
        /// What was wrong with the answer.
        reason: String,
        /// The reply, if there was one.
        reply: Option<String>,
    },
    /// No further question will be answered either.
    #[error(transparent)]
    Fatal(#[from] CoreError),
}

impl ScorerError {
    /// Shorthand for an invalid answer without a reply.
    pub fn invalid(reason: impl Into<String>) -> ScorerError {
        ScorerError::Invalid { reason: reason.into(), reply: None }
    }
}

/// Picks the option that adds most to what is chosen already.
///
/// The answer should depend on the question alone, not on earlier ones: then a selection that is taken up again goes
/// on as if it had never stopped.
pub trait ChoiceScorer {
    /// Answers a question with a position among its options.
    ///
    /// # Errors
    /// [`ScorerError::Invalid`] if a fresh question should be tried, [`ScorerError::Fatal`] if the run cannot go on.
    fn choose(&mut self, question: &Question) -> impl Future<Output = Result<Choice, ScorerError>>;
}

impl<S: ChoiceScorer> ChoiceScorer for &mut S {
    fn choose(&mut self, question: &Question) -> impl Future<Output = Result<Choice, ScorerError>> {
        (**self).choose(question)
    }
}

/// The option of the highest score; of equal ones the lowest row. So the order of the options does not matter.
pub(super) fn best(scores: Vec<f64>, options: &[usize]) -> Result<Choice, ScorerError> {
    let mut best: Option<(f64, usize, usize)> = None;
    for (at, (score, row)) in scores.iter().zip(options).enumerate() {
        let better = |(top, of, _): (f64, usize, usize)| *score > top || (*score == top && *row < of);
        if !score.is_nan() && best.is_none_or(better) {
            best = Some((*score, *row, at));
        }
    }
    match best {
        Some((_, _, index)) => Ok(Choice { index, scores: Some(scores), note: None }),
        None => Err(ScorerError::invalid("no option has a score that is a number")),
    }
}

/// A weight: finite and not negative.
pub(super) fn weight(field: &'static str, value: f64) -> Result<f64, CoreError> {
    if value >= 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(CoreError::range(field, value, "a finite number of at least 0"))
}

/// A probability.
pub(super) fn probability(field: &'static str, value: f64) -> Result<f64, CoreError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(CoreError::range(field, value, "0 to 1"))
}
