//! What a run needs from where it runs.

use crate::Error;
use futures::future::LocalBoxFuture;
use lowshot_protocol::Event;

/// Clock, files and event loop of the surroundings.
pub trait Platform {
    /// Seconds on a monotonic clock.
    fn now(&self) -> f64;

    /// Called at every tick; gives a browser its event loop back now and then, and does nothing elsewhere.
    fn yield_now(&self) -> LocalBoxFuture<'_, ()>;

    /// Bytes of a file of the bundled data sets.
    fn bundled<'a>(&'a self, file: &'a str) -> LocalBoxFuture<'a, Result<Vec<u8>, String>>;

    /// Bytes of a file named in a request.
    ///
    /// # Errors
    /// Says why it may not or cannot be read; a browser has no files.
    fn read_path(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// Where the events of one run go.
pub trait Sink {
    /// An event with its attachments.
    fn emit(&self, event: Event, buffers: Vec<Vec<u8>>);

    /// One finished item, to be kept so that a killed run loses nothing. The default keeps nothing.
    ///
    /// # Errors
    /// Says why it cannot be kept (disk full); the run then ends.
    fn record(&self, _index: u64, _bytes: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}
