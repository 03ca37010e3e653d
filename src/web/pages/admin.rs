//! Administration: how things stand, datasets, grants.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{PAGE, ROWS, cut};
use crate::domain::dataset::Dataset;
use crate::domain::grant::GrantState;
use crate::domain::ids::GrantId;
use crate::domain::text::Slug;
use crate::domain::{Instant, Refusal};
use crate::ledger;
use crate::ledger::commands::{catalogue, grants as commands};
use crate::store::grants::{self, GrantLine};
use crate::store::log;
use crate::store::{datasets, mail};
use crate::web::failure::Failure;
use crate::web::form::{Form, Posted};
use crate::web::page::{Here, Page, go, show, show_with};
use crate::web::state::App;
use crate::web::viewer::Viewer;

/// Longest reason, in characters.
pub(super) const REASON_MAX: usize = 1_000;
/// Datasets shown.
const DATASETS_SHOWN: i64 = 500;

/// What was just done.
#[derive(Deserialize)]
pub struct SaidQuery {
    said: Option<String>,
}

pub(super) fn titled(viewer: &Viewer, key: &str, said: Option<&str>) -> Page {
    let page = viewer.page(Here::Admin, "").saying(said);
    let title = page.t(key);
    page.titled(&title)
}

/// A reason as typed, or nothing when it was left empty; the ledger says whether one is needed.
pub(super) fn reason(form: &Form) -> String {
    form.get("reason").chars().filter(|c| !c.is_control()).take(REASON_MAX).collect::<String>().trim().to_owned()
}

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
    administrator: bool,
}

/// `GET /admin`: how things stand.
pub async fn index(app: web::Data<App>, viewer: Viewer, query: web::Query<SaidQuery>) -> Result<HttpResponse, Failure> {
    let administrator = viewer.overseer()?.person.administrator;
    let (head, (mail_waiting, mail_failed)) =
        app.reads.read(|conn| Ok((log::head(conn)?, mail::counts(conn)?))).await?;
    let page = titled(&viewer, "admin-title", query.said.as_deref());
    let shown = IndexPage {
        page,
        events: head.size(),
        checkpoint: head.checkpoint.clone(),
        log_key: app.keys.log.verifier().to_string(),
        database: app.config.database.kind(),
        ledger_works: app.ledger.failure().is_none(),
        mail_waiting,
        mail_failed,
        administrator,
    };
    show(&viewer, &shown)
}

#[derive(Template)]
#[template(path = "admin/datasets.html")]
struct DatasetsPage {
    page: Page,
    found: Vec<Dataset>,
    administrator: bool,
    /// The dataset whose form was wrong, and the form.
    wrong: Option<(Slug, Form)>,
}

impl DatasetsPage {
    /// The form of this dataset, if it was wrong.
    fn wrong_form(&self, dataset: &Dataset) -> Option<&Form> {
        self.wrong.as_ref().filter(|(slug, _)| *slug == dataset.slug).map(|(_, form)| form)
    }
}

async fn render_datasets(
    app: &App,
    viewer: &Viewer,
    wrong: Option<(Slug, Form)>,
    said: Option<&str>,
) -> Result<HttpResponse, Failure> {
    let administrator = viewer.overseer()?.person.administrator;
    let search = datasets::Search { limit: DATASETS_SHOWN, ..datasets::Search::default() };
    let (found, _) = app.reads.read(move |conn| datasets::search(conn, &search)).await?;
    let page = titled(viewer, "admin-datasets", said);
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    show_with(viewer, status, &DatasetsPage { page, found, administrator, wrong })
}

/// `GET /admin/datasets`
pub async fn datasets(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<SaidQuery>,
) -> Result<HttpResponse, Failure> {
    render_datasets(&app, &viewer, None, query.said.as_deref()).await
}

/// `POST /admin/datasets/{slug}/suspension`: suspends or restores.
pub async fn suspension(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.administrator()?.person.id;
    let slug: Slug = slug.parse().map_err(|_| Failure::NotFound)?;
    let suspend = form.get("do") == "suspend";
    let reason = suspend.then(|| reason(&form));
    let about = slug.clone();
    match app.ledger.run(move |tx| catalogue::suspend_dataset(tx, by, &about, reason.as_deref())).await {
        Ok(()) if suspend => Ok(go("/admin/datasets?said=dataset-suspended")),
        Ok(()) => Ok(go("/admin/datasets?said=dataset-restored")),
        Err(ledger::Error::Refused(Refusal::CommentNeeded)) => {
            let page = viewer.page(Here::Admin, "");
            form.fail("reason", page.t("error-reason"));
            render_datasets(&app, &viewer, Some((slug, form)), None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A grant as the list shows it.
struct GrantRow {
    line: GrantLine,
    state: GrantState,
}

#[derive(Template)]
#[template(path = "admin/grants.html")]
struct GrantsPage {
    page: Page,
    rows: Vec<GrantRow>,
    search: String,
    more: Option<i64>,
    administrator: bool,
    /// The grant whose form was wrong, and the form.
    wrong: Option<(GrantId, Form)>,
}

impl GrantsPage {
    fn is_wrong(&self, row: &GrantRow) -> bool {
        self.wrong.as_ref().is_some_and(|(id, _)| *id == row.line.grant.id)
    }
}

/// Which grants.
#[derive(Deserialize, Default)]
pub struct GrantQuery {
    q: Option<String>,
    before: Option<i64>,
    said: Option<String>,
}

/// What is searched for, tidied.
pub(super) fn words(text: Option<String>) -> String {
    let text: String = text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    text.trim().to_owned()
}

async fn render_grants(
    app: &App,
    viewer: &Viewer,
    query: GrantQuery,
    wrong: Option<(GrantId, Form)>,
) -> Result<HttpResponse, Failure> {
    let administrator = viewer.overseer()?.person.administrator;
    let search = words(query.q);
    let (text, before) = (search.clone(), Instant(query.before.unwrap_or(i64::MAX)));
    let mut found = app.reads.read(move |conn| grants::search(conn, &text, before, PAGE + 1)).await?;
    let more = cut(&mut found, ROWS).then(|| found.last().map_or(0, |line| line.grant.starts_at.0));
    let page = titled(viewer, "admin-grants", query.said.as_deref());
    let now = Instant::now();
    let rows = found.into_iter().map(|line| GrantRow { state: line.grant.state(now), line }).collect();
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    show_with(viewer, status, &GrantsPage { page, rows, search, more, administrator, wrong })
}

/// `GET /admin/grants`
pub async fn grants(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<GrantQuery>,
) -> Result<HttpResponse, Failure> {
    render_grants(&app, &viewer, query.into_inner(), None).await
}

/// `POST /admin/grants/{id}/revoke`
pub async fn revoke_grant(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.administrator()?.person.id;
    let id: GrantId = id.parse().map_err(|_| Failure::NotFound)?;
    let reason = reason(&form);
    match app.ledger.run(move |tx| commands::revoke(tx, by, id, &reason)).await {
        Ok(()) => Ok(go("/admin/grants?said=grant-revoked")),
        Err(ledger::Error::Refused(Refusal::CommentNeeded)) => {
            let page = viewer.page(Here::Admin, "");
            form.fail("reason", page.t("error-reason"));
            render_grants(&app, &viewer, GrantQuery::default(), Some((id, form))).await
        }
        Err(error) => Err(error.into()),
    }
}
