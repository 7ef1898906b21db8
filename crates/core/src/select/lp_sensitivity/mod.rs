//! Rows that stand for all rows under a loss Σ|aᵢᵀx|^p: sensitivity sampling and its cheaper relatives.
//!
//! Woodruff and Yasuda, "Sharper Bounds for ℓp Sensitivity Sampling", ICML 2023 (arXiv 2306.00732), with the scores it
//! is compared with. A matrix A has n rows and d columns; each row gets a score, is kept with a probability that grows
//! with it, and carries the weight 1/q so that the loss is right on average for every x.
//!
//! | module | what is in it |
//! |---|---|
//! | [`rows`] | where rows come from, block by block, and an orthonormal basis of their columns |
//! | [`score`] | the scores by name; leverage and root leverage |
//! | [`lewis`] | Lewis weights |
//! | [`sensitivity`] | sensitivities, each with a lower and an upper bound |
//! | [`estimate`] | block signs, and the total from a few rows |
//! | [`flatten`] | splitting rows so that no sensitivity is large |
//! | [`sample`] | probabilities from scores, and the draw; recursive root leverage sampling |
//! | [`regression`] | ℓp regression on all rows or on the kept ones |
//! | [`distortion`] | how far the kept rows are off, over the worst x that is found |
//! | [`bounds`] | how many rows theory asks for |
//! | [`selector`] | all scores as a [`Selector`](super::Selector) |
//! | [`generate`] | rows with heavy tails, planted rows, polynomial features |
//!
//! Everything is f64 on the host: the columns are few, and the solves lose their meaning in f32 for p near 1. Long
//! loops hand over to a [`Watch`], block by block; memory beyond the rows is O(n + d²) unless a basis is asked for.

pub mod bounds;
pub mod distortion;
pub mod estimate;
pub mod flatten;
pub mod generate;
pub mod lewis;
mod power;
pub mod regression;
pub mod rows;
pub mod sample;
pub mod score;
pub mod selector;
pub mod sensitivity;

pub use power::power;
pub use rows::{Basis, Dense, Rows};
pub use score::Score;

use crate::CoreError;
use std::ops::ControlFlow;
use std::pin::Pin;

/// Watches a long computation on the host, and may stop it. [`NoWatch`] watches nothing.
///
/// Boxed futures, so that no algorithm is compiled twice for who watches.
pub trait Watch {
    /// Called after each block of work: how much is done, out of how much.
    fn beat(&mut self, done: usize, total: usize) -> Pin<Box<dyn Future<Output = ControlFlow<()>> + '_>>;
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn beat(&mut self, _done: usize, _total: usize) -> Pin<Box<dyn Future<Output = ControlFlow<()>> + '_>> {
        Box::pin(async { ControlFlow::Continue(()) })
    }
}

/// Hands over to the watch.
async fn beat(watch: &mut dyn Watch, done: usize, total: usize) -> Result<(), CoreError> {
    match watch.beat(done, total).await {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(CoreError::Interrupted),
    }
}

/// Checks the exponent of the loss.
///
/// # Errors
/// [`CoreError::OutOfRange`] unless 1 ≤ p ≤ 10.
pub fn check_p(p: f64) -> Result<(), CoreError> {
    if (1.0..=10.0).contains(&p) { Ok(()) } else { Err(CoreError::range("p", p, "1 to 10")) }
}

#[cfg(test)]
mod tests;
