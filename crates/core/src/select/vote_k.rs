//! Fast Vote-k: rows that many rows have among their nearest, discounted where votes were heard before.

use super::lazy::{Candidate, Queue};
use super::{Selection, SelectionObserver, Selector, SimilarityGraph, check_budget, choose, work};
use crate::{CoreError, Rng};

/// Fast Vote-k (Su et al. 2022, "Selective Annotation Makes Language Models Better Few-Shot Learners").
///
/// Each row votes for each of its neighbours in the graph (published: 150). The score of a row is
/// Σ_{v voted for it, v not chosen} ρ^{−c(v)}, where c(v) is the number of chosen rows that v voted for. The largest
/// score is chosen, ties to the lower index (the official code prefers the row with more votes). Scores never
/// increase, so they are computed lazily. No randomness is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoteK {
    /// Discount ρ of a vote for each time it was heard (default 10; above 1).
    pub discount: f64,
}

impl Default for VoteK {
    fn default() -> Self {
        Self { discount: 10.0 }
    }
}

impl Selector for VoteK {
    type Pool = SimilarityGraph;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &SimilarityGraph,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let mut votes = Votes::new(pool, self.discount)?;
        let mut queue: Queue =
            (0..pool.rows()).map(|row| Candidate { gain: votes.score(row), row, known: 0 }).collect();
        let mut selection = Selection::default();
        work(observer).await?;
        while let Some(top) = queue.pop() {
            let known = selection.rows.len();
            if top.known < known {
                queue.push(Candidate { gain: votes.score(top.row), known, ..top });
                continue;
            }
            votes.hear(top.row);
            choose(&mut selection, top.row, top.gain, observer).await?;
            if selection.rows.len() == budget {
                break;
            }
        }
        Ok(selection)
    }
}

/// Who voted for whom, and what a vote still counts.
pub(super) struct Votes {
    starts: Vec<usize>,
    voters: Vec<u32>,
    weight: Vec<f64>,
    discount: f64,
}

impl Votes {
    /// Counts the votes of a graph.
    pub(super) fn new(graph: &SimilarityGraph, discount: f64) -> Result<Self, CoreError> {
        if !(discount > 1.0 && discount.is_finite()) {
            return Err(CoreError::range("discount", discount, "a finite number above 1"));
        }
        let rows = graph.rows();
        let mut starts = vec![0usize; rows + 1];
        for row in 0..rows {
            graph.neighbors(row).iter().for_each(|for_whom| starts[*for_whom as usize + 1] += 1);
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut place = starts.clone();
        let mut voters = vec![0u32; starts[rows]];
        for row in 0..rows {
            for for_whom in graph.neighbors(row) {
                let at = &mut place[*for_whom as usize];
                voters[*at] = row as u32;
                *at += 1;
            }
        }
        Ok(Self { starts, voters, weight: vec![1.0; rows], discount })
    }

    /// The rows that voted for `row`, ascending.
    fn of(&self, row: usize) -> std::ops::Range<usize> {
        self.starts[row]..self.starts[row + 1]
    }

    /// Score of a row now.
    pub(super) fn score(&self, row: usize) -> f64 {
        self.voters[self.of(row)].iter().map(|voter| self.weight[*voter as usize]).sum()
    }

    /// `row` is chosen: its own votes are gone, votes for it count less.
    pub(super) fn hear(&mut self, row: usize) {
        for at in self.of(row) {
            self.weight[self.voters[at] as usize] /= self.discount;
        }
        self.weight[row] = 0.0;
    }
}
