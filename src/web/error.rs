//! What can go wrong with a request. `problem` says it to people and programs.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use uuid::Uuid;

use super::kept_form::KeptForm;
use crate::domain::Refusal;
use crate::domain::admission::Denial;
use crate::domain::api_token::Scope;
use crate::domain::text::TextError;
use crate::domain::transfer::Limit;
use crate::identity::passwords::HashingFailed;
use crate::views::releases::ReleaseName;
use crate::{ledger, store};

/// A field that can't be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrongField {
    /// Where it is: a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The text can't be taken.
    Text(TextError),
    /// What the message of this key says.
    Message(&'static str),
}

/// Why a request was not answered as wished.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WebError {
    /// Nothing there, or nothing this person may know of.
    #[error("not found")]
    NotFound,
    /// The method does not exist there; these do.
    #[error("method not allowed")]
    MethodNotAllowed(&'static str),
    /// Signing in comes first; back to this path afterwards.
    #[error("sign in first")]
    SignIn(String),
    /// A rule said no.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// A form without the secret that proves where it came from, with what was typed if it came from this site.
    #[error("the form is too old")]
    FormExpired(Option<Arc<KeptForm>>),
    /// More than this takes.
    #[error("too large")]
    TooLarge,
    /// The request is not of the right form.
    #[error("bad request: {0}")]
    BadRequest(&'static str),
    /// The token may not be used for this.
    #[error("the token is not for {0}")]
    Scope(Scope),
    /// The body is not JSON, as its type says.
    #[error("not JSON")]
    NotJson,
    /// The JSON is not what is asked for; in the parser's words, which quote it.
    #[error("wrong JSON: {0}")]
    WrongJson(String),
    /// Fields of the JSON can't be taken: which, and why.
    #[error("wrong fields")]
    WrongFields(Vec<WrongField>),
    /// What is edited has to be named in the version that was read.
    #[error("If-Match is needed")]
    PreconditionNeeded,
    /// The gate said no, about this release.
    #[error("denied: {0:?}")]
    Denied(Denial, ReleaseName),
    /// The token is not one of ours, or its time is over.
    #[error("the token is no good")]
    InvalidToken,
    /// The token ends too early.
    #[error("the token is cut off")]
    TokenCutOff,
    /// A token in an address, where it does not belong.
    #[error("a token in the address")]
    TokenInUrl,
    /// The file is not what was imported.
    #[error("the file has changed")]
    FileChanged,
    /// The server that has the file does not give it as it was imported.
    #[error("upstream")]
    Upstream,
    /// The file has none of the bytes asked for; it has so many.
    #[error("range not satisfiable")]
    Range(u64),
    /// A condition of the request does not hold.
    #[error("precondition failed")]
    Precondition,
    /// Too many failures; try again in so many seconds.
    #[error("too many failures")]
    Throttled(u64),
    /// More at a time than is allowed: of what, how much is, and in how many seconds to try again.
    #[error("a limit was reached: {1} {0:?}")]
    Limited(Limit, u32, u64),
    /// Nothing can be recorded now, so nothing is done.
    #[error("unavailable")]
    Unavailable,
    /// Something broke; the id finds it in the server's own log.
    #[error("internal error {0}")]
    Internal(Uuid),
}

impl From<store::Error> for WebError {
    fn from(error: store::Error) -> Self {
        if let store::Error::Corrupt(_) = error {
            return internal(&error);
        }
        tracing::error!(%error, "what is stored can't be read or written");
        Self::Unavailable
    }
}

impl From<ledger::Error> for WebError {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::Refused(refusal) => Self::Refused(refusal),
            ledger::Error::Busy | ledger::Error::Unavailable(_) => Self::Unavailable,
        }
    }
}

impl From<HashingFailed> for WebError {
    fn from(_: HashingFailed) -> Self {
        Self::Unavailable
    }
}

impl From<askama::Error> for WebError {
    fn from(error: askama::Error) -> Self {
        internal(&error)
    }
}

/// Logs what broke once, under an id that the person can quote.
pub fn internal(error: &dyn std::fmt::Display) -> WebError {
    let id = Uuid::now_v7();
    tracing::error!(%id, %error, "something broke");
    WebError::Internal(id)
}

impl ResponseError for WebError {
    /// A placeholder: the middleware [`super::problem::show`] takes the error out of the answer and answers in its place,
    /// with the status that belongs to it and in the reader's language.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self.clone());
        response
    }
}
