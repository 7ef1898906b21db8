//! Questions, answers, and nothing in between: the state of a selection.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::{AddOneInConfig, Shard};
use super::scorer::{Choice, ScorerError};
use crate::{CoreError, Rng};

/// Which of some candidates adds most to what is chosen already?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Shard that it is about.
    pub shard: usize,
    /// Rows of the shard chosen by questions so far.
    pub step: usize,
    /// Earlier questions of this step that were not answered.
    pub attempt: usize,
    /// Chosen rows, distinct, in random order.
    pub context: Vec<usize>,
    /// Rows to pick one of, distinct, in random order.
    pub options: Vec<usize>,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The judge picked this position among the options.
    Picked(usize),
    /// There was no valid answer; a fresh question follows.
    Failed(String),
    /// There was no valid answer for the last time: this position was drawn at random.
    GaveUp(usize, String),
}

/// A question with what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// What came of it.
    pub outcome: Outcome,
    /// The judge's score of each option, if it has any.
    pub scores: Option<Vec<f64>>,
    /// What the judge said besides, for example its whole reply.
    pub note: Option<String>,
}

impl Asked {
    /// The row that was chosen, if one was.
    pub fn row(&self) -> Option<usize> {
        match self.outcome {
            Outcome::Picked(at) | Outcome::GaveUp(at, _) => self.question.options.get(at).copied(),
            Outcome::Failed(_) => None,
        }
    }
}

/// A selection that is under way: the next question, the rows chosen so far, and every question asked.
///
/// Questions depend on the seed and on the answers before them and on nothing else, by integer arithmetic, so the same
/// answers give the same selection on every platform. Shards are worked off one after the other.
#[derive(Clone, Debug)]
pub struct ChoiceLoop {
    config: AddOneInConfig,
    rng: Rng,
    shards: Vec<Shard>,
    shard: usize,
    step: usize,
    attempt: usize,
    /// Rows chosen from the shard that is worked on, random first ones included.
    chosen: Vec<usize>,
    rest: Vec<usize>,
    /// Where each row of `rest` is.
    place: BTreeMap<usize, usize>,
    initial: Vec<usize>,
    order: Vec<usize>,
    asked: Vec<Asked>,
}

impl ChoiceLoop {
    /// Begins a selection from `rows` rows.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`], see [`AddOneInConfig::check`].
    pub fn new(config: AddOneInConfig, rows: usize, rng: &Rng) -> Result<ChoiceLoop, CoreError> {
        config.check(rows)?;
        let rng = rng.split("add-one-in");
        let shards = config.cut(rows, &rng);
        let mut this = ChoiceLoop {
            config,
            rng,
            shards,
            shard: 0,
            step: 0,
            attempt: 0,
            chosen: Vec::new(),
            rest: Vec::new(),
            place: BTreeMap::new(),
            initial: Vec::new(),
            order: Vec::new(),
            asked: Vec::new(),
        };
        this.open();
        this.skip_finished();
        Ok(this)
    }

    /// Takes up a selection whose questions so far are known.
    ///
    /// # Errors
    /// [`CoreError::Trace`] with the number of the first question that this configuration, pool and seed would not
    /// have asked, or whose answer is none of its options.
    pub fn resume(
        config: AddOneInConfig,
        rows: usize,
        rng: &Rng,
        asked: Vec<Asked>,
    ) -> Result<ChoiceLoop, CoreError> {
        let mut this = ChoiceLoop::new(config, rows, rng)?;
        for (at, entry) in asked.into_iter().enumerate() {
            let expected = this
                .question()
                .ok_or(CoreError::Trace { at, problem: "the selection is complete before it" })?;
            if entry.question != expected {
                return Err(CoreError::Trace { at, problem: "another question would have been asked there" });
            }
            let answer = match &entry.outcome {
                Outcome::Picked(index) => {
                    Ok(Choice { index: *index, scores: entry.scores, note: entry.note })
                }
                Outcome::Failed(reason) | Outcome::GaveUp(_, reason) => {
                    Err(ScorerError::Invalid { reason: reason.clone(), reply: entry.note })
                }
            };
            let taken = this
                .answer(answer)
                .map_err(|_| CoreError::Trace { at, problem: "its answer cannot be used" })?;
            if taken.outcome != entry.outcome {
                return Err(CoreError::Trace { at, problem: "something else would have come of its answer" });
            }
        }
        Ok(this)
    }

