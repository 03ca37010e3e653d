//! What all other servers have in common: what is asked of them, what is believed, and when it is tried again.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http_body_util::BodyExt;

use super::StorageError;
use super::client::PAUSE;
use super::http::{HttpServer, is_same};
use super::s3::{Bucket, S3Settings};
use crate::domain::Instant;
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

/// What an answer says of a file before its first byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Bytes of the whole file, if it says so.
    pub size: Option<u64>,
    /// Its strong entity tag.
    pub pin: Option<String>,
    /// Its modification time.
    pub modified_at: Option<Instant>,
}

/// Why there is no answer that can be used.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may be over in a moment.
    Passing(String),
    /// It will not be.
    Final(String),
    /// The file is not what was imported.
    Changed(&'static str),
}

impl From<Trouble> for StorageError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(why) | Trouble::Final(why) => Self::Upstream(why),
            Trouble::Changed(why) => Self::Changed(why),
        }
    }
}

impl Upstream {
    /// The server that a root names.
    ///
    /// # Errors
    /// What is wrong with the root or the settings.
    pub fn at(root: &str, settings: &S3Settings) -> Result<Self, StorageError> {
        if root.starts_with("s3://") {
            return Ok(Self::S3(Box::new(Bucket::at(root, settings)?)));
        }
        if root.starts_with("https://") || root.starts_with("http://") {
            return Ok(Self::Http(HttpServer::at(root)?));
        }
        Err(StorageError::Upstream(format!("{root:?} is neither a folder, nor s3://, http:// or https://")))
    }

    async fn get(
        &self,
        path: &FilePath,
        range: Option<(u64, u64)>,
        pin: Option<&str>,
    ) -> Result<(Found, Incoming), Trouble> {
        match self {
            Self::Http(server) => server.get(path, range, pin).await,
            Self::S3(bucket) => bucket.get(path, range, pin).await,
        }
    }

    /// Asks for bytes of a file that was imported, again if need be, and makes sure that it is the same as far as can be
    /// told before the first byte.
    pub(super) async fn read(&self, entry: &FileEntry, offset: u64, length: u64) -> Result<Arrival, StorageError> {
        let range = (length < entry.size).then(|| (offset, offset + length - 1));
        patiently(&entry.path, async || self.begin(entry, range).await).await
    }

    /// One try, up to the first piece.
    async fn begin(&self, entry: &FileEntry, range: Option<(u64, u64)>) -> Result<Arrival, Trouble> {
        let (found, mut incoming) = self.get(&entry.path, range, entry.pin.as_deref()).await?;
        is_same(&found, entry, range.is_none())?;
        match incoming.next().await {
            Ok(first) => Ok(Arrival { first, incoming }),
            Err(error) => Err(Trouble::Passing(error.to_string())),
        }
    }

    /// Reads a whole file as it is now, for an import.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn fetch(&self, path: &FilePath) -> Result<(Found, Incoming), StorageError> {
        patiently(path, async || self.get(path, None, None).await).await
    }
}

/// Asks for a file, and again while the trouble may pass.
async fn patiently<T>(path: &FilePath, ask: impl AsyncFn() -> Result<T, Trouble>) -> Result<T, StorageError> {
    let mut attempt = 1;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(Trouble::Passing(why)) if attempt < TRIES => {
                tracing::warn!(%path, %why, attempt, "upstream; trying again");
                tokio::time::sleep(PAUSE_BEFORE_NEXT * attempt).await;
                attempt += 1;
            }
            Err(trouble) => return Err(trouble.into()),
        }
    }
}

/// The body of another server's answer, of which the first piece has come.
pub struct Arrival {
    first: Option<Bytes>,
    incoming: Incoming,
}

impl Arrival {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// As [`Incoming::next`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.incoming.next().await,
        }
    }
}

/// The body of another server's answer.
pub struct Incoming(Source);

enum Source {
    Http(hyper::body::Incoming),
    Bucket(BoxStream<'static, object_store::Result<Bytes>>),
}

impl Incoming {
    pub(super) const fn http(body: hyper::body::Incoming) -> Self {
        Self(Source::Http(body))
    }

    pub(super) const fn bucket(stream: BoxStream<'static, object_store::Result<Bytes>>) -> Self {
        Self(Source::Bucket(stream))
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the connection breaks, or nothing comes for too long. The time that our own client takes does not count.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        let piece = async {
            loop {
                return match &mut self.0 {
                    Source::Bucket(stream) => stream.next().await.transpose().map_err(|error| error.to_string()),
                    Source::Http(body) => match body.frame().await {
                        None => Ok(None),
                        Some(Err(error)) => Err(error.to_string()),
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(data) => Ok(Some(data)),
                            // Trailers, of which nothing is asked.
                            Err(_) => continue,
                        },
                    },
                };
            }
        };
        match tokio::time::timeout(PAUSE, piece).await {
            Ok(piece) => piece.map_err(StorageError::Upstream),
            Err(_) => Err(StorageError::Upstream("has stopped sending".into())),
        }
    }
}
