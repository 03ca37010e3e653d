//! A transfer from its admission to its end: however it ends, the ledger is told how many bytes went.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::text::Slug;
use crate::ledger::Ledger;
use crate::ledger::commands::admission::{Admission, TransferEnd, finish};

/// Transfers whose end has not been handed to the ledger.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// How many transfers have not ended.
pub fn running() -> usize {
    RUNNING.load(Ordering::Acquire)
}

/// An admitted transfer. Dropping it hands its end to the ledger: as interrupted, unless it was said to be complete.
#[derive(Debug)]
pub struct Transfer {
    ledger: Ledger,
    /// Taken when dropped.
    end: Option<TransferEnd>,
}

impl Transfer {
    /// Of this admission, to a file of this dataset.
    pub fn new(ledger: Ledger, admission: Admission, slug: Slug) -> Self {
        RUNNING.fetch_add(1, Ordering::AcqRel);
        Self { ledger, end: Some(TransferEnd { admission, slug, bytes: 0, interrupted: Some("client gone") }) }
    }

    /// So many more bytes were handed to the connection.
    pub fn sent(&mut self, bytes: u64) {
        if let Some(end) = &mut self.end {
            end.bytes += bytes;
        }
    }

    /// Everything was handed to the connection.
    pub const fn complete(&mut self) {
        if let Some(end) = &mut self.end {
            end.interrupted = None;
        }
    }

    /// It is cut short for this reason.
    pub const fn interrupt(&mut self, reason: &'static str) {
        if let Some(end) = &mut self.end {
            end.interrupted = Some(reason);
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            self.ledger.post(move |tx| finish(tx, &end));
        }
        RUNNING.fetch_sub(1, Ordering::AcqRel);
    }
}
