//! Forms to read: the version in force, and every version for ever.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::parse_id;
use crate::app::App;
use crate::domain::text::Slug;
use crate::views::forms::{FormView, form};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::Form;
use crate::web::page::{Page, Section};
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "forms/show.html")]
struct FormPage {
    page: Page,
    view: FormView,
    /// Nothing is filled in.
    form: Form,
}

/// `GET /forms/{slug}`: the version in force.
pub async fn in_force(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    show(&app, &viewer, parse_id(&slug)?, None).await
}

/// `GET /forms/{slug}/versions/{number}`: one version, whatever is in force.
pub async fn version(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let (slug, number) = path.into_inner();
    show(&app, &viewer, parse_id(&slug)?, Some(parse_id(&number)?)).await
}

async fn show(app: &App, viewer: &Viewer, slug: Slug, number: Option<u32>) -> Result<HttpResponse, WebError> {
    let found = app.reads.read(move |conn| form(conn, &slug, number)).await?;
    let view = found.ok_or(WebError::NotFound)?;
    let page = viewer.page(Section::Catalogue, view.version.title.text(viewer.language));
    show_page(viewer, &FormPage { page, view, form: Form::default() })
}
