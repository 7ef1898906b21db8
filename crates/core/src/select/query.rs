//! Choosing the next question: for whoever asks about a hidden object until its class is known.

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::{CoreError, Rng};

/// Scores that differ by less are equal, and of equals the first wins. Above what rounding does to a sum of a thousand
/// terms; a larger tolerance would change what Information Pursuit asks a predictor that is far too sure.
pub(crate) const TIE: f64 = 1e-13;

/// One question with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Answered {
    /// Number of the question.
    pub query: usize,
    /// Number of the answer.
    pub answer: usize,
}

/// Says how probable each class is after some answers: a table, a classifier, a language model.
pub trait Predictor {
    /// Number of classes.
    fn classes(&self) -> usize;

    /// Number of questions.
    fn queries(&self) -> usize;

    /// Number of answers that a question can have.
    fn answers(&self) -> usize {
        2
    }

    /// Probabilities of the classes after `history`, which sum to 1.
    ///
    /// # Errors
    /// What the model says.
    fn predict(&self, history: &[Answered]) -> impl Future<Output = Result<Vec<f64>, CoreError>>;

    /// Probabilities after `history` and one more answer, for each of `next`: row-major, `next.len()` × classes.
    ///
    /// A model with a cache of the shared history, or one that likes batches, has a better way than one call each.
    ///
    /// # Errors
    /// What the model says.
    fn extend(
        &self,
        history: &[Answered],
        next: &[Answered],
    ) -> impl Future<Output = Result<Vec<f64>, CoreError>> {
        async move {
            let mut rows = Vec::with_capacity(next.len() * self.classes());
            let mut longer = history.to_vec();
            for one in next {
                longer.push(*one);
                rows.extend(self.predict(&longer).await?);
                longer.pop();
            }
            Ok(rows)
        }
    }
}

/// A question that a policy wants to ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Number of the question.
    pub query: usize,
    /// What the policy thinks of it, small is good: bits of uncertainty that would be left. `None` without an opinion.
    pub score: Option<f64>,
    /// Population standard deviation of the scores of all candidates; `None` with less than two, or without scores.
    pub spread: Option<f64>,
    /// Labels in the prediction set of the history, where the policy has one.
    pub plausible: Option<usize>,
    /// Candidates with their scores, ascending by number.
    pub scores: Vec<(usize, f64)>,
}

/// A game so far. It can be written down after every answer and taken up again; the same policy with the same random
/// numbers then asks what it would have asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Game {
    /// Questions with their answers, in the order they were asked.
    pub history: Vec<Answered>,
    /// Questions that nobody could answer.
    pub skipped: Vec<usize>,
    /// The question that waits for its answer.
    pub pending: Option<Question>,
}

impl Game {
    /// How many questions were asked, with or without an answer.
    pub fn asked(&self) -> usize {
        self.history.len() + self.skipped.len()
    }

    /// True if a question was asked.
    pub fn has_asked(&self, query: usize) -> bool {
        self.skipped.contains(&query) || self.history.iter().any(|one| one.query == query)
    }

    /// The questions out of `queries` that are left, ascending.
    pub fn candidates(&self, queries: usize) -> Vec<usize> {
        (0..queries).filter(|query| !self.has_asked(*query)).collect()
    }

    /// Notes an answer to a question that need not be the pending one; `None` if nobody knows. The pending question
    /// is dropped, as it was chosen for another history.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] for a question or an answer that does not exist, and for one asked before.
    pub fn tell(
        &mut self,
        query: usize,
        answer: Option<usize>,
        queries: usize,
        answers: usize,
    ) -> Result<(), CoreError> {
        if query >= queries || self.has_asked(query) {
            return Err(CoreError::range(
                "query",
                query,
                format!("below {queries}, and not asked before in this game"),
            ));
        }
        match answer {
            Some(answer) if answer >= answers => {
                return Err(CoreError::range("answer", answer, format!("below {answers}")));
            }
            Some(answer) => self.history.push(Answered { query, answer }),
            None => self.skipped.push(query),
        }
        self.pending = None;
        Ok(())
    }

    /// Checks a game that was written down.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names the question or the answer that cannot be.
    pub fn check(&self, queries: usize, answers: usize) -> Result<(), CoreError> {
        let mut fresh = Game::default();
        for one in &self.history {
            fresh.tell(one.query, Some(one.answer), queries, answers)?;
        }
        for query in &self.skipped {
            fresh.tell(*query, None, queries, answers)?;
        }
        match &self.pending {
            Some(pending) => fresh.tell(pending.query, None, queries, answers),
            None => Ok(()),
        }
    }
}

