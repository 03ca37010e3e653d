//! Transfers from their admission to their end. However one ends, the ledger records how many bytes went; those that are
//! active can be listed and aborted.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::connection::abort::{AbortHandle, Connections, has_passed, ticks};
use super::limits::Permit;
use crate::domain::transfer::Interruption;
use crate::ledger::Ledger;
use crate::ledger::commands::admission::{Admission, DownloadRequest, TransferEnd, finish};

/// The transfers of one gateway that have not ended.
#[derive(Debug)]
pub struct ActiveTransfers {
    connections: Arc<Connections>,
    /// Locked for an insertion or a removal, and to copy the list.
    entries: Mutex<HashMap<u64, Arc<ActiveTransfer>>>,
    next: AtomicU64,
    /// Transfers whose end has not been handed to the ledger.
    unfinished_count: AtomicUsize,
}

impl ActiveTransfers {
    /// None yet.
    pub fn new(connections: Arc<Connections>) -> Arc<Self> {
        Arc::new(Self {
            connections,
            entries: Mutex::default(),
            next: AtomicU64::new(0),
            unfinished_count: AtomicUsize::new(0),
        })
    }

    /// How many have not ended.
    pub fn unfinished_count(&self) -> usize {
        self.unfinished_count.load(Ordering::Acquire)
    }

    /// All that are registered.
    pub fn list(&self) -> Vec<Arc<ActiveTransfer>> {
        self.entries().values().cloned().collect()
    }

    /// Aborts all of them.
    pub fn abort_all(&self, reason: Interruption) {
        for transfer in self.list() {
            transfer.abort(reason);
        }
    }

    /// Aborts those whose client has taken nothing for too long. A connection notices by itself when nothing goes out on it;
    /// this is for answers that share one (HTTP/2). Called once a tick.
    pub fn abort_stalled(&self) {
        let (now, limit) = (self.connections.now(), ticks(self.connections.timeouts().stalled));
        let active = self.list();
        let stalled = active.iter().filter(|transfer| has_passed(&transfer.handed_over_since, now, limit));
        let connections: Vec<Arc<AbortHandle>> = stalled
            .filter_map(|transfer| {
                transfer.abort(Interruption::ClientStalled);
                transfer.connection.clone()
            })
            .collect();
        // Their connections end, and with them the other answers on them.
        let shares = |transfer: &&Arc<ActiveTransfer>| {
            let connection = transfer.connection.as_ref();
            connection.is_some_and(|own| connections.iter().any(|aborted| Arc::ptr_eq(aborted, own)))
        };
        for transfer in active.iter().filter(shares) {
            transfer.abort(Interruption::ConnectionAborted);
        }
    }

