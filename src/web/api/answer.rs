//! What the API answers with.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ledger::commands::batch::BatchOutcome;
use crate::store::{Cursor, PageOf};

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct ListBody<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> ListBody<T> {
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
pub struct Created {
    /// Its id, name or number: the last part of its address.
    pub id: String,
    /// Where it is read.
    pub location: String,
}

/// One of several that a rule refused.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RefusedDetail {
    /// Its id or name.
    pub id: String,
    /// The rule that said no, such as `already-revoked`.
    pub reason: String,
}

/// What became of several that were acted upon together.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct BatchDetail {
    /// Those with which it was done.
    pub done: Vec<String>,
    /// Those with which it was not, and why.
    pub refused: Vec<RefusedDetail>,
}

impl BatchDetail {
    /// As the API shows it.
    pub fn of<T: ToString>(outcome: &BatchOutcome<T>) -> Self {
        let refused = outcome.refused.iter();
        let refused = refused.map(|(id, why)| RefusedDetail { id: id.to_string(), reason: why.word().to_owned() });
        Self { done: outcome.done.iter().map(T::to_string).collect(), refused: refused.collect() }
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
