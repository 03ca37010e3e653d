//! Forms with files (multipart/form-data, RFC 7578). A file is kept as it comes, and stands in the form as the answer that
//! names it, so that it is not lost when something else in the form is wrong.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::{Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;

use super::auth::Viewer;
use super::error::{Fault, WebError, internal};
use super::forms::{Form, LIMIT, Posted, TOKEN_FIELD, accept};
use super::uploads::{LONGEST, in_time, receive, with_renewed_timeout};
use crate::app::App;
use crate::domain::upload::WAITING_BYTES_MAX;

/// The field that names the fields whose files could not be kept.
pub const LOST_FIELD: &str = "lost";
/// What a form does whose files could not be kept: it is shown again.
const AGAIN: &str = "again";

/// A posted form, in which there may be files.
pub struct PostedWithFiles {
    /// What was typed, with files as the answers that name them, and by whom.
    pub posted: Posted,
    /// The fields whose files can't be taken, and why.
    pub faults: Faults,
}

/// Fields whose files can't be taken, and why.
pub type Faults = Vec<(String, Fault)>;

impl FromRequest for PostedWithFiles {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if !kind.starts_with("multipart/form-data") {
            let posted = Posted::from_request(request, payload);
            return Box::pin(async { Ok(Self { posted: posted.await?, faults: Faults::new() }) });
        }
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let app = request.app_data::<web::Data<App>>().ok_or_else(|| internal(&"no app"))?.clone();
            let viewer = Viewer::extract(&request).await?;
            // Whoever is not signed in has no more time than for any other form.
            let most = if viewer.signed_in.is_some() { LONGEST } else { app.config.timeouts.request };
            let read = tokio::time::timeout(most, read(&app, &request, &viewer, payload)).await;
            let (form, faults) = read.map_err(|_| WebError::BadRequest("problem-broken-off"))??;
            Ok(Self { posted: accept(&request, form).await?, faults })
        })
    }
}

/// What each field counts beside its name and text, in bytes.
const FIELD: usize = 64;

async fn read(app: &App, request: &HttpRequest, viewer: &Viewer, payload: Payload) -> Result<(Form, Faults), WebError> {
    // More could not wait to become part of a request.
    let mut room = WAITING_BYTES_MAX;
    let payload = with_renewed_timeout(request, payload).map(move |chunk| {
        let chunk = chunk?;
        room = room.checked_sub(chunk.len() as u64).ok_or(PayloadError::Overflow)?;
        Ok(chunk)
    });
    let mut parts = Multipart::new(request.headers(), payload);
    let (mut form, mut faults, mut texts) = (Form::default(), Faults::new(), LIMIT);
    while let Some(part) = in_time(app, parts.next()).await? {
        let mut part = part.map_err(|error| fault(&error))?;
        let described = part.content_disposition().map(|it| (it.get_name().map(str::to_owned), file_name(it)));
        let Some((Some(name), file_name)) = described else { return Err(WebError::BadRequest("problem-not-a-form")) };
        texts = texts.checked_sub(FIELD + name.len()).ok_or(WebError::TooLarge)?;
        let Some(file_name) = file_name else {
            let text = in_time(app, part.bytes(texts)).await?.map_err(|_| WebError::TooLarge)?;
            let text = text.map_err(|error| fault(&error))?;
            texts -= text.len();
            form.add(&name, &String::from_utf8_lossy(&text));
            continue;
        };
        texts = texts.checked_sub(file_name.len()).ok_or(WebError::TooLarge)?;
        // A field may not be asked again after its end.
        let mut part = part.fuse();
        match &viewer.signed_in {
            // So browsers say that nothing was chosen.
            _ if file_name.is_empty() => {}
            Some(who) if viewer.verify_form_token(form.get(TOKEN_FIELD)) => {
                match receive(app, who.person.id, &file_name, &mut part).await {
                    Ok(file) => form.set(&name, &file.to_string()),
                    Err(error) => faults.push((name, error.fault()?)),
                }
            }
            _ => {
                // What can't be kept is said where the form is shown again, and nothing is done before.
                form.add(LOST_FIELD, &name);
                form.set("do", AGAIN);
            }
        }
        while in_time(app, part.next()).await?.transpose().map_err(|error| fault(&error))?.is_some() {}
    }
    Ok((form, faults))
}

/// The name of a file, if a part is one. Browsers write three characters in it as URLs do.
fn file_name(disposition: &header::ContentDisposition) -> Option<String> {
    let name = disposition.get_filename()?;
    Some(name.replace("%22", "\"").replace("%0D", " ").replace("%0A", " "))
}

/// What is wrong with a body that is no form with files.
fn fault(error: &MultipartError) -> WebError {
    match error {
        MultipartError::Payload(PayloadError::Overflow) => WebError::TooLarge,
        MultipartError::Incomplete | MultipartError::Payload(_) => WebError::BadRequest("problem-broken-off"),
        _ => WebError::BadRequest("problem-not-a-form"),
    }
}
