//! What can be wrong with a file, and what would be right.

use std::fmt::{self, Write as _};

use thiserror::Error;

/// A file (or a set of values) that could not be taken, and why.
#[derive(Debug, Error)]
#[error("{file}: {problem}")]
pub struct ReadError {
    /// The file name or source as the caller gave it.
    pub file: String,
    /// What was wrong, where, and what would be right.
    #[source]
    pub problem: Problem,
}

impl ReadError {
    /// A problem found in `file`.
    #[must_use]
    pub fn new(file: impl Into<String>, problem: Problem) -> Self {
        Self { file: file.into(), problem }
    }
}

/// What was wrong, where, and what would be right.
///
/// Row and column numbers of arrays count from 0, as in NumPy; lines and columns of text count from 1, as in editors.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// No bytes at all.
    #[error("the file is empty; wanted npz, safetensors, csv or idx with at least one row")]
    Empty,
    /// No known format.
    #[error("{what}; wanted npz, safetensors, csv (also .csv.gz) or idx (also .gz)")]
    UnknownFormat {
        /// What the bytes look like.
        what: String,
    },
    /// The name and the bytes disagree.
    #[error("the name says {by_name} but the bytes are {by_content}; rename the file or write it again")]
    FormatMismatch {
        /// The format that the name promises.
        by_name: &'static str,
        /// The format that the bytes have.
        by_content: &'static str,
    },
    /// A bare npy array, which has no room for labels.
    #[error(
        "a bare npy array has no labels; write an npz instead: numpy.savez(\"data.npz\", features=x, labels=y)"
    )]
    BareNpy,
    /// The file ends too early.
    #[error("{what} is cut off: {needed} bytes wanted, {found} there; copy or download the file again")]
    Truncated {
        /// The part that is incomplete.
        what: String,
        /// Bytes the part needs.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The bytes break the rules of their format.
    #[error("malformed {format}: {what}")]
    Malformed {
        /// The format whose rules are broken.
        format: &'static str,
        /// What is broken, where, and what would be right.
        what: String,
    },
    /// Something valid that is not read here.
    #[error("{what} is not supported; {remedy}")]
    Unsupported {
        /// The thing found.
        what: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// More than the [`Limits`](crate::Limits) allow.
    #[error("{found} {what}, but the limit is {limit}; use fewer, or raise the limit in a native run")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The size found or declared.
        found: u128,
        /// The limit.
        limit: u64,
    },
    /// Within the limits, but this machine has no room.
    #[error("no memory for {bytes} bytes of data; use fewer rows or a machine with more memory")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u128,
    },
    /// A wanted array is not in the file.
    #[error("there is no array `{wanted}`; the file holds {}", listed(.found))]
    MissingArray {
        /// The name that was looked for.
        wanted: &'static str,
        /// The names in the file.
        found: Vec<String>,
    },
    /// One name twice, so that it is unclear which is meant.
    #[error("the name `{}` is there twice; write each name once", shown(.name))]
    DuplicateName {
        /// The doubled name.
        name: String,
    },
    /// Elements of a kind that cannot be used.
    #[error("`{array}` holds {}; wanted {wanted}", shown(.found))]
    WrongDtype {
        /// The array.
        array: &'static str,
        /// Its element type as the file says.
        found: String,
        /// What would be right, with the conversion.
        wanted: &'static str,
    },
    /// An array of the wrong shape.
    #[error("`{array}` has shape {found:?}; wanted {wanted}")]
    WrongShape {
        /// The array.
        array: &'static str,
        /// Its shape.
        found: Vec<u64>,
        /// What would be right.
        wanted: String,
    },
    /// Two parts that must match in length do not.
    #[error("{what}: {found} there, {wanted} wanted")]
    LengthMismatch {
        /// Which length, of what.
        what: String,
        /// The length found.
        found: u64,
        /// The length that would be right.
        wanted: u64,
    },
    /// NaN, an infinity, or a number beyond f32.
    #[error("{array}[{row}, {column}] is {value}; {}", finite_remedy(*.value))]
    NotFinite {
        /// The array.
        array: &'static str,
        /// Its row, from 0.
        row: u64,
        /// Its column, from 0.
        column: u64,
        /// The value as it was before conversion to f32.
        value: f64,
    },
    /// A table row with another number of cells than the first.
    #[error(
        "line {line} has {found} cells where the first line has {wanted}; every line needs the same number"
    )]
    Ragged {
        /// Line number, from 1.
        line: u64,
        /// Cells found.
        found: usize,
        /// Cells of the first line.
        wanted: usize,
    },
    /// A table cell that cannot be used.
    #[error("line {line}, column {column}: `{}` is not {wanted}", shown(.cell))]
    BadCell {
        /// Line number, from 1.
        line: u64,
        /// Column number, from 1.
        column: usize,
        /// The cell's text.
        cell: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// A label that cannot be used.
    #[error("labels[{row}] is {value}; wanted {wanted}")]
    BadLabel {
        /// Its row, from 0.
        row: u64,
        /// The value.
        value: i128,
        /// What would be right.
        wanted: String,
    },
    /// A few-shot task that makes no sense.
    #[error("episode {episode}: {what}")]
    Episode {
        /// The task's number, from 0, in the file's order.
        episode: usize,
        /// What is wrong, where, and what would be right.
        what: String,
    },
    /// The list of few-shot tasks as a whole is wrong.
    #[error(
        "{what}; wanted a JSON list of {{\"support\": [rows], \"support_labels\": [labels], \"query\": [rows], \"query_labels\": [labels]}}"
    )]
    Episodes {
        /// What is wrong and where.
        what: String,
    },
}

impl Problem {
    /// Broken rules of `format`.
    pub(crate) fn malformed(format: &'static str, what: impl Into<String>) -> Self {
        Self::Malformed { format, what: what.into() }
    }
}

/// Why bytes could not be made or stored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A tensor whose shape and values disagree, or whose name cannot be used.
    #[error("tensor `{name}`: {what}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A value that JSON cannot hold.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The file system refused.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// The file that was to be written.
        path: String,
        /// The step that failed.
        action: &'static str,
        /// The reason.
        source: std::io::Error,
    },
}

fn finite_remedy(value: f64) -> &'static str {
    if value.is_finite() {
        "the largest 32-bit float is 3.4e38: rescale the features"
    } else {
        "features must be finite: drop or fill such rows first"
    }
}

/// `text` fit for a message: control characters escaped, at most 60 characters.
pub(crate) fn shown(text: &str) -> impl fmt::Display + '_ {
    struct Shown<'a>(&'a str);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (i, c) in self.0.chars().enumerate() {
                if i == 60 {
                    return f.write_char('…');
                }
                if c.is_control() { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
            }
            Ok(())
        }
    }
    Shown(text)
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    if names.is_empty() {
        return "no arrays".to_owned();
    }
    let mut text = String::new();
    for (i, name) in names.iter().take(MOST).enumerate() {
        let _ = write!(text, "{}`{}`", if i == 0 { "" } else { ", " }, shown(name));
    }
    if names.len() > MOST {
        let _ = write!(text, " and {} more", names.len() - MOST);
    }
    text
}
