//! A judge that remembers.

use std::collections::VecDeque;

use super::choice_loop::{Asked, Outcome, Question};
use super::scorer::{Choice, ChoiceScorer, ScorerError};
use crate::CoreError;

/// Answers as somebody did before, question by question.
#[derive(Clone, Debug)]
pub struct ReplayScorer {
    answers: VecDeque<Asked>,
    done: usize,
}

impl ReplayScorer {
    /// A judge with recorded answers, in the order they were given.
    pub fn new(answers: impl IntoIterator<Item = Asked>) -> ReplayScorer {
        ReplayScorer { answers: answers.into_iter().collect(), done: 0 }
    }
}

impl ChoiceScorer for ReplayScorer {
    /// # Errors
    /// [`CoreError::Trace`] if another question was recorded at this place, or none.
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        let at = self.done;
        let Some(asked) = self.answers.pop_front() else {
            return Err(CoreError::Trace { at, problem: "the record ends before it" }.into());
        };
        if asked.question != *question {
            return Err(CoreError::Trace { at, problem: "another question was recorded there" }.into());
        }
        self.done += 1;
        match asked.outcome {
            Outcome::Picked(index) => Ok(Choice { index, scores: asked.scores, note: asked.note }),
            Outcome::Failed(reason) | Outcome::GaveUp(_, reason) => {
                Err(ScorerError::Invalid { reason, reply: asked.note })
            }
        }
    }
}
