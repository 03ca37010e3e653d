//! Errors of the ledger.

use std::sync::Arc;

use crate::domain::Refusal;
use crate::store::{self, FailureCause};

/// Why a job was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule forbade it.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// The queue is full.
    #[error("the ledger is busy")]
    Busy,
    /// It could not be recorded, so it did not happen.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(#[from] Failure),
}

/// Why nothing could be recorded.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// The cause, for monitoring.
    pub cause: FailureCause,
    /// The error's own words, for the operator's log.
    pub detail: Arc<str>,
}

impl Failure {
    /// A failure that has no cause of its own.
    pub(super) fn other(detail: &str) -> Self {
        Self { cause: FailureCause::Other, detail: detail.into() }
    }
}

impl From<&store::Error> for Failure {
    fn from(error: &store::Error) -> Self {
        Self { cause: error.cause(), detail: error.to_string().into() }
    }
}

/// Why a command was not carried out inside its transaction.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule forbade it.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<diesel::result::Error> for CommandError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}
