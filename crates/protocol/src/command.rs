//! What a user interface asks of an engine.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Identifies a run within one connection; chosen by the user interface.
pub type RunId = u64;

/// A request to an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Asks who is there; answered by [`crate::Message::Hello`].
    Hello {
        /// [`crate::PROTOCOL_VERSION`] of the sender.
        protocol: u32,
    },
    /// Starts a run.
    Run {
        /// Identifier that all events of the run carry.
        run: RunId,
        /// What to run.
        request: RunRequest,
    },
    /// Holds a run at its next tick.
    Pause {
        /// The run.
        run: RunId,
    },
    /// Lets a held run go on.
    Resume {
        /// The run.
        run: RunId,
    },
    /// Lets a held run go on for one tick.
    Step {
        /// The run.
        run: RunId,
    },
    /// Ends a run at its next tick.
    Stop {
        /// The run.
        run: RunId,
    },
}

/// One run: the same content as a URL, a command line, or a configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRequest {
    /// Method identifier.
    pub method: String,
    /// Configuration; missing fields take their defaults.
    pub config: Value,
    /// Seed of every random choice.
    pub seed: u64,
    /// Inputs by name; missing ones take the bundled default.
    #[serde(default)]
    pub inputs: BTreeMap<String, InputSource>,
    /// Part of the work to do, for runs spread over several machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Start held, so that the first [`Command::Step`] shows the first step.
    #[serde(default)]
    pub paused: bool,
}

/// Where the bytes of an input come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum InputSource {
    /// A data set that comes with Lowshot (written `builtin:NAME`).
    Builtin {
        /// Its name.
        name: String,
    },
    /// A file of the visitor, sent along as a binary attachment of the frame.
    Attached {
        /// File name, for format detection and messages.
        file: String,
        /// Index among the frame's attachments.
        buffer: usize,
    },
    /// A file on the machine of the engine, natively only; a server reads only under its data directory.
    Path {
        /// The path.
        path: String,
    },
}

impl InputSource {
    /// Parses `builtin:NAME` or a path.
    pub fn parse(text: &str) -> InputSource {
        match text.strip_prefix("builtin:") {
            Some(name) => InputSource::Builtin { name: name.to_owned() },
            None => InputSource::Path { path: text.to_owned() },
        }
    }
}

impl fmt::Display for InputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputSource::Builtin { name } => write!(f, "builtin:{name}"),
            InputSource::Attached { file, .. } => f.write_str(file),
            InputSource::Path { path } => f.write_str(path),
        }
    }
}

/// Part `index` of `count` equal parts of the work; written `index/count` with `index` from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: u32,
    count: u32,
}

/// A shard that is not of the form `i/n` with `1 <= i <= n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardParseError(String);

impl fmt::Display for ShardParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard `{}` is not of the form i/n with 1 <= i <= n, for example 3/8", self.0)
    }
}

impl std::error::Error for ShardParseError {}

impl Shard {
    /// Part number, from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Number of parts.
    pub fn count(self) -> u32 {
        self.count
    }

    /// The items of this part: a contiguous range, sizes differing by at most one.
    pub fn range(self, total: u64) -> std::ops::Range<u64> {
        let at = |i: u32| (u128::from(total) * u128::from(i) / u128::from(self.count)) as u64;
        at(self.index - 1)..at(self.index)
    }
}

impl FromStr for Shard {
    type Err = ShardParseError;

    fn from_str(text: &str) -> Result<Shard, ShardParseError> {
        let bad = || ShardParseError(text.to_owned());
        let (index, count) = text.split_once('/').ok_or_else(bad)?;
        let index: u32 = index.trim().parse().map_err(|_| bad())?;
        let count: u32 = count.trim().parse().map_err(|_| bad())?;
        if index >= 1 && index <= count { Ok(Shard { index, count }) } else { Err(bad()) }
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardParseError;

    fn try_from(text: String) -> Result<Shard, ShardParseError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> String {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_everything_once() {
        for total in [0u64, 1, 7, 600, 10_007] {
            for count in 1..=9u32 {
                let mut next = 0;
                for index in 1..=count {
                    let range = format!("{index}/{count}").parse::<Shard>().unwrap().range(total);
                    assert_eq!(range.start, next);
                    assert!(range.end - range.start <= total / u64::from(count) + 1);
                    next = range.end;
                }
                assert_eq!(next, total);
            }
        }
    }

    #[test]
    fn bad_shards_say_what_is_right() {
        for bad in ["", "3", "0/4", "5/4", "a/b", "1/0", "-1/2"] {
            assert!(bad.parse::<Shard>().unwrap_err().to_string().contains("for example 3/8"), "{bad}");
        }
    }

    #[test]
    fn input_sources_round_trip_as_text() {
        for text in ["builtin:digits", "some/file.npz"] {
            assert_eq!(InputSource::parse(text).to_string(), text);
        }
    }
}
