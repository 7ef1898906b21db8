//! Long computations of the core, with the run's ticks in them.

use super::config::core_error;
use crate::{Context, Error};
use lowshot_core::CoreError;
use lowshot_core::select::lp_sensitivity::Watch;
use std::ops::ControlFlow;
use std::pin::Pin;

/// Seconds between two ticks: a page stays alive, and a stop is prompt.
pub const TICK_SECONDS: f64 = 0.05;

/// Ticks while the core computes.
pub struct Ticking<'a> {
    /// The run.
    pub cx: &'a mut Context,
    last: f64,
    error: Option<Error>,
}

impl<'a> Ticking<'a> {
    /// From now on.
    pub fn new(cx: &'a mut Context) -> Ticking<'a> {
        Ticking { last: cx.now(), cx, error: None }
    }

    /// A tick if it is time for one.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn pass(&mut self) -> Result<(), Error> {
        if self.cx.now() - self.last > TICK_SECONDS || self.cx.stepping() {
            self.cx.tick().await?;
            self.last = self.cx.now();
        }
        Ok(())
    }

    /// The result of a computation that was watched.
    ///
    /// # Errors
    /// The error that a tick ended it with, or its own.
    pub fn result<T>(&mut self, result: Result<T, CoreError>) -> Result<T, Error> {
        match self.error.take() {
            Some(error) => Err(error),
            None => result.map_err(core_error),
        }
    }
}

impl Watch for Ticking<'_> {
    fn beat(&mut self, _done: usize, _total: usize) -> Pin<Box<dyn Future<Output = ControlFlow<()>> + '_>> {
        Box::pin(async {
            if self.cx.now() - self.last <= TICK_SECONDS {
                return ControlFlow::Continue(());
            }
            match self.pass().await {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    self.error = Some(error);
                    ControlFlow::Break(())
                }
            }
        })
    }
}
