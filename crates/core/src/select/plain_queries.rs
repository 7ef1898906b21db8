//! Questions without thinking: at random, or down the list.

use super::query::{Game, QueryPolicy, Question, StopRule};
use crate::{CoreError, Rng};

/// Asks what was not asked yet, at random. (The official code of C-IP repeats itself in the binary game; this does
/// not, which makes it a stronger baseline.)
#[derive(Clone, Copy, Debug)]
pub struct RandomQueries {
    /// Number of questions there are.
    pub queries: usize,
    /// When a game is over.
    pub rule: StopRule,
}

/// Asks one question after the other, in the order of the table.
#[derive(Clone, Copy, Debug)]
pub struct QueriesInOrder {
    /// Number of questions there are.
    pub queries: usize,
    /// When a game is over.
    pub rule: StopRule,
}

fn bare(query: usize) -> Question {
    Question { query, score: None, spread: None, plausible: None, scores: Vec::new() }
}

impl QueryPolicy for RandomQueries {
    fn queries(&self) -> usize {
        self.queries
    }

    fn rule(&self) -> StopRule {
        self.rule
    }

    async fn choose(&self, game: &Game, rng: &Rng) -> Result<Option<Question>, CoreError> {
        let candidates = game.candidates(self.queries);
        let place = rng.at(game.asked() as u64).below(candidates.len());
        Ok(candidates.get(place).map(|query| bare(*query)))
    }
}

impl QueryPolicy for QueriesInOrder {
    fn queries(&self) -> usize {
        self.queries
    }

    fn rule(&self) -> StopRule {
        self.rule
    }

    async fn choose(&self, game: &Game, _rng: &Rng) -> Result<Option<Question>, CoreError> {
        Ok(game.candidates(self.queries).first().map(|query| bare(*query)))
    }
}
