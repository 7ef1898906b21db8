//! What a question would be answered: objects that stand for the hidden one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer_table::AnswerTable;
use super::query::{Answered, Predictor};
use crate::{CoreError, Rng};

/// Which objects stand for the hidden one when a question is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// A few objects drawn from the pool, whatever was answered so far: as published.
    #[default]
    UniformSample,
    /// All objects of the pool with the same weight.
    WholePool,
    /// All objects of the pool, by how probable the predictor holds their class: the better choice where predicting
    /// is cheap. Not in the paper.
    Posterior,
}

/// Checks that a table is about the classes and questions of a predictor.
///
/// # Errors
/// [`CoreError::Shape`] names both sizes.
pub(crate) fn check_table<P: Predictor>(predictor: &P, table: &AnswerTable) -> Result<(), CoreError> {
    let (classes, queries) = (predictor.classes(), predictor.queries());
    if (table.classes(), table.queries()) == (classes, queries) && predictor.answers() == 2 {
        return Ok(());
    }
    Err(CoreError::Shape {
        what: "the table of answers",
        found: vec![table.classes(), table.queries()],
        expected: format!(
            "the predictor has {classes} classes and {queries} questions, and needs two answers"
        ),
    })
}

/// Probabilities after a history, as many as there are classes.
///
/// # Errors
/// [`CoreError::Shape`] and [`CoreError::NotFinite`] for a predictor that breaks its promise; what it says itself.
pub(crate) async fn probabilities<P: Predictor>(
    predictor: &P,
    history: &[Answered],
) -> Result<Vec<f64>, CoreError> {
    let found = predictor.predict(history).await?;
    check_answer(&found, predictor.classes())?;
    Ok(found)
}

fn check_answer(found: &[f64], wanted: usize) -> Result<(), CoreError> {
    if found.len() != wanted {
        return Err(CoreError::Shape {
            what: "the predictor's answer",
            found: vec![found.len()],
            expected: format!("{wanted} probabilities were asked for"),
        });
    }
    if found.iter().any(|p| !p.is_finite()) {
        return Err(CoreError::NotFinite { what: "the predictor's answer" });
    }
    Ok(())
}

/// An object of the pool and its weight; weights sum to 1.
pub(crate) type Weighted = (usize, f64);

impl Expectation {
    /// The objects for one step, shared by all candidates.
    pub(crate) fn objects(
        self,
        pool: &AnswerTable,
        samples: usize,
        now: &[f64],
        rng: &mut Rng,
    ) -> Vec<Weighted> {
        let count = pool.objects();
        let even = |objects: Vec<usize>| {
            let weight = 1.0 / objects.len() as f64;
            objects.into_iter().map(|object| (object, weight)).collect()
        };
        match self {
            Expectation::UniformSample => even(rng.sample(count, samples.max(1))),
            Expectation::WholePool => even((0..count).collect()),
            Expectation::Posterior => {
                let sizes = pool.sizes();
                let weight = |object: usize| now[pool.label(object)] / sizes[pool.label(object)] as f64;
                let total: f64 = (0..count).map(weight).sum();
                if total > 0.0 {
                    (0..count).map(|object| (object, weight(object) / total)).collect()
                } else {
                    // The pool has no object of any class that is still probable.
                    even((0..count).collect())
                }
            }
        }
    }
}

/// Probabilities after each answer to each candidate.
pub(crate) struct Outcomes {
    classes: usize,
    answers: usize,
    rows: Vec<f64>,
}

impl Outcomes {
    /// Asks the predictor, in one batch.
    pub(crate) async fn of<P: Predictor>(
        predictor: &P,
        history: &[Answered],
        candidates: &[usize],
    ) -> Result<Outcomes, CoreError> {
        let answers = predictor.answers();
        let next: Vec<Answered> = candidates
            .iter()
            .flat_map(|query| (0..answers).map(|answer| Answered { query: *query, answer }))
            .collect();
        let rows = predictor.extend(history, &next).await?;
        let classes = predictor.classes();
        check_answer(&rows, next.len() * classes)?;
        Ok(Outcomes { classes, answers, rows })
    }

    /// Probabilities after an answer to candidate number `place`.
    pub(crate) fn row(&self, place: usize, answer: usize) -> &[f64] {
        let start = (place * self.answers + answer) * self.classes;
        &self.rows[start..start + self.classes]
    }

    /// Something of each row, as a table of candidates and answers.
    pub(crate) fn map<T>(&self, of: impl Fn(&[f64]) -> T) -> Vec<T> {
        self.rows.chunks_exact(self.classes).map(of).collect()
    }

    /// Answers of a candidate.
    pub(crate) fn answers(&self) -> usize {
        self.answers
    }
}
