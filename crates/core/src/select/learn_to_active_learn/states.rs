//! All states of a small game, and exact losses of any policy on it.

use super::{CountPolicy, Problem};
use crate::CoreError;

/// Most states of the last depth.
const MOST_LEAVES: usize = 100_000;

/// Every table of counts that a game can reach, depth by depth.
#[derive(Clone, Debug)]
pub struct States {
    queries: usize,
    /// First state of each depth, and the end.
    depths: Vec<usize>,
    /// Counts, packed into nibbles, ascending within a depth.
    codes: Vec<u64>,
    counts: Vec<u8>,
    /// For each state but the last ones, the state after each of the 2d answers.
    next: Vec<u32>,
}

impl States {
    /// Enumerates the states of a problem.
    ///
    /// # Errors
    /// [`CoreError::TooLarge`] with more than 8 queries, a budget above 15, or more than 10⁵ last states.
    pub fn new(problem: &Problem) -> Result<States, CoreError> {
        let (d, budget) = (problem.queries(), problem.budget());
        let mut leaves = 1.0;
        for k in 1..2 * d {
            leaves *= (budget + k) as f64 / k as f64;
        }
        if d > 8 || budget > 15 || leaves > MOST_LEAVES as f64 + 0.5 {
            return Err(CoreError::TooLarge {
                what: "the exact solver",
                rows: leaves.min(1e15) as usize,
                limit: MOST_LEAVES,
                remedy: "use fewer queries (at most 8) or a smaller budget (at most 15), or train without it",
            });
        }
        let width = 2 * d;
        let mut states =
            States { queries: d, depths: vec![0], codes: Vec::new(), counts: Vec::new(), next: Vec::new() };
        for depth in 0..=budget {
            compositions(width, depth as u64, 0, &mut states.codes);
            states.depths.push(states.codes.len());
        }
        for code in &states.codes {
            for k in 0..width {
                states.counts.push((code >> (4 * (width - 1 - k)) & 15) as u8);
            }
        }
        for depth in 0..budget {
            for s in states.depths[depth]..states.depths[depth + 1] {
                for k in 0..width {
                    let code = states.codes[s] + (1 << (4 * (width - 1 - k)));
                    let later = &states.codes[states.depths[depth + 1]..states.depths[depth + 2]];
                    let place = later.binary_search(&code).unwrap_or_default();
                    states.next.push((states.depths[depth + 1] + place) as u32);
                }
            }
        }
        Ok(states)
    }

    /// Number of states, those of the last depth included.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// True without states, which does not happen.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The first state at which nothing more is asked.
    pub fn first_leaf(&self) -> usize {
        self.depths[self.depths.len() - 2]
    }

    /// The counts of a state, 2d of them.
    pub fn counts(&self, state: usize) -> &[u8] {
        &self.counts[state * 2 * self.queries..(state + 1) * 2 * self.queries]
    }

    /// The state after the answer `answer` (0 for +1, 1 for −1) to `query`; for states before the last depth.
    pub fn after(&self, state: usize, query: usize, answer: usize) -> usize {
        self.next[state * 2 * self.queries + 2 * query + answer] as usize
    }

    /// The state with these counts, if a game can reach it.
    pub fn find(&self, counts: &[u8]) -> Option<usize> {
        let (mut code, mut depth) = (0u64, 0usize);
        for count in counts {
            code = code << 4 | u64::from(*count & 15);
            depth += usize::from(*count);
        }
        let (first, end) = (*self.depths.get(depth)?, *self.depths.get(depth + 1)?);
        self.codes[first..end].binary_search(&code).ok().map(|place| first + place)
    }

    /// Weight of each state under a policy: the probability of its queries, summed over all orders. Times the likelihood
    /// of its answers it is the probability to be there.
    pub fn weights(&self, policy: &dyn CountPolicy) -> Vec<f64> {
        let mut weights = vec![0.0; self.len()];
        let mut chosen = vec![0.0; self.queries];
        weights[0] = 1.0;
        for s in 0..self.first_leaf() {
            if weights[s] == 0.0 {
                continue;
            }
            policy.query(self.counts(s), &mut chosen);
            for query in 0..self.queries {
                for answer in 0..2 {
                    weights[self.after(s, query, answer)] += weights[s] * chosen[query];
                }
            }
        }
        weights
    }
}

/// Ways to write `left` as an ordered sum of `parts` numbers, as nibbles behind `code`, ascending.
fn compositions(parts: usize, left: u64, code: u64, out: &mut Vec<u64>) {
    if parts == 1 {
        out.push(code << 4 | left);
        return;
    }
    for first in 0..=left {
        compositions(parts - 1, left - first, code << 4 | first, out);
    }
}
