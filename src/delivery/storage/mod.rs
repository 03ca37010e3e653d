//! Where files are: in a folder of this machine, in an S3-compatible bucket, or behind another HTTP server. A dataset's
//! root says which: a path, `s3://BUCKET/PREFIX`, or `https://HOST/PATH`.

mod client;
pub mod error;
mod http;
mod local;
mod object;
pub mod reader;
mod s3;
pub mod upstream;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use client::HttpClients;
use error::StorageError;
pub use local::{Comparison, LocalRoots, modified_at};
use reader::{LocalReader, Reader, UpstreamReader};
pub use s3::{Credentials, Listed, S3Settings};
use tokio::sync::Semaphore;
use upstream::Upstream;

use super::memory::TransferMemory;
use crate::domain::dataset::FileEntry;
use crate::domain::transfer::FileMismatch;
use crate::trusted_roots::TrustedRoots;

/// Whether a dataset's files are on this machine.
pub fn is_local(root: &str) -> bool {
    !root.contains("://")
}

/// All storages.
#[derive(Debug)]
pub struct Storage {
    /// Folders.
    pub roots: LocalRoots,
    settings: S3Settings,
    clients: Arc<HttpClients>,
    memory: Arc<TransferMemory>,
    upstreams: Mutex<HashMap<String, Arc<Upstream>>>,
    /// Turns to read whole files whose times have changed.
    comparing: Semaphore,
}

/// Files that are read whole at the same time because their times have changed.
const COMPARED_AT_A_TIME: usize = 2;

impl Storage {
    /// With these settings for buckets, and certificate authorities for other servers.
    pub fn new(settings: S3Settings, memory: Arc<TransferMemory>, roots: &TrustedRoots) -> Self {
        let clients = HttpClients::new(memory.clone(), roots);
        Self {
            roots: LocalRoots::default(),
            settings,
            clients,
            memory,
            upstreams: Mutex::default(),
            comparing: Semaphore::new(COMPARED_AT_A_TIME),
        }
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
        let upstream = Arc::new(Upstream::at(root, &self.settings, &self.clients)?);
        upstreams.insert(root.to_owned(), upstream.clone());
        Ok(upstream)
    }

    /// The same for a look at what is there: nothing of it is kept.
    ///
    /// # Errors
    /// What is wrong with the root or the settings.
    pub fn browsed(&self, root: &str) -> Result<Upstream, StorageError> {
        Upstream::at(root, &self.settings, &self.clients)
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
            return Ok(Reader::Empty);
        }
        if is_local(root) {
            let file = self.open(root, entry).await?;
            return Ok(Reader::Local(LocalReader::new(file, offset, length, self.memory.clone())));
        }
        let body = self.upstream(root)?.read(entry, offset, length).await?;
        Ok(Reader::Upstream(Box::new(UpstreamReader::start(body, entry, length).await?)))
    }

    /// Opens a file on this machine: on this thread if its path is cached by the kernel, else on a blocking thread.
    ///
    /// # Errors
    /// When it can't be opened, or is not what was imported.
    pub async fn open(self: &Arc<Self>, root: &str, entry: &FileEntry) -> Result<File, StorageError> {
        if let Some(opened) = self.roots.open_cached(root, entry) {
            return Ok(opened);
        }
        match self.open_blocking(root, entry, Comparison::Remembered).await {
            // Those who wait for their turn to read a whole file hold no thread.
            Err(StorageError::Changed(FileMismatch::Time)) => {
                let _turn = self.comparing.acquire().await;
                self.open_blocking(root, entry, Comparison::Read).await
            }
            opened => opened,
        }
    }

    async fn open_blocking(
        self: &Arc<Self>,
        root: &str,
        entry: &FileEntry,
        comparison: Comparison,
    ) -> Result<File, StorageError> {
        let (storage, root, entry) = (self.clone(), root.to_owned(), entry.clone());
        let opened = tokio::task::spawn_blocking(move || storage.roots.open(&root, &entry, comparison)).await;
        opened.unwrap_or_else(|error| Err(StorageError::Io(io::Error::other(error))))
    }
}
