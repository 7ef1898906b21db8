//! Rows drawn evenly: the baseline of every selection.

use super::{Selection, SelectionObserver, Selector, check_budget, choose};
use crate::{CoreError, Rng};

/// Draws rows evenly without replacement. The pool is a number of rows, whatever they are; every score is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random;

impl Selector for Random {
    type Pool = usize;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &usize,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, *pool)?;
        let mut selection = Selection::default();
        for row in rng.clone().sample(*pool, budget) {
            choose(&mut selection, row, 0.0, observer).await?;
        }
        Ok(selection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    #[test]
    fn rows_are_distinct_and_depend_on_the_seed() {
        let select = |seed| block_on(Random.select(&50, 20, &Rng::new(seed), &mut ())).unwrap().rows;
        let mut rows = select(1);
        assert_eq!(rows, select(1));
        assert_ne!(rows, select(2));
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 20);
        assert!(block_on(Random.select(&5, 6, &Rng::new(1), &mut ())).is_err());
    }
}
