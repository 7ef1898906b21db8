//! Clock and files of a native run.

use crate::chat::{Chat, Settings};
use futures::future::{FutureExt, LocalBoxFuture};
use lowshot_core::rng::fnv1a;
use lowshot_lab::{ChatError, ChatRequest, Platform};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// A run that has this process for itself: any file may be read.
pub(crate) struct NativePlatform {
    start: Instant,
    /// Digests that the files had when the run began; empty for a new run.
    expected: BTreeMap<String, String>,
    seen: RefCell<BTreeMap<String, String>>,
    /// Opened when a run first wants to ask a language model.
    chat: OnceCell<Result<Chat, String>>,
}

impl NativePlatform {
    /// For a new run, or one that goes on with files of the given digests.
    pub(crate) fn new(expected: BTreeMap<String, String>) -> NativePlatform {
        NativePlatform { start: Instant::now(), expected, seen: RefCell::default(), chat: OnceCell::new() }
    }

    /// Digests (FNV-1a, 64 bits) of the files read so far, by path.
    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        self.seen.borrow().clone()
    }

    fn chat_client(&self) -> Result<&Chat, String> {
        self.chat.get_or_init(|| Chat::new(&Settings::from_env())).as_ref().map_err(Clone::clone)
    }
}

impl Platform for NativePlatform {
    fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn yield_now(&self) -> LocalBoxFuture<'_, ()> {
        futures::future::ready(()).boxed_local()
    }

    fn bundled<'a>(&'a self, file: &'a str) -> LocalBoxFuture<'a, Result<Vec<u8>, String>> {
        futures::future::ready(bundled(file)).boxed_local()
    }

    fn read_path(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = read_file(Path::new(path))?;
        let digest = format!("{:016x}", fnv1a(&bytes));
        if self.expected.get(path).is_some_and(|expected| *expected != digest) {
            return Err(
                "the file has changed since the run began, so its saved results belong to other data; \
                        restore the file, or begin a new run in another directory"
                    .to_owned(),
            );
        }
        self.seen.borrow_mut().insert(path.to_owned(), digest);
        Ok(bytes)
    }

    fn chat_ready(&self) -> Result<(), String> {
        self.chat_client().map(|_| ())
    }

    fn chat<'a>(&'a self, request: &'a ChatRequest) -> LocalBoxFuture<'a, Result<String, ChatError>> {
        let reply = self.chat_client().map_err(ChatError::Unavailable).and_then(|chat| chat.ask(request));
        futures::future::ready(reply).boxed_local()
    }
}

/// A file of the bundled data sets, which are part of the binary.
pub(crate) fn bundled(file: &str) -> Result<Vec<u8>, String> {
    lowshot_data::bundled::embedded(file)
        .map(<[u8]>::to_vec)
        .ok_or_else(|| format!("the bundled file {file} is not in this build"))
}

/// Reads a plain file; anything else gets a sentence.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let facts = fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    if facts.is_dir() {
        return Err("is a directory; give the file in it".to_owned());
    }
    fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}
