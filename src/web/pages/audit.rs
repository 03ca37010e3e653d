//! The audit log, for auditors: filters in the address, and exports, which are recorded themselves.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use askama::Template;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::{address, tidy, titled};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::ids::PersonId;
use crate::ledger::commands::audit::record_export;
use crate::log::export::Format;
use crate::log::verify::StoredEvent;
use crate::store::log::{Filter, LogArchive};
use crate::store::{ReadPool, people};
use crate::views::audit::{self, AuditEntry, DownloadEnd, Export, ProvedEntry};
use crate::views::log_path::LogPath;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{show, show_with};

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    page: Page,
    form: Form,
    /// The kinds of events: word, label.
    actions: Vec<(&'static str, String)>,
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
        let label = |action: &Action| (action.as_str(), page.text(format!("action-{}", action.message_part())));
        let mut actions: Vec<_> = Action::ALL.iter().map(label).collect();
        actions.sort_by(|(_, one), (_, other)| one.cmp(other));
        Self { page, form, actions, entries, later }
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
        let mut time = |name: &str, text: &str, parse: fn(&str) -> Option<Timestamp>| {
            let at = parse(text);
            if at.is_none() && !text.is_empty() {
                form.fail(name, page.text("error-answer-date"));
            }
            at
        };
        let since = time("since", &since, Timestamp::parse);
        let until = time("until", &until, Timestamp::parse_end);
        let person = self::person(app, page, form, &person).await?;
        Ok(Filter { person, dataset: some(&dataset), action: some(&action), subject: None, since, until })
    }
}

/// The account that is looked for, by its address or its number in the log. The form says so when there is none.
async fn person(app: &App, page: &Page, form: &mut Form, text: &str) -> Result<Option<PersonId>, WebError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wanted = text.to_owned();
    let found = app.reads.read(move |conn| people::by_id_or_email(conn, &wanted)).await?;
    if found.is_none() {
        form.fail("person", page.text("error-no-person"));
    }
    Ok(found)
}

/// `GET /admin/audit`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    viewer.require_auditor()?;
    let page = titled(&viewer, Section::Admin, "audit-title", None);
    let mut form = Form::filled(query.fields());
    let filter = query.filter(&app, &page, &mut form).await?;
    if form.is_wrong() {
        return show(&viewer, &AuditPage::new(page, form, Vec::new(), None));
    }
    let (archive, before) = (app.log_archive.clone(), query.before);
    let (entries, next) = app.reads.read(move |conn| audit::page(conn, &archive, &filter, before)).await?;
    show(&viewer, &AuditPage::new(page, form, entries, next))
}

#[derive(Template)]
#[template(path = "admin/audit_entry.html")]
struct EntryPage {
    page: Page,
    entry: AuditEntry,
    path: Option<LogPath>,
}

/// `GET /admin/audit/{index}`: an entry as it was recorded, with its proof.
pub async fn entry(app: web::Data<App>, viewer: Viewer, index: web::Path<u64>) -> Result<HttpResponse, WebError> {
    viewer.require_auditor()?;
    let (archive, index) = (app.log_archive.clone(), index.into_inner());
    let found = app.reads.read(move |conn| audit::one(conn, &archive, index)).await?;
    let ProvedEntry { entry, path } = found.ok_or(WebError::NotFound)?;
    let title = viewer.page(Section::Admin, "").count_text("audit-entry-title", index);
    show(&viewer, &EntryPage { page: viewer.page(Section::Admin, &title), entry, path })
}

/// `POST /admin/audit/export`: what the filter finds, as a file. That it was taken is recorded first.
pub async fn export(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let id = viewer.require_auditor()?.person.id;
    let page = titled(&viewer, Section::Admin, "audit-title", None);
    let format: Format = form.get("format").parse().map_err(|_| WebError::BadRequest("problem-not-a-form"))?;
    let query = Query::of_form(&form);
    let filter = query.filter(&app, &page, &mut form).await?;
    if form.is_wrong() {
        let shown = AuditPage::new(page, form, Vec::new(), None);
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let (criteria, origin, person) = (Vec::from(query.fields()), viewer.origin, filter.person);
    let end =
        app.ledger.run(move |tx| record_export(tx, Some((id, &origin)), format.into(), (&criteria, person))).await?;
    let name = format!("attachment; filename=\"audit-{end}.{}\"", format.as_str());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(rows(app.reads.clone(), app.log_archive.clone(), Export::new(filter, end), format)))
}

/// The events of an export, in batches.
fn rows(
    reads: ReadPool,
    archive: LogArchive,
    export: Export,
    format: Format,
) -> impl futures_util::Stream<Item = Result<Bytes, WebError>> {
    let header = stream::once(async move { Ok(Bytes::from(format.header())) });
    let batches = stream::try_unfold(export, move |mut export| {
        let (reads, archive) = (reads.clone(), archive.clone());
        async move {
            let read = move |conn: &mut _| export.next_batch(conn, &archive).map(|events| (events, export));
            let (events, export) = reads.read(read).await?;
            let text = |events: Vec<StoredEvent>| events.iter().map(|event| format.event(event)).collect::<String>();
            Ok(events.map(|events| (Bytes::from(text(events)), export)))
        }
    });
    header.chain(batches)
}
