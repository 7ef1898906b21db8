//! What can end a run early.

use crate::Stopped;
use lowshot_core::CoreError;
use lowshot_data::ReadError;
use lowshot_kernels::KernelError;
use lowshot_kernels::device::DeviceError;
use lowshot_protocol::RunError;
use lowshot_protocol::schema::FieldError;
use thiserror::Error;

/// Why a run ended without a report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration field is not right.
    #[error(transparent)]
    Config(#[from] FieldError),
    /// There is no such method.
    #[error("there is no method `{given}`; there is: {known}")]
    UnknownMethod {
        /// The name given.
        given: String,
        /// All names.
        known: String,
    },
    /// An input cannot be read or used.
    #[error("input `{input}` ({origin}): {problem}")]
    Input {
        /// Name of the input.
        input: String,
        /// File or `builtin:NAME`.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The method cannot work with this configuration on these inputs.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// A kernel failed.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A device cannot be opened.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A result could not be read back from the device.
    #[error("reading a result back from the device failed: {0}")]
    ReadBack(String),
    /// The saved state of an earlier run does not fit.
    #[error("saved state cannot be used: {0}")]
    Resume(String),
    /// A file could not be read or written.
    #[error("{what}: {problem}")]
    Files {
        /// What was tried, with the path.
        what: String,
        /// What the system said.
        problem: String,
    },
    /// The run was asked to stop.
    #[error("stopped")]
    Stopped,
}

impl From<Stopped> for Error {
    fn from(_: Stopped) -> Error {
        Error::Stopped
    }
}

impl Error {
    /// An input error from a reader.
    pub fn read(input: &str, origin: &str, error: &ReadError) -> Error {
        Error::Input {
            input: input.to_owned(),
            origin: origin.to_owned(),
            problem: error.problem.to_string(),
        }
    }

    /// Stable identifier in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Config(_) => "invalid-config",
            Error::UnknownMethod { .. } => "unknown-method",
            Error::Input { .. } => "invalid-input",
            Error::Core(_) => "invalid-task",
            Error::Kernel(_) | Error::Device(_) | Error::ReadBack(_) => "device",
            Error::Resume(_) => "resume",
            Error::Files { .. } => "files",
            Error::Stopped => "stopped",
        }
    }

    /// True if other arguments or inputs would help (exit code 2 of the command line).
    pub fn is_usage(&self) -> bool {
        match self {
            Error::Core(error) => {
                use CoreError::{Interrupted, Judge, Kernel, ReadBack};
                !matches!(error, Kernel(_) | ReadBack { .. } | Interrupted | Judge(_))
            }
            Error::Device(error) => {
                matches!(error, DeviceError::Unknown { .. } | DeviceError::NotCompiled { .. })
            }
            Error::Config(_) | Error::UnknownMethod { .. } | Error::Input { .. } | Error::Resume(_) => true,
            Error::Kernel(_) | Error::ReadBack(_) | Error::Files { .. } | Error::Stopped => false,
        }
    }

    /// The error as it travels to a user interface.
    pub fn to_run_error(&self) -> RunError {
        let (remedy, field) = match self {
            Error::Config(error) => {
                (format!("Set `{}` to {}.", error.field, error.expected), Some(error.field.clone()))
            }
            Error::Input { input, .. } => {
                ("Take another file or a bundled data set.".to_owned(), Some(input.clone()))
            }
            Error::Kernel(_) | Error::ReadBack(_) => ("Run it on the CPU engine.".to_owned(), None),
            _ => (String::new(), None),
        };
        RunError { code: self.code().to_owned(), message: self.to_string(), remedy, field }
    }
}