    /// Registers a request that came over `connection`. It must be registered before its admission is asked for, so that
    /// no revocation after the admission misses it.
    pub fn register(
        self: &Arc<Self>,
        request: DownloadRequest,
        connection: Option<Arc<AbortHandle>>,
    ) -> TransferRegistration {
        let transfer = Arc::new(ActiveTransfer {
            request,
            connection,
            admitted: AtomicBool::new(false),
            aborted: OnceLock::new(),
            handed_over_since: AtomicU32::new(0),
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.entries().insert(number, transfer.clone());
        TransferRegistration { transfers: self.clone(), transfer, number }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Arc<ActiveTransfer>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transfer, from before its admission to its end.
#[derive(Debug)]
pub struct ActiveTransfer {
    /// What is asked for, and by whom.
    pub request: DownloadRequest,
    connection: Option<Arc<AbortHandle>>,
    admitted: AtomicBool,
    aborted: OnceLock<Interruption>,
    /// Since when the client has not taken what was handed over, in ticks; 0 when it has.
    handed_over_since: AtomicU32,
}

impl ActiveTransfer {
    /// Aborts the transfer. The first reason stands.
    pub fn abort(&self, reason: Interruption) {
        let _ = self.aborted.set(reason);
        fence(Ordering::SeqCst);
        // Before its admission the answer may be a refusal, which the client is to read; a body that begins later finds
        // the reason set.
        if self.admitted.load(Ordering::SeqCst)
            && let Some(connection) = &self.connection
        {
            connection.abort();
        }
    }

    /// From here on aborting the transfer aborts its connection.
    pub fn set_admitted(&self) {
        self.admitted.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Why it was aborted, if it was.
    pub fn aborted(&self) -> Option<Interruption> {
        self.aborted.get().copied()
    }
}

/// Keeps a transfer among the active ones; dropping it removes it.
#[derive(Debug)]
pub struct TransferRegistration {
    transfers: Arc<ActiveTransfers>,
    transfer: Arc<ActiveTransfer>,
    number: u64,
}

impl TransferRegistration {
    /// The transfer.
    pub const fn transfer(&self) -> &Arc<ActiveTransfer> {
        &self.transfer
    }
}

impl Drop for TransferRegistration {
    fn drop(&mut self) {
        self.transfers.entries().remove(&self.number);
    }
}

/// An admitted transfer. Dropping it hands its end to the ledger: as interrupted, unless it was marked complete.
#[derive(Debug)]
pub struct Transfer {
    ledger: Ledger,
    transfers: Arc<ActiveTransfers>,
    /// Taken when dropped.
    end: Option<TransferEnd>,
    registration: Option<TransferRegistration>,
    /// Given back when dropped.
    _permit: Option<Permit>,
}

impl Transfer {
    /// The transfer that an admission allows.
    pub fn new(ledger: Ledger, admission: Admission, registration: TransferRegistration, permit: Permit) -> Self {
        registration.transfer.set_admitted();
        let (transfers, slug) = (registration.transfers.clone(), registration.transfer.request.slug.clone());
        let end = TransferEnd { admission, slug, bytes: 0, interrupted: Some(Interruption::ClientGone) };
        Self::begin(ledger, transfers, end, Some(registration), Some(permit))
    }

    /// The end of an admission whose client did not wait for it.
    pub fn abandoned(
        ledger: Ledger,
        transfers: Arc<ActiveTransfers>,
        admission: Admission,
        request: &DownloadRequest,
    ) -> Self {
        let (slug, interrupted) = (request.slug.clone(), Some(Interruption::ClientGone));
        Self::begin(ledger, transfers, TransferEnd { admission, slug, bytes: 0, interrupted }, None, None)
    }

    fn begin(
        ledger: Ledger,
        transfers: Arc<ActiveTransfers>,
        end: TransferEnd,
        registration: Option<TransferRegistration>,
        permit: Option<Permit>,
    ) -> Self {
        transfers.unfinished_count.fetch_add(1, Ordering::AcqRel);
        Self { ledger, transfers, end: Some(end), registration, _permit: permit }
    }

    fn aborted(&self) -> Option<Interruption> {
        self.registration.as_ref().and_then(|registration| registration.transfer.aborted())
    }

    /// The error that ends the answer, if the transfer was aborted.
    pub fn check_aborted(&mut self) -> Option<io::Error> {
        let reason = self.aborted()?;
        self.interrupt(reason);
        Some(io::Error::other("access has ended"))
    }

    /// So many more bytes were handed to the connection.
    pub fn sent(&mut self, bytes: u64) {
        if let Some(end) = &mut self.end {
            end.bytes += bytes;
        }
    }

    /// A piece was handed over, which the client has yet to take.
    pub fn mark_handed_over(&self) {
        self.set_handed_over_since(self.transfers.connections.now());
    }

    /// The client has taken what was handed over.
    pub fn mark_taken(&self) {
        self.set_handed_over_since(0);
    }

    fn set_handed_over_since(&self, tick: u32) {
        if let Some(registration) = &self.registration {
            registration.transfer.handed_over_since.store(tick, Ordering::Relaxed);
        }
    }

    /// Everything was handed to the connection.
    pub const fn complete(&mut self) {
        if let Some(end) = &mut self.end {
            end.interrupted = None;
        }
    }

    /// It ends early for this reason.
    pub const fn interrupt(&mut self, reason: Interruption) {
        if let Some(end) = &mut self.end {
            end.interrupted = Some(reason);
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(mut end) = self.end.take() {
            if let (Some(_), Some(reason)) = (end.interrupted, self.aborted()) {
                end.interrupted = Some(reason);
            }
            self.ledger.record_later(move |tx| finish(tx, &end));
        }
        self.transfers.unfinished_count.fetch_sub(1, Ordering::AcqRel);
    }
}
