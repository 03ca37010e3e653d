//! What the API takes and gives: JSON bodies, pages of lists, tags of versions, keys of requests.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock;
use crate::domain::text::Sha256;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::CommandError;
use crate::ledger::Tx;
use crate::ledger::commands::idempotency::{Key, REMEMBERED, once};
use crate::store::{Cursor, PageOf, idempotency};
use crate::web::auth::ApiClient;
use crate::web::error::{Fault, WebError, WrongField};
use crate::web::forms::{LIMIT, PUBLISHING_LIMIT, read_body};

/// The longest `Idempotency-Key`, in bytes.
const KEY_MAX: usize = 255;

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Listed<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// A page of rows as the API shows them.
    pub fn of<R>(page: PageOf<R>, show: impl FnMut(R) -> T) -> Self {
        Self { items: page.rows.into_iter().map(show).collect(), next: page.next.map(|next| next.to_string()) }
    }
}

/// Where a page of a list begins.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub after: Option<Cursor>,
}

/// What was made.
#[derive(Serialize, ToSchema)]
pub struct Made {
    /// Its id, name or number: the last part of its address.
    pub id: String,
    /// Where it is read.
    pub location: String,
}

/// A body without anything in it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// What was sent, and by whom.
pub struct Sent<T> {
    /// By whom.
    pub client: ApiClient,
    /// What.
    pub body: T,
    key: Option<Key>,
    if_match: Option<String>,
}

impl<T: DeserializeOwned + 'static> FromRequest for Sent<T> {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(read(request, payload))
    }
}

async fn read<T: DeserializeOwned>(request: HttpRequest, payload: Payload) -> Result<Sent<T>, WebError> {
    let client = ApiClient::extract(&request).await?;
    let most = if client.manage_scope().is_ok() { PUBLISHING_LIMIT } else { LIMIT };
    let body = read_body(&request, payload, most).await?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !body.is_empty() && !essence.eq_ignore_ascii_case("application/json") {
        return Err(WebError::NotJson);
    }
    let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let parsed = serde_json::from_slice(text).map_err(|error| WebError::WrongJson(error.to_string()))?;
    Ok(Sent { client, body: parsed, key: key(&request, text)?, if_match: if_match(&request)? })
}

/// The key that the client gave the request, with the hash of the request.
fn key(request: &HttpRequest, body: &[u8]) -> Result<Option<Key>, WebError> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| (1..=KEY_MAX).contains(&text.len()));
    let text = text.ok_or(WebError::BadRequest("problem-idempotency-key"))?.to_owned();
    let seen = request.headers().get(header::IF_MATCH).map_or(&b""[..], |value| value.as_bytes());
    let line = format!("{} {}\n", request.method(), request.uri());
    let asked = Sha256::of(&[line.as_bytes(), seen, b"\n", &without_password(body)].concat());
    Ok(Some(Key { text, request: asked }))
}

