//! Greedy maximisation of the influence.

use super::super::lazy::{Candidate, Queue};
use super::super::{Selection, SelectionObserver, Selector, SimilarityGraph, check_budget, choose, work};
use super::{Cascade, Counting, Coverage, Transitions, Worlds};
use crate::{CoreError, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Row activations that an estimate may take between two questions to the observer, about a hundredth of a second.
const WORK: usize = 100_000;

/// How influence is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// Live-edge worlds, drawn once for all candidates and steps.
    #[default]
    Worlds,
    /// Fresh cascades for each candidate, as in the official code; rows are counted once.
    FreshDraws,
    /// Fresh cascades for each candidate, rows counted as in the official code.
    OfficialCode,
}

/// Where the greedy search starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// From the empty set, as the paper says.
    #[default]
    Empty,
    /// From row 0, as the official code in effect does: it takes the row with most successors, and all have as many.
    FirstNode,
}

/// Configuration of [`Ideal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdealConfig {
    /// How influence is estimated.
    pub estimator: Estimator,
    /// Worlds, or cascades for each candidate, 1 to 100,000 (default 100; the official code takes 10 cascades).
    pub diffusions: usize,
    /// Where the search starts.
    pub init: Init,
}

impl Default for IdealConfig {
    fn default() -> Self {
        Self { estimator: Estimator::Worlds, diffusions: 100, init: Init::Empty }
    }
}

/// Greedy search for the rows of most influence; ties to the lower index.
///
/// With worlds it is lazy (CELF), with the same choices as the plain search on the same worlds, and the score of a row
/// is its mean marginal gain. With fresh draws every candidate is estimated anew in every step, and the score is the
/// growth of the estimate. Worlds come from `rng.split("worlds")`, the cascades of row `v` in step `t` of a pool of
/// `n` rows from `rng.split("cascades").at(t · n + v)`.
///
/// Greedy reaches at least 1 − (1 − 1/m)^m of the largest influence of m rows *in these worlds*. In the model itself
/// the influence is smaller than the scores say, since the rows were chosen on the same worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ideal {
    config: IdealConfig,
}

impl Ideal {
    /// Checks the configuration.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] names `diffusions`.
    pub fn new(config: IdealConfig) -> Result<Self, CoreError> {
        if !(1..=100_000).contains(&config.diffusions) {
            return Err(CoreError::range("diffusions", config.diffusions, "1 to 100000"));
        }
        Ok(Self { config })
    }

    /// Lazy greedy search on live-edge worlds.
    async fn on_worlds<O: SelectionObserver>(
        &self,
        graph: &Transitions,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        let rng = rng.split("worlds");
        let mut worlds = Worlds::empty(graph, self.config.diffusions);
        let count = worlds.count();
        let mut pace = Pace(0);
        for _ in 0..count {
            worlds.draw_next(&rng);
            pace.spend(graph.rows(), observer).await?;
        }
        let mut coverage = Coverage::new(&worlds);
        let mut selection = Selection::default();
        if self.config.init == Init::FirstNode {
            let gain = coverage.add(0) as f64 / count as f64;
            choose(&mut selection, 0, gain, observer).await?;
        }
        // Gains are counts, so that equal gains are equal numbers.
        let mut queue = Queue::with_capacity(graph.rows());
        for row in selection.rows.len()..graph.rows() {
            let gain = coverage.gain(row);
            queue.push(Candidate { gain: gain as f64, row, known: selection.rows.len() });
            pace.spend(gain as usize + count, observer).await?;
        }
        while selection.rows.len() < budget
            && let Some(top) = queue.pop()
        {
            let known = selection.rows.len();
            if top.known == known {
                coverage.add(top.row);
                choose(&mut selection, top.row, top.gain / count as f64, observer).await?;
                continue;
            }
            let gain = coverage.gain(top.row);
            queue.push(Candidate { gain: gain as f64, known, ..top });
            pace.spend(gain as usize + count, observer).await?;
        }
        Ok(selection)
    }

    /// Plain greedy search, every candidate estimated by its own cascades.
    async fn on_cascades<O: SelectionObserver>(
        &self,
        graph: &Transitions,
        counting: Counting,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        let (rows, runs) = (graph.rows(), self.config.diffusions);
        let rng = rng.split("cascades");
        let mut cascade = Cascade::new(graph);
        let mut open = vec![true; rows];
        let mut selection = Selection::default();
        let mut before = 0.0;
        let mut pace = Pace(0);
        while selection.rows.len() < budget {
            let step = selection.rows.len();
            let only_first = step == 0 && self.config.init == Init::FirstNode;
            let mut set = selection.rows.clone();
            let (mut best, mut next) = (f64::NEG_INFINITY, 0);
            for row in (0..rows).take(if only_first { 1 } else { rows }) {
                if !open[row] {
                    continue;
                }
                set.push(row);
                let mut rng = rng.at((step * rows + row) as u64);
                let influence = cascade.influence(&set, runs, counting, &mut rng)?;
                set.pop();
                if influence > best {
                    (best, next) = (influence, row);
                }
                pace.spend(influence as usize * runs, observer).await?;
            }
            open[next] = false;
            choose(&mut selection, next, best - before, observer).await?;
            before = best;
        }
        Ok(selection)
    }
}

impl Selector for Ideal {
    type Pool = SimilarityGraph;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &SimilarityGraph,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let graph = Transitions::new(pool)?;
        match self.config.estimator {
            Estimator::Worlds => self.on_worlds(&graph, budget, rng, observer).await,
            Estimator::FreshDraws => {
                self.on_cascades(&graph, Counting::Distinct, budget, rng, observer).await
            }
            Estimator::OfficialCode => {
                self.on_cascades(&graph, Counting::OfficialCode, budget, rng, observer).await
            }
        }
    }
}

/// Work since the observer was asked.
struct Pace(usize);

impl Pace {
    async fn spend<O: SelectionObserver>(
        &mut self,
        work_done: usize,
        observer: &mut O,
    ) -> Result<(), CoreError> {
        self.0 += work_done;
        if self.0 >= WORK {
            self.0 = 0;
            work(observer).await?;
        }
        Ok(())
    }
}
