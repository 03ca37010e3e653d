//! Answers that are made piece by piece: archives, and files that come from another server.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{self, LocalBoxStream};

use super::body::{Body, BodyError, Source};
use super::connection::flush::Flush;
use super::memory::{HeldMemory, TransferMemory};
use super::storage::error::StorageError;
use super::storage::reader::Pieces;
use super::transfers::Transfer;
use crate::domain::transfer::Interruption;

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

/// Pieces of an answer, and how many bytes are still to come.
pub struct StreamSource {
    pieces: LocalBoxStream<'static, Result<Bytes, StorageError>>,
    left: u64,
    /// What of the last one is still to be taken.
    rest: Bytes,
}

/// What is made piece by piece, as the body of an answer.
pub type StreamBody = Body<StreamSource>;

impl StreamBody {
    /// `length` bytes, which `pieces` makes.
    pub fn of<P: Pieces + 'static>(
        pieces: P,
        length: u64,
        transfer: Transfer,
        memory: &Arc<TransferMemory>,
        flush: Option<Flush>,
    ) -> Self {
        let source = StreamSource { pieces: streamed(pieces), left: length, rest: Bytes::new() };
        Self::new(source, length, transfer, HeldMemory::new(memory.clone()), flush)
    }
}

impl Source for StreamSource {
    fn poll_piece(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<Option<Bytes>, BodyError>> {
        if self.rest.is_empty() {
            if self.left == 0 {
                return Poll::Ready(Ok(None));
            }
            match ready!(Pin::new(&mut self.pieces).poll_next(context)) {
                Some(Ok(piece)) if piece.len() as u64 <= self.left => {
                    self.left -= piece.len() as u64;
                    self.rest = piece;
                }
                Some(Ok(_)) => {
                    return Poll::Ready(Err((
                        Interruption::TooLong,
                        io::Error::other("more came than there should be"),
                    )));
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "a transfer is interrupted");
                    return Poll::Ready(Err((error.interruption(), io::Error::other(error))));
                }
                None => return Poll::Ready(Err((Interruption::TooShort, io::ErrorKind::UnexpectedEof.into()))),
            }
        }
        Poll::Ready(Ok(Some(self.rest.split_to(self.rest.len().min(most)))))
    }

    fn buffered(&self) -> u64 {
        self.rest.len() as u64
    }
}