    /// The question to answer next; `None` once everything is chosen. Asking twice gives the same question.
    pub fn question(&self) -> Option<Question> {
        self.shards.get(self.shard)?;
        let mut rng = self.draw();
        let pick = |from: &[usize], at: Vec<usize>| at.into_iter().map(|i| from[i]).collect();
        let context = pick(&self.chosen, rng.sample(self.chosen.len(), self.config.context));
        let options = pick(&self.rest, rng.sample(self.rest.len(), self.config.options));
        Some(Question { shard: self.shard, step: self.step, attempt: self.attempt, context, options })
    }

    /// Takes the answer to [`ChoiceLoop::question`] and says what came of it. A failure, or a position that is not
    /// among the options, leads to a fresh question; after `retries` of them a random option is taken.
    ///
    /// # Errors
    /// [`CoreError`] if the judge cannot go on at all, or if no question is open; nothing has changed then.
    pub fn answer(&mut self, answer: Result<Choice, ScorerError>) -> Result<&Asked, CoreError> {
        let Some(question) = self.question() else {
            return Err(CoreError::Trace {
                at: self.asked.len(),
                problem: "the selection is complete before it",
            });
        };
        let count = question.options.len();
        let answer = match answer {
            Ok(choice) if choice.index >= count => Err(ScorerError::Invalid {
                reason: format!("position {} of {count} options", choice.index),
                reply: choice.note,
            }),
            other => other,
        };
        let (outcome, scores, note) = match answer {
            Ok(choice) => (Outcome::Picked(choice.index), choice.scores, choice.note),
            Err(ScorerError::Fatal(error)) => return Err(error),
            Err(ScorerError::Invalid { reason, reply }) if self.attempt < self.config.retries => {
                (Outcome::Failed(reason), None, reply)
            }
            Err(ScorerError::Invalid { reason, reply }) => {
                (Outcome::GaveUp(self.draw().split("gave up").below(count), reason), None, reply)
            }
        };
        let asked = Asked { question, outcome, scores, note };
        match asked.row() {
            Some(row) => {
                self.move_to_chosen(row);
                self.order.push(row);
                (self.step, self.attempt) = (self.step + 1, 0);
                self.skip_finished();
            }
            None => self.attempt += 1,
        }
        let last = self.asked.len();
        self.asked.push(asked);
        Ok(&self.asked[last])
    }

    /// Every question asked, in order: all there is to store.
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// The rows chosen so far, in order; each shard begins with its random rows.
    pub fn selected(&self) -> &[usize] {
        &self.order
    }

    /// The random first rows among them.
    pub fn initial(&self) -> &[usize] {
        &self.initial
    }

    /// Rows of the current shard that can still be chosen.
    pub fn rest(&self) -> &[usize] {
        &self.rest
    }

    /// True once everything is chosen.
    pub fn is_finished(&self) -> bool {
        self.shard >= self.shards.len()
    }

    fn draw(&self) -> Rng {
        self.rng.split("questions").at(self.shard as u64).at(self.step as u64).at(self.attempt as u64)
    }

    /// Begins the current shard: its random rows.
    fn open(&mut self) {
        let Some(shard) = self.shards.get(self.shard) else { return };
        self.rest = shard.rows.clone();
        self.place = self.rest.iter().enumerate().map(|(at, row)| (*row, at)).collect();
        self.chosen = Vec::with_capacity(shard.budget);
        let first =
            self.rng.split("initial").at(self.shard as u64).sample(self.rest.len(), self.config.initial);
        let first: Vec<usize> = first.into_iter().map(|at| self.rest[at]).collect();
        for row in first {
            self.move_to_chosen(row);
            self.initial.push(row);
            self.order.push(row);
        }
    }

    /// Goes to the next shard that has something to choose, if the current one is done.
    fn skip_finished(&mut self) {
        while self.shards.get(self.shard).is_some_and(|shard| self.chosen.len() >= shard.budget) {
            (self.shard, self.step, self.attempt) = (self.shard + 1, 0, 0);
            self.open();
        }
    }

    fn move_to_chosen(&mut self, row: usize) {
        let Some(at) = self.place.remove(&row) else { return };
        self.rest.swap_remove(at);
        if let Some(moved) = self.rest.get(at) {
            self.place.insert(*moved, at);
        }
        self.chosen.push(row);
    }
}
