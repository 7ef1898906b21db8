//! Rows drawn evenly: the baseline of every selection.

use super::{Embeddings, Selection, SelectionObserver, Selector, check_budget, choose};
use crate::{CoreError, Rng};

/// Draws rows evenly without replacement, from `rng.split("random")`; every score is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random;

impl Selector for Random {
    type Pool = Embeddings;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &Embeddings,
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
