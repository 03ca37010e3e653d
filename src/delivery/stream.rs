//! Answers that are made piece by piece: archives, and files that come from another server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, LocalBoxStream};

use super::buffers::Held;
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
    /// Bytes of the piece that was handed over last; they count once the next is asked for.
    pending: u64,
    held: Held,
}

impl StreamBody {
    /// `length` bytes, which `pieces` makes.
    pub fn new<P: Pieces + 'static>(pieces: P, length: u64, mut transfer: Transfer) -> Self {
        if length == 0 {
            // An empty body is never asked for.
            transfer.complete();
        }
        Self { pieces: streamed(pieces), length, left: length, transfer, pending: 0, held: Held::default() }
    }

    fn fail(&mut self, reason: &'static str, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.interrupt(reason);
        Poll::Ready(Some(Err(error)))
    }
}

impl MessageBody for StreamBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = &mut *self;
        this.transfer.sent(std::mem::take(&mut this.pending));
        this.held.set(0);
        if let Some(reason) = this.transfer.is_cut() {
            return this.fail(reason, io::Error::other("access has ended"));
        }
        if this.left == 0 {
            this.transfer.complete();
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut this.pieces).poll_next(context)) {
            Some(Ok(piece)) if piece.len() as u64 <= this.left => {
                this.pending = piece.len() as u64;
                this.left -= this.pending;
                this.held.set(this.pending);
                Poll::Ready(Some(Ok(piece)))
            }
            Some(Ok(_)) => this.fail("too long", io::Error::other("more came than there should be")),
            Some(Err(error)) => {
                tracing::error!(%error, "a transfer is cut");
                this.fail(error.reason(), io::Error::other(error))
            }
            None => this.fail("too short", io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        // The last piece was handed to the connection; it may have gone out or not. The log never says less than went.
        self.transfer.sent(self.pending);
    }
}
