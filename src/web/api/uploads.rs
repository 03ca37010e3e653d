//! Files as answers.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::json;
use super::field_errors::FieldErrors;
use crate::app::App;
use crate::domain::form::FileAnswer;
use crate::domain::ids::{RequestId, UploadId};
use crate::views::uploads;
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::{Fault, WebError};
use crate::web::pages::parse_id;
use crate::web::uploads::{LONGEST, UploadError, deliver, receive, with_renewed_timeout};

/// A file that was handed in.
#[derive(Serialize, ToSchema)]
pub struct UploadDetail {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type, told from its bytes: `pdf`, `png`, `jpeg`, `text`, `word` or `open-document`.
    #[serde(rename = "type")]
    pub file_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 hash of its bytes.
    pub sha256: String,
    /// What to give as the answer to a question that asks for a file.
    pub answer: String,
}

impl UploadDetail {
    fn of(file: &FileAnswer) -> Self {
        Self {
            id: file.id.to_string(),
            name: file.name.as_str().to_owned(),
            file_type: file.file_type.to_string(),
            size: file.size,
            sha256: file.sha256.to_string(),
            answer: file.to_string(),
        }
    }
}

/// How the file is called.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NameParams {
    /// The name of the file.
    name: String,
}

/// A file's name and its bytes as they come, from a client that may hand one in.
pub struct SentFile {
    client: ScopedClient<scope::Apply>,
    name: String,
    body: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>,
}

impl FromRequest for SentFile {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let client = ScopedClient::extract(&request).await?;
            let params = web::Query::<NameParams>::from_query(request.query_string());
            let name = params.map_err(|_| WebError::BadRequest("problem-bad-request-detail"))?.into_inner().name;
            Ok(Self { client, name, body: Box::pin(with_renewed_timeout(&request, payload)) })
        })
    }
}

/// Hands in a file that is to be an answer. It waits for a day to become part of a request.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "requests", security(("token" = ["apply"])), params(NameParams),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes of the file."),
    responses((status = 201, description = "It is kept.", body = UploadDetail)),
)]
pub async fn hand_in(app: web::Data<App>, sent: SentFile) -> Result<HttpResponse, WebError> {
    let SentFile { client, name, body } = sent;
    let received = tokio::time::timeout(LONGEST, receive(&app, client.person().id, &name, body)).await;
    match received.map_err(|_| WebError::BadRequest("problem-broken-off"))? {
        Ok(file) => Ok(json(StatusCode::CREATED, &UploadDetail::of(&file))),
        Err(UploadError::Failed(error)) => Err(error),
        Err(UploadError::TooLarge) => Err(WebError::TooLarge),
        Err(UploadError::UnknownType) => Err(FieldErrors::one("", Fault::Message("error-file-type"))),
        Err(error @ UploadError::Name) => Err(FieldErrors::one("/name", error.fault()?)),
        Err(error) => Err(FieldErrors::one("", error.fault()?)),
    }
}

/// Reads a file of your own request.
#[utoipa::path(
    get, path = "/api/v1/requests/{id}/files/{file}", tag = "requests", security(("token" = ["read"])),
    params(("id" = String, Path, description = "The request's id"), ("file" = String, Path, description = "Its id")),
    responses((status = 200, description = "Its bytes.", body = Vec<u8>, content_type = "application/octet-stream")),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Read>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (ids, reader) = (ids(&path)?, client.person().id);
    let found = app.reads.read(move |conn| uploads::own(conn, ids, reader)).await?;
    Ok(deliver(app, found.ok_or(WebError::NotFound)?.file))
}

/// Reads a file that was signed with a request, as somebody who decides on it or audits.
#[utoipa::path(
    get, path = "/api/v1/review/{id}/files/{file}", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "The request's id"), ("file" = String, Path, description = "Its id")),
    responses((status = 200, description = "Its bytes.", body = Vec<u8>, content_type = "application/octet-stream")),
)]
pub async fn read_as_reviewer(
    app: web::Data<App>,
    client: ScopedClient<scope::Review>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (ids, reader) = (ids(&path)?, client.person().clone());
    let found = app.reads.read(move |conn| uploads::of_case(conn, ids, &reader)).await?;
    Ok(deliver(app, found.ok_or(WebError::NotFound)?.file))
}

fn ids((request, file): &(String, String)) -> Result<(RequestId, UploadId), WebError> {
    Ok((parse_id(request)?, parse_id(file)?))
}
