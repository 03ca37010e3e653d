//! Answers that are made piece by piece: archives, and files that come from another server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, LocalBoxStream};

use super::body::SHARED;
use super::buffers::Held;
use super::outlet::{LARGE, Outlet, Road, TURN};
use super::storage::StorageError;
use super::transfer::Transfer;

/// Something that makes the pieces of an answer.
pub trait Pieces {
    /// The next piece; `None` when that was all.
    ///
    /// # Errors
    /// When there is no more to be had though there should be.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, StorageError>>;
}

/// The pieces as a stream that ends with the first failure.
fn streamed<P: Pieces + 'static>(pieces: P) -> LocalBoxStream<'static, Result<Bytes, StorageError>> {
    Box::pin(stream::unfold(Some(pieces), |pieces| async {
        let mut pieces = pieces?;
        match pieces.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(pieces))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }))
}

/// A body of a known length. One piece that is missing ends the connection: what comes is never taken for the whole.
pub struct StreamBody {
    pieces: LocalBoxStream<'static, Result<Bytes, StorageError>>,
    length: u64,
    left: u64,
    transfer: Transfer,
    /// What was made and not handed over.
    rest: Bytes,
    /// Bytes of the piece that was handed over last; they count once the next is asked for.
    pending: u64,
    held: Held,
    /// The way straight to the connection, if they take it.
    outlet: Option<Outlet>,
}

impl StreamBody {
    /// `length` bytes, which `pieces` makes; by the `road`, if there is one and they are many.
    pub fn new<P: Pieces + 'static>(pieces: P, length: u64, mut transfer: Transfer, road: Option<Road>) -> Self {
        if length == 0 {
            // An empty body is never asked for.
            transfer.complete();
        }
        let outlet = road.filter(|_| length >= LARGE).map(Outlet::new);
        Self {
            pieces: streamed(pieces),
            length,
            left: length,
            transfer,
            rest: Bytes::new(),
            pending: 0,
            held: Held::default(),
            outlet,
        }
    }

    /// Whether the body's bytes do not pass through the server's machinery: it must then be told the length otherwise, and
    /// to send the answer without chunking.
    pub const fn is_direct(&self) -> bool {
        self.outlet.is_some()
    }

    /// Hands over what a shared connection may have at a time.
    fn hand_over(&mut self) -> Poll<Option<io::Result<Bytes>>> {
        let piece = self.rest.split_to(self.rest.len().min(SHARED));
        self.pending = piece.len() as u64;
        self.transfer.hands_over(true);
        Poll::Ready(Some(Ok(piece)))
    }

    /// The next piece.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, (&'static str, io::Error)>> {
        Poll::Ready(match ready!(Pin::new(&mut self.pieces).poll_next(context)) {
            Some(Ok(piece)) if piece.len() as u64 <= self.left => {
                self.left -= piece.len() as u64;
                self.held.set(piece.len() as u64);
                Ok(piece)
            }
            Some(Ok(_)) => Err(("too long", io::Error::other("more came than there should be"))),
            Some(Err(error)) => {
                tracing::error!(%error, "a transfer is cut");
                Err((error.reason(), io::Error::other(error)))
            }
            None => Err(("too short", io::ErrorKind::UnexpectedEof.into())),
        })
    }

    /// Sends pieces past the server's machinery, which is only told when all have gone.
    fn poll_direct(&mut self, context: &mut Context<'_>, outlet: &mut Outlet) -> Poll<Option<io::Result<Bytes>>> {
        ready!(outlet.poll_head(context));
        let mut turn = 0;
        while turn < TURN {
            let sent = match ready!(outlet.poll_send(context)) {
                Ok(sent) => sent,
                Err(error) => {
                    let reason = self.transfer.is_cut().unwrap_or("client gone");
                    return self.fail(reason, error);
                }
            };
            self.held.set(outlet.held());
            self.transfer.sent(sent);
            turn += sent;
            if outlet.held() > 0 {
                continue;
            }
            if self.left == 0 {
                if let Err(error) = ready!(outlet.poll_flush(context)) {
                    return self.fail("client gone", error);
                }
                self.transfer.complete();
                return Poll::Ready(None);
            }
            match ready!(self.poll_piece(context)) {
                Ok(piece) => outlet.put(piece),
                Err((reason, error)) => return self.fail(reason, error),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn fail(&mut self, reason: &'static str, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.interrupt(reason);
        Poll::Ready(Some(Err(error)))
    }
}

impl MessageBody for StreamBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        if self.is_direct() { BodySize::Stream } else { BodySize::Sized(self.length) }
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = &mut *self;
        if let Some(reason) = this.transfer.is_cut() {
            return this.fail(reason, io::Error::other("access has ended"));
        }
        if let Some(mut outlet) = this.outlet.take() {
            let polled = this.poll_direct(context, &mut outlet);
            this.outlet = Some(outlet);
            return polled;
        }
        this.transfer.sent(std::mem::take(&mut this.pending));
        this.transfer.hands_over(false);
        if !this.rest.is_empty() {
            return this.hand_over();
        }
        this.held.set(0);
        if this.left == 0 {
            this.transfer.complete();
            return Poll::Ready(None);
        }
        match ready!(this.poll_piece(context)) {
            Ok(piece) => {
                this.rest = piece;
                this.hand_over()
            }
            Err((reason, error)) => this.fail(reason, error),
        }
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        // The last piece was handed to the connection; it may have gone out or not. The log never says less than went.
        self.transfer.sent(self.pending);
    }
}
