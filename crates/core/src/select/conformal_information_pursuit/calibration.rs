//! What probability the true label gets: the scores behind the thresholds.

use super::quantile::{Thresholds, within};
use crate::select::answer_table::AnswerTable;
use crate::select::expectation::{check_table, probabilities};
use crate::select::query::{Answered, Predictor};
use crate::{CoreError, Rng};

/// Answers questions about the objects of a table.
#[derive(Clone, Copy, Debug)]
pub struct Answerer<'a> {
    /// The truth.
    pub table: &'a AnswerTable,
    /// Probability of a wrong answer.
    pub wrong: f64,
}

impl Answerer<'_> {
    /// The answer to a question about an object. `rng` is that of the game: in one game a question has one answer.
    pub fn answer(&self, object: usize, query: usize, rng: &Rng) -> usize {
        let truth = self.table.answer(object, query);
        if self.wrong > 0.0 && rng.split("answers").at(query as u64).uniform() < self.wrong {
            1 - truth
        } else {
            truth
        }
    }

    /// A random object with a random history: different questions, drawn evenly, with its answers.
    pub fn draw(&self, length: usize, rng: &Rng) -> (usize, Vec<Answered>) {
        let mut drawing = rng.clone();
        let object = drawing.below(self.table.objects());
        let queries = drawing.sample(self.table.queries(), length);
        let answer = |query: usize| Answered { query, answer: self.answer(object, query, rng) };
        (object, queries.into_iter().map(answer).collect())
    }
}

/// A game that was played to its end, to calibrate on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedGame {
    /// The true class.
    pub label: usize,
    /// Questions and answers in order.
    pub history: Vec<Answered>,
}

/// Probabilities that the true label got, by the length of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    scores: Vec<Vec<f64>>,
}

impl Calibration {
    /// After random histories of each length from 1 to `lengths`, `draws` of each. A threshold from them holds for
    /// histories drawn like these, not for those that a policy chooses.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for no draws or no lengths, [`CoreError::Shape`] if table and predictor are not about the
    /// same; what the predictor says.
    pub async fn random<P: Predictor>(
        predictor: &P,
        answerer: &Answerer<'_>,
        lengths: usize,
        draws: usize,
        rng: &Rng,
    ) -> Result<Calibration, CoreError> {
        if draws == 0 || lengths == 0 {
            return Err(CoreError::range("draws", draws, "at least 1, of at least one length"));
        }
        check_table(predictor, answerer.table)?;
        let mut scores = Vec::with_capacity(lengths);
        for length in 1..=lengths {
            let mut of_length = Vec::with_capacity(draws);
            let rng = rng.at(length as u64);
            for draw in 0..draws {
                let (object, history) = answerer.draw(length, &rng.at(draw as u64));
                let found = probabilities(predictor, &history).await?;
                of_length.push(found[answerer.table.label(object)]);
            }
            scores.push(of_length);
        }
        Ok(Calibration { scores })
    }

    /// After the first 1, 2, … turns of saved games, which the open setting of the paper does. Lengths that a game did
    /// not reach have fewer scores.
    ///
    /// # Errors
    /// [`CoreError::Lengths`] without games or with empty ones only, [`CoreError::OutOfRange`] for a label that the predictor
    /// does not have; what the predictor says.
    pub async fn of_games<P: Predictor>(
        predictor: &P,
        games: &[SavedGame],
        lengths: usize,
    ) -> Result<Calibration, CoreError> {
        let longest = games.iter().map(|game| game.history.len()).max().unwrap_or(0).min(lengths);
        if longest == 0 {
            return Err(CoreError::Lengths {
                what: "saved games to calibrate on",
                left: games.len(),
                right: 0,
            });
        }
        if let Some(game) = games.iter().find(|game| game.label >= predictor.classes()) {
            return Err(CoreError::range("label", game.label, format!("below {}", predictor.classes())));
        }
        let mut scores = vec![Vec::with_capacity(games.len()); longest];
        for game in games {
            for (place, scores) in scores.iter_mut().enumerate() {
                let Some(history) = game.history.get(..place + 1) else { break };
                scores.push(probabilities(predictor, history).await?[game.label]);
            }
        }
        Ok(Calibration { scores })
    }

    /// Scores by length, from 1 on.
    pub fn scores(&self) -> &[Vec<f64>] {
        &self.scores
    }

    /// A threshold for each length.
    ///
    /// # Errors
    /// As [`super::threshold`].
    pub fn thresholds(&self, alpha: f64) -> Result<Thresholds, CoreError> {
        Thresholds::each(&self.scores, alpha)
    }

    /// One threshold for all lengths.
    ///
    /// # Errors
    /// As [`super::threshold`].
    pub fn common_threshold(&self, alpha: f64) -> Result<Thresholds, CoreError> {
        Thresholds::common(&self.scores, alpha)
    }

    /// Share of these histories, by length, whose true label is in the prediction set of other thresholds: the
    /// coverage, if these are fresh.
    pub fn coverage(&self, thresholds: &Thresholds) -> Vec<f64> {
        let of = |(place, scores): (usize, &Vec<f64>)| {
            let least = within(thresholds.at(place + 1));
            scores.iter().filter(|score| **score >= least).count() as f64 / scores.len().max(1) as f64
        };
        self.scores.iter().enumerate().map(of).collect()
    }
}
