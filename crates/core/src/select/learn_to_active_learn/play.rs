//! Games one answer after the other, and losses measured by playing where states are too many to count.

use super::{CountPolicy, Problem};
use crate::select::query::smallest;
use crate::select::{Game, QueryPolicy, Question, Stop, StopRule};
use crate::{CoreError, Rng};

/// A policy as one that asks: answer 0 is −1, answer 1 is +1. A query may be asked again, as answers are noisy.
pub struct Asking<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// Who chooses.
    pub policy: &'a dyn CountPolicy,
}

impl Asking<'_> {
    /// What a game has told so far, 2d counts.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a query or an answer that does not exist, or a game that is too long.
    pub fn counts(&self, game: &Game) -> Result<Vec<u8>, CoreError> {
        let d = self.problem.queries();
        let mut counts = vec![0; 2 * d];
        if game.asked() > self.problem.budget() {
            return Err(CoreError::range(
                "game",
                game.asked(),
                format!("at most {} queries long", self.problem.budget()),
            ));
        }
        for one in &game.history {
            if one.query >= d {
                return Err(CoreError::range("query", one.query, format!("below {d}")));
            }
            if one.answer > 1 {
                return Err(CoreError::range("answer", one.answer, "0 or 1"));
            }
            counts[2 * one.query + 1 - one.answer] += 1;
        }
        Ok(counts)
    }

    /// Probabilities of what is recommended after a game.
    ///
    /// # Errors
    /// As [`Asking::counts`].
    pub fn recommend(&self, game: &Game) -> Result<Vec<f64>, CoreError> {
        let mut advice = vec![0.0; self.problem.count()];
        self.policy.recommend(&self.counts(game)?, &mut advice);
        Ok(advice)
    }
}

impl QueryPolicy for Asking<'_> {
    fn queries(&self) -> usize {
        self.problem.queries()
    }

    fn rule(&self) -> StopRule {
        StopRule::after(self.problem.budget())
    }

    /// The score of a query is the bits of surprise at its choice, −log₂ of its probability.
    async fn choose(&self, game: &Game, rng: &Rng) -> Result<Option<Question>, CoreError> {
        let counts = self.counts(game)?;
        if game.asked() >= self.problem.budget() {
            return Ok(None);
        }
        let mut shares = vec![0.0; self.problem.queries()];
        self.policy.query(&counts, &mut shares);
        let drawn = draw(&shares, rng.at(game.asked() as u64).uniform());
        let mut scores = Vec::new();
        for (query, share) in shares.iter().enumerate() {
            if *share > 0.0 {
                scores.push((query, -libm::log2(*share)));
            }
        }
        Ok(smallest(scores, None).map(|question| Question {
            query: drawn,
            score: Some(-libm::log2(shares[drawn])),
            ..question
        }))
    }

    async fn ask(&self, game: &mut Game, rng: &Rng) -> Result<Option<Question>, CoreError> {
        // Not `Game::check`: here a query may come again.
        self.counts(game)?;
        if game.pending.is_none() {
            game.pending = self.choose(game, rng).await?;
        }
        Ok(game.pending.clone())
    }

    fn observe(&self, game: &mut Game, answer: Option<usize>) -> Result<(), CoreError> {
        let Some(pending) = &game.pending else {
            return Err(CoreError::range("answer", "given", "an answer to a question: ask first"));
        };
        let query = pending.query;
        match answer {
            Some(answer) if answer > 1 => return Err(CoreError::range("answer", answer, "0 or 1")),
            Some(answer) => game.history.push(crate::select::Answered { query, answer }),
            None => game.skipped.push(query),
        }
        game.pending = None;
        Ok(())
    }

    fn stop(&self, game: &Game) -> Option<Stop> {
        (game.asked() >= self.problem.budget()).then_some(Stop::Budget)
    }
}

/// The place of `at` in [0, 1) among shares that sum to 1, never one without a share.
pub(super) fn draw(shares: &[f64], at: f64) -> usize {
    let (mut last, mut sum) = (0, 0.0);
    for (place, share) in shares.iter().enumerate() {
        if *share > 0.0 {
            sum += share;
            last = place;
            if at < sum {
                break;
            }
        }
    }
    last
}

/// Mean loss of a policy on θ over `games` games, with its standard error. Game i draws from `rng.at(i)`.
///
/// # Errors
/// As [`Problem::check_instance`]; [`CoreError::OutOfRange`] without games.
pub fn simulate(
    problem: &Problem,
    policy: &dyn CountPolicy,
    theta: &[f64],
    games: usize,
    rng: &Rng,
) -> Result<(f64, f64), CoreError> {
    problem.check_instance(theta)?;
    if games == 0 {
        return Err(CoreError::range("games", games, "at least 1"));
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut shares = vec![0.0; problem.queries()];
    let mut advice = vec![0.0; problem.count()];
    let mut counts = vec![0u8; 2 * problem.queries()];
    for game in 0..games {
        let mut rng = rng.at(game as u64);
        counts.fill(0);
        for _ in 0..problem.budget() {
            policy.query(&counts, &mut shares);
            let query = draw(&shares, rng.uniform());
            counts[2 * query + usize::from(rng.uniform() >= (1.0 + theta[query]) / 2.0)] += 1;
        }
        policy.recommend(&counts, &mut advice);
        let mut loss = 0.0;
        for (z, share) in advice.iter().enumerate() {
            if *share > 0.0 {
                loss += share * problem.loss(z, theta);
            }
        }
        sum += loss;
        squares += loss * loss;
    }
    let n = games as f64;
    let mean = sum / n;
    Ok((mean, libm::sqrt((squares / n - mean * mean).max(0.0) / n)))
}