/// A body without the password in it, which no fast hash may stand for.
fn without_password(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(mut fields)) => {
            fields.remove("password");
            serde_json::Value::Object(fields).to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

/// The one tag of `If-Match`. What has compressed an answer on its way may have weakened its tag.
fn if_match(request: &HttpRequest) -> Result<Option<String>, WebError> {
    let Some(value) = request.headers().get(header::IF_MATCH) else { return Ok(None) };
    let tag = value.to_str().ok().map(|text| text.trim().trim_start_matches("W/"));
    let tag = tag.and_then(|text| text.strip_prefix('"')?.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    tag.map(|tag| Some(tag.to_owned())).ok_or(WebError::BadRequest("problem-if-match"))
}

impl<T> Sent<T> {
    /// The tag of what the client has read and now edits, without its quotes.
    ///
    /// # Errors
    /// [`WebError::PreconditionNeeded`] when there is none.
    pub fn edited(&self) -> Result<&str, WebError> {
        self.if_match.as_deref().ok_or(WebError::PreconditionNeeded)
    }

    /// When what the client has read had last changed.
    ///
    /// # Errors
    /// As [`Self::edited`].
    pub fn edited_at(&self) -> Result<Timestamp, WebError> {
        Ok(Timestamp::parse(self.edited()?).unwrap_or_default())
    }

    /// What was answered to this request before, if it was sent under the same key.
    ///
    /// # Errors
    /// When the key was given to another request.
    pub async fn answered_before(&self, app: &App) -> Result<Option<String>, WebError> {
        let Some(key) = self.key.clone() else { return Ok(None) };
        let (person, since) = (self.client.person().id, clock::now() - REMEMBERED);
        let found = app.reads.read(move |conn| idempotency::find(conn, person, &key.text, since)).await?;
        match found {
            Some((request, _)) if self.key.as_ref().is_none_or(|key| key.request != request) => {
                Err(WebError::Refused(Refusal::KeyReused))
            }
            found => Ok(found.map(|(_, answer)| answer)),
        }
    }

    /// Runs a command that makes something, once for each key; `command` gives the address of what it made.
    ///
    /// # Errors
    /// Whatever the command says.
    pub async fn make<F>(&self, app: &App, command: F) -> Result<HttpResponse, WebError>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<String, CommandError> + Send + 'static,
    {
        let location = self.run(app, command).await?;
        let id = location.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(created(StatusCode::CREATED, &location.clone(), &Made { id, location }))
    }

    /// Runs a command, once for each key.
    ///
    /// # Errors
    /// Whatever the command says.
    pub async fn act<F>(&self, app: &App, command: F) -> Result<HttpResponse, WebError>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<(), CommandError> + Send + 'static,
    {
        self.run(app, move |tx| command(tx).map(|()| String::new())).await?;
        Ok(done())
    }

    /// Runs a command, once for each key; gives what it gave the first time.
    ///
    /// # Errors
    /// Whatever the command says.
    pub async fn run<F>(&self, app: &App, command: F) -> Result<String, WebError>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<String, CommandError> + Send + 'static,
    {
        let (person, key, credential) = (self.client.person().id, self.key.clone(), self.client.credential);
        let command = move |tx: &mut Tx<'_>| {
            // The body may have been long on its way: what ended meanwhile does nothing any more.
            if !credential.is_live(tx.conn, tx.now)? {
                return Err(Refusal::NotAllowed.into());
            }
            once(tx, person, key.as_ref(), command)
        };
        Ok(app.ledger.run(command).await?)
    }
}

const PRIVATE: &str = "private, no-store";

/// What was asked for is done, and there is nothing to say.
pub fn done() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, PRIVATE)).finish()
}

/// An answer as JSON.
pub fn json(status: StatusCode, value: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, PRIVATE))
        .insert_header((header::VARY, "Authorization, Cookie"))
        .json(value)
}

/// What was made, with its address.
pub fn created(status: StatusCode, location: &str, value: &impl Serialize) -> HttpResponse {
    let mut response = json(status, value);
    if let Ok(value) = header::HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// What was read, as JSON.
pub fn read_json(value: &impl Serialize) -> HttpResponse {
    json(StatusCode::OK, value)
}

/// What was read, with the tag of its version.
pub fn read_tagged(value: &impl Serialize, tag: &str) -> HttpResponse {
    let mut response = read_json(value);
    if let Ok(value) = header::HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// Fields that can't be taken, gathered.
#[derive(Debug, Default)]
pub struct Faults(Vec<WrongField>);

impl Faults {
    /// Takes what was parsed, or notes that the field can't be taken.
    pub fn take<T>(&mut self, pointer: &str, parsed: Result<T, crate::domain::text::TextError>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(pointer, Fault::Text(error));
                None
            }
        }
    }

    /// Notes a field that can't be taken.
    pub fn add(&mut self, pointer: &str, fault: Fault) {
        self.0.push(WrongField { pointer: pointer.to_owned(), fault });
    }

    /// Takes what was chosen among words, or notes that something else was.
    pub fn choose<T: std::str::FromStr>(&mut self, pointer: &str, word: &str) -> Option<T> {
        let parsed = word.parse().ok();
        if parsed.is_none() {
            self.add(pointer, Fault::Message("error-choose"));
        }
        parsed
    }

    /// One field that can't be taken, as an error.
    pub fn one(pointer: &str, fault: Fault) -> WebError {
        let mut faults = Self::default();
        faults.add(pointer, fault);
        faults.into_error()
    }

    /// All of it, as an error.
    pub fn into_error(self) -> WebError {
        WebError::WrongFields(self.0)
    }

    /// What was parsed, if all could be taken.
    ///
    /// # Errors
    /// [`WebError::WrongFields`].
    pub fn check<T>(self, parsed: Option<T>) -> Result<T, WebError> {
        match parsed {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.into_error()),
        }
    }
}
