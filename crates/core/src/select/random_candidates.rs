//! Candidates drawn evenly, whatever the targets are.

use super::{Selection, SelectionObserver, Selector, TargetPool, check_budget, choose};
use crate::{CoreError, Rng};

/// Draws rows evenly without replacement, from `rng.split("random")`, as [`super::Random`] does from a pool without
/// targets; every score is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RandomCandidates;

impl Selector for RandomCandidates {
    type Pool = TargetPool;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &TargetPool,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let mut selection = Selection::default();
        for row in rng.split("random").sample(pool.rows(), budget) {
            choose(&mut selection, row, 0.0, observer).await?;
        }
        Ok(selection)
    }
}
