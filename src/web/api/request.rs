//! What is sent to the API: by whom, under which key, and on the basis of what was read before.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::answer::{BatchDetail, Created, created, done, read_json};
use super::field_errors::FieldErrors;
use crate::app::App;
use crate::clock;
use crate::domain::comment::Reason;
use crate::domain::text::Sha256;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::commands::batch::BatchOutcome;
use crate::ledger::commands::idempotency::{Key, answered_before, once};
use crate::ledger::{CommandError, Tx};
use crate::web::auth::{NeedsScope, ScopedClient, with_refusal};
use crate::web::error::{WebError, internal};
use crate::web::forms::{LIMIT, PUBLISHING_LIMIT, read_body};

/// The longest `Idempotency-Key`, in bytes.
const KEY_MAX: usize = 255;

/// What was chosen among words in a query; the default where nothing was.
///
/// # Errors
/// [`WebError::BadRequest`] for another word.
pub fn chosen_or_default<T: FromStr + Default>(word: &str) -> Result<T, WebError> {
    if word.is_empty() {
        return Ok(T::default());
    }
    word.parse().map_err(|_| WebError::BadRequest("problem-bad-request-detail"))
}

/// A body without anything in it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    /// The reason, for those to read whom it concerns.
    reason: String,
}

impl ReasonBody {
    /// The reason, if it can be taken.
    ///
    /// # Errors
    /// [`WebError::WrongFields`].
    pub fn checked(&self) -> Result<Reason, WebError> {
        let mut errors = FieldErrors::default();
        let reason = errors.take("/reason", Reason::parse(&self.reason));
        errors.check(reason)
    }
}

/// What was sent, and by whom.
pub struct ApiRequest<S, T> {
    /// By whom, whose token is good for the scope.
    pub client: ScopedClient<S>,
    /// What.
    pub body: T,
    key: Option<Key>,
    if_match: Option<String>,
}

impl<S: NeedsScope + 'static, T: DeserializeOwned + 'static> FromRequest for ApiRequest<S, T> {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(read(request, payload))
    }
}

async fn read<S: NeedsScope + 'static, T: DeserializeOwned>(
    request: HttpRequest,
    payload: Payload,
) -> Result<ApiRequest<S, T>, WebError> {
    let may_publish = ScopedClient::<S>::extract(&request).await?.manage_scope().is_ok();
    let body = read_json_body(&request, payload, if may_publish { PUBLISHING_LIMIT } else { LIMIT }).await?;
    // The body may have been long on its way: the client may do what it may do now.
    let client = ScopedClient::extract(&request).await?;
    let parsed = serde_json::from_slice(&body).map_err(|error| WebError::WrongJson(error.to_string()))?;
    Ok(ApiRequest { client, body: parsed, key: key(&request, &body)?, if_match: if_match(&request)? })
}

/// A body that says it is JSON; without one, an empty object.
async fn read_json_body(request: &HttpRequest, payload: Payload, most: usize) -> Result<Vec<u8>, WebError> {
    let body = read_body(request, payload, most).await?;
    if body.is_empty() {
        return Ok(b"{}".into());
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") { Ok(body) } else { Err(WebError::NotJson) }
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

impl<S, T> ApiRequest<S, T> {
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
        let person = self.client.person().id;
        let find = move |conn: &mut _| answered_before(conn, person, &key, clock::now());
        app.reads.read(find).await?.map_err(WebError::Refused)
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
        Ok(created(StatusCode::CREATED, &location.clone(), &Created { id, location }))
    }

    /// Runs a command that acts on several things, once for each key, and says what became of each.
    ///
    /// # Errors
    /// Whatever the command says.
    pub async fn act_on_batch<I, F>(&self, app: &App, command: F) -> Result<HttpResponse, WebError>
    where
        I: ToString,
        F: FnOnce(&mut Tx<'_>) -> Result<BatchOutcome<I>, CommandError> + Send + 'static,
    {
        let refusal = Arc::new(OnceLock::new());
        let noted = refusal.clone();
        let run = move |tx: &mut Tx<'_>| {
            let outcome = command(tx)?;
            outcome.access_refusal().map(|refusal| noted.set(refusal));
            Ok(serde_json::to_string(&BatchDetail::of(&outcome)).unwrap_or_default())
        };
        let answer = self.run(app, run).await?;
        let detail: BatchDetail = serde_json::from_str(&answer).map_err(|error| internal(&error))?;
        Ok(with_refusal(read_json(&detail), refusal.get()))
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
