//! Sending an answer's bytes in pieces through the dispatcher. However the body ends, dropping it hands the number of bytes
//! to the ledger.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;

use super::connection::flush::Flush;
use super::memory::HeldMemory;
use super::transfers::Transfer;
use crate::domain::transfer::Interruption;

/// The largest piece handed to the dispatcher at a time. With larger ones a client that reads slowly could not be told from
/// one that has stopped.
const PIECE_MAX: usize = 64 * 1024;

/// Why a transfer ends early: for the log, and for the dispatcher.
pub type BodyError = (Interruption, io::Error);

/// What makes the bytes of an answer.
pub trait Source: Unpin {
    /// The next piece, of at most so many bytes; `None` when that was all.
    fn poll_piece(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<Option<Bytes>, BodyError>>;

    /// Bytes that were made and are not in a piece yet.
    fn buffered(&self) -> u64 {
        0
    }
}

/// The body of an answer, of a known length. An answer that is cut short ends the connection, so that no client takes it
/// for the whole.
pub struct Body<S> {
    source: S,
    length: u64,
    transfer: Transfer,
    /// Bytes of the piece that was handed over last; they count once the next is asked for.
    pending: u64,
    held: HeldMemory,
    /// Waits at the end until the last bytes have gone: until then the transfer is active, and can be aborted. On a
    /// connection that several answers share, and for small ones, there is nothing to wait for.
    flush: Option<Flush>,
}

impl<S: Source> Body<S> {
    /// `length` bytes, which `source` makes.
    pub fn new(source: S, length: u64, mut transfer: Transfer, held: HeldMemory, flush: Option<Flush>) -> Self {
        if length == 0 {
            // An empty body is never polled.
            transfer.mark_complete();
        }
        Self { source, length, transfer, pending: 0, held, flush }
    }
}

impl<S: Source> MessageBody for Body<S> {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    /// The dispatcher asks for the next piece when it has sent most of the one before.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = &mut *self;
        if let Some(error) = this.transfer.end_if_aborted() {
            return Poll::Ready(Some(Err(error)));
        }
        this.transfer.add_sent_bytes(std::mem::take(&mut this.pending));
        this.transfer.mark_taken();
        this.held.set(this.source.buffered());
        match ready!(this.source.poll_piece(context, PIECE_MAX)) {
            Ok(Some(piece)) => {
                this.pending = piece.len() as u64;
                this.held.set(this.pending + this.source.buffered());
                this.transfer.mark_handed_over();
                Poll::Ready(Some(Ok(piece)))
            }
            Ok(None) => {
                if let Some(flush) = &mut this.flush {
                    ready!(flush.poll(context));
                }
                this.transfer.mark_complete();
                Poll::Ready(None)
            }
            Err((reason, error)) => {
                this.transfer.interrupt(reason);
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

impl<S> Drop for Body<S> {
    fn drop(&mut self) {
        // The last piece was handed to the connection; it may have gone out or not. The log never says less than went.
        self.transfer.add_sent_bytes(self.pending);
    }
}
