//! What another server says of a file, and the body of its answer.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http_body_util::BodyExt;

use super::error::{FetchError, StorageError};
use crate::domain::Timestamp;
use crate::domain::dataset::FileEntry;
use crate::domain::transfer::FileMismatch;

/// How long another server may pause within an answer.
const PAUSE: Duration = Duration::from_secs(15);

/// What an answer says of a file before its first byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectInfo {
    /// Bytes of the whole file, if it says so.
    pub size: Option<u64>,
    /// Its strong entity tag.
    pub etag: Option<String>,
    /// Its modification time.
    pub modified_at: Option<Timestamp>,
}

impl ObjectInfo {
    /// Whether the answer is about the file that was imported. A `whole` file is hashed as it passes; of a part the tag or
    /// the time must be known.
    pub(super) fn check(&self, entry: &FileEntry, whole: bool) -> Result<(), FetchError> {
        if self.size.is_some_and(|size| size != entry.size) {
            return Err(FetchError::Changed(FileMismatch::Size));
        }
        match (&entry.pinned_etag, &self.etag) {
            (Some(pinned), Some(etag)) if pinned != etag => return Err(FetchError::Changed(FileMismatch::Tag)),
            (Some(_), Some(_)) => return Ok(()),
            _ => {}
        }
        // Without a tag, its time must do.
        match self.modified_at {
            Some(at) if at.unix_seconds() != entry.modified_at.unix_seconds() => {
                Err(FetchError::Changed(FileMismatch::Time))
            }
            Some(_) => Ok(()),
            None if whole => Ok(()),
            None => Err(FetchError::Permanent("does not say whether a part is of the file that was imported".into())),
        }
    }
}

/// The body of another server's answer, of which the first piece has come.
pub struct StartedBody {
    first: Option<Bytes>,
    rest: BodyStream,
}

impl StartedBody {
    /// Waits for the first piece.
    pub(super) async fn start(mut body: BodyStream) -> Result<Self, StorageError> {
        let first = body.next().await?;
        Ok(Self { first, rest: body })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// As [`BodyStream::next`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.rest.next().await,
        }
    }
}

/// The body of another server's answer.
pub struct BodyStream(Source);

enum Source {
    Http(hyper::body::Incoming),
    Bucket(BoxStream<'static, object_store::Result<Bytes>>),
}

impl BodyStream {
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
                            // Trailers are ignored.
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
