//! Farthest first: rows that leave no row far away.

use super::{Embeddings, Selection, SelectionObserver, Selector, check_budget, choose};
use crate::{CoreError, Rng};

/// Farthest first (greedy k-center, the core-set of Sener and Savarese 2018): the row that is farthest from its
/// nearest chosen row, ties to the lower index.
///
/// The first row is drawn from `rng.split("k-center")`. Distances are Euclidean between rows of length 1, so the score
/// of a row, its distance to the rows chosen before, is at most 2, and 2 for the first. Scores never increase. Without
/// a first row that is an outlier, the largest distance left is at most twice the best possible (Gonzalez 1985).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KCenter;

impl Selector for KCenter {
    type Pool = Embeddings;

    async fn select<O: SelectionObserver>(
        &self,
        pool: &Embeddings,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> Result<Selection, CoreError> {
        let first = rng.split("k-center").below(pool.rows());
        let update = |state: f64, similarity: f64| state.min(libm::sqrt((2.0 - 2.0 * similarity).max(0.0)));
        farthest(pool, budget, first, 2.0, update, observer).await
    }
}

/// Chooses `first`, then always the row with the largest state; every choice updates the state of all rows with their
/// similarity to it. One row of similarities a choice, no matrix.
pub(super) async fn farthest<O: SelectionObserver>(
    pool: &Embeddings,
    budget: usize,
    first: usize,
    start: f64,
    update: impl Fn(f64, f64) -> f64,
    observer: &mut O,
) -> Result<Selection, CoreError> {
    check_budget(budget, pool.rows())?;
    let mut state = vec![start; pool.rows()];
    let mut open = vec![true; pool.rows()];
    let mut selection = Selection::default();
    let mut next = first;
    loop {
        choose(&mut selection, next, state[next], observer).await?;
        open[next] = false;
        if selection.rows.len() == budget {
            return Ok(selection);
        }
        let similarities = pool.similarities(&[next]).await?;
        let mut best = f64::NEG_INFINITY;
        for (row, similarity) in similarities.into_iter().enumerate() {
            state[row] = update(state[row], f64::from(similarity));
            if open[row] && state[row] > best {
                (best, next) = (state[row], row);
            }
        }
    }
}
