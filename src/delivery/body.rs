//! Sending an answer's bytes, in pieces; at the end, however it comes, the ledger is told how many went.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use super::buffers::Held;
use super::outlet::{LARGE, Outlet, Road, TURN};
use super::transfer::Transfer;
use super::wire::Connection;

/// The most that is handed over at a time where answers share a connection: of more it would not be seen whether the client
/// takes some.
const SHARED: usize = 64 * 1024;
/// The most that is written to a connection at a time: when it is encrypted it is still in the processor's own memory.
const WRITTEN: usize = 128 * 1024;

/// Why a transfer ends early: in the log's word, and as the server's machinery is told.
pub type Broken = (&'static str, io::Error);

/// What makes the bytes of an answer.
pub trait Source: Unpin {
    /// The next piece, of at most so many bytes; `None` when that was all.
    fn poll_piece(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<Option<Bytes>, Broken>>;

    /// Has the system send what is next on a plain connection, if it can without this program; says how much went.
    fn poll_pass(&mut self, _: &mut Context<'_>, _: &Connection) -> Poll<Result<Option<u64>, Broken>> {
        Poll::Ready(Ok(None))
    }

    /// Bytes that were made and are not in a piece yet.
    fn kept(&self) -> u64 {
        0
    }
}

/// The body of an answer, of a known length. What is missing ends the connection: what comes is never taken for the whole.
/// Dropping it records how the transfer ended.
pub struct Body<S> {
    source: S,
    length: u64,
    transfer: Transfer,
    /// Bytes of the piece that was handed over last; they count once the next is asked for.
    pending: u64,
    held: Held,
    /// The way straight to the connection, if they take it.
    outlet: Option<Outlet>,
}

impl<S: Source> Body<S> {
    /// `length` bytes, which `source` makes; by the `road`, if there is one and they are many.
    pub fn new(source: S, length: u64, mut transfer: Transfer, road: Option<Road>) -> Self {
        if length == 0 {
            // An empty body is never asked for.
            transfer.complete();
        }
        let outlet = road.filter(|_| length >= LARGE).map(Outlet::new);
        Self { source, length, transfer, pending: 0, held: Held::default(), outlet }
    }

    /// Whether the bytes do not pass through the server's machinery: it must then be told the length otherwise, and to send
    /// the answer without chunking.
    pub const fn is_direct(&self) -> bool {
        self.outlet.is_some()
    }

    fn fail(&mut self, (reason, error): Broken) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.interrupt(self.transfer.is_cut().unwrap_or(reason));
        Poll::Ready(Some(Err(error)))
    }

    fn complete(&mut self) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.complete();
        Poll::Ready(None)
    }

    /// Hands a piece to the server's machinery. It asks for the next when it has sent most of this one.
    fn poll_handing_over(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.sent(std::mem::take(&mut self.pending));
        self.transfer.hands_over(false);
        self.held.set(self.source.kept());
        match ready!(self.source.poll_piece(context, SHARED)) {
            Ok(Some(piece)) => {
                self.pending = piece.len() as u64;
                self.held.set(self.pending + self.source.kept());
                self.transfer.hands_over(true);
                Poll::Ready(Some(Ok(piece)))
            }
            Ok(None) => self.complete(),
            Err(broken) => self.fail(broken),
        }
    }

    /// Sends everything past the server's machinery, which is only told when all has gone.
    fn poll_direct(&mut self, context: &mut Context<'_>, outlet: &mut Outlet) -> Poll<Option<io::Result<Bytes>>> {
        ready!(outlet.poll_head(context));
        let mut turn = 0;
        while turn < TURN {
            match ready!(self.poll_some(context, outlet)) {
                Ok(Some(sent)) => {
                    self.transfer.sent(sent);
                    turn += sent;
                }
                Ok(None) => return self.complete(),
                Err(broken) => return self.fail(broken),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends what is next, as much of it as goes; `None` when all has gone.
    fn poll_some(&mut self, context: &mut Context<'_>, outlet: &mut Outlet) -> Poll<Result<Option<u64>, Broken>> {
        let gone = |error| ("client gone", error);
        if outlet.held() == 0 {
            if let Some(connection) = outlet.plain()
                && let Some(sent) = ready!(self.source.poll_pass(context, connection))?
            {
                return Poll::Ready(Ok(Some(sent)));
            }
            match ready!(self.source.poll_piece(context, WRITTEN))? {
                Some(piece) => outlet.put(piece),
                None => return outlet.poll_flush(context).map(|flushed| flushed.map(|()| None).map_err(gone)),
            }
        }
        self.held.set(outlet.held() + self.source.kept());
        let sent = ready!(outlet.poll_send(context)).map_err(gone)?;
        self.held.set(outlet.held() + self.source.kept());
        Poll::Ready(Ok(Some(sent)))
    }
}

impl<S: Source> MessageBody for Body<S> {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        if self.is_direct() { BodySize::Stream } else { BodySize::Sized(self.length) }
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = &mut *self;
        if let Some(reason) = this.transfer.is_cut() {
            return this.fail((reason, io::Error::other("access has ended")));
        }
        let Some(mut outlet) = this.outlet.take() else { return this.poll_handing_over(context) };
        let polled = this.poll_direct(context, &mut outlet);
        this.outlet = Some(outlet);
        polled
    }
}

impl<S> Drop for Body<S> {
    fn drop(&mut self) {
        // The last piece was handed to the connection; it may have gone out or not. The log never says less than went.
        self.transfer.sent(self.pending);
    }
}
