//! One cascade at a time, with fresh randomness: for pictures, layers, and the official code's estimator.

use super::Transitions;
use crate::{CoreError, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the rows that a cascade reaches are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// Each row once, as the model says.
    #[default]
    Distinct,
    /// As the official code: rows activated in a step are marked only after it, so a row with two active parents is
    /// counted twice and tries its successors twice.
    OfficialCode,
}

/// The independent-cascade model: a row activated in one step tries each inactive successor once in the next.
#[derive(Clone, Debug)]
pub struct Cascade<'a> {
    graph: &'a Transitions,
    active: Vec<bool>,
    touched: Vec<u32>,
}

impl<'a> Cascade<'a> {
    /// A model on a graph.
    pub fn new(graph: &'a Transitions) -> Self {
        Self { graph, active: vec![false; graph.rows()], touched: Vec::new() }
    }

    /// Runs one cascade from `seeds`; the layers of rows activated in step 0 (the seeds), 1, 2, …, none of them empty.
    ///
    /// With [`Counting::OfficialCode`] a row may occur more than once in a layer. Seeds that repeat count once.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if a seed is beyond the last row.
    pub fn layers(
        &mut self,
        seeds: &[usize],
        counting: Counting,
        rng: &mut Rng,
    ) -> Result<Vec<Vec<usize>>, CoreError> {
        let rows = self.graph.rows();
        if let Some(seed) = seeds.iter().find(|seed| **seed >= rows) {
            return Err(CoreError::range("seed row", seed, format!("0 to {}", rows.saturating_sub(1))));
        }
        let mut layer = Vec::new();
        for seed in seeds {
            if self.activate(*seed) {
                layer.push(*seed);
            }
        }
        let mut layers = Vec::new();
        while !layer.is_empty() {
            let mut next = Vec::new();
            for row in &layer {
                for (to, probability) in self.graph.successors(*row) {
                    if self.active[to] || rng.uniform() >= probability {
                        continue;
                    }
                    next.push(to);
                    if counting == Counting::Distinct {
                        self.activate(to);
                    }
                }
            }
            if counting == Counting::OfficialCode {
                for row in &next {
                    self.activate(*row);
                }
            }
            layers.push(std::mem::replace(&mut layer, next));
        }
        for row in self.touched.drain(..) {
            self.active[row as usize] = false;
        }
        Ok(layers)
    }

    /// Mean number of rows that `runs` fresh cascades reach.
    ///
    /// # Errors
    /// As [`Cascade::layers`].
    pub fn influence(
        &mut self,
        seeds: &[usize],
        runs: usize,
        counting: Counting,
        rng: &mut Rng,
    ) -> Result<f64, CoreError> {
        let mut total = 0;
        for _ in 0..runs {
            total += self.layers(seeds, counting, rng)?.iter().map(Vec::len).sum::<usize>();
        }
        Ok(total as f64 / runs.max(1) as f64)
    }

    fn activate(&mut self, row: usize) -> bool {
        if self.active[row] {
            return false;
        }
        self.active[row] = true;
        self.touched.push(row as u32);
        true
    }
}
