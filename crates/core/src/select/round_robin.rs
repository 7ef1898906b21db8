//! Targets choose in turn.

use super::{Selection, SelectionObserver, Selector, TargetPool, check_budget, choose};
use crate::{CoreError, Rng};

/// Each target in turn, in their order, takes its most similar row that nobody has taken. The score is that cosine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundRobin;

impl Selector for RoundRobin {
    type Pool = TargetPool;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let targets = pool.targets();
        let mut lists = pool.nearest(first_depth(budget, targets), observer).await?;
        let mut taken = vec![false; pool.rows()];
        let mut place = vec![0; targets];
        let mut selection = Selection::default();
        for turn in 0..budget {
            let target = turn % targets;
            let (row, similarity) = loop {
                match lists.at(target, place[target]) {
                    Some((row, _)) if taken[row] => place[target] += 1,
                    Some(found) => break found,
                    None => lists = pool.nearest(lists.depth() * 4, observer).await?,
                }
            };
            taken[row] = true;
            choose(&mut selection, row, f64::from(similarity), observer).await?;
        }
        Ok(selection)
    }
}

/// How many candidates of each target are worth finding at first: some times the share of a target.
pub(super) fn first_depth(budget: usize, targets: usize) -> usize {
    (4 * budget.div_ceil(targets.max(1))).max(32)
}
