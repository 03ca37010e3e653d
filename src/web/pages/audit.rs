//! The audit log, for administrators and auditors: filters in the address, and exports, which are recorded themselves.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use super::admin::{titled, words};
use super::{ROWS, cut};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::text::Email;
use crate::domain::{Instant, Span};
use crate::ledger::commands::mail::note;
use crate::log::export::Format;
use crate::log::verify::StoredEvent;
use crate::store::log::{Filter, LogArchive, Walk, select};
use crate::store::{AnyConnection, ReadPool, Result as StoreResult, people};
use crate::web::failure::Failure;
use crate::web::form::{Form, Posted};
use crate::web::page::{Here, Page, show};
use crate::web::state::App;
use crate::web::viewer::Viewer;

/// Events read at a time for an export.
const BATCH: usize = 2_000;

/// An event as lists show it.
pub struct Line {
    /// Its place in the log.
    pub index: u64,
    /// When.
    pub at: Instant,
    /// The action's word, and the end of its locale key.
    pub action: String,
    /// The name of who acted, or their role.
    pub actor: String,
    /// The account that acted, if one did.
    pub person: Option<String>,
    /// The role that acted.
    pub role: String,
    /// The dataset.
    pub dataset: String,
    /// Whether it came about.
    pub done: bool,
    /// Everything recorded, for reading.
    pub body: String,
    /// The personal part, for reading.
    pub private: String,
}

impl Line {
    /// The locale key of the action.
    pub fn key(&self) -> String {
        format!("action-{}", self.action.replace(['.', '_'], "-"))
    }
}

/// Events as lists show them.
///
/// # Errors
/// When the database fails.
pub(super) fn lines(conn: &mut AnyConnection, events: Vec<StoredEvent>) -> StoreResult<Vec<Line>> {
    let actors: Vec<String> = events.iter().filter_map(|event| event.facts.actor.clone()).collect();
    let names = people::names(conn, &actors)?;
    let line = |event: StoredEvent| {
        let body: serde_json::Value = serde_json::from_str(&event.body).unwrap_or_default();
        let person = event.facts.actor;
        let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
        Line {
            index: event.index,
            at: Instant::parse(&event.facts.at).unwrap_or(Instant(0)),
            actor: person.as_ref().and_then(|id| names.get(id)).cloned().unwrap_or_default(),
            person,
            role: body["actor"]["role"].as_str().unwrap_or_default().to_owned(),
            action: event.facts.action,
            dataset: event.facts.dataset.unwrap_or_default(),
            done: body["outcome"] == "done",
            body: pretty(&body),
            private: event.private.map(|part| pretty(&serde_json::json!(part.data))).unwrap_or_default(),
        }
    };
    Ok(events.into_iter().map(line).collect())
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Page,
    form: Form,
    actions: Vec<&'static str>,
    lines: Vec<Line>,
    later: Option<String>,
}

/// What to look for.
#[derive(Deserialize, Default, Clone)]
pub struct Query {
    person: Option<String>,
    dataset: Option<String>,
    action: Option<String>,
    since: Option<String>,
    until: Option<String>,
    before: Option<u64>,
}

impl Query {
    fn of_form(form: &Form) -> Self {
        let field = |name: &str| Some(form.get(name).to_owned());
        Self {
            person: field("person"),
            dataset: field("dataset"),
            action: field("action"),
            since: field("since"),
            until: field("until"),
            before: None,
        }
    }

