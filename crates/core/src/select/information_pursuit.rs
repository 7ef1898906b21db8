//! Information Pursuit: the question that is expected to leave the smallest entropy (Chattopadhyay et al. 2022).

use super::answer_table::AnswerTable;
use super::expectation::{Expectation, Outcomes, check_table, probabilities};
use super::query::{Game, Predictor, QueryPolicy, Question, StopRule, smallest};
use crate::{CoreError, Rng};

/// Smallest probability in an entropy, as in the official code of C-IP.
const CLAMP: f64 = 1e-5;

/// Asks what is expected to leave the smallest entropy of the predictor's probabilities.
///
/// The best choice where the predictor is calibrated. One that is too sure has entropies near 0 for every question.
#[derive(Clone, Copy, Debug)]
pub struct InformationPursuit<'a, P> {
    /// Says how probable the classes are.
    pub predictor: &'a P,
    /// Objects to form expectations with.
    pub pool: &'a AnswerTable,
    /// Which of them count how much.
    pub expectation: Expectation,
    /// How many are drawn, for [`Expectation::UniformSample`].
    pub samples: usize,
    /// When a game is over.
    pub rule: StopRule,
}

/// Entropy in bits; probabilities below 1e-5 count as 1e-5.
pub fn entropy(probabilities: &[f64]) -> f64 {
    let term = |p: &f64| {
        let p = p.max(CLAMP);
        -p * libm::log2(p)
    };
    probabilities.iter().map(term).sum()
}

impl<P: Predictor> QueryPolicy for InformationPursuit<'_, P> {
    fn queries(&self) -> usize {
        self.predictor.queries()
    }

    fn answers(&self) -> usize {
        self.predictor.answers()
    }

    fn rule(&self) -> StopRule {
        self.rule
    }

    async fn choose(&self, game: &Game, rng: &Rng) -> Result<Option<Question>, CoreError> {
        let candidates = game.candidates(self.queries());
        check_table(self.predictor, self.pool)?;
        let now = probabilities(self.predictor, &game.history).await?;
        let mut rng = rng.at(game.asked() as u64);
        let objects = self.expectation.objects(self.pool, self.samples, &now, &mut rng);
        let outcomes = Outcomes::of(self.predictor, &game.history, &candidates).await?;
        let entropies = outcomes.map(entropy);
        let score = |(place, query): (usize, &usize)| {
            let of = |(object, weight): &(usize, f64)| {
                weight * entropies[place * outcomes.answers() + self.pool.answer(*object, *query)]
            };
            (*query, objects.iter().map(of).sum())
        };
        Ok(smallest(candidates.iter().enumerate().map(score).collect(), None))
    }
}
