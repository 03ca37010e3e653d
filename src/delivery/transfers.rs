//! Transfers from their admission to their end. However one ends, the ledger records how many bytes went; those that are
//! active can be listed and aborted.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::connection::abort::{AbortHandle, Connections, has_passed, ticks};
use super::limits::LimitSlot;
use crate::domain::Timestamp;
use crate::domain::transfer::Interruption;
use crate::ledger::Ledger;
use crate::ledger::commands::admissions::{Admission, DownloadRequest};
use crate::ledger::commands::transfers::{TransferEnd, record_transfer_end};

/// The transfers of one gateway that have not ended.
#[derive(Debug)]
pub struct ActiveTransfers {
    connections: Arc<Connections>,
    /// Locked for an insertion or a removal, and to copy the list.
    entries: Mutex<HashMap<u64, Arc<ActiveTransfer>>>,
    next: AtomicU64,
    /// Transfers whose end has not been handed to the ledger.
    unrecorded_ends: AtomicUsize,
}

impl ActiveTransfers {
    /// An empty registry.
    pub fn new(connections: Arc<Connections>) -> Arc<Self> {
        Arc::new(Self {
            connections,
            entries: Mutex::default(),
            next: AtomicU64::new(0),
            unrecorded_ends: AtomicUsize::new(0),
        })
    }

    /// The number of admitted transfers whose end has not been handed to the ledger.
    pub fn unrecorded_ends(&self) -> usize {
        self.unrecorded_ends.load(Ordering::Acquire)
    }

    /// All registered transfers.
    pub fn list(&self) -> Vec<Arc<ActiveTransfer>> {
        self.entries().values().cloned().collect()
    }

