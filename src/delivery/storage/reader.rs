//! Reading the bytes of a file, wherever it is, piece by piece.

use std::fs::File;
use std::io;
use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;

use super::error::StorageError;
use super::object::StartedBody;
use crate::delivery::file_reads::Piece;
use crate::delivery::memory::TransferMemory;
use crate::domain::dataset::FileEntry;
use crate::domain::text::Sha256;
use crate::domain::transfer::FileMismatch;

/// Something that makes the pieces of an answer.
pub trait Pieces {
    /// The next piece; `None` when that was all.
    ///
    /// # Errors
    /// When the data ends early.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, StorageError>>;
}

/// The bytes of a file, or of a part of it.
pub enum Reader {
    /// None.
    Empty,
    /// From a file on this machine.
    Local(LocalReader),
    /// From another server.
    Upstream(Box<UpstreamReader>),
}

impl Pieces for Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        match self {
            Self::Empty => Ok(None),
            Self::Local(reader) => reader.next().await,
            Self::Upstream(reader) => reader.next().await,
        }
    }
}

/// Bytes from a file on this machine.
pub struct LocalReader {
    file: Arc<File>,
    /// Where the next byte is.
    offset: u64,
    /// Bytes still to come.
    left: u64,
    memory: Arc<TransferMemory>,
}

impl LocalReader {
    /// `length` bytes from an offset on.
    pub(super) fn new(file: File, offset: u64, length: u64, memory: Arc<TransferMemory>) -> Self {
        Self { file: Arc::new(file), offset, left: length, memory }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        if self.left == 0 {
            return Ok(None);
        }
        let (offset, length) = (self.offset, self.memory.piece_of(self.left));
        let piece = match Piece::read(&self.file, offset, length)? {
            Piece::Cached(piece) => piece,
            Piece::Reading(reading) => reading.await.map_err(io::Error::other)??,
        };
        self.offset += length as u64;
        self.left -= length as u64;
        Ok(Some(piece))
    }
}

/// Bytes from another server.
pub struct UpstreamReader {
    body: StartedBody,
    /// Bytes still to come.
    left: u64,
    /// Over what has come, if it is to be the whole file.
    hash: Option<digest::Context>,
    /// What the whole file must have.
    expected: Sha256,
    /// The first piece, which was checked already.
    first: Option<Bytes>,
}

impl UpstreamReader {
    /// `length` bytes of a file, of which the first piece is checked before this returns.
    pub(super) async fn start(body: StartedBody, entry: &FileEntry, length: u64) -> Result<Self, StorageError> {
        // A hash is of the whole.
        let hash = (length == entry.size).then(|| digest::Context::new(&digest::SHA256));
        let mut reader = Self { body, left: length, hash, expected: entry.sha256, first: None };
        // What comes in one piece is judged before the head of the answer is made.
        reader.first = reader.next().await?;
        Ok(reader)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.left == 0 {
            return Ok(None);
        }
        let Some(piece) = self.body.next().await? else {
            return Err(StorageError::Upstream("ended before the file did".into()));
        };
        let left = self.left.checked_sub(piece.len() as u64);
        self.left = left.ok_or_else(|| StorageError::Upstream("sent more than the file has".into()))?;
        if let Some(context) = &mut self.hash {
            context.update(&piece);
        }
        // The last piece goes only when the whole has its hash: a wrong file never looks whole.
        if self.left == 0
            && let Some(context) = self.hash.take()
            && context.finish().as_ref() != self.expected.0
        {
            return Err(StorageError::Changed(FileMismatch::Hash));
        }
        Ok(Some(piece))
    }
}
