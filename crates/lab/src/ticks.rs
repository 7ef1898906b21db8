//! The ticks of a run inside a computation of the core, with the time that they take.

use crate::{Context, Error};
use std::ops::ControlFlow;

/// Passes ticks on, keeps the error that ended a computation, and knows the seconds that were no work.
pub(crate) struct Ticks<'a> {
    /// The run.
    pub(crate) cx: &'a mut Context,
    idle: f64,
    error: Option<Error>,
}

impl<'a> Ticks<'a> {
    /// Of a run.
    pub(crate) fn new(cx: &'a mut Context) -> Ticks<'a> {
        Ticks { cx, idle: 0.0, error: None }
    }

    /// Seconds on the clock without those spent waiting and drawing.
    pub(crate) fn working_seconds(&self) -> f64 {
        self.cx.now() - self.idle
    }

    /// Counts `seconds` as no work.
    pub(crate) fn rested(&mut self, seconds: f64) {
        self.idle += seconds;
    }

    /// Lets the run be held or stopped.
    pub(crate) async fn pass(&mut self) -> Result<(), Error> {
        let start = self.cx.now();
        let passed = self.cx.tick().await;
        self.rested(self.cx.now() - start);
        passed
    }

    /// The same for an observer, which breaks off; the error is kept.
    pub(crate) async fn go_on(&mut self) -> ControlFlow<()> {
        match self.pass().await {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// The error that ended a computation, if one did.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }
}
