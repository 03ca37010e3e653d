//! Recording that somebody who is known was refused what is not theirs.

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::clock;
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::Person;
use crate::domain::text::Slug;
use crate::domain::{AccessRefusal, Refusal};
use crate::identity::throttle::Attempt;
use crate::ledger::commands::sessions::{RefusedRequest, record_refused_access};
use crate::web::error::WebError;

/// The client, kept with the request once they were identified: recording a refusal needs no further query.
#[derive(Clone)]
struct KnownClient {
    person: Person,
    origin: Origin,
}

/// Keeps the client with the request.
pub(super) fn remember(request: &HttpRequest, person: &Person, origin: &Origin) {
    request.extensions_mut().insert(KnownClient { person: person.clone(), origin: origin.clone() });
}

/// The beginnings of addresses under which everything belongs to somebody; addresses of the API without `/api/v1`. Elsewhere a
/// thing that is not found is a mistake in typing.
pub const GUARDED: [&str; 9] = [
    "/review",
    "/manage",
    "/admin",
    "/audit",
    "/projects/{",
    "/requests/{",
    "/signatures/{",
    "/account/tokens/{",
    "/tokens/{",
];

/// Notes a refusal, if there was one, in an answer that is a page with the form again, so that it is recorded like one that is
/// an error.
pub fn with_refusal<'a>(mut response: HttpResponse, refusal: impl Into<Option<&'a Refusal>>) -> HttpResponse {
    if let Some(refusal) = refusal.into().and_then(Refusal::of_access) {
        response.extensions_mut().insert(refusal);
    }
    response
}

/// Why an error refuses somebody what is not theirs, if it does.
pub const fn access_refusal(error: &WebError) -> Option<AccessRefusal> {
    match error {
        WebError::NotFound => Some(AccessRefusal::NotFound),
        WebError::Refused(refusal) => refusal.of_access(),
        WebError::Scope(_) => Some(AccessRefusal::InsufficientScope),
        _ => None,
    }
}

/// Records that a client who is known was refused what is not theirs: up to fifty times in a quarter of an hour, and then once
/// more, that further refusals are not recorded for a while.
pub fn record_refusal(request: &HttpRequest, reason: AccessRefusal) {
    let (Some(pattern), Some(app)) = (request.match_pattern(), request.app_data::<web::Data<App>>()) else { return };
    let address = pattern.strip_prefix("/api/v1").unwrap_or(&pattern);
    if reason == AccessRefusal::NotFound && !GUARDED.iter().any(|beginning| address.starts_with(beginning)) {
        return;
    }
    let Some(KnownClient { person, origin }) = request.extensions().get::<KnownClient>().cloned() else { return };
    let attempt = match reason {
        AccessRefusal::InsufficientScope => Attempt::RefusedScope(person.id),
        _ => Attempt::RefusedAccess(person.id),
    };
    let reason = match app.throttle.attempt(attempt, clock::now()) {
        Ok(()) => reason,
        Err(throttled) if throttled.should_record => AccessRefusal::NotRecordedFurther,
        Err(_) => return,
    };
    let words = request.match_info();
    let refused = RefusedRequest {
        method: request.method().to_string(),
        named: words.iter().map(|(_, text)| text).filter(|text| is_name(text)).map(str::to_owned).collect(),
        dataset: pattern.contains("/datasets/{slug}").then(|| words.get("slug")?.parse().ok()).flatten(),
        address: pattern,
        reason,
    };
    app.ledger.record_later(move |tx| record_refused_access(tx, (&person, &origin), &refused));
}

/// Whether this is a name in addresses, or an id of whatever.
fn is_name(text: &str) -> bool {
    text.parse::<PersonId>().is_ok() || text.parse::<Slug>().is_ok()
}
