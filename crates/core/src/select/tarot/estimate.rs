//! How much to select: layers are added while the transport distance to other targets falls.

use std::collections::BTreeMap;

use super::super::target_pool::{columns, transport};
use super::super::{SelectionObserver, TargetPool};
use super::Tarot;
use crate::{CoreError, Rng};

/// Layers of candidates that are found at first.
const FIRST_DEPTH: usize = 32;

/// What the search of one part of the targets saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoldTrace {
    /// The targets that chose.
    pub targets: Vec<usize>,
    /// Candidates after 1, 2, … layers, as far as the search went.
    pub sizes: Vec<usize>,
    /// Transport distance of these candidates to the other targets.
    pub distances: Vec<f64>,
    /// Layers of the best; 0 if no candidate is above the threshold, and the part was left out.
    pub best: usize,
}

/// A selection whose size transport suggests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The union over the parts, in the order in which rows entered.
    pub rows: Vec<usize>,
    /// The layer in which each entered first, from 1.
    pub layer: Vec<usize>,
    /// What each part saw.
    pub folds: Vec<FoldTrace>,
}

impl Estimate {
    /// Chosen rows as a share of the candidates.
    pub fn ratio(&self, candidates: usize) -> f64 {
        self.rows.len() as f64 / candidates.max(1) as f64
    }

    /// Parts that were left out, as no candidate was above the threshold.
    pub fn left_out(&self) -> usize {
        self.folds.iter().filter(|fold| fold.best == 0).count()
    }
}

impl Tarot {
    /// Selection by minimising the transport distance (OTM). Targets are shuffled by `rng.split("folds")` and cut into
    /// parts. The targets of a part choose their nearest candidates, one more each in every layer, and all *other* targets
    /// judge: the search of a part ends after `patience` layers that did not lower the distance, and keeps the best. The
    /// result is the union over the parts, so it over-selects a little.
    ///
    /// The official code keeps one layer too many (the one that failed the test); here the best is kept.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] with fewer targets than parts, or if no candidate is above the threshold for any
    /// target; [`CoreError::ReadBack`]; [`CoreError::Interrupted`].
    pub async fn estimate<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Estimate, CoreError> {
        let (folds, count) = (self.config.folds, pool.targets());
        if folds > count {
            return Err(CoreError::range("folds", folds, format!("at most {count}, the number of targets")));
        }
        let most = self.config.layers.min(pool.rows());
        let mut lists = pool.nearest(FIRST_DEPTH.min(most), observer).await?;
        let mut order: Vec<usize> = (0..count).collect();
        rng.split("folds").shuffle(&mut order);
        let mut estimate = Estimate::default();
        let mut place: BTreeMap<usize, usize> = BTreeMap::new();
        for fold in 0..folds {
            let (from, to) = (fold * count / folds, (fold + 1) * count / folds);
            let judges: Vec<usize> = order[..from].iter().chain(&order[to..]).copied().collect();
            let mut trace = FoldTrace { targets: order[from..to].to_vec(), ..FoldTrace::default() };
            let mut taken = vec![false; pool.rows()];
            let mut rows: Vec<usize> = Vec::new();
            let mut layer_of: Vec<usize> = Vec::new();
            let mut costs: Vec<f32> = Vec::new();
            let (mut best, mut failures) = (f64::INFINITY, 0);
            for layer in 1..=most {
                if layer > lists.depth() {
                    lists = pool.nearest((lists.depth() * 4).min(most), observer).await?;
                }
                let known = rows.len();
                for target in &trace.targets {
                    if let Some((row, similarity)) = lists.at(*target, layer - 1)
                        && f64::from(similarity) > self.config.threshold
                        && !taken[row]
                    {
                        taken[row] = true;
                        rows.push(row);
                        layer_of.push(layer);
                    }
                }
                if rows.is_empty() {
                    break;
                }
                costs.extend(columns(&pool.distances(&rows[known..]).await?, count, &judges));
                let config = self.transport_config();
                let distance = transport(costs.clone(), judges.len(), &config, false, observer).await?.cost;
                trace.sizes.push(rows.len());
                trace.distances.push(distance);
                if distance < best {
                    best = distance;
                    trace.best = layer;
                    failures = 0;
                } else {
                    failures += 1;
                    if failures >= self.config.patience {
                        break;
                    }
                }
            }
            for (row, layer) in rows.into_iter().zip(layer_of).filter(|(_, layer)| *layer <= trace.best) {
                match place.get(&row) {
                    Some(at) => estimate.layer[*at] = estimate.layer[*at].min(layer),
                    None => {
                        place.insert(row, estimate.rows.len());
                        estimate.rows.push(row);
                        estimate.layer.push(layer);
                    }
                }
            }
            estimate.folds.push(trace);
        }
        if estimate.rows.is_empty() {
            let range = "lower: no candidate is as similar as that to any target";
            return Err(CoreError::range("threshold", self.config.threshold, range));
        }
        Ok(estimate)
    }
}
