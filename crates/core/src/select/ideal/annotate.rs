//! Automatic annotation: labels handed on along the layers of a cascade.

use super::super::Embeddings;
use crate::{CoreError, Rng};

/// A labelled row in a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// The row of the pool.
    pub row: usize,
    /// Its label: a person's, or an annotator's.
    pub label: i64,
    /// Cosine similarity to the query.
    pub similarity: f64,
}

/// Labels a row from a prompt of labelled examples, as a language model would.
pub trait Annotator {
    /// The label of row `query`; `prompt` is ordered by increasing similarity and not empty.
    fn label(&mut self, query: usize, prompt: &[Example]) -> impl Future<Output = Result<i64, CoreError>>;
}

/// The most frequent label among the `count` most similar examples, ties to the more similar one.
///
/// `count` = 1 is the nearest labelled neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborVote {
    /// How many examples vote (at least 1 does).
    pub count: usize,
}

impl Annotator for NeighborVote {
    async fn label(&mut self, _query: usize, prompt: &[Example]) -> Result<i64, CoreError> {
        let nearest: Vec<i64> = prompt.iter().rev().take(self.count.max(1)).map(|e| e.label).collect();
        let votes = |label: &i64| nearest.iter().filter(|other| *other == label).count();
        let mut best = (0, 0);
        for label in &nearest {
            // Strictly more: the first of equals is the more similar.
            if votes(label) > best.0 {
                best = (votes(label), *label);
            }
        }
        Ok(best.1)
    }
}

/// Knows the true labels and gets some wrong: with probability `error` another class, evenly.
#[derive(Clone, Debug)]
pub struct ImperfectOracle {
    /// The true label of every row.
    pub truth: Vec<i64>,
    /// Probability of a wrong label, 0 to 1.
    pub error: f64,
    /// All classes.
    pub classes: Vec<i64>,
    /// Where mistakes come from: row i from `.at(i)`.
    pub rng: Rng,
}

impl Annotator for ImperfectOracle {
    async fn label(&mut self, query: usize, _prompt: &[Example]) -> Result<i64, CoreError> {
        let Some(truth) = self.truth.get(query).copied() else {
            let expected = format!("the oracle knows {} rows", self.truth.len());
            return Err(CoreError::Shape { what: "the row to label", found: vec![query], expected });
        };
        let mut rng = self.rng.at(query as u64);
        let wrong: Vec<i64> = self.classes.iter().copied().filter(|class| *class != truth).collect();
        if rng.uniform() < self.error && !wrong.is_empty() {
            return Ok(wrong[rng.below(wrong.len())]);
        }
        Ok(truth)
    }
}

/// Labels the rows of a cascade, layer after layer (Auto-IDEAL).
///
/// `layers` are those of [`super::Cascade::layers`]; the first carries `labels`, given by people. Each row of a later
/// layer is labelled by `annotator` from the `examples` most similar rows that were labelled *in earlier layers*, so the
/// order within a layer does not matter. The answer has one entry for each row of the pool; rows that the cascade did
/// not reach stay without.
///
/// # Errors
/// [`CoreError::Lengths`] if the first layer and `labels` differ in length or are empty; [`CoreError::Shape`] if a layer
/// names a row beyond the last; [`CoreError::OutOfRange`] if `examples` is 0; what the annotator says.
pub async fn auto_annotate(
    pool: &Embeddings,
    layers: &[Vec<usize>],
    labels: &[i64],
    examples: usize,
    annotator: &mut impl Annotator,
) -> Result<Vec<Option<i64>>, CoreError> {
    let people = layers.first().map(Vec::as_slice).unwrap_or_default();
    if people.len() != labels.len() || labels.is_empty() {
        let what = "automatic annotation: the first layer and its labels";
        return Err(CoreError::Lengths { what, left: people.len(), right: labels.len() });
    }
    if examples == 0 {
        return Err(CoreError::range("examples", examples, "at least 1"));
    }
    if let Some(row) = layers.iter().flatten().find(|row| **row >= pool.rows()) {
        let expected = format!("the pool has {} rows", pool.rows());
        return Err(CoreError::Shape { what: "a row of a layer", found: vec![*row], expected });
    }
    let mut found = vec![None; pool.rows()];
    let mut labelled: Vec<(usize, i64)> = people.iter().copied().zip(labels.iter().copied()).collect();
    for (row, label) in &labelled {
        found[*row] = Some(*label);
    }
    for layer in layers.iter().skip(1) {
        let mut fresh = Vec::new();
        for row in layer {
            if found[*row].is_some() {
                continue;
            }
            let mut prompt: Vec<Example> = labelled
                .iter()
                .map(|(other, label)| Example {
                    row: *other,
                    label: *label,
                    similarity: pool.similarity(*row, *other),
                })
                .collect();
            // Increasing similarity; of equals the lower row is taken for the more similar.
            prompt.sort_by(|a, b| a.similarity.total_cmp(&b.similarity).then(b.row.cmp(&a.row)));
            prompt.drain(..prompt.len().saturating_sub(examples));
            let label = annotator.label(*row, &prompt).await?;
            found[*row] = Some(label);
            fresh.push((*row, label));
        }
        labelled.extend(fresh);
    }
    Ok(found)
}
