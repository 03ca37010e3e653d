//! The audit log, for auditors.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::answer::{ListBody, read_json};
use crate::app::App;
use crate::domain::Timestamp;
use crate::store::log::Filter;
use crate::store::people;
use crate::views::audit::{AuditEntry, page};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::tidy;

/// What to look for in the log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// An account, by its address or its id: events by it or about it.
    person: Option<String>,
    /// The name of a dataset.
    dataset: Option<String>,
    /// An action, such as `request.approved`, or a kind of action, such as `request.`.
    action: Option<String>,
    /// From this time on (RFC 3339, or a day).
    since: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// `next` of the page before.
    after: Option<u64>,
}

/// An entry of the log.
#[derive(Serialize, ToSchema)]
pub struct EntryDetail {
    /// Its place in the log, by which it can be proved.
    pub index: u64,
    /// The event, as its leaf in the log is made of; null where it is damaged.
    pub event: Value,
    /// Its personal part; null where there is none, or the person was erased.
    pub private: Value,
}

impl EntryDetail {
    fn of(entry: &AuditEntry) -> Self {
        let parsed = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        Self { index: entry.index, event: parsed(&entry.body), private: parsed(&entry.private) }
    }
}

/// A time in the query; one that is none is a mistake.
fn time(text: Option<&String>, parse: fn(&str) -> Option<Timestamp>) -> Result<Option<Timestamp>, WebError> {
    let wrong = WebError::BadRequest("problem-bad-request-detail");
    text.filter(|text| !text.is_empty()).map(|text| parse(text).ok_or(wrong)).transpose()
}

/// Reads the log, the newest entries first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit", params(AuditParams), security(("token" = ["audit"])),
    responses((status = 200, description = "A page of entries.", body = ListBody<EntryDetail>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Audit>,
    params: web::Query<AuditParams>,
) -> Result<HttpResponse, WebError> {
    if !client.person().may_audit() {
        return Err(WebError::NotFound);
    }
    let AuditParams { person, dataset, action, since, until, after } = params.into_inner();
    let (since, until) = (time(since.as_ref(), Timestamp::parse)?, time(until.as_ref(), Timestamp::parse_end)?);
    let some = |text: Option<String>| Some(tidy(text.as_deref())).filter(|text| !text.is_empty());
    let (person, dataset, action) = (some(person), some(dataset), some(action));
    let archive = app.log_archive.clone();
    let read = move |conn: &mut _| {
        let person = match &person {
            // Nobody of this name: nothing is found.
            Some(text) => match people::by_id_or_email(conn, text)? {
                None => return Ok((Vec::new(), None)),
                found => found,
            },
            None => None,
        };
        page(conn, &archive, &Filter { person, dataset, action, subject: None, since, until }, after)
    };
    let (entries, next) = app.reads.read(read).await?;
    let items = entries.iter().map(EntryDetail::of).collect();
    Ok(read_json(&ListBody { items, next: next.map(|index| index.to_string()) }))
}
