//! Where files are: in a folder of this machine, in an S3-compatible bucket, or behind another HTTP server. A dataset's
//! root says which: a path, `s3://BUCKET/PREFIX`, or `https://HOST/PATH`.

mod client;
mod http;
mod local;
mod s3;
pub mod upstream;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use bytes::Bytes;

pub use local::{Roots, modified_at};
pub use s3::S3Settings;
use upstream::{Arrival, Upstream};

use super::file::{Piece, piece_of};
use super::stream::Pieces;
use crate::domain::dataset::FileEntry;
use crate::domain::text::Sha256;

/// Why a file can't be delivered.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// It is not what was imported.
    #[error("{0}")]
    Changed(&'static str),
    /// The file system said so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server that has the file does not give it.
    #[error("upstream: {0}")]
    Upstream(String),
}

impl StorageError {
    /// The word in the log for a transfer that this ended.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Changed(_) => "file changed",
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => "file changed",
            Self::Io(_) => "storage",
            Self::Upstream(_) => "upstream",
        }
    }
}

/// Whether a dataset's files are on this machine.
pub fn is_local(root: &str) -> bool {
    !root.contains("://")
}

/// All storages.
#[derive(Debug)]
pub struct Storage {
    /// Folders.
    pub roots: Roots,
    settings: S3Settings,
    upstreams: Mutex<HashMap<String, Arc<Upstream>>>,
}

impl Storage {
    /// With these settings for buckets.
    pub fn new(settings: S3Settings) -> Self {
        Self { roots: Roots::default(), settings, upstreams: Mutex::default() }
    }

    /// The server behind a root that is not a folder.
    ///
    /// # Errors
    /// What is wrong with the root or the settings.
    pub fn upstream(&self, root: &str) -> Result<Arc<Upstream>, StorageError> {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upstream) = upstreams.get(root) {
            return Ok(upstream.clone());
        }
        let upstream = Arc::new(Upstream::at(root, &self.settings)?);
        upstreams.insert(root.to_owned(), upstream.clone());
        Ok(upstream)
    }

    /// Begins to read `length` bytes of a file from an offset on. When this returns, the file is what was imported as far
    /// as can be told before its first byte.
    ///
    /// # Errors
    /// When it can't be had, or is not what was imported.
    pub async fn read(
        self: &Arc<Self>,
        root: &str,
        entry: &FileEntry,
        offset: u64,
        length: u64,
    ) -> Result<Reader, StorageError> {
        if length == 0 {
            return Ok(Reader::Nothing);
        }
        if is_local(root) {
            let file = Arc::new(self.open(root, entry).await?);
            return Ok(Reader::Local { file, offset, left: length });
        }
        let arrival = self.upstream(root)?.read(entry, offset, length).await?;
        // A hash is of the whole.
        let hash = (length == entry.size).then(|| digest::Context::new(&digest::SHA256));
        let mut reader = FromUpstream { arrival, left: length, hash, expected: entry.sha256, first: None };
        // What comes in one piece is judged before the head of the answer is.
        reader.first = reader.next().await?;
        Ok(Reader::Upstream(Box::new(reader)))
    }

    /// Opens a file on this machine: here if its way is in memory, else where waiting for the disk holds up nobody.
    ///
    /// # Errors
    /// When it can't be opened, or is not what was imported.
    pub async fn open(self: &Arc<Self>, root: &str, entry: &FileEntry) -> Result<File, StorageError> {
        if let Some(opened) = self.roots.open_cached(root, entry) {
            return Ok(opened);
        }
        let (storage, root, entry) = (self.clone(), root.to_owned(), entry.clone());
        let opened = tokio::task::spawn_blocking(move || storage.roots.open(&root, &entry)).await;
        opened.unwrap_or_else(|error| Err(StorageError::Io(io::Error::other(error))))
    }
}

/// The bytes of a file, or of a part of it, piece by piece.
pub enum Reader {
    /// None.
    Nothing,
    /// From a file on this machine.
    Local {
        /// The file.
        file: Arc<File>,
        /// Where the next byte is.
        offset: u64,
        /// Bytes to come.
        left: u64,
    },
    /// From another server.
    Upstream(Box<FromUpstream>),
}

/// Bytes from another server.
pub struct FromUpstream {
    arrival: Arrival,
    /// Bytes to come.
    left: u64,
    /// Over what has come, if it is to be the whole file.
    hash: Option<digest::Context>,
    /// What the whole file must have.
    expected: Sha256,
    /// The first piece, which was looked at already.
    first: Option<Bytes>,
}

impl FromUpstream {
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.left == 0 {
            return Ok(None);
        }
        let Some(piece) = self.arrival.next().await? else {
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
            return Err(StorageError::Changed("what came does not have the hash that was imported"));
        }
        Ok(Some(piece))
    }
}

impl Pieces for Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Local { left: 0, .. } => Ok(None),
            Self::Local { file, offset, left } => {
                let (place, length) = (*offset, piece_of(*left));
                let buffer = match Piece::read(file, place, length)? {
                    Piece::Here(buffer) => buffer,
                    Piece::Coming(reading) => reading.await.map_err(io::Error::other)??,
                };
                *offset += length as u64;
                *left -= length as u64;
                Ok(Some(buffer.freeze()))
            }
            Self::Upstream(reader) => reader.next().await,
        }
    }
}
