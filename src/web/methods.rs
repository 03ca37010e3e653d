//! Which methods an address has, and what answers all others.

use std::future::ready;

use actix_web::guard::{self, Guard};
use actix_web::web;
use actix_web::{FromRequest, Handler, HttpResponse, Responder, Route};

use super::error::WebError;

/// The methods of what is read (RFC 9110 section 9.1 wants both).
pub const READ: &str = "GET, HEAD";

/// Whether a request reads.
pub fn is_read() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

/// What is read.
pub fn read<F, Args>(show: F) -> Route
where
    F: Handler<Args, Output: Responder + 'static>,
    Args: FromRequest + 'static,
{
    web::route().guard(is_read()).to(show)
}

/// What answers all other methods than these.
pub fn only(methods: &'static str) -> Route {
    web::to(move || ready(Err::<HttpResponse, _>(WebError::MethodNotAllowed(methods))))
}
