//! What a run needs from where it runs.

use crate::Error;
use futures::future::LocalBoxFuture;
use lowshot_protocol::Event;

/// A question to a language model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatRequest {
    /// Who the model is.
    pub system: String,
    /// What it is asked.
    pub user: String,
    /// Most tokens of the reply.
    pub max_tokens: u32,
}

/// Why a language model did not reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// There was a reply that cannot be used; another question may fare better.
    #[error("{0}")]
    Unusable(String),
    /// There is no model here, or it cannot be reached any more.
    #[error("{0}")]
    Unavailable(String),
}

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

    /// Says why no language model can be asked here, before a run counts on one. The default has none.
    ///
    /// # Errors
    /// What is missing, and what would be right.
    fn chat_ready(&self) -> Result<(), String> {
        Err("this engine asks no language model; run it with the command line".to_owned())
    }

    /// Asks a language model, greedily (temperature 0). The default has none.
    fn chat<'a>(&'a self, _request: &'a ChatRequest) -> LocalBoxFuture<'a, Result<String, ChatError>> {
        let answer = self.chat_ready().map(|()| String::new()).map_err(ChatError::Unavailable);
        Box::pin(std::future::ready(answer))
    }
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