    /// Whether the admission of one of them has ended by itself.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.entries().values().any(|transfer| transfer.ends_at.load(Ordering::Relaxed) <= now.0)
    }

    /// Aborts all of them.
    pub fn abort_all(&self, reason: Interruption) {
        for transfer in self.list() {
            transfer.abort(reason);
        }
    }

    /// Aborts the transfers whose client has taken nothing for too long. A connection detects by itself that nothing is going
    /// out; this covers HTTP/2, where several answers share one connection. Called once a tick.
    pub fn abort_stalled(&self) {
        let (now, limit) = (self.connections.now(), ticks(self.connections.timeouts().stalled));
        let active = self.list();
        let stalled = active.iter().filter(|transfer| has_passed(&transfer.untaken_since, now, limit));
        let connections: Vec<Arc<AbortHandle>> = stalled
            .filter_map(|transfer| {
                transfer.abort(Interruption::ClientStalled);
                transfer.connection.clone()
            })
            .collect();
        // Aborting a connection also ends the other transfers on it, so those are marked too.
        let on_aborted_connection = |transfer: &&Arc<ActiveTransfer>| {
            let connection = transfer.connection.as_ref();
            connection.is_some_and(|own| connections.iter().any(|aborted| Arc::ptr_eq(aborted, own)))
        };
        for transfer in active.iter().filter(on_aborted_connection) {
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
            ends_at: AtomicI64::new(i64::MAX),
            aborted: OnceLock::new(),
            untaken_since: AtomicU32::new(0),
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
    /// What was requested, and by whom.
    pub request: DownloadRequest,
    connection: Option<Arc<AbortHandle>>,
    admitted: AtomicBool,
    /// When its admission ends by itself: microseconds since 1970; the largest number if never.
    ends_at: AtomicI64,
    aborted: OnceLock<Interruption>,
    /// The tick at which data was handed over that the client has not taken yet; 0 if none is outstanding.
    untaken_since: AtomicU32,
}

impl ActiveTransfer {
    /// Aborts the transfer. The first reason stands.
    pub fn abort(&self, reason: Interruption) {
        let _ = self.aborted.set(reason);
        fence(Ordering::SeqCst);
        // Before the admission the connection may still have to carry a refusal to the client, so it is not aborted. A body
        // that starts later will see the reason.
        if self.admitted.load(Ordering::SeqCst)
            && let Some(connection) = &self.connection
        {
            connection.abort();
        }
    }

    /// After this, aborting the transfer also aborts its connection.
    pub fn set_admitted(&self, ends_at: Option<Timestamp>) {
        self.set_end(ends_at);
        self.admitted.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// When its admission ends by itself, if it does: the end of a session is put off while the session is used.
    pub fn set_end(&self, ends_at: Option<Timestamp>) {
        self.ends_at.store(ends_at.map_or(i64::MAX, |at| at.0), Ordering::Relaxed);
    }

    /// The reason it was aborted for, if it was.
    pub fn abort_reason(&self) -> Option<Interruption> {
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

/// The end of a transfer, as it is unless something else is found out; `None` where no bytes are to be sent.
fn end_of(admission: Admission, request: &DownloadRequest) -> Option<TransferEnd> {
    let (slug, taker) = (request.slug.clone(), request.taker);
    let end = TransferEnd { admission, slug, taker, bytes: 0, interrupted: Some(Interruption::ClientGone) };
    (request.bytes > 0).then_some(end)
}

/// An admitted transfer. Dropping it hands its end to the ledger: as interrupted, unless it was marked complete.
#[derive(Debug)]
pub struct Transfer {
    ledger: Ledger,
    transfers: Arc<ActiveTransfers>,
    /// Taken when dropped; `None` where no bytes are to be sent, of which nothing can end.
    end: Option<TransferEnd>,
    registration: Option<TransferRegistration>,
    /// Given back when dropped.
    _slot: Option<LimitSlot>,
}

impl Transfer {
    /// The transfer that an admission allows.
    pub fn new(ledger: Ledger, admission: Admission, registration: TransferRegistration, slot: LimitSlot) -> Self {
        registration.transfer.set_admitted(admission.ends_at);
        let (transfers, end) = (registration.transfers.clone(), end_of(admission, &registration.transfer.request));
        Self::begin(ledger, transfers, end, Some(registration), Some(slot))
    }

    /// For an admission whose client disconnected before the answer.
    pub fn new_abandoned(
        ledger: Ledger,
        transfers: Arc<ActiveTransfers>,
        admission: Admission,
        request: &DownloadRequest,
    ) -> Self {
        Self::begin(ledger, transfers, end_of(admission, request), None, None)
    }

    fn begin(
        ledger: Ledger,
        transfers: Arc<ActiveTransfers>,
        end: Option<TransferEnd>,
        registration: Option<TransferRegistration>,
        slot: Option<LimitSlot>,
    ) -> Self {
        transfers.unrecorded_ends.fetch_add(1, Ordering::AcqRel);
        Self { ledger, transfers, end, registration, _slot: slot }
    }

    fn abort_reason(&self) -> Option<Interruption> {
        self.registration.as_ref().and_then(|registration| registration.transfer.abort_reason())
    }

    /// If the transfer was aborted, marks it as interrupted and returns the error that ends the answer.
    pub fn end_if_aborted(&mut self) -> Option<io::Error> {
        let reason = self.abort_reason()?;
        self.interrupt(reason);
        Some(io::Error::other("the transfer was aborted"))
    }

    /// Adds to the number of bytes handed to the connection.
    pub fn add_sent_bytes(&mut self, bytes: u64) {
        if let Some(end) = &mut self.end {
            end.bytes += bytes;
        }
    }

    /// Notes that data was handed over which the client has not taken yet.
    pub fn mark_handed_over(&self) {
        self.set_untaken_since(self.transfers.connections.now());
    }

    /// Notes that the client has taken everything handed over.
    pub fn mark_taken(&self) {
        self.set_untaken_since(0);
    }

    fn set_untaken_since(&self, tick: u32) {
        if let Some(registration) = &self.registration {
            registration.transfer.untaken_since.store(tick, Ordering::Relaxed);
        }
    }

    /// Marks the transfer as complete: everything was handed to the connection.
    pub const fn mark_complete(&mut self) {
        if let Some(end) = &mut self.end {
            end.interrupted = None;
        }
    }

    /// Marks the transfer as ending early for this reason.
    pub const fn interrupt(&mut self, reason: Interruption) {
        if let Some(end) = &mut self.end {
            end.interrupted = Some(reason);
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(mut end) = self.end.take() {
            if let (Some(_), Some(reason)) = (end.interrupted, self.abort_reason()) {
                end.interrupted = Some(reason);
            }
            self.ledger.record_later(move |tx| record_transfer_end(tx, &end));
        }
        self.transfers.unrecorded_ends.fetch_sub(1, Ordering::AcqRel);
    }
}
