//! The rows most similar to the targets on average: what influence scores select.

use super::{Selection, SelectionObserver, Selector, TargetPool, check_budget, choose};
use crate::{CoreError, Rng};

/// The rows with the largest mean cosine to the targets, ties to the lower index: the rule of LESS, DsDm and other
/// influence scores, on the features of the pool. The score is that mean. Where the targets have several modes, it
/// takes the dominant one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanSimilarity;

impl Selector for MeanSimilarity {
    type Pool = TargetPool;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let scores = pool.mean_similarities();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let mut selection = Selection::default();
        for row in order.into_iter().take(budget) {
            choose(&mut selection, row, scores[row], observer).await?;
        }
        Ok(selection)
    }
}
