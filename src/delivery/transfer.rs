//! A transfer from its admission to its end: however it ends, the ledger is told how many bytes went. Those that run can
//! be looked through and cut.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::limits::Permit;
use super::wire::{self, Fuse};
use crate::ledger::Ledger;
use crate::ledger::commands::admission::{Admission, Passage, TransferEnd, finish};

/// Transfers whose end has not been handed to the ledger.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// How many transfers have not ended.
pub fn running() -> usize {
    RUNNING.load(Ordering::Acquire)
}

/// The wishes of one thread that were not answered to the end. Only looking through all takes other threads' locks.
type Shard = Mutex<HashMap<u64, Arc<Wish>>>;

static SHARDS: Mutex<Vec<Arc<Shard>>> = Mutex::new(Vec::new());
static NUMBER: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OWN: Arc<Shard> = {
        let shard = Arc::new(Shard::default());
        lock(&SHARDS).push(shard.clone());
        shard
    };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody's wish to download, from before its admission to the end of the transfer.
#[derive(Debug)]
pub struct Wish {
    /// What is asked for, and by whom.
    pub passage: Passage,
    fuse: Option<Arc<Fuse>>,
    admitted: AtomicBool,
    cut: OnceLock<&'static str>,
    /// Since when the client has not taken what was handed over, by the clock; 0 when it has.
    held_since: AtomicU32,
}

impl Wish {
    /// Ends the transfer, for this reason.
    pub fn cut(&self, reason: &'static str) {
        // The first reason stands.
        let _ = self.cut.set(reason);
        fence(Ordering::SeqCst);
        // Before that the answer may yet be a refusal, which the client is to read; and a body that begins looks here first.
        if self.admitted.load(Ordering::SeqCst)
            && let Some(fuse) = &self.fuse
        {
            fuse.blow();
        }
    }

    /// It was admitted: from here on cutting it cuts its connection.
    pub fn admit(&self) {
        self.admitted.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Why it is to end, if it is.
    pub fn is_cut(&self) -> Option<&'static str> {
        self.cut.get().copied()
    }
}

/// All wishes that are not answered to the end.
pub fn wishes() -> Vec<Arc<Wish>> {
    let shards = lock(&SHARDS).clone();
    shards.iter().flat_map(|shard| lock(shard).values().cloned().collect::<Vec<_>>()).collect()
}

/// Ends transfers of which the client takes nothing for so long, for ever. A connection notices by itself when nothing goes
/// on it; this is for answers that share one.
pub async fn keep_patience(stalled: Duration) {
    let limit = wire::ticks(stalled);
    loop {
        tokio::time::sleep(wire::TICK).await;
        let now = wire::now();
        let has_stalled = |wish: &Arc<Wish>| {
            let since = wish.held_since.load(Ordering::Relaxed);
            since != 0 && now.wrapping_sub(since) > limit
        };
        let shards = lock(&SHARDS).clone();
        let stalled = shards
            .iter()
            .flat_map(|shard| -> Vec<_> { lock(shard).values().filter(|wish| has_stalled(wish)).cloned().collect() });
        let fuses: Vec<Arc<Fuse>> = stalled
            .filter_map(|wish| {
                wish.cut("client stalled");
                wish.fuse.clone()
            })
            .collect();
        if fuses.is_empty() {
            continue;
        }
        // Their connections end, and with them what else is on them.
        for wish in wishes() {
            if wish.fuse.as_ref().is_some_and(|fuse| fuses.iter().any(|cut| Arc::ptr_eq(cut, fuse))) {
                wish.cut("connection cut");
            }
        }
    }
}

/// Ends all transfers, for this reason.
pub fn cut_all(reason: &'static str) {
    for wish in wishes() {
        wish.cut(reason);
    }
}

/// A wish that is among those that are looked through. It must be before the admission is asked for, so that no
/// revocation after it goes unnoticed.
#[derive(Debug)]
pub struct Registered {
    wish: Arc<Wish>,
    number: u64,
    shard: Arc<Shard>,
}

impl Registered {
    /// Takes up a wish that came over a connection with this fuse.
    pub fn new(passage: Passage, fuse: Option<Arc<Fuse>>) -> Self {
        let wish = Arc::new(Wish {
            passage,
            fuse,
            admitted: AtomicBool::new(false),
            cut: OnceLock::new(),
            held_since: AtomicU32::new(0),
        });
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let shard = OWN.with(Arc::clone);
        lock(&shard).insert(number, wish.clone());
        Self { wish, number, shard }
    }

    /// The wish.
    pub const fn wish(&self) -> &Arc<Wish> {
        &self.wish
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&self.shard).remove(&self.number);
    }
}

/// What is said of a transfer that is not heard of again.
fn ended(admission: Admission, passage: &Passage) -> TransferEnd {
    TransferEnd { admission, slug: passage.slug.clone(), bytes: 0, interrupted: Some("client gone") }
}

/// An admitted transfer. Dropping it hands its end to the ledger: as interrupted, unless it was said to be complete.
#[derive(Debug)]
pub struct Transfer {
    ledger: Ledger,
    /// Taken when dropped.
    end: Option<TransferEnd>,
    registered: Option<Registered>,
    /// Given back when dropped.
    _permit: Option<Permit>,
}

impl Transfer {
    /// Of this admission, which answers this wish.
    pub fn new(ledger: Ledger, admission: Admission, registered: Registered, permit: Option<Permit>) -> Self {
        registered.wish.admit();
        let end = ended(admission, &registered.wish.passage);
        Self::begin(ledger, end, Some(registered), permit)
    }

    /// Of an admission that nobody waited for any more.
    pub fn abandoned(ledger: Ledger, admission: Admission, passage: &Passage) -> Self {
        Self::begin(ledger, ended(admission, passage), None, None)
    }

    fn begin(ledger: Ledger, end: TransferEnd, registered: Option<Registered>, permit: Option<Permit>) -> Self {
        RUNNING.fetch_add(1, Ordering::AcqRel);
        Self { ledger, end: Some(end), registered, _permit: permit }
    }

    /// Why it is to end before it is complete, if it is.
    pub fn is_cut(&self) -> Option<&'static str> {
        self.registered.as_ref().and_then(|registered| registered.wish.is_cut())
    }

    /// So many more bytes were handed to the connection.
    pub fn sent(&mut self, bytes: u64) {
        if let Some(end) = &mut self.end {
            end.bytes += bytes;
        }
    }

    /// A piece is being handed over, or was taken and the next is asked for.
    pub fn hands_over(&self, now: bool) {
        if let Some(registered) = &self.registered {
            registered.wish.held_since.store(if now { wire::now() } else { 0 }, Ordering::Relaxed);
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
        if let Some(mut end) = self.end.take() {
            if let (Some(_), Some(reason)) = (end.interrupted, self.is_cut()) {
                end.interrupted = Some(reason);
            }
            self.ledger.post(move |tx| finish(tx, &end));
        }
        RUNNING.fetch_sub(1, Ordering::AcqRel);
    }
}
