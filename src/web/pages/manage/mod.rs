//! What organisations hold, for those who run them: datasets, grants, committees, members. Auditors read all of it.

pub mod about;
pub mod agreements;
pub mod committees;
pub mod dataset;
mod dataset_form;
pub mod datasets;
pub mod files;
mod form_draft;
pub mod forms;
pub mod grants;
pub mod holidays;
pub mod members;
pub mod overview;
pub mod state;

pub use agreements::place_of_agreement_error;
pub use dataset_form::place_of;
pub use files::sources;
pub use form_draft::form_error_key;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, next_page, titled};
use crate::app::App;
use crate::domain::organisation::{ManageScope, Organisation};
use crate::store::{Cursor, PageOf, organisations};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::Form;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show};

/// A form whose reason can't be taken, and what it is about.
struct WrongForm<T> {
    about: T,
    form: Form,
}

#[derive(Template)]
#[template(path = "manage/choose.html")]
struct ChoosePage {
    page: Page,
    area: &'static str,
    rows: Vec<Organisation>,
    later: Option<String>,
}

/// The page that asks which organisation is meant; where the reader sees one, that is it.
async fn choose(
    app: &App,
    viewer: &Viewer,
    query: &ListQuery,
    (area, title): (&'static str, &str),
) -> Result<HttpResponse, WebError> {
    let (_, scope) = viewer.require_manager()?;
    let after = query.after.clone().unwrap_or(Cursor::first());
    let read = move |conn: &mut _| match scope {
        ManageScope::Everything => organisations::page(conn, &after),
        ManageScope::Of(ids) => Ok(PageOf { rows: organisations::by_ids(conn, &ids)?, next: None }),
    };
    let PageOf { rows, next } = app.reads.read(read).await?;
    if let ([only], None) = (rows.as_slice(), &query.after) {
        return Ok(go(&format!("{area}/{}", only.slug)));
    }
    let page = titled(viewer, Section::Manage, title, query.notice.as_deref());
    show(viewer, &ChoosePage { page, area, later: next_page(area, next), rows })
}

/// `GET /manage/new-dataset`
pub async fn choose_for_dataset(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    choose(&app, &viewer, &query, ("/manage/new-dataset", "dataset-new")).await
}

/// `GET /manage/agreements`
pub async fn choose_agreements(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    choose(&app, &viewer, &query, ("/manage/agreements", "manage-agreements")).await
}

/// `GET /manage/forms`
pub async fn choose_forms(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    choose(&app, &viewer, &query, ("/manage/forms", "manage-forms")).await
}

/// `GET /manage/committees`
pub async fn choose_committees(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    choose(&app, &viewer, &query, ("/manage/committees", "manage-committees")).await
}

/// `GET /manage/members`
pub async fn choose_members(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    choose(&app, &viewer, &query, ("/manage/members", "manage-members")).await
}

/// `GET /manage/about`
pub async fn choose_about(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    choose(&app, &viewer, &query, ("/manage/about", "manage-about")).await
}
