//! What ends a command early, and its exit code.

use lowshot_data::WriteError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a command ended without doing what was asked.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    /// Wrong arguments or input files: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Anything else that a sentence says best: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// A run ended with an error.
    #[error(transparent)]
    Lab(#[from] lowshot_lab::Error),
    /// The file system refused.
    #[error("{}: cannot {action}: {source}", .path.display())]
    Files {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl CliError {
    /// Exit code of the process: 2 if other arguments or inputs would help, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) => 2,
            CliError::Lab(error) if error.is_usage() => 2,
            _ => 1,
        }
    }

    /// For `map_err` on file operations.
    pub(crate) fn files(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> CliError {
        let path = path.to_owned();
        move |source| CliError::Files { path, action, source }
    }
}

impl From<lowshot_lab::device::DeviceError> for CliError {
    fn from(error: lowshot_lab::device::DeviceError) -> CliError {
        CliError::Lab(error.into())
    }
}

impl From<lowshot_protocol::schema::FieldError> for CliError {
    fn from(error: lowshot_protocol::schema::FieldError) -> CliError {
        CliError::Lab(error.into())
    }
}
