//! A selection of a given size, layer by layer.

use std::collections::BTreeMap;

use super::super::round_robin::first_depth;
use super::super::{
    NearestCandidates, Selection, SelectionObserver, Selector, TargetPool, check_budget, choose,
};
use super::{Tarot, TieRule};
use crate::{CoreError, Rng};

/// Chosen candidates with the reason for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TarotSelection {
    /// Candidates, by layer, and within a layer as the tie rule ranks them (whole layers: nearest first).
    pub rows: Vec<usize>,
    /// The layer in which each entered: k if it is the k-th nearest candidate of a target, from 1.
    pub layer: Vec<usize>,
    /// The nearest of the targets for which it entered.
    pub target: Vec<usize>,
    /// Its distance to that target, from 0 to 2.
    pub distance: Vec<f64>,
    /// Whether the last layer was cut, so that its rows may leave again when the size grows.
    pub partial: bool,
}

/// A candidate of a layer, and the nearest target that it serves there.
#[derive(Clone, Copy, Debug)]
struct Entry {
    row: usize,
    target: usize,
    distance: f64,
}

impl Tarot {
    /// Chooses `budget` candidates: first the nearest of each target, then the second nearest, and so on; a candidate
    /// that is near to several targets counts once. If a layer does not fit, the tie rule says which of its rows are
    /// taken, ties to the lower index.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if the budget is 0 or above the number of candidates; [`CoreError::ReadBack`];
    /// [`CoreError::Interrupted`].
    pub async fn choose<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        budget: usize,
        observer: &mut O,
    ) -> Result<TarotSelection, CoreError> {
        let mut found = self.choose_sizes(pool, &[budget], observer).await?;
        Ok(found.pop().unwrap_or_default())
    }

    /// [`Tarot::choose`] for several sizes at the price of the largest, in the order of `budgets`. The observer sees the
    /// rows of the largest.
    ///
    /// # Errors
    /// As [`Tarot::choose`].
    pub async fn choose_sizes<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        budgets: &[usize],
        observer: &mut O,
    ) -> Result<Vec<TarotSelection>, CoreError> {
        budgets.iter().try_for_each(|budget| check_budget(*budget, pool.rows()))?;
        let Some(largest) = budgets.iter().copied().max() else { return Ok(Vec::new()) };
        let mut lists = pool.nearest(first_depth(largest, pool.targets()), observer).await?;
        let mut taken = vec![false; pool.rows()];
        let mut so_far = TarotSelection::default();
        let mut found = vec![TarotSelection::default(); budgets.len()];
        let mut told = Selection::default();
        let mut layer = 0;
        while so_far.rows.len() < largest {
            if layer == lists.depth() {
                lists = pool.nearest(lists.depth() * 4, observer).await?;
            }
            let entries = entries(pool, &lists, layer, &taken);
            layer += 1;
            let (before, after) = (so_far.rows.len(), so_far.rows.len() + entries.len());
            // Sizes that end within this layer.
            if budgets.iter().any(|budget| (before + 1..after).contains(budget)) {
                let ranked = self.ranked(pool, &entries, observer).await?;
                for (found, budget) in found.iter_mut().zip(budgets) {
                    if (before + 1..after).contains(budget) {
                        *found = so_far.clone();
                        ranked.iter().take(budget - before).for_each(|entry| found.add(entry, layer));
                        found.partial = true;
                    }
                }
                if after > largest {
                    for entry in ranked.iter().take(largest - before) {
                        choose(&mut told, entry.row, entry.distance, observer).await?;
                    }
                    break;
                }
            }
            for entry in &entries {
                taken[entry.row] = true;
                so_far.add(entry, layer);
                choose(&mut told, entry.row, entry.distance, observer).await?;
            }
            found.iter_mut().zip(budgets).filter(|(_, budget)| **budget == after).for_each(|(found, _)| {
                found.clone_from(&so_far);
            });
        }
        Ok(found)
    }

    /// The entries as the tie rule ranks them.
    async fn ranked<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        entries: &[Entry],
        observer: &mut O,
    ) -> Result<Vec<Entry>, CoreError> {
        let mut ranked = entries.to_vec();
        if self.config.tie == TieRule::NearestTarget {
            return Ok(ranked);
        }
        ranked.sort_by_key(|entry| entry.row);
        let rows: Vec<usize> = ranked.iter().map(|entry| entry.row).collect();
        let moved = pool.transport(&rows, None, &self.transport_config(), false, observer).await?;
        let sign = if self.config.tie == TieRule::LargestPotential { -1.0 } else { 1.0 };
        let mut ranked: Vec<(f64, Entry)> = moved.f.iter().map(|f| sign * f).zip(ranked).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.row.cmp(&b.1.row)));
        Ok(ranked.into_iter().map(|(_, entry)| entry).collect())
    }
}

impl TarotSelection {
    fn add(&mut self, entry: &Entry, layer: usize) {
        self.rows.push(entry.row);
        self.layer.push(layer);
        self.target.push(entry.target);
        self.distance.push(entry.distance);
    }
}

/// The candidates of a layer that are new, nearest first, ties to the lower index.
fn entries(pool: &TargetPool, lists: &NearestCandidates, layer: usize, taken: &[bool]) -> Vec<Entry> {
    let mut entries = BTreeMap::new();
    for target in 0..pool.targets() {
        let Some((row, _)) = lists.at(target, layer) else { continue };
        if taken[row] {
            continue;
        }
        let distance = pool.distance(row, target);
        let entry = entries.entry(row).or_insert(Entry { row, target, distance });
        if distance < entry.distance {
            (entry.target, entry.distance) = (target, distance);
        }
    }
    // They come in the order of rows, and sorting is stable.
    let mut entries: Vec<Entry> = entries.into_values().collect();
    entries.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    entries
}

/// [`Tarot::choose`]; the score of a row is its distance to the target for which it entered. Uses no randomness.
impl Selector for Tarot {
    type Pool = TargetPool;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        let found = self.choose(pool, budget, observer).await?;
        Ok(Selection { rows: found.rows, scores: found.distance })
    }
}
