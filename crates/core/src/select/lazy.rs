//! The queue of lazy greedy maximisation (CELF; Minoux 1978, Leskovec et al. 2007).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row with an upper bound of its gain: its gain when `known` rows were chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// The gain.
    pub gain: f64,
    /// The row.
    pub row: usize,
    /// How many rows were chosen when the gain was computed.
    pub known: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        // The largest first; of equals the lower row, so that laziness does not change the choice of ties.
        self.gain.total_cmp(&other.gain).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// Rows that are not chosen, the largest bound first.
pub(super) type Queue = BinaryHeap<Candidate>;
