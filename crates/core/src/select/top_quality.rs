//! The best rows by quality alone: one row at a time, blind to what is chosen already.

use super::{QualityPool, Selection, SelectionObserver, Selector, choose};
use crate::{CoreError, Rng};

/// Chooses the rows of highest quality; the score of a choice is its quality. Of equal rows the first wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopQuality;

impl Selector for TopQuality {
    type Pool = QualityPool;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &QualityPool,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        pool.check(budget)?;
        let mut selection = Selection::default();
        for row in pool.best_first().into_iter().take(budget) {
            choose(&mut selection, row, pool.quality()[row], observer).await?;
        }
        Ok(selection)
    }
}

/// Keeps the rows whose rating reaches a threshold, best first, as AlpaGasus (Chen et al., arXiv 2307.08701) does with
/// ratings from 0 to 5 by a chat model and a threshold of 4.5. Costs one rating for every row of the pool.
///
/// The budget is an upper limit: fewer rows are chosen where fewer reach the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityThreshold {
    /// The lowest quality that is kept.
    pub threshold: f64,
}

impl Selector for QualityThreshold {
    type Pool = QualityPool;

    /// # Errors
    /// Also [`CoreError::OutOfRange`] if no row reaches the threshold.
    async fn select<O: SelectionObserver>(
        &self,
        pool: &QualityPool,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        pool.check(budget)?;
        let mut selection = Selection::default();
        for row in pool.best_first().into_iter().take(budget) {
            if pool.quality()[row] < self.threshold || self.threshold.is_nan() {
                break;
            }
            choose(&mut selection, row, pool.quality()[row], observer).await?;
        }
        if selection.rows.is_empty() {
            let best = pool.quality().iter().copied().fold(f64::NEG_INFINITY, f64::max);
            return Err(CoreError::range(
                "threshold",
                self.threshold,
                format!("at most {best}, the best quality"),
            ));
        }
        Ok(selection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::Points;
    use futures::executor::block_on;

    fn pool() -> QualityPool {
        QualityPool::new(Points::new(vec![0.0; 5], 1).unwrap(), vec![4.5, 1.0, 5.0, 4.5, 4.0]).unwrap()
    }

    #[test]
    fn the_best_come_first_and_equal_ones_in_order() {
        let found = block_on(TopQuality.select(&pool(), 4, &Rng::new(1), &mut ())).unwrap();
        assert_eq!((found.rows, found.scores), (vec![2, 0, 3, 4], vec![5.0, 4.5, 4.5, 4.0]));
        assert!(block_on(TopQuality.select(&pool(), 6, &Rng::new(1), &mut ())).is_err());
    }

    #[test]
    fn a_threshold_keeps_what_reaches_it() {
        let select = |threshold, budget| {
            block_on(QualityThreshold { threshold }.select(&pool(), budget, &Rng::new(1), &mut ()))
        };
        assert_eq!(select(4.5, 5).unwrap().rows, [2, 0, 3]);
        assert_eq!(select(4.5, 2).unwrap().rows, [2, 0]);
        assert!(select(5.5, 5).unwrap_err().to_string().contains("at most 5"));
        assert!(select(f64::NAN, 5).is_err());
    }
}
