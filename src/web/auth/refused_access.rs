//! What somebody who is known asked for and was refused, because it is not theirs: recorded, so that nobody tries doors unseen.

use actix_web::{HttpMessage, HttpRequest, web};

use super::attempts::count_try;
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::Person;
use crate::domain::text::Slug;
use crate::identity::throttle::Attempt;
use crate::ledger::commands::sessions::{RefusedAccess, record_refused_access};
use crate::web::error::WebError;

/// Who asks, kept with the request since they were found: a refusal costs no further look at the database.
#[derive(Clone)]
struct KnownClient {
    person: Person,
    origin: Origin,
}

/// Notes who asks.
pub(super) fn remember(request: &HttpRequest, person: &Person, origin: &Origin) {
    request.extensions_mut().insert(KnownClient { person: person.clone(), origin: origin.clone() });
}

/// Where what is asked for belongs to somebody: the beginnings of addresses, those of the API without theirs.
const GUARDED: [&str; 9] = [
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

/// Records that somebody was refused, if they are known and it is about what is theirs. Those who try much are recorded as such.
pub fn record_refusal(request: &HttpRequest, error: &WebError) {
    let reason = match error {
        WebError::NotFound | WebError::Refused(Refusal::NotFound) => "not-found",
        WebError::Refused(refusal @ (Refusal::NotAllowed | Refusal::OwnRequest)) => {
            refusal.key().trim_start_matches("refusal-")
        }
        WebError::Scope(_) => "insufficient-scope",
        _ => return,
    };
    let (Some(pattern), Some(app)) = (request.match_pattern(), request.app_data::<web::Data<App>>()) else { return };
    let address = pattern.strip_prefix("/api/v1").unwrap_or(&pattern);
    let is_guarded = GUARDED.iter().any(|beginning| address.starts_with(beginning));
    if !is_guarded && !matches!(error, WebError::Scope(_)) {
        return;
    }
    let Some(client) = request.extensions().get::<KnownClient>().cloned() else { return };
    let KnownClient { person, origin } = client;
    if count_try(app, (Some(&person), &origin), Attempt::ReachFor(person.id)).is_err() {
        return;
    }
    let refused = RefusedAccess {
        method: request.method().to_string(),
        // The words of the address that came from outside stand in the log only where they are a name or an id.
        named: request
            .match_info()
            .iter()
            .map(|(_, text)| text)
            .filter(|text| is_name(text))
            .map(str::to_owned)
            .collect(),
        address: pattern,
        reason,
    };
    app.ledger.record_later(move |tx| {
        record_refused_access(tx, (&person, &origin), &refused);
        Ok(())
    });
}

fn is_name(text: &str) -> bool {
    text.parse::<PersonId>().is_ok() || text.parse::<Slug>().is_ok()
}
