//! A language model behind a chat endpoint, in plain HTTP.
//!
//! The environment says where it is:
//!
//! | variable | meaning |
//! |---|---|
//! | `LOWSHOT_CHAT_URL` | address of an endpoint that speaks as OpenAI's chat completions do, `http://127.0.0.1:8000/v1/chat/completions` |
//! | `LOWSHOT_CHAT_MODEL` | name of the model; may be left out where the server has one only |
//! | `LOWSHOT_CHAT_KEY` | sent as bearer token, to this machine only |
//! | `LOWSHOT_CHAT_CACHE` | a file (JSON lines) in which replies are kept, so that nothing is asked twice |
//! | `LOWSHOT_CHAT_SECONDS` | most seconds for one reply (60) |
//!
//! There is no encryption here: `https` is refused, and a key never leaves this machine. For a server elsewhere, run a
//! proxy or a tunnel on this one.

mod cache;
mod http;

use cache::Cache;
use http::{Endpoint, Fault};
use lowshot_lab::{ChatError, ChatRequest};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

/// Attempts at a request before the server is given up, and the waits between them.
const WAITS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(300), Duration::from_millis(1500)];
/// Seconds for one reply unless the environment says otherwise.
const SECONDS: u64 = 60;

/// What the environment says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) model: String,
    pub(crate) key: String,
    pub(crate) cache: String,
    pub(crate) seconds: String,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn from_env() -> Settings {
        let read = |name: &str| std::env::var(name).unwrap_or_default().trim().to_owned();
        Settings {
            url: read("LOWSHOT_CHAT_URL"),
            model: read("LOWSHOT_CHAT_MODEL"),
            key: read("LOWSHOT_CHAT_KEY"),
            cache: read("LOWSHOT_CHAT_CACHE"),
            seconds: read("LOWSHOT_CHAT_SECONDS"),
        }
    }
}

/// The client of one run.
pub(crate) struct Chat {
    endpoint: Endpoint,
    model: String,
    timeout: Duration,
    cache: RefCell<Cache>,
}

impl Chat {
    /// Checks the settings and opens the cache; nothing is sent yet.
    ///
    /// # Errors
    /// The variable that is wrong, and what would be right.
    pub(crate) fn new(settings: &Settings) -> Result<Chat, String> {
        if settings.url.is_empty() {
            return Err("set LOWSHOT_CHAT_URL to a chat endpoint, for example \
                        http://127.0.0.1:8000/v1/chat/completions"
                .to_owned());
        }
        let endpoint = Endpoint::new(&settings.url, &settings.key)?;
        let seconds = match settings.seconds.as_str() {
            "" => SECONDS,
            text => match text.parse() {
                Ok(seconds @ 1..=3600) => seconds,
                _ => {
                    return Err(format!(
                        "LOWSHOT_CHAT_SECONDS is `{text}`; wanted whole seconds from 1 to 3600"
                    ));
                }
            },
        };
        let cache = match settings.cache.as_str() {
            "" => Cache::default(),
            path => Cache::open(Path::new(path))?,
        };
        let timeout = Duration::from_secs(seconds);
        Ok(Chat { endpoint, model: settings.model.clone(), timeout, cache: RefCell::new(cache) })
    }

    /// The reply to a request: from the cache, or from the server.
    ///
    /// # Errors
    /// [`ChatError::Unusable`] if the server's answer holds no reply; [`ChatError::Unavailable`] if it does not answer
    /// after several attempts, refuses, or the reply cannot be kept.
    pub(crate) fn ask(&self, request: &ChatRequest) -> Result<String, ChatError> {
        if let Some(reply) = self.cache.borrow().find(&self.model, request) {
            return Ok(reply);
        }
        let mut body = json!({
            "messages": [
                {"role": "system", "content": request.system},
                {"role": "user", "content": request.user},
            ],
            "temperature": 0,
            "top_p": 1,
            "max_tokens": request.max_tokens,
            "stream": false,
        });
        if !self.model.is_empty() {
            body["model"] = Value::from(self.model.as_str());
        }
        let reply = content(&self.send(&body.to_string())?)?;
        self.cache.borrow_mut().keep(&self.model, request, &reply).map_err(ChatError::Unavailable)?;
        Ok(reply)
    }

    fn send(&self, body: &str) -> Result<Vec<u8>, ChatError> {
        let mut last = String::new();
        for wait in WAITS {
            std::thread::sleep(wait);
            match self.endpoint.post(body, self.timeout) {
                Ok(bytes) => return Ok(bytes),
                Err(Fault::Again(reason)) => last = reason,
                Err(Fault::Final(reason)) => return Err(ChatError::Unavailable(reason)),
            }
        }
        let count = WAITS.len();
        Err(ChatError::Unavailable(format!(
            "{last} ({count} attempts). Replies in LOWSHOT_CHAT_CACHE are kept: run it again when the server is back"
        )))
    }
}

/// The text of the first choice.
fn content(bytes: &[u8]) -> Result<String, ChatError> {
    let unusable = |what: &str| ChatError::Unusable(format!("the server's answer {what}"));
    let answer: Value = serde_json::from_slice(bytes).map_err(|e| unusable(&format!("is not JSON: {e}")))?;
    match answer.pointer("/choices/0/message/content") {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(unusable("has no text at choices[0].message.content")),
    }
}

#[cfg(test)]
mod tests;
