//! A selection of a given size, layer by layer.

use std::collections::BTreeMap;

use super::super::round_robin::first_depth;
use super::super::{Selection, SelectionObserver, Selector, TargetPool, check_budget, choose};
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

/// Candidates of one layer that are new.
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
        check_budget(budget, pool.rows())?;
        let mut lists = pool.nearest(first_depth(budget, pool.targets()), observer).await?;
        let mut taken = vec![false; pool.rows()];
        let mut found = TarotSelection::default();
        let mut told = Selection::default();
        let mut layer = 0;
        while found.rows.len() < budget {
            if layer == lists.depth() {
                lists = pool.nearest(lists.depth() * 4, observer).await?;
            }
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
            let mut entries: Vec<Entry> = entries.into_values().collect();
            let room = budget - found.rows.len();
            // Entries come in the order of rows, and sorting is stable: ties go to the lower index.
            entries.sort_by(|a, b| a.distance.total_cmp(&b.distance));
            found.partial = entries.len() > room;
            if found.partial && self.config.tie != TieRule::NearestTarget {
                entries = self.by_potential(pool, entries, observer).await?;
            }
            entries.truncate(room);
            layer += 1;
            for entry in entries {
                taken[entry.row] = true;
                found.rows.push(entry.row);
                found.layer.push(layer);
                found.target.push(entry.target);
                found.distance.push(entry.distance);
                choose(&mut told, entry.row, entry.distance, observer).await?;
            }
        }
        Ok(found)
    }

    /// The entries in the order of their transport potentials to all targets.
    async fn by_potential<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        mut entries: Vec<Entry>,
        observer: &mut O,
    ) -> Result<Vec<Entry>, CoreError> {
        entries.sort_by_key(|entry| entry.row);
        let rows: Vec<usize> = entries.iter().map(|entry| entry.row).collect();
        let moved = pool.transport(&rows, None, &self.transport_config(), false, observer).await?;
        let sign = if self.config.tie == TieRule::LargestPotential { -1.0 } else { 1.0 };
        let mut ranked: Vec<(f64, Entry)> = moved.f.iter().map(|f| sign * f).zip(entries).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.row.cmp(&b.1.row)));
        Ok(ranked.into_iter().map(|(_, entry)| entry).collect())
    }
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
