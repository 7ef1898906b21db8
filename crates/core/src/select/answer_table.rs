//! Objects, their classes, and what is answered about each.

use crate::CoreError;

/// Answers 0 and 1 to a list of questions about some objects, each of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerTable {
    queries: usize,
    classes: usize,
    answers: Vec<u8>,
    labels: Vec<usize>,
}

impl AnswerTable {
    /// A table of `labels.len()` objects: `answers` is row-major with one row an object, `labels` are below `classes`.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if the table is empty or ragged, [`CoreError::OutOfRange`] for an answer other than 0 and
    /// 1, a label that is too large, a class without objects, or less than two classes.
    pub fn new(
        answers: Vec<u8>,
        queries: usize,
        labels: Vec<usize>,
        classes: usize,
    ) -> Result<AnswerTable, CoreError> {
        if queries == 0 || labels.is_empty() || answers.len() != labels.len() * queries {
            return Err(CoreError::Shape {
                what: "the table of answers",
                found: vec![labels.len(), queries, answers.len()],
                expected: "it needs objects, questions, and one answer for each of both".to_owned(),
            });
        }
        if let Some(answer) = answers.iter().find(|answer| **answer > 1) {
            return Err(CoreError::range("answer", answer, "0 or 1"));
        }
        if classes < 2 {
            return Err(CoreError::range("classes", classes, "at least 2: with one there is nothing to ask"));
        }
        let mut seen = vec![false; classes];
        for label in &labels {
            match seen.get_mut(*label) {
                Some(seen) => *seen = true,
                None => return Err(CoreError::range("label", label, format!("below {classes}"))),
            }
        }
        if let Some(class) = seen.iter().position(|seen| !seen) {
            return Err(CoreError::range("class", class, "a class with at least one object"));
        }
        Ok(AnswerTable { queries, classes, answers, labels })
    }

    /// One object a class, in the order of the rows.
    ///
    /// # Errors
    /// As [`AnswerTable::new`].
    pub fn of_classes(answers: Vec<u8>, queries: usize) -> Result<AnswerTable, CoreError> {
        let classes = answers.len().checked_div(queries).unwrap_or(0);
        AnswerTable::new(answers, queries, (0..classes).collect(), classes)
    }

    /// Sixteen classes y and 18 questions: the four bits of y from the lowest, "is it r?" for r from 0 to 7, and
    /// whether two bits differ (01, 02, 03, 12, 13, 23). Good questions are among poor ones.
    pub fn bits16() -> AnswerTable {
        let row = |y: u8| {
            let bit = move |at: u8| y >> at & 1;
            let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
            (0..4)
                .map(bit)
                .chain((0..8).map(move |r| u8::from(y == r)))
                .chain(pairs.into_iter().map(move |(a, b)| bit(a) ^ bit(b)))
        };
        AnswerTable {
            queries: 18,
            classes: 16,
            answers: (0..16).flat_map(row).collect(),
            labels: (0..16).collect(),
        }
    }

    /// Number of objects.
    pub fn objects(&self) -> usize {
        self.labels.len()
    }

    /// Number of questions.
    pub fn queries(&self) -> usize {
        self.queries
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The class of an object.
    pub fn label(&self, object: usize) -> usize {
        self.labels[object]
    }

    /// The class of each object.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// All answers about an object.
    pub fn row(&self, object: usize) -> &[u8] {
        &self.answers[object * self.queries..(object + 1) * self.queries]
    }

    /// The answer to a question about an object.
    pub fn answer(&self, object: usize, query: usize) -> usize {
        usize::from(self.answers[object * self.queries + query])
    }

    /// Number of objects of each class.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.classes];
        for label in &self.labels {
            sizes[*label] += 1;
        }
        sizes
    }

    /// A table of some of the objects, in the order given; classes keep their numbers, and may be without objects.
    ///
    /// # Errors
    /// [`CoreError::Shape`] without objects, [`CoreError::OutOfRange`] for one that does not exist.
    pub fn subset(&self, objects: &[usize]) -> Result<AnswerTable, CoreError> {
        if let Some(object) = objects.iter().find(|object| **object >= self.objects()) {
            return Err(CoreError::range("object", object, format!("below {}", self.objects())));
        }
        if objects.is_empty() {
            return Err(CoreError::Shape {
                what: "a part of the table of answers",
                found: vec![0, self.queries],
                expected: "it needs at least one object".to_owned(),
            });
        }
        Ok(AnswerTable {
            queries: self.queries,
            classes: self.classes,
            answers: objects.iter().flat_map(|object| self.row(*object)).copied().collect(),
            labels: objects.iter().map(|object| self.labels[*object]).collect(),
        })
    }
}
