//! Administration: how things stand, datasets, grants.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, NoticeQuery, address, next_page, parse_id, tidy, titled};
use crate::app::App;
use crate::clock;
use crate::domain::comment::Reason;
use crate::domain::dataset::{Dataset, SuspensionChange};
use crate::domain::grant::GrantState;
use crate::domain::ids::GrantId;
use crate::domain::text::Slug;
use crate::ledger::commands::{datasets as dataset_commands, grants as grant_commands};
use crate::store::catalogue::{self, Search};
use crate::store::{Cursor, PageOf, log, mail};
use crate::views::datasets::{SuspensionChanges, suspension_changes};
use crate::views::grants::{self, GrantRow};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show, show_with};

#[derive(Template)]
#[template(path = "admin/index.html")]
struct IndexPage {
    page: Page,
    events: u64,
    checkpoint: String,
    log_key: String,
    database: &'static str,
    ledger_works: bool,
    mail_waiting: u64,
    mail_failed: u64,
    may_read_mail: bool,
}

/// `GET /admin`: how things stand.
pub async fn index(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let may_read_mail = viewer.require_overseer()?.person.may_read_mail();
    let (head, (mail_waiting, mail_failed)) =
        app.reads.read(|conn| Ok((log::stored_head(conn)?, mail::counts(conn)?))).await?;
    let shown = IndexPage {
        page: titled(&viewer, Section::Admin, "admin-title", query.notice.as_deref()),
        events: head.as_ref().map_or(0, |head| head.size),
        checkpoint: head.map(|head| head.checkpoint).unwrap_or_default(),
        log_key: app.keys.log.verifier().to_string(),
        database: app.config.database.kind(),
        ledger_works: app.ledger.failure().is_none(),
        mail_waiting,
        mail_failed,
        may_read_mail,
    };
    show(&viewer, &shown)
}

/// A form whose reason can't be taken, and what it is about.
struct WrongForm<T> {
    about: T,
    form: Form,
}

/// The reason in a form; what is wrong with it is said beside it.
fn reason(page: &Page, form: &mut Form) -> Option<Reason> {
    let reason = Reason::parse(form.get("reason"));
    form.check(page, "reason", reason)
}

#[derive(Template)]
#[template(path = "admin/datasets.html")]
struct DatasetsPage {
    page: Page,
    rows: Vec<(Dataset, SuspensionChanges)>,
    later: Option<String>,
    wrong: Option<WrongForm<Slug>>,
}

impl DatasetsPage {
    /// The form of this dataset, if it was wrong.
    fn wrong_form(&self, dataset: &Dataset) -> Option<&Form> {
        self.wrong.as_ref().filter(|wrong| wrong.about == dataset.slug).map(|wrong| &wrong.form)
    }
}

async fn render_datasets(
    app: &App,
    viewer: &Viewer,
    query: &ListQuery,
    wrong: Option<WrongForm<Slug>>,
) -> Result<HttpResponse, WebError> {
    let reader = &viewer.require_overseer()?.person;
    let after = query.after.clone().unwrap_or(Cursor::first());
    let read = move |conn: &mut _| catalogue::search(conn, &Search::default(), &after);
    let PageOf { rows, next } = app.reads.read(read).await?;
    let shown = DatasetsPage {
        page: titled(viewer, Section::Admin, "admin-datasets", query.notice.as_deref()),
        rows: rows.into_iter().map(|dataset| (dataset.clone(), suspension_changes(&dataset, reader))).collect(),
        later: next_page("/admin/datasets", "", next),
        wrong,
    };
    let status = if shown.wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    show_with(viewer, status, &shown)
}

/// `GET /admin/datasets`
pub async fn datasets(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    render_datasets(&app, &viewer, &query, None).await
}

/// `POST /admin/datasets/{slug}/suspension`: suspends or restores.
pub async fn suspension(
    app: web::Data<App>,
    slug: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_administrator()?.person.id;
    let slug: Slug = parse_id(&slug)?;
    let (change, notice) = match form.get("do") {
        "suspend" => {
            let page = viewer.page(Section::Admin, "");
            let Some(reason) = reason(&page, &mut form) else {
                let wrong = WrongForm { about: slug, form };
                return render_datasets(&app, &viewer, &ListQuery::default(), Some(wrong)).await;
            };
            (SuspensionChange::Suspend(reason), "dataset-suspended")
        }
        "restore" => (SuspensionChange::Restore, "dataset-restored"),
        _ => return Err(WebError::BadRequest("problem-not-a-form")),
    };
    app.ledger.run(move |tx| dataset_commands::change_suspension(tx, by, &slug, &change)).await?;
    Ok(go(&format!("/admin/datasets?notice={notice}")))
}

#[derive(Template)]
#[template(path = "admin/grants.html")]
struct GrantsPage {
    page: Page,
    rows: Vec<GrantRow>,
    search: String,
    after: String,
    later: Option<String>,
    wrong: Option<WrongForm<GrantId>>,
}

impl GrantsPage {
    /// What is wrong with the form of this grant; empty when nothing is.
    fn error(&self, row: &GrantRow) -> &str {
        let wrong = self.wrong.as_ref().filter(|wrong| wrong.about == row.line.grant.id);
        wrong.map_or("", |wrong| wrong.form.error("reason"))
    }
}

async fn render_grants(
    app: &App,
    viewer: &Viewer,
    query: &ListQuery,
    wrong: Option<WrongForm<GrantId>>,
) -> Result<HttpResponse, WebError> {
    let reader = viewer.require_overseer()?.person.clone();
    let search = tidy(query.q.as_deref());
    let (text, after, now) = (search.clone(), query.after.clone().unwrap_or(Cursor::newest()), clock::now());
    let PageOf { rows, next } = app.reads.read(move |conn| grants::page(conn, &text, &after, &reader, now)).await?;
    let page = titled(viewer, Section::Admin, "admin-grants", query.notice.as_deref());
    let later = next_page("/admin/grants", &search, next);
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let after = query.after.as_ref().map(ToString::to_string).unwrap_or_default();
    show_with(viewer, status, &GrantsPage { page, rows, search, after, later, wrong })
}

/// `GET /admin/grants`
pub async fn grants(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    render_grants(&app, &viewer, &query, None).await
}

/// `POST /admin/grants/{id}/revoke`
pub async fn revoke_grant(
    app: web::Data<App>,
    id: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_administrator()?.person.id;
    let id: GrantId = parse_id(&id)?;
    let page = viewer.page(Section::Admin, "");
    let (q, after) = (form.get("q").to_owned(), form.get("after").to_owned());
    let Some(reason) = reason(&page, &mut form) else {
        let query = ListQuery { q: Some(q), after: after.parse().ok(), notice: None };
        return render_grants(&app, &viewer, &query, Some(WrongForm { about: id, form })).await;
    };
    app.ledger.run(move |tx| grant_commands::revoke(tx, by, id, &reason)).await?;
    let fields = [("q", q.as_str()), ("after", &after), ("notice", "grant-revoked")];
    Ok(go(&format!("{}#grant-{id}", address("/admin/grants", &fields))))
}
