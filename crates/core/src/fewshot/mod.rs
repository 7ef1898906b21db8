//! Few-shot classification of whole query sets (transductive), and the clustering that it rests on.
//!
//! Everything is batched: the leading dimension of every tensor is a batch of tasks of one size.

mod assignments;
pub mod label_propagation;
mod observer;
pub mod prototype_laplacian;
mod tasks;

use crate::CoreError;

pub use assignments::Assignments;
pub use observer::{Observer, Progress, Stage, Trace};
pub use tasks::{Normalization, Tasks, group_by_size, normalize};

/// A classifier that labels all queries of a task together.
pub trait TransductiveClassifier {
    /// Labels the rows of every task of the batch.
    ///
    /// `observer` sees the progress and, if it asks for it, every step; `&mut ()` sees nothing and is fastest.
    ///
    /// # Errors
    /// [`CoreError`] for tasks that cannot be solved (a class without support, too few rows for the graph),
    /// a device that fails, or [`CoreError::Interrupted`] if the observer stops the run.
    fn classify<O: Observer>(
        &self,
        tasks: &Tasks,
        observer: &mut O,
    ) -> impl Future<Output = Result<Assignments, CoreError>>;
}
