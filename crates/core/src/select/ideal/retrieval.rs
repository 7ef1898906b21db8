//! Which annotated rows go into the prompt of a query, and in which order.

use super::super::{Embeddings, cosine};
use crate::{CoreError, Rng};

/// A row this similar to the query is taken for the query itself and left out.
const SAME: f64 = 1.0 - 1e-6;

/// In which order annotated rows are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The most similar first.
    #[default]
    Similar,
    /// Shuffled.
    Random,
}

/// The room of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptBudget {
    /// Tokens of all examples together (published: 1000 for classification, 1900 for summaries, 3800 for the larger
    /// models).
    pub tokens: usize,
    /// Tokens beyond which a single example is passed over (published: 250, for classification only).
    pub longest: Option<usize>,
}

impl PromptBudget {
    /// The examples of the prompt of `query` (any length but 0, `dims` values), as rows of `pool`, ordered by increasing
    /// similarity so that the most similar stands next to the query.
    ///
    /// `annotated` are rows of the pool, `lengths` the tokens of each row of the pool. Rows are tried in the order asked
    /// for, ties to the lower row; rows as similar as the query itself (≥ 1 − 1e-6) and too long ones are passed over;
    /// the first that does not fit any more ends the prompt. A random order comes from `rng` and is the prompt's order.
    ///
    /// # Errors
    /// [`CoreError::Shape`] if the query has another number of values, `lengths` another number of rows, or `annotated`
    /// names a row beyond the last; [`CoreError::NotFinite`] if the query has no direction.
    pub fn prompt(
        &self,
        query: &[f32],
        pool: &Embeddings,
        annotated: &[usize],
        lengths: &[usize],
        order: Order,
        rng: &mut Rng,
    ) -> Result<Vec<usize>, CoreError> {
        if query.len() != pool.dims() {
            let expected = format!("the pool has {} columns", pool.dims());
            return Err(CoreError::Shape { what: "the query", found: vec![query.len()], expected });
        }
        if lengths.len() != pool.rows() {
            let expected = format!("there must be one for each of the {} rows of the pool", pool.rows());
            return Err(CoreError::Shape { what: "the lengths", found: vec![lengths.len()], expected });
        }
        let length = libm::sqrt(query.iter().map(|v| f64::from(*v) * f64::from(*v)).sum());
        if !(length > 0.0 && length.is_finite()) {
            return Err(CoreError::NotFinite { what: "the direction of the query" });
        }
        if let Some(row) = annotated.iter().find(|row| **row >= pool.rows()) {
            let expected = format!("the pool has {} rows", pool.rows());
            return Err(CoreError::Shape { what: "an annotated row", found: vec![*row], expected });
        }
        let mut tried: Vec<(f64, usize)> =
            annotated.iter().map(|row| (cosine(pool.row(*row), query) / length, *row)).collect();
        tried.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        tried.dedup_by_key(|(_, row)| *row);
        if order == Order::Random {
            rng.shuffle(&mut tried);
        }
        let (mut left, mut prompt) = (self.tokens, Vec::new());
        for (similarity, row) in tried {
            if similarity >= SAME || self.longest.is_some_and(|longest| lengths[row] > longest) {
                continue;
            }
            if lengths[row] > left {
                break;
            }
            left -= lengths[row];
            prompt.push(row);
        }
        if order == Order::Similar {
            prompt.reverse();
        }
        Ok(prompt)
    }
}
