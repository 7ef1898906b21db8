//! Live-edge worlds: the randomness of all cascades drawn once, so that gains can be compared.

use super::Transitions;
use crate::Rng;

/// Worlds in each of which every edge is live or not, drawn once with its probability.
///
/// The mean over worlds of the rows reachable from a set over live edges has the distribution of its influence under
/// the independent-cascade model (Kempe, Kleinberg, Tardos 2003), is monotone and submodular in the set for the fixed
/// worlds, and costs no new randomness. Memory: 4 bytes a row and world.
#[derive(Clone, Debug)]
pub struct Worlds<'a> {
    graph: &'a Transitions,
    count: usize,
    /// Bit `place` of `live[world * rows + row]`: the edge of `row` to its successor number `place` is live.
    live: Vec<u32>,
}

impl<'a> Worlds<'a> {
    /// Draws `count` worlds (at least 1 is drawn), world `r` from `rng.at(r)`.
    pub fn draw(graph: &'a Transitions, count: usize, rng: &Rng) -> Self {
        let mut worlds = Self::empty(graph, count);
        (0..worlds.count).for_each(|_| worlds.draw_next(rng));
        worlds
    }

    /// Worlds that are still to be drawn one by one.
    pub(super) fn empty(graph: &'a Transitions, count: usize) -> Self {
        let count = count.max(1);
        Self { graph, count, live: Vec::with_capacity(count * graph.rows()) }
    }

    /// Draws the next world.
    pub(super) fn draw_next(&mut self, rng: &Rng) {
        let rows = self.graph.rows();
        let mut rng = rng.at((self.live.len() / rows) as u64);
        for row in 0..rows {
            let mut bits = 0u32;
            for (place, (_, probability)) in self.graph.successors(row).enumerate() {
                bits |= u32::from(rng.uniform() < probability) << place;
            }
            self.live.push(bits);
        }
    }

    /// Number of worlds.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.graph.rows()
    }

    /// Mean number of rows that `set` reaches, itself included. Rows beyond the last are left out.
    pub fn influence(&self, set: &[usize]) -> f64 {
        self.curve(set).last().copied().unwrap_or(0.0)
    }

    /// Mean number of rows that the first 1, 2, … rows of `set` reach.
    pub fn curve(&self, set: &[usize]) -> Vec<f64> {
        let mut coverage = Coverage::new(self);
        set.iter()
            .map(|row| {
                coverage.add(*row);
                coverage.influence()
            })
            .collect()
    }
}

/// What a growing set reaches in each world.
pub struct Coverage<'a> {
    worlds: &'a Worlds<'a>,
    /// `covered[world * rows + row]`.
    covered: Vec<bool>,
    reached: u64,
    /// The last search that saw a row.
    seen: Vec<u32>,
    search: u32,
    stack: Vec<u32>,
}

impl<'a> Coverage<'a> {
    /// The empty set.
    pub fn new(worlds: &'a Worlds<'a>) -> Self {
        let rows = worlds.rows();
        let covered = vec![false; worlds.count * rows];
        Self { worlds, covered, reached: 0, seen: vec![0; rows], search: 0, stack: Vec::new() }
    }

    /// Rows that `row` would add, summed over the worlds: what it reaches and the set does not. 0 beyond the last row.
    pub fn gain(&mut self, row: usize) -> u64 {
        (0..self.worlds.count).map(|world| self.search(world, row, false)).sum()
    }

    /// Adds a row to the set; what it added, summed over the worlds.
    pub fn add(&mut self, row: usize) -> u64 {
        let added: u64 = (0..self.worlds.count).map(|world| self.search(world, row, true)).sum();
        self.reached += added;
        added
    }

    /// Mean number of rows reached.
    pub fn influence(&self) -> f64 {
        self.reached as f64 / self.worlds.count as f64
    }

    /// Counts the rows of one world that are reachable from `start` and not covered; covers them if asked to. What is
    /// covered leads to covered rows only, so the search ends there.
    fn search(&mut self, world: usize, start: usize, cover: bool) -> u64 {
        let graph = self.worlds.graph;
        let rows = self.worlds.rows();
        let offset = world * rows;
        if start >= rows || self.covered[offset + start] {
            return 0;
        }
        if self.search == u32::MAX {
            self.seen.fill(0);
            self.search = 0;
        }
        self.search += 1;
        self.seen[start] = self.search;
        self.stack.push(start as u32);
        let mut count = 0;
        while let Some(row) = self.stack.pop() {
            let row = row as usize;
            count += 1;
            if cover {
                self.covered[offset + row] = true;
            }
            let mut live = self.worlds.live[offset + row];
            while live != 0 {
                let next = graph.successor(row, live.trailing_zeros() as usize);
                live &= live - 1;
                if self.seen[next] != self.search && !self.covered[offset + next] {
                    self.seen[next] = self.search;
                    self.stack.push(next as u32);
                }
            }
        }
        count
    }
}
