//! Choosing rows of a pool: what to label, what to train on.

pub mod lp_sensitivity;

use std::ops::ControlFlow;

use crate::{CoreError, Rng};

/// Rows of a pool in the order they were chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Row numbers, the first choice first, each at most once.
    pub rows: Vec<usize>,
    /// The score of each row when it was chosen: a marginal gain or a value, as the selector says. As long as `rows`.
    pub scores: Vec<f64>,
}

/// Chooses rows of a pool.
pub trait Selector {
    /// What is chosen from: embeddings, a graph, a matrix with qualities.
    type Pool;

    /// Chooses `budget` rows of `pool`; randomness comes from `rng` alone.
    ///
    /// # Errors
    /// [`CoreError::OutOfRange`] if the budget is 0 or larger than the pool; [`CoreError::Interrupted`] when the
    /// observer breaks off; what else a selector says.
    fn select<O: SelectionObserver>(
        &self,
        pool: &Self::Pool,
        budget: usize,
        rng: &Rng,
        observer: &mut O,
    ) -> impl Future<Output = Result<Selection, CoreError>>;
}

/// Watches a selection, and may stop it. `()` watches nothing.
pub trait SelectionObserver {
    /// Called after every choice: how many are chosen, which row was the last, and its score.
    fn chosen(&mut self, count: usize, row: usize, score: f64) -> impl Future<Output = ControlFlow<()>> {
        let _ = (count, row, score);
        async { ControlFlow::Continue(()) }
    }
}

impl SelectionObserver for () {}

/// Checks a budget against the number of rows of a pool.
///
/// # Errors
/// [`CoreError::OutOfRange`] names both.
pub fn check_budget(budget: usize, rows: usize) -> Result<(), CoreError> {
    if (1..=rows).contains(&budget) {
        return Ok(());
    }
    Err(CoreError::range("budget", budget, format!("1 to {rows}, the number of rows of the pool")))
}
