//! Why a file can't be delivered.

use std::io;

use crate::domain::transfer::{FileMismatch, Interruption};

/// Why a file can't be delivered.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It is not what was imported.
    #[error("{0}")]
    Changed(FileMismatch),
    /// The file system failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server that has the file does not deliver it.
    #[error("upstream: {0}")]
    Upstream(String),
}

impl StorageError {
    /// The reason in the log for a transfer that this ended.
    pub fn interruption(&self) -> Interruption {
        match self {
            Self::Changed(_) => Interruption::FileChanged,
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Interruption::FileChanged,
            Self::Io(_) => Interruption::Storage,
            Self::Upstream(_) => Interruption::Upstream,
        }
    }
}

impl StorageError {
    /// Whether there is nothing, or something else, where the file was.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Changed(_) => true,
            Self::Io(error) => error.kind() == io::ErrorKind::NotFound,
            Self::Upstream(_) => false,
        }
    }
}

/// Why one try to fetch a file from another server failed.
#[derive(Debug)]
pub(super) enum FetchError {
    /// A retry may succeed.
    Transient(String),
    /// A retry would fail too.
    Permanent(String),
    /// The file is not what was imported.
    Changed(FileMismatch),
}

impl From<FetchError> for StorageError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Transient(why) | FetchError::Permanent(why) => Self::Upstream(why),
            FetchError::Changed(mismatch) => Self::Changed(mismatch),
        }
    }
}