/// Why a game is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// As many questions as allowed were asked.
    Budget,
    /// Every question was asked.
    NothingLeft,
    /// It makes no difference what is asked next.
    Spread,
    /// The prediction set is small enough.
    Set,
}

/// When a game is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StopRule {
    /// Largest number of questions.
    pub questions: usize,
    /// Stop when the scores of the candidates spread by less (bits); 0 for never. Published example: 0.01.
    ///
    /// It counts from the first answer on: before it, on a symmetric table, all candidates are alike, though nothing
    /// is known.
    pub spread: f64,
    /// Stop when the prediction set has so few labels; 0 for never. Not in the paper.
    pub set: usize,
}

impl StopRule {
    /// Only the number of questions ends a game.
    pub fn after(questions: usize) -> StopRule {
        StopRule { questions, spread: 0.0, set: 0 }
    }

    /// Whether a game is over, its next question being chosen already.
    pub fn verdict(&self, game: &Game, queries: usize) -> Option<Stop> {
        if game.asked() >= self.questions {
            return Some(Stop::Budget);
        }
        if game.asked() >= queries {
            return Some(Stop::NothingLeft);
        }
        let pending = game.pending.as_ref().filter(|_| !game.history.is_empty())?;
        if pending.plausible.is_some_and(|size| size <= self.set && self.set > 0) {
            return Some(Stop::Set);
        }
        pending.spread.filter(|spread| *spread < self.spread).map(|_| Stop::Spread)
    }
}

/// Asks questions about a hidden object.
///
/// A game is [`ask`](Self::ask), [`stop`](Self::stop)?, [`observe`](Self::observe), and again.
pub trait QueryPolicy {
    /// Number of questions there are.
    fn queries(&self) -> usize;

    /// Number of answers that a question can have.
    fn answers(&self) -> usize {
        2
    }

    /// When a game is over.
    fn rule(&self) -> StopRule;

    /// Chooses among the questions that were not asked; `None` if there is none. Random numbers of a step come from
    /// `rng.at(game.asked())` alone, so a game that is taken up again goes on as it would have.
    ///
    /// # Errors
    /// What the predictor says.
    fn choose(&self, game: &Game, rng: &Rng) -> impl Future<Output = Result<Option<Question>, CoreError>>;

    /// The next question, which is then pending; asked twice it is the same.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if the game is not one about these questions; what the predictor says.
    fn ask(&self, game: &mut Game, rng: &Rng) -> impl Future<Output = Result<Option<Question>, CoreError>> {
        async move {
            game.check(self.queries(), self.answers())?;
            if game.pending.is_none() {
                game.pending = self.choose(game, rng).await?;
            }
            Ok(game.pending.clone())
        }
    }

    /// The answer to the pending question; `None` if nobody knows, so that it is not asked again.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if nothing was asked, or for an answer that does not exist.
    fn observe(&self, game: &mut Game, answer: Option<usize>) -> Result<(), CoreError> {
        let Some(pending) = &game.pending else {
            return Err(CoreError::range("answer", "given", "an answer to a question: ask first"));
        };
        let query = pending.query;
        game.tell(query, answer, self.queries(), self.answers())
    }

    /// Whether the game is over, before the pending question is put; `None` to go on.
    fn stop(&self, game: &Game) -> Option<Stop> {
        self.rule().verdict(game, self.queries())
    }
}

/// The candidate with the smallest score, of equals the first, with the spread of all.
pub(crate) fn smallest(scores: Vec<(usize, f64)>, plausible: Option<usize>) -> Option<Question> {
    let (mut query, mut best) = *scores.first()?;
    for (candidate, score) in &scores {
        if *score < best - TIE {
            (query, best) = (*candidate, *score);
        }
    }
    let count = scores.len() as f64;
    let mean = scores.iter().map(|(_, score)| score).sum::<f64>() / count;
    let square = scores.iter().map(|(_, score)| (score - mean) * (score - mean)).sum::<f64>() / count;
    let spread = (scores.len() > 1).then(|| libm::sqrt(square));
    Some(Question { query, score: Some(best), spread, plausible, scores })
}

/// The class with the largest probability, of equals the first.
pub fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] * (1.0 + TIE) {
            best = class;
        }
    }
    best
}
