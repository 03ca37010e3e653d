//! A file, or parts of it, as the body of an answer.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::body::{Body, BodyError, Source};
use super::connection::flush::Flush;
use super::file_reads::{Piece, interruption};
use super::memory::{HeldMemory, TransferMemory};
use super::plan::{Part, Plan};
use super::transfers::Transfer;
use crate::domain::transfer::Interruption;

/// A file, and what of it is still to be sent.
pub struct FileSource {
    file: Arc<File>,
    parts: VecDeque<Part>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    memory: Arc<TransferMemory>,
}

/// The bytes of a file, or parts of it, as the body of an answer.
pub type FileBody = Body<FileSource>;

impl FileBody {
    /// The bytes of `plan`, of `file`.
    pub fn of(file: File, plan: Plan, transfer: Transfer, memory: &Arc<TransferMemory>, flush: Option<Flush>) -> Self {
        let source = FileSource { file: Arc::new(file), parts: plan.parts, reading: None, memory: memory.clone() };
        Self::new(source, plan.length, transfer, HeldMemory::new(memory.clone()), flush)
    }
}

impl FileSource {
    /// Begins to read the next piece; `None` when that was all.
    fn begin(&mut self, most: usize) -> io::Result<Option<Piece>> {
        while let Some(Part::File(_, 0)) = self.parts.front() {
            self.parts.pop_front();
        }
        let Some(Part::File(offset, left)) = self.parts.front_mut() else {
            return Ok(match self.parts.pop_front() {
                Some(Part::Text(text)) => Some(Piece::Cached(text)),
                _ => None,
            });
        };
        let (at, length) = (*offset, self.memory.piece_of(*left).min(most));
        *offset += length as u64;
        *left -= length as u64;
        Piece::read(&self.file, at, length).map(Some)
    }
}

impl Source for FileSource {
    fn poll_piece(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<Option<Bytes>, BodyError>> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => match self.begin(most) {
                Ok(None) => return Poll::Ready(Ok(None)),
                Ok(Some(Piece::Cached(piece))) => return Poll::Ready(Ok(Some(piece))),
                Ok(Some(Piece::Reading(reading))) => reading,
                Err(error) => return Poll::Ready(Err((interruption(&error), error))),
            },
        };
        let Poll::Ready(read) = Pin::new(&mut reading).poll(context) else {
            self.reading = Some(reading);
            return Poll::Pending;
        };
        Poll::Ready(match read {
            Ok(Ok(piece)) => Ok(Some(piece)),
            Ok(Err(error)) => Err((interruption(&error), error)),
            Err(panicked) => Err((Interruption::Storage, io::Error::other(panicked))),
        })
    }
}
