//! Activation probabilities along the edges from each row to its nearest neighbours.

use super::super::SimilarityGraph;
use crate::CoreError;

/// Most successors of a row: the edges of a row that are live in one world are the bits of a `u32`.
pub const MAX_SUCCESSORS: usize = 32;
/// Similarities that are not positive are raised to this, as a probability must be positive.
const LEAST_SIMILARITY: f64 = 1e-6;

/// The directed graph of IDEAL: P_ij = s_ij / Σ_l s_il over the k most similar other rows j of row i.
///
/// Every row has k successors and its probabilities sum to 1, so an active row activates one neighbour on average.
/// Similarities at or below 0 count as 1e-6.
#[derive(Clone, Debug, PartialEq)]
pub struct Transitions {
    degree: usize,
    successor: Vec<u32>,
    probability: Vec<f64>,
}

impl Transitions {
    /// The probabilities of a graph.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if rows have more than [`MAX_SUCCESSORS`] neighbours.
    pub fn new(graph: &SimilarityGraph) -> Result<Self, CoreError> {
        let degree = graph.degree();
        if degree > MAX_SUCCESSORS {
            return Err(CoreError::range("successors", degree, format!("1 to {MAX_SUCCESSORS}")));
        }
        let mut made = Self { degree, successor: Vec::new(), probability: Vec::new() };
        for row in 0..graph.rows() {
            let weight = |s: &f32| f64::from(*s).max(LEAST_SIMILARITY);
            let total: f64 = graph.similarities(row).iter().map(weight).sum();
            made.successor.extend(graph.neighbors(row));
            made.probability.extend(graph.similarities(row).iter().map(|s| weight(s) / total));
        }
        Ok(made)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.successor.len() / self.degree
    }

    /// Successors of each row.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Successors of `row` with the probability of each edge, the most similar first; none beyond the last row.
    pub fn successors(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let start = row.saturating_mul(self.degree);
        let range = start..start.saturating_add(self.degree);
        let to = self.successor.get(range.clone()).unwrap_or_default();
        let probability = self.probability.get(range).unwrap_or_default();
        to.iter().map(|to| *to as usize).zip(probability.iter().copied())
    }

    /// Successor number `place` (below the degree) of `row`.
    pub(super) fn successor(&self, row: usize, place: usize) -> usize {
        self.successor[row * self.degree + place] as usize
    }
}
