//! Taking in files that are answers. They go to the database as they come, a part at a time, so that none is in memory as a
//! whole; what they are is told from their bytes.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::data::disposition;
use super::error::{Fault, WebError};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::form::{FILE_MAX, FileAnswer, FileName, TypeDetector};
use crate::domain::ids::{PersonId, UploadId};
use crate::domain::text::{Sha256, TextError};
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
    /// Something else went wrong.
    Failed(WebError),
}

impl UploadError {
    /// What is wrong with the file, where that is it.
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Name => Some(Fault::Message("error-file-name")),
            Self::Empty => Some(Fault::Message("error-file-empty")),
            Self::TooLarge => Some(Fault::Text(TextError::TooLarge(FILE_MAX))),
            Self::UnknownType => Some(Fault::Message("error-file-type")),
            Self::Failed(WebError::Refused(refusal @ Refusal::TooMuchWaiting)) => Some(Fault::Message(refusal.key())),
            Self::Failed(_) => None,
        }
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
pub const LONGEST: Duration = Duration::from_mins(30);

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
    if !app.has_room() {
        return Err(WebError::Unavailable.into());
    }
    let begun = name.clone();
    let id = app.ledger.run(move |tx| commands::begin(tx, owner, &begun)).await?;
    let received = read_all(app, (owner, id), name, bytes).await;
    if received.is_err() {
        // What is left of it would be deleted after a day.
        let _ = app.ledger.run(move |tx| commands::give_up(tx, id)).await;
    }
    received
}

async fn read_all<E>(
    app: &App,
    (owner, id): (PersonId, UploadId),
    name: FileName,
    mut bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<FileAnswer, UploadError> {
    let (mut detector, mut size, mut place) = (TypeDetector::default(), 0, 0);
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut waiting: Vec<u8> = Vec::with_capacity(PART);
    while let Some(chunk) = in_time(app, bytes.next()).await? {
        let chunk = chunk.map_err(|_| WebError::BadRequest("problem-broken-off"))?;
        size += chunk.len() as u64;
        if size > FILE_MAX {
            return Err(UploadError::TooLarge);
        }
        digest.update(&chunk);
        detector.feed(&chunk);
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            let (taken, left) = rest.split_at(rest.len().min(PART - waiting.len()));
            waiting.extend_from_slice(taken);
            rest = left;
            if waiting.len() == PART {
                let full = std::mem::replace(&mut waiting, Vec::with_capacity(PART));
                app.ledger.run(move |tx| commands::add_part(tx, owner, (id, place), &full)).await?;
                place += 1;
            }
        }
    }
    if size == 0 {
        return Err(UploadError::Empty);
    }
    let file_type = detector.finish().ok_or(UploadError::UnknownType)?;
    if !waiting.is_empty() {
        app.ledger.run(move |tx| commands::add_part(tx, owner, (id, place), &waiting)).await?;
    }
    let file = FileAnswer { id, file_type, size, sha256: Sha256::finish(digest), name };
    let whole = file.clone();
    app.ledger.run(move |tx| commands::complete(tx, owner, &whole)).await?;
    Ok(file)
}

/// A file, to be saved and not to be shown in the site's own name.
pub fn deliver(app: web::Data<App>, file: &FileAnswer) -> HttpResponse {
    let id = file.id;
    let parts = stream::unfold(0, move |place| {
        let app = app.clone();
        async move {
            match app.reads.read(move |conn| part(conn, id, place)).await {
                Ok(Some(bytes)) => Some((Ok(Bytes::from(bytes)), place + 1)),
                Ok(None) => None,
                Err(error) => Some((Err(WebError::from(error)), place + 1)),
            }
        }
    });
    HttpResponse::Ok()
        .content_type(file.file_type.media_type())
        .insert_header((header::CONTENT_DISPOSITION, disposition(file.name.as_str())))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .body(SizedStream::new(file.size, Box::pin(parts)))
}
