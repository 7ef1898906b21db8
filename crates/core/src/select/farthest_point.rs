//! Rows that leave no row far away.

use super::{Distance, Points, Selection, SelectionObserver, Selector, check_budget, choose};
use crate::{CoreError, Rng};

/// Farthest-first traversal, also called greedy k-center (Gonzalez 1985): a random row, then again and again the row farthest from all chosen.
///
/// Its largest distance from a row to the nearest chosen one is at most twice the best possible for the budget. The
/// score of a choice is its distance to the chosen rows; the first has none, 0. Ties go to the lower row. `N · K`
/// distances on the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FarthestPoint {
    /// How distances are measured.
    pub distance: Distance,
}

impl Selector for FarthestPoint {
    type Pool = Points;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &Points,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        check_budget(budget, pool.rows())?;
        let mut selection = Selection::default();
        // Chosen rows are marked by a negative distance, so that duplicates of them can still be chosen.
        let mut away = vec![f64::INFINITY; pool.rows()];
        let mut row = rng.split("farthest point").below(pool.rows());
        let mut score = 0.0;
        loop {
            choose(&mut selection, row, score, observer).await?;
            away[row] = -1.0;
            if selection.rows.len() == budget {
                return Ok(selection);
            }
            (row, score) = (0, f64::NEG_INFINITY);
            let last = selection.rows[selection.rows.len() - 1];
            for (other, distance) in away.iter_mut().enumerate() {
                if *distance >= 0.0 {
                    *distance = distance.min(pool.distance(self.distance, other, last));
                }
                if *distance > score {
                    (row, score) = (other, *distance);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    fn select(values: Vec<f32>, budget: usize, seed: u64) -> Selection {
        let rows = Points::new(values, 1).unwrap();
        block_on(FarthestPoint::default().select(&rows, budget, &Rng::new(seed), &mut ())).unwrap()
    }

    #[test]
    fn the_farthest_row_follows() {
        for seed in 0..5 {
            let found = select(vec![0.0, 1.0, 10.0, 4.0], 3, seed);
            let expected: [usize; 3] = match found.rows[0] {
                0 | 1 => [found.rows[0], 2, 3],
                2 => [2, 0, 3],
                _ => [3, 2, 0],
            };
            assert_eq!(found.rows, expected);
            assert!(found.scores[1] >= found.scores[2]);
        }
    }

    #[test]
    fn duplicates_are_chosen_once_each() {
        let mut found = select(vec![1.0; 6], 6, 1).rows;
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2, 3, 4, 5]);
    }
}
