//! The best rows that are not near to a better one.

use super::{Distance, QualityPool, Selection, SelectionObserver, Selector, choose};
use crate::{CoreError, Rng};

/// Walks down the rows by quality and keeps those far enough from everything kept, until the budget is full.
///
/// This is the selection of DEITA (Liu et al., arXiv 2312.15685), whose quality is the sum over turns of a complexity
/// score times a quality score, and whose rule is a cosine *similarity* of at most 0.9: a cosine distance of at least
/// 0.1. The score of a choice is its quality.
///
/// The first row is always kept. If the pool runs out of rows that are far enough, fewer than the budget are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiverseQuality {
    /// How distances are measured.
    pub distance: Distance,
    /// A row is passed over if a kept one is nearer than this.
    pub least: f64,
}

impl Selector for DiverseQuality {
    type Pool = QualityPool;

    /// # Errors
    /// Also [`CoreError::OutOfRange`] if `least` is NaN or below 0.
    async fn select<O: SelectionObserver>(
        &self,
        pool: &QualityPool,
        budget: usize,
        _rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        pool.check(budget)?;
        if self.least.is_nan() || self.least < 0.0 {
            return Err(CoreError::range("least", self.least, "at least 0"));
        }
        let mut selection = Selection::default();
        for row in pool.best_first() {
            let far = |kept: &usize| pool.points().distance(self.distance, row, *kept) >= self.least;
            if selection.rows.iter().all(far) {
                choose(&mut selection, row, pool.quality()[row], observer).await?;
                if selection.rows.len() == budget {
                    break;
                }
            }
        }
        Ok(selection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::Points;
    use futures::executor::block_on;

    #[test]
    fn near_duplicates_of_better_rows_are_passed_over() {
        let rows = Points::new(vec![1.0, 0.0, 1.0, 0.1, 0.0, 1.0, -1.0, 0.0], 2).unwrap();
        let pool = QualityPool::new(rows, vec![0.9, 0.8, 0.1, 0.2]).unwrap();
        let select = |distance, least, budget| {
            block_on(DiverseQuality { distance, least }.select(&pool, budget, &Rng::new(1), &mut ()))
        };
        assert_eq!(select(Distance::Cosine, 0.1, 3).unwrap().rows, [0, 3, 2]);
        assert_eq!(select(Distance::Euclidean, 0.1, 3).unwrap().rows, [0, 1, 3], "just far enough");
        assert_eq!(select(Distance::Cosine, 0.1, 4).unwrap().rows, [0, 3, 2], "there is no fourth");
        assert_eq!(select(Distance::Cosine, 9.0, 4).unwrap().rows, [0], "the first is always kept");
        assert!(select(Distance::Cosine, f64::NAN, 4).is_err());
        assert!(select(Distance::Cosine, 0.1, 0).is_err());
    }
}
