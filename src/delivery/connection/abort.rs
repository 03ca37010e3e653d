//! Aborting client connections from any thread, and noticing clients that keep one waiting for too long.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

/// How often timeouts are enforced; also the step of the clock by which they are measured, which costs one load to read.
pub const TICK: Duration = Duration::from_millis(500);

/// How long clients may keep a connection waiting.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a request to its answer.
    pub request: Duration,
    /// Without taking a byte of an answer.
    pub stalled: Duration,
    /// Between two requests.
    pub idle: Duration,
}

/// All connections of one gateway.
#[derive(Debug)]
pub struct Connections {
    timeouts: Timeouts,
    /// Ticks since the start; begins at 1, because 0 stands for "never" in an [`AbortHandle`].
    clock: AtomicU32,
    /// In the order of arrival. Locked when a connection begins and once a tick.
    handles: Mutex<Vec<Weak<AbortHandle>>>,
}

impl Connections {
    /// None yet.
    pub fn new(timeouts: Timeouts) -> Arc<Self> {
        Arc::new(Self { timeouts, clock: AtomicU32::new(1), handles: Mutex::default() })
    }

    /// The timeouts that are enforced.
    pub const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The clock, in ticks.
    pub fn now(&self) -> u32 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Registers a connection that has just been accepted.
    pub fn register(&self) -> Arc<AbortHandle> {
        let handle = Arc::new(AbortHandle::default());
        handle.active_at.store(self.now(), Ordering::Relaxed);
        self.handles().push(Arc::downgrade(&handle));
        handle
    }

    /// Advances the clock by one tick and aborts the connections whose timeouts have passed.
    pub fn tick(&self) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed) + 1;
        let (request, stalled) = (ticks(self.timeouts.request), ticks(self.timeouts.stalled));
        // The actix-http dispatcher ends idle connections. It does not watch those on which it waits for the end of a
        // request that was answered already; while an answer is made, nothing comes or goes either.
        let idle = ticks(self.timeouts.idle).max(request).max(stalled) + 2;
        self.handles().retain(|handle| {
            let Some(handle) = handle.upgrade() else { return false };
            let silent = has_passed(&handle.active_at, now, idle);
            let late = has_passed(&handle.requesting_since, now, request);
            if silent || late || has_passed(&handle.stalled_since, now, stalled) {
                handle.abort();
            }
            true
        });
    }

    fn handles(&self) -> MutexGuard<'_, Vec<Weak<AbortHandle>>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A duration in ticks, at least one.
pub fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX).max(1)
}

/// Whether more than `limit` ticks have passed since a mark that is set.
pub fn has_passed(since: &AtomicU32, now: u32, limit: u32) -> bool {
    let since = since.load(Ordering::Relaxed);
    since != 0 && now.wrapping_sub(since) > limit
}

/// Aborts one connection, from any thread. All times are in ticks of [`Connections::now`]; 0 is "never".
#[derive(Debug, Default)]
pub struct AbortHandle {
    aborted: AtomicBool,
    waker: AtomicWaker,
    /// When a request began to come in that is not whole yet.
    requesting_since: AtomicU32,
    /// When something last came or went.
    active_at: AtomicU32,
    /// Since when the client has taken nothing of what it was sent.
    stalled_since: AtomicU32,
}

impl AbortHandle {
    /// Aborts the connection: what the client has not received yet it does not receive.
    pub fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether it was aborted. Wakes `waker` when it is aborted later.
    pub(super) fn is_aborted(&self, waker: &Waker) -> bool {
        // Registered first, so that an abort between the two wakes.
        self.waker.register(waker);
        self.aborted.load(Ordering::Acquire)
    }

    /// Bytes of a request came in.
    pub(super) fn received(&self, now: u32) {
        self.active_at.store(now, Ordering::Relaxed);
        if self.requesting_since.load(Ordering::Relaxed) == 0 {
            self.requesting_since.store(now, Ordering::Relaxed);
        }
    }

    /// Lets the timeout of the request begin anew: for handlers that limit themselves how long each piece of a body may take.
    pub fn renew_request_timeout(&self) {
        self.requesting_since.store(0, Ordering::Relaxed);
    }

    /// Bytes of an answer went out.
    pub(super) fn sent(&self, now: u32) {
        self.active_at.store(now, Ordering::Relaxed);
        self.stalled_since.store(0, Ordering::Relaxed);
        self.requesting_since.store(0, Ordering::Relaxed);
    }

    /// The client does not take what it is sent.
    pub(super) fn stalled(&self, now: u32) {
        if self.stalled_since.load(Ordering::Relaxed) == 0 {
            self.stalled_since.store(now, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled_since.load(Ordering::Relaxed) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_abort_only_those_that_keep_waiting() {
        let second = Duration::from_secs(1);
        let connections = Connections::new(Timeouts { request: second, stalled: second, idle: 60 * second });
        let (quiet, late, stalled) = (connections.register(), connections.register(), connections.register());
        late.received(connections.now());
        stalled.stalled(connections.now());
        let aborted = |handle: &AbortHandle| handle.is_aborted(Waker::noop());
        for _ in 0..2 {
            connections.tick();
        }
        assert!(!aborted(&late) && !aborted(&stalled));
        connections.tick();
        assert!(aborted(&late) && aborted(&stalled) && !aborted(&quiet));
        for _ in 0..200 {
            connections.tick();
        }
        assert!(aborted(&quiet), "a connection that does nothing at all ends too");
        drop((quiet, late, stalled));
        connections.tick();
        assert!(connections.handles().is_empty());
    }
}
