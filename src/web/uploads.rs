//! Taking in files that are answers. They go to the database as they come, a part at a time, so that none is in memory as a
//! whole; what they are is told from their bytes.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::data::{Peer, disposition};
use super::error::{Fault, WebError, internal};
use crate::app::App;
use crate::domain::form::{FILE_MAX, FileAnswer, FileName, FileReader};
use crate::domain::ids::{PersonId, UploadId};
use crate::domain::text::{Sha256, TextError};
use crate::domain::upload;
use crate::ledger;
use crate::ledger::commands::uploads as commands;
use crate::store::uploads::{PART, part};

/// Why a file was not taken.
#[derive(Debug)]
pub enum UploadError {
    /// Its name can't be taken.
    Name,
    /// It has no bytes.
    Empty,
    /// It has more than [`FILE_MAX`].
    TooLarge,
    /// It is of no type that can be an answer.
    UnknownType,
    /// The request broke off, or something else went wrong.
    Failed(WebError),
}

impl UploadError {
    /// What is wrong with the file.
    ///
    /// # Errors
    /// When it is not the file that is wrong, and the request is over.
    pub fn fault(self) -> Result<Fault, WebError> {
        Ok(match self {
            Self::Name => Fault::Message("error-file-name"),
            Self::Empty => Fault::Message("error-file-empty"),
            Self::TooLarge => Fault::Text(TextError::TooLarge(FILE_MAX)),
            Self::UnknownType => Fault::Text(TextError::Form),
            Self::Failed(WebError::Refused(refusal)) => Fault::Message(refusal.key()),
            Self::Failed(WebError::Unavailable) => Fault::Message("error-file-unavailable"),
            Self::Failed(error) => return Err(error),
        })
    }
}

impl From<WebError> for UploadError {
    fn from(error: WebError) -> Self {
        Self::Failed(error)
    }
}

impl From<ledger::Error> for UploadError {
    fn from(error: ledger::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Waits for the next piece of a body, as long as a request may take.
///
/// # Errors
/// [`WebError::BadRequest`] when it does not come in time.
pub async fn in_time<T>(app: &App, next: impl Future<Output = T>) -> Result<T, WebError> {
    let next = tokio::time::timeout(app.config.timeouts.request, next).await;
    next.map_err(|_| WebError::BadRequest("problem-broken-off"))
}

/// The longest that one request with files may take.
pub const LONGEST: Duration = Duration::from_secs(upload::COMING_LONGEST.whole_seconds().unsigned_abs());

/// A body with each piece of which the timeout of its connection begins anew, because whoever reads it limits the time of each.
pub fn with_renewed_timeout<S, E>(request: &HttpRequest, body: S) -> impl Stream<Item = Result<Bytes, E>> + use<S, E>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    let connection = request.conn_data::<Peer>().map(|peer| peer.connection.clone());
    body.inspect(move |_| {
        if let Some(connection) = &connection {
            connection.abort_handle().renew_request_timeout();
        }
    })
}

/// Gives a file up when its client goes away.
struct GiveUpOnDrop {
    app: App,
    id: Option<UploadId>,
}

impl Drop for GiveUpOnDrop {
    fn drop(&mut self) {
        if let (Some(id), Ok(runtime)) = (self.id, tokio::runtime::Handle::try_current()) {
            let app = self.app.clone();
            // Should this fail, the background task deletes it.
            runtime.spawn(async move { app.ledger.run(move |tx| commands::give_up(tx, id)).await });
        }
    }
}

/// Takes a file in, and gives the answer that names it. It waits for a day to become part of a request.
///
/// # Errors
/// See [`UploadError`].
pub async fn receive<E>(
    app: &App,
    owner: PersonId,
    name: &str,
    bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<FileAnswer, UploadError> {
    let name: FileName = name.parse().map_err(|_| UploadError::Name)?;
    let begun = name.clone();
    let id = app.ledger.run(move |tx| commands::begin(tx, owner, &begun)).await?;
    let mut guard = GiveUpOnDrop { app: app.clone(), id: Some(id) };
    let received = read_all(app, (owner, id), name, bytes).await;
    if received.is_err() {
        // Should this fail, the background task deletes it.
        let _ = app.ledger.run(move |tx| commands::give_up(tx, id)).await;
    }
    guard.id = None;
    received
}

async fn read_all<E>(
    app: &App,
    (owner, id): (PersonId, UploadId),
    name: FileName,
    mut bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<FileAnswer, UploadError> {
    let (mut reader, mut place) = (FileReader::default(), 0);
    let mut waiting: Vec<u8> = Vec::with_capacity(PART);
    while let Some(chunk) = in_time(app, bytes.next()).await? {
        let chunk = chunk.map_err(|_| WebError::BadRequest("problem-broken-off"))?;
        if reader.size() + chunk.len() as u64 > FILE_MAX {
            return Err(UploadError::TooLarge);
        }
        reader.feed(&chunk);
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let (taken, left) = rest.split_at(rest.len().min(PART - waiting.len()));
            waiting.extend_from_slice(taken);
            rest = left;
            if waiting.len() == PART {
                let full = std::mem::replace(&mut waiting, Vec::with_capacity(PART));
                add_part(app, (owner, id), place, full).await?;
                place += 1;
            }
        }
    }
    if reader.size() == 0 {
        return Err(UploadError::Empty);
    }
    let file = reader.finish(id, name).ok_or(UploadError::UnknownType)?;
    if !waiting.is_empty() {
        add_part(app, (owner, id), place, waiting).await?;
    }
    let whole = file.clone();
    app.ledger.run(move |tx| commands::complete(tx, owner, &whole)).await?;
    Ok(file)
}

async fn add_part(app: &App, (owner, id): (PersonId, UploadId), place: u32, bytes: Vec<u8>) -> Result<(), UploadError> {
    if !app.has_room() {
        return Err(WebError::Unavailable.into());
    }
    Ok(app.ledger.run(move |tx| commands::add_part(tx, owner, (id, place), &bytes)).await?)
}

/// What is being sent of a file.
struct Sending {
    app: web::Data<App>,
    file: FileAnswer,
    place: u32,
    sent: u64,
    digest: aws_lc_rs::digest::Context,
}

impl Sending {
    /// The next part. The last one is held back unless the whole is the file that was handed in.
    async fn next(mut self) -> Option<(Result<Bytes, WebError>, Self)> {
        if self.sent >= self.file.size {
            return None;
        }
        let (id, place) = (self.file.id, self.place);
        let bytes = match self.app.reads.read(move |conn| part(conn, id, place)).await {
            Ok(found) => found.unwrap_or_default(),
            Err(error) => return Some((Err(error.into()), self)),
        };
        self.digest.update(&bytes);
        self.place += 1;
        self.sent += bytes.len() as u64;
        let is_whole = self.sent == self.file.size && Sha256::finish(self.digest.clone()) == self.file.sha256;
        if bytes.is_empty() || self.sent >= self.file.size && !is_whole {
            return Some((Err(internal(&format!("the upload {id} is not what was handed in"))), self));
        }
        Some((Ok(Bytes::from(bytes)), self))
    }
}

/// A file, to be saved and not to be shown in the site's own name.
pub fn deliver(app: web::Data<App>, file: FileAnswer) -> HttpResponse {
    let (kind, named, size) = (file.file_type.media_type(), disposition(&file.saved_as()), file.size);
    let digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let parts = stream::unfold(Sending { app, file, place: 0, sent: 0, digest }, Sending::next);
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CONTENT_DISPOSITION, named))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .body(SizedStream::new(size, Box::pin(parts)))
}
