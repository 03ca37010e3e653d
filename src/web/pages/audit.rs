//! The audit log, for administrators and auditors: filters in the address, and exports, which are recorded themselves.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use askama::Template;
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use super::{address, tidy, titled};
use crate::app::App;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::text::Email;
use crate::domain::{TimeSpan, Timestamp};
use crate::log::export::Format;
use crate::store::log::{Filter, LogArchive, Walk, select};
use crate::store::{ReadPool, people};
use crate::views::audit::{self, AuditEntry};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{show, show_with};

/// Events read at a time for an export.
const BATCH: usize = 2_000;

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Page,
    form: Form,
    actions: Vec<&'static str>,
    entries: Vec<AuditEntry>,
    later: Option<String>,
}

impl AuditPage {
    fn new(page: Page, form: Form, entries: Vec<AuditEntry>, next: Option<u64>) -> Self {
        let later = next.map(|index| {
            let before = index.to_string();
            let fields: Vec<_> = form.values().chain([("before", before.as_str())]).collect();
            address("/admin/audit", &fields)
        });
        Self { page, form, actions: Action::ALL.iter().map(|action| action.as_str()).collect(), entries, later }
    }
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
            ("person", tidy(self.person.as_deref())),
            ("dataset", tidy(self.dataset.as_deref())),
            ("action", tidy(self.action.as_deref())),
            ("since", tidy(self.since.as_deref())),
            ("until", tidy(self.until.as_deref())),
        ]
    }

    /// The filter, with what can't be understood noted in the form.
    async fn filter(&self, app: &App, page: &Page, form: &mut Form) -> Result<Filter, WebError> {
        let [person, dataset, action, since, until] = self.fields().map(|(_, text)| text);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut day = |name: &str, text: &str| {
            let at = Timestamp::parse(text);
            if at.is_none() && !text.is_empty() {
                form.fail(name, page.text("error-answer-date"));
            }
            at
        };
        let (since, until_day) = (day("since", &since), day("until", &until));
        // A day alone means all of it.
        let until = until_day.map(|at| if until.len() == 10 { at + TimeSpan::days(1) } else { at });
        let person = self::person(app, page, form, &person).await?;
        Ok(Filter { person, dataset: some(&dataset), action: some(&action), subject: None, since, until })
    }
}

/// The account that is looked for, by its address or its number in the log. The form says so when there is none.
async fn person(app: &App, page: &Page, form: &mut Form, text: &str) -> Result<Option<String>, WebError> {
    if text.is_empty() || text.parse::<PersonId>().is_ok() {
        return Ok((!text.is_empty()).then(|| text.to_owned()));
    }
    let found = match text.parse::<Email>() {
        Ok(email) => app.reads.read(move |conn| people::by_email(conn, &email)).await?,
        Err(_) => None,
    };
    if found.is_none() {
        form.fail("person", page.text("error-no-person"));
    }
    Ok(Some(found.map_or_else(|| "nobody".to_owned(), |(person, _)| person.id.to_string())))
}

/// `GET /admin/audit`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    viewer.overseer()?;
    let page = titled(&viewer, Section::Admin, "audit-title", None);
    let mut form = Form::filled(query.fields());
    let filter = query.filter(&app, &page, &mut form).await?;
    let (archive, before) = (app.log_archive.clone(), query.before);
    let (entries, next) = app.reads.read(move |conn| audit::page(conn, &archive, &filter, before)).await?;
    show(&viewer, &AuditPage::new(page, form, entries, next))
}

/// `POST /admin/audit/export`: what the filter finds, as a file. That it was taken is recorded first.
pub async fn export(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let who = &viewer.overseer()?.person;
    let page = titled(&viewer, Section::Admin, "audit-title", None);
    let format: Format = form.get("format").parse().map_err(|_| WebError::BadRequest("problem-not-a-form"))?;
    let query = Query::of_form(&form);
    let filter = query.filter(&app, &page, &mut form).await?;
    if form.is_wrong() {
        let shown = AuditPage::new(page, form, Vec::new(), None);
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let event = viewer.origin.on(exported(Actor::person(who.id, who.role()), format, &query));
    let end = app.ledger.run(move |tx| Ok(tx.record(event))).await?;
    let name = format!("attachment; filename=\"audit-{end}.{}\"", format.as_str());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(rows(app.reads.clone(), app.log_archive.clone(), filter, format, end)))
}

/// The event that says what was exported.
fn exported(by: Actor, format: Format, query: &Query) -> Event {
    let event = Event::new(Action::AuditExported, by).with("format", format.as_str());
    let given = query.fields().into_iter().filter(|(_, value)| !value.is_empty());
    // An address is personal; who it was about is in the filter's own id.
    given.fold(
        event,
        |event, (name, value)| {
            if name == "person" { event.private(name, value) } else { event.with(name, value) }
        },
    )
}

/// The events before `end`, in batches.
fn rows(
    reads: ReadPool,
    archive: LogArchive,
    filter: Filter,
    format: Format,
    end: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, WebError>> {
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
