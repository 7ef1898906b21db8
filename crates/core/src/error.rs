//! What can go wrong in the algorithms, said so that a person can act on it.

use thiserror::Error;

/// An error of an algorithm: what was wrong, where, and what would be right.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A field of a configuration is outside of its range.
    #[error("`{field}` is {value}, but must be {range}")]
    OutOfRange {
        /// Name of the field, as in the configuration.
        field: &'static str,
        /// The value that was given.
        value: String,
        /// The values that are allowed.
        range: String,
    },
    /// Two inputs do not fit together.
    #[error("{what} has shape {found:?}, but {expected}")]
    Shape {
        /// Which input.
        what: &'static str,
        /// The shape it has.
        found: Vec<usize>,
        /// The shape it must have, in words.
        expected: String,
    },
    /// A class of the data set has too few rows for the tasks that were asked for.
    #[error(
        "class {class} has {available} rows, but a task needs {support} support and {query} query rows of it: \
         use fewer shots or queries, or data with more rows in this class"
    )]
    TooFewRows {
        /// The class, as numbered in the data set.
        class: i64,
        /// Rows of that class in the data set.
        available: usize,
        /// Support rows that were needed.
        support: usize,
        /// Query rows that were needed.
        query: usize,
    },
    /// The data set has fewer classes than a task needs.
    #[error("the data has {available} classes, but a task needs {ways}: set `ways` to at most {available}")]
    TooFewClasses {
        /// Classes in the data set.
        available: usize,
        /// Classes of one task.
        ways: usize,
    },
    /// A class of a task has no support row, so that it has no prototype.
    #[error("class {class} of task {task} has no support row: every class needs at least one")]
    NoSupport {
        /// Index of the task in its batch.
        task: usize,
        /// The class without support.
        class: usize,
    },
    /// A label is outside of the classes of its task.
    #[error("label {label} at position {position} of task {task} is outside of 0..{classes}")]
    Label {
        /// Index of the task in its batch.
        task: usize,
        /// Position among the support rows.
        position: usize,
        /// The label that was found.
        label: i64,
        /// Number of classes.
        classes: usize,
    },
    /// Labels and predictions (or two labelings) differ in length, or there are none.
    #[error("{what}: {left} and {right} labels; both must have the same length, at least 1")]
    Lengths {
        /// What was computed.
        what: &'static str,
        /// Length of the first.
        left: usize,
        /// Length of the second.
        right: usize,
    },
    /// The input has values that are not finite.
    #[error("{what} holds NaN or infinite values: remove or replace them first")]
    NotFinite {
        /// Which input.
        what: &'static str,
    },
    /// The request is larger than the algorithm's memory allows.
    #[error("{what} stores {rows} × {rows} values and is limited to {limit} rows: {remedy}")]
    TooLarge {
        /// The algorithm.
        what: &'static str,
        /// Rows that were given.
        rows: usize,
        /// Rows that are allowed.
        limit: usize,
        /// What to do instead.
        remedy: &'static str,
    },
    /// CL2N needs the mean feature of the base classes.
    #[error(
        "normalization cl2n subtracts the mean feature of the base classes, but none was given: \
         add `base_mean` (D values) to the features, or use l2n"
    )]
    MissingBaseMean,
    /// A record of questions and answers does not belong to this run, or is not complete.
    #[error("question {} of the record: {problem}; take the record of the same pool, configuration and seed", at + 1)]
    Trace {
        /// Number of the question, from 0.
        at: usize,
        /// What does not fit.
        problem: &'static str,
    },
    /// A judge cannot answer any more questions.
    #[error("the judge cannot go on: {0}")]
    Judge(String),
    /// The observer asked to stop.
    #[error("stopped by the observer")]
    Interrupted,
    /// A kernel failed.
    #[error(transparent)]
    Kernel(#[from] lowshot_kernels::KernelError),
    /// A device could not be read.
    #[error("reading {what} from the device failed: {reason}")]
    ReadBack {
        /// What was read.
        what: &'static str,
        /// What the device said.
        reason: String,
    },
}

impl CoreError {
    /// Shorthand for [`CoreError::OutOfRange`].
    pub(crate) fn range(field: &'static str, value: impl ToString, range: impl ToString) -> Self {
        Self::OutOfRange { field, value: value.to_string(), range: range.to_string() }
    }
}
