//! What all other servers have in common: what is asked of them, and when it is tried again.

use std::sync::Arc;
use std::time::Duration;

use super::client::HttpClients;
use super::error::{FetchError, StorageError};
use super::http::HttpServer;
use super::object::{BodyStream, ObjectInfo, StartedBody};
use super::s3::{Bucket, S3Settings};
use crate::domain::dataset::FileEntry;
use crate::domain::path::FilePath;

/// How often a file is asked for before the first byte has come.
const TRIES: u32 = 3;
/// The pause before the second try; twice as long before the third.
const PAUSE_BEFORE_NEXT: Duration = Duration::from_millis(150);

/// A server that has the files of a dataset.
#[derive(Debug)]
pub enum Upstream {
    /// Speaking plain HTTP.
    Http(HttpServer),
    /// A bucket.
    S3(Box<Bucket>),
}

impl Upstream {
    /// The server that a root names.
    ///
    /// # Errors
    /// What is wrong with the root or the settings.
    pub fn at(root: &str, settings: &S3Settings, clients: &Arc<HttpClients>) -> Result<Self, StorageError> {
        if root.starts_with("s3://") {
            return Ok(Self::S3(Box::new(Bucket::at(root, settings, clients)?)));
        }
        if root.starts_with("https://") || root.starts_with("http://") {
            return Ok(Self::Http(HttpServer::at(root, clients)?));
        }
        Err(StorageError::Upstream(format!("{root:?} is neither a folder, nor s3://, http:// or https://")))
    }

    async fn get(
        &self,
        path: &FilePath,
        range: Option<(u64, u64)>,
        pinned_etag: Option<&str>,
    ) -> Result<(ObjectInfo, BodyStream), FetchError> {
        match self {
            Self::Http(server) => server.get(path, range, pinned_etag).await,
            Self::S3(bucket) => bucket.get(path, range, pinned_etag).await,
        }
    }

    /// Asks for bytes of a file that was imported, again if need be, and makes sure that it is the same as far as can be
    /// told before the first byte.
    pub(super) async fn read(&self, entry: &FileEntry, offset: u64, length: u64) -> Result<StartedBody, StorageError> {
        let range = (length < entry.size).then(|| (offset, offset + length - 1));
        with_retries(&entry.path, async || self.begin(entry, range).await).await
    }

    /// One try, up to the first piece.
    async fn begin(&self, entry: &FileEntry, range: Option<(u64, u64)>) -> Result<StartedBody, FetchError> {
        let (info, body) = self.get(&entry.path, range, entry.pinned_etag.as_deref()).await?;
        info.check(entry, range.is_none())?;
        StartedBody::start(body).await.map_err(|error| FetchError::Transient(error.to_string()))
    }

    /// Reads a whole file as it is now, for an import.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn fetch(&self, path: &FilePath) -> Result<(ObjectInfo, BodyStream), StorageError> {
        with_retries(path, async || self.get(path, None, None).await).await
    }
}

/// Asks for a file, and again after a failure that may be transient.
async fn with_retries<T>(path: &FilePath, ask: impl AsyncFn() -> Result<T, FetchError>) -> Result<T, StorageError> {
    let mut attempt = 1;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(FetchError::Transient(why)) if attempt < TRIES => {
                tracing::warn!(%path, %why, attempt, "upstream failed; retrying");
                tokio::time::sleep(PAUSE_BEFORE_NEXT * attempt).await;
                attempt += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
