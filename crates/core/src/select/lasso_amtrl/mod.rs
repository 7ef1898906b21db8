//! L1-A-MTRL: how many samples to label in each of many source tasks, for a target task with few labels.
//!
//! All tasks share a representation x ↦ Bᵀx of few dimensions; task t predicts xᵀB·w_t. A relevance ν writes the head of
//! the target as a combination of the source heads, W·ν = w; samples are drawn in proportion to |ν| for the ν of least
//! 1-norm (Wang, Chen, Jamieson and Du, arXiv 2306.02556), estimated by a Lasso, or in proportion to ν² for the one
//! of least 2-norm (Chen, Jamieson and Du, arXiv 2202.00911).
//!
//! | part | in |
//! |---|---|
//! | relevance by either norm, with heads known or estimated, and the variance V(n) | [`relevance`] |
//! | from relevance to whole numbers of samples: floor, pool sizes, costs | [`allocation`] |
//! | sums of products of what was drawn | [`Moments`] |
//! | the fit of B and W to all samples | [`MultiTaskFit`] |
//! | where samples come from: [`LinearWorld`], [`TaskPools`] | [`TaskSource`] |
//! | rounds of drawing, fitting and estimating | [`ActiveSampling`] |
//!
//! Heads are stored task by task: `heads[t·K..(t+1)·K]` is w_t. All on the host, in f64, with IEEE operations only.

mod active;
pub mod allocation;
mod fit;
mod moments;
mod pools;
pub mod relevance;
mod world;

#[cfg(test)]
mod tests;

pub use active::{ActiveSampling, Outcome, Round, Schedule, Strategy};
pub use fit::{FitOptions, MultiTaskFit, Representation, ridge_weights};
pub use moments::Moments;
pub use pools::{PoolDraws, TaskPool, TaskPools};
pub use world::{Heads, LinearWorld};

/// Where labelled samples of the source tasks come from.
pub trait TaskSource {
    /// Number of source tasks.
    fn tasks(&self) -> usize;

    /// Samples of a task that are left; `usize::MAX` without a limit.
    fn left(&self, task: usize) -> usize;

    /// Labels `count` further samples of `task` and adds them to its sums; at most as many as are left.
    fn draw(&mut self, task: usize, count: usize, into: &mut Moments);
}
