//! Agreements to read: the version in force, and every version for ever.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::parse_id;
use crate::app::App;
use crate::domain::agreement::AgreementText;
use crate::domain::text::{Language, Slug};
use crate::views::agreements::{AgreementView, Comparison, agreement, compare};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::markdown::{self, Document};
use crate::web::page::{Page, PublicFace, Section};
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "agreements/show.html")]
struct AgreementPage {
    page: Page,
    view: AgreementView,
    text: AgreementText,
    document: Document,
}

/// In which language to read.
#[derive(Deserialize)]
pub struct LanguageQuery {
    language: Option<String>,
}

/// `GET /agreements/{slug}`: the version in force.
pub async fn in_force(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<LanguageQuery>,
) -> Result<HttpResponse, WebError> {
    show(&app, &viewer, parse_id(&slug)?, None, &query).await
}

/// `GET /agreements/{slug}/versions/{number}`: one version, whatever is in force.
pub async fn version(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
    query: web::Query<LanguageQuery>,
) -> Result<HttpResponse, WebError> {
    let (slug, number) = path.into_inner();
    show(&app, &viewer, parse_id(&slug)?, Some(parse_id(&number)?), &query).await
}

/// Which versions to compare, in which language.
#[derive(Deserialize)]
pub struct ComparisonQuery {
    from: Option<String>,
    to: Option<String>,
    language: Option<String>,
}

#[derive(Template)]
#[template(path = "agreements/changes.html")]
struct ChangesPage {
    page: Page,
    view: Comparison,
}

/// `GET /agreements/{slug}/changes`: what changed from one version to another.
pub async fn changes(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<ComparisonQuery>,
) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(&slug)?;
    let number =
        |typed: &Option<String>| typed.as_deref().filter(|text| !text.is_empty()).map(parse_id::<u32>).transpose();
    let numbers = (number(&query.from)?, number(&query.to)?);
    let language = query.language.as_deref().and_then(Language::from_tag).unwrap_or(viewer.language);
    let view = app.reads.read(move |conn| compare(conn, &slug, numbers, language)).await?.ok_or(WebError::NotFound)?;
    let page = viewer.page(Section::Catalogue, "");
    let title = page.text_with("agreement-changes-title", "agreement", view.to.title.text(viewer.language));
    show_page(&viewer, &ChangesPage { page: page.titled(&title), view })
}

async fn show(
    app: &App,
    viewer: &Viewer,
    slug: Slug,
    number: Option<u32>,
    query: &LanguageQuery,
) -> Result<HttpResponse, WebError> {
    let found = app.reads.read(move |conn| agreement(conn, &slug, number)).await?;
    let view = found.ok_or(WebError::NotFound)?;
    let wanted = query.language.as_deref().and_then(Language::from_tag).unwrap_or(viewer.language);
    let text = view.version.text(wanted).cloned().ok_or(WebError::NotFound)?;
    let title = view.version.title.text(viewer.language);
    let canonical = format!("{}/agreements/{}/versions/{}", app.config.base(), view.version.slug, view.version.number);
    let page = viewer.page(Section::Catalogue, title).with_public_face(PublicFace::new(canonical, title));
    let document = markdown::to_document(&text.body, text.language, 1);
    show_page(viewer, &AgreementPage { page, view, text, document })
}