    fn fields(&self) -> [(&'static str, String); 5] {
        [
            ("person", words(self.person.clone())),
            ("dataset", words(self.dataset.clone())),
            ("action", words(self.action.clone())),
            ("since", words(self.since.clone())),
            ("until", words(self.until.clone())),
        ]
    }

    /// The filter, with what can't be understood noted in the form.
    async fn filter(&self, app: &App, page: &Page, form: &mut Form) -> Result<Filter, Failure> {
        let [person, dataset, action, since, until] = self.fields().map(|(_, text)| text);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut day = |name: &str, text: &str| {
            let at = Instant::parse(text);
            if at.is_none() && !text.is_empty() {
                form.fail(name, page.t("error-answer-date"));
            }
            at
        };
        let (since, until_day) = (day("since", &since), day("until", &until));
        // A day alone means all of it.
        let until = until_day.map(|at| if until.len() == 10 { at + Span::days(1) } else { at });
        let person = match some(&person) {
            None => None,
            Some(text) if text.parse::<PersonId>().is_ok() => Some(text),
            Some(text) => {
                let email = text.parse::<Email>().ok();
                let found = match email {
                    Some(email) => app.reads.read(move |conn| people::by_email(conn, &email)).await?,
                    None => None,
                };
                if found.is_none() {
                    form.fail("person", page.t("error-no-person"));
                }
                Some(found.map_or_else(|| "nobody".to_owned(), |(person, _)| person.id.to_string()))
            }
        };
        Ok(Filter { person, dataset: some(&dataset), action: some(&action), subject: None, since, until })
    }
}

/// `GET /admin/audit`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, Failure> {
    viewer.overseer()?;
    let page = titled(&viewer, "audit-title", None);
    let mut form = Form::filled(query.fields());
    let filter = query.filter(&app, &page, &mut form).await?;
    let before = query.before.unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs());
    let archive = app.log_archive.clone();
    let mut lines = app
        .reads
        .read(move |conn| {
            let events = select(conn, &archive, &filter, Walk::Before(before), ROWS + 1)?;
            lines(conn, events)
        })
        .await?;
    let more = cut(&mut lines, ROWS);
    let later = lines.last().filter(|_| more).map(|last| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in form.values().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        query.append_pair("before", &last.index.to_string());
        format!("/admin/audit?{}", query.finish())
    });
    let actions = Action::ALL.iter().map(|action| action.as_str()).collect();
    show(&viewer, &AuditPage { page, form, actions, lines, later })
}

/// `POST /admin/audit/export`: what the filter finds, as a file. That it was taken is recorded first.
pub async fn export(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let who = viewer.overseer()?.person.clone();
    let page = titled(&viewer, "audit-title", None);
    let format: Format = form.get("format").parse().map_err(|_| Failure::BadRequest("problem-not-a-form"))?;
    let query = Query::of_form(&form);
    let filter = query.filter(&app, &page, &mut form).await?;
    if form.is_wrong() {
        let actions = Action::ALL.iter().map(|action| action.as_str()).collect();
        let shown = AuditPage { page, form, actions, lines: Vec::new(), later: None };
        return crate::web::page::show_with(&viewer, actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let mut event =
        Event::new(Action::AuditExported, Actor::person(who.id, who.role())).with("format", format.as_str());
    for (name, value) in query.fields().into_iter().filter(|(_, value)| !value.is_empty()) {
        // An address is personal; who it was about is in the filter's own id.
        event = if name == "person" { event.private(name, value) } else { event.with(name, value) };
    }
    let end = app.ledger.run(move |tx| note(tx, viewer.origin.on(event))).await?;
    let name = format!("attachment; filename=\"audit-{end}.{}\"", format.as_str());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(rows(app.reads.clone(), app.log_archive.clone(), filter, format, end)))
}

/// The events before `end`, in batches.
fn rows(
    reads: ReadPool,
    archive: LogArchive,
    filter: Filter,
    format: Format,
    end: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, Failure>> {
    let first = Bytes::from(format.header());
    stream::unfold((Some(0_u64), first), move |(next, held)| {
        let (reads, archive, filter) = (reads.clone(), archive.clone(), filter.clone());
        async move {
            if !held.is_empty() {
                return Some((Ok(held), (next, Bytes::new())));
            }
            let from = next?;
            let read = reads.read(move |conn| select(conn, &archive, &filter, Walk::From(from), BATCH)).await;
            match read {
                Err(error) => Some((Err(error.into()), (None, Bytes::new()))),
                Ok(events) => {
                    let last = events.last().map(|event| event.index);
                    let text: String =
                        events.iter().filter(|event| event.index < end).map(|event| format.event(event)).collect();
                    let next = last.filter(|last| *last + 1 < end).map(|last| last + 1);
                    (!text.is_empty()).then(|| (Ok(Bytes::from(text)), (next, Bytes::new())))
                }
            }
        }
    })
}
