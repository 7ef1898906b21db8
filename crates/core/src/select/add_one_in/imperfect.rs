//! Judges that are wrong on purpose.

use super::choice_loop::Question;
use super::scorer::{Choice, ChoiceScorer, ScorerError, probability};
use crate::{CoreError, Rng};

/// Picks any option: with it the method draws rows evenly.
#[derive(Clone, Debug)]
pub struct RandomScorer {
    rng: Rng,
}

impl RandomScorer {
    /// A judge whose picks depend on `rng` and the question's number alone.
    pub fn new(rng: &Rng) -> RandomScorer {
        RandomScorer { rng: rng.split("random judge") }
    }
}

impl ChoiceScorer for RandomScorer {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        let index = of_question(&self.rng, question).below(question.options.len());
        Ok(Choice { index, ..Choice::default() })
    }
}

/// Another judge, spoilt: it fails with probability `failures`, else picks the first option with probability
/// `position_bias`, else any option with probability `noise`, else answers as it would.
#[derive(Clone, Debug)]
pub struct NoisyScorer<S> {
    inner: S,
    noise: f64,
    position_bias: f64,
    failures: f64,
    rng: Rng,
}

impl<S: ChoiceScorer> NoisyScorer<S> {
    /// Spoils `inner`; what happens depends on `rng` and the question's number alone.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] of a probability.
    pub fn new(
        inner: S,
        noise: f64,
        position_bias: f64,
        failures: f64,
        rng: &Rng,
    ) -> Result<NoisyScorer<S>, CoreError> {
        Ok(NoisyScorer {
            inner,
            noise: probability("noise", noise)?,
            position_bias: probability("position_bias", position_bias)?,
            failures: probability("failures", failures)?,
            rng: rng.split("noisy judge"),
        })
    }
}

impl<S: ChoiceScorer> ChoiceScorer for NoisyScorer<S> {
    async fn choose(&mut self, question: &Question) -> Result<Choice, ScorerError> {
        let mut rng = of_question(&self.rng, question);
        if rng.uniform() < self.failures {
            return Err(ScorerError::invalid("failed on purpose"));
        }
        if rng.uniform() < self.position_bias {
            return Ok(Choice::default());
        }
        if rng.uniform() < self.noise {
            return Ok(Choice { index: rng.below(question.options.len()), ..Choice::default() });
        }
        self.inner.choose(question).await
    }
}

fn of_question(rng: &Rng, question: &Question) -> Rng {
    rng.at(question.shard as u64).at(question.step as u64).at(question.attempt as u64)
}
