//! What a caller may watch while a method runs.

use std::ops::ControlFlow;

use burn::tensor::{Int, Tensor};
use lowshot_kernels::Csr;

/// Watches a run, and may stop it. `()` watches nothing.
///
/// Both calls are asynchronous, so that a user interface can draw, pause, or give the event loop a turn.
pub trait Observer {
    /// Whether [`Observer::trace`] is to be called. Tracing computes one step at a time and reads the energy of
    /// every step back: for a single task on a screen, not for batches.
    fn traces(&self) -> bool {
        false
    }

    /// Called after every outer iteration.
    fn progress(&mut self, progress: Progress) -> impl Future<Output = ControlFlow<()>> {
        let _ = progress;
        async { ControlFlow::Continue(()) }
    }

    /// Called at the start, after every inner step and after every outer iteration, if [`Observer::traces`].
    fn trace(&mut self, trace: Trace<'_>) -> impl Future<Output = ControlFlow<()>> {
        let _ = trace;
        async { ControlFlow::Continue(()) }
    }
}

impl Observer for () {}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Outer iteration, from 0.
    pub outer: usize,
    /// Tasks that are not finished yet (1 or 0 for clustering).
    pub running: usize,
    /// Tasks of the batch.
    pub tasks: usize,
    /// Mean objective Σ z∘a − λ Σ zᵀWz of the tasks that ran in this iteration.
    pub energy: f64,
}

/// Which step a [`Trace`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The first prototypes and the labels nearest to them, before any iteration.
    Start,
    /// After inner step `inner` (from 0) of outer iteration `outer`.
    Inner {
        /// Outer iteration, from 0.
        outer: usize,
        /// Inner step, from 0.
        inner: usize,
    },
    /// After an outer iteration.
    Outer {
        /// Outer iteration, from 0.
        outer: usize,
    },
}

/// The state after one step, on the device; every tensor covers the whole batch.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// Which step.
    pub stage: Stage,
    /// The points the method works on, `[B, N, D]`: after the query shift; of `laplacian-shot` the queries only.
    pub x: &'a Tensor<3>,
    /// The neighbour graph, if the mode has one.
    pub graph: Option<&'a Csr>,
    /// Hard labels `[B, N]`.
    pub label: &'a Tensor<2, Int>,
    /// Assignments `[B, N, K]`.
    pub z: &'a Tensor<3>,
    /// Prototypes `[B, K, D]`.
    pub prototypes: &'a Tensor<3>,
    /// The relaxed objective R = Σ z·log z + Σ z∘a − (λ/2) Σ zᵀWz of each task.
    pub relaxed: &'a [f64],
    /// The energy that the official code prints and tests, with λ instead of λ/2 (without the entropy at
    /// [`Stage::Outer`]); it may go up.
    pub printed: &'a [f64],
    /// Which tasks were still running; the others' state is not meaningful.
    pub running: &'a [bool],
}
