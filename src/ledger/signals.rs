//! Signals from the ledger to the rest of the program after a commit, and why its last batch failed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::error::Failure;
use super::job::DeferredRecord;

/// Shared by the ledger's handles and its thread.
pub struct Signals {
    /// Mail was queued.
    pub mail: Notify,
    /// Counts the commits after which somebody may have less access: active transfers are assessed again.
    pub access_changed: watch::Sender<u64>,
    failure: Mutex<Option<Failure>>,
    /// Records for which the queue had no room; the ledger's thread takes them up with its next batch.
    overflow: Mutex<Vec<DeferredRecord>>,
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signals").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            mail: Notify::new(),
            access_changed: watch::Sender::new(0),
            failure: Mutex::new(None),
            overflow: Mutex::new(Vec::new()),
        }
    }
}

impl Signals {
    /// Held only while the list is pushed to or taken.
    pub(super) fn overflow(&self) -> MutexGuard<'_, Vec<DeferredRecord>> {
        self.overflow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last batch that wrote something failed, if it did.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_failure(&self, failure: Option<Failure>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}
