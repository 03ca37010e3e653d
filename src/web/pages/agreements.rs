//! The agreement of a dataset, to read before signing.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::parse_id;
use crate::app::App;
use crate::domain::agreement::{AgreementText, AgreementVersion};
use crate::domain::dataset::Dataset;
use crate::domain::text::{Language, Slug};
use crate::views::datasets::agreement_of;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::markdown;
use crate::web::page::{Page, Section};
use crate::web::respond::show;

#[derive(Template)]
#[template(path = "agreements/show.html")]
struct AgreementPage {
    page: Page,
    dataset: Dataset,
    version: AgreementVersion,
    text: AgreementText,
    body: String,
}

/// In which language to read.
#[derive(Deserialize)]
pub struct LanguageQuery {
    language: Option<String>,
}

/// `GET /datasets/{slug}/agreement`
pub async fn agreement(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<LanguageQuery>,
) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(&slug)?;
    let found = app.reads.read(move |conn| agreement_of(conn, &slug)).await?;
    let (dataset, version) = found.ok_or(WebError::NotFound)?;
    let wanted = query.language.as_deref().and_then(Language::from_tag).unwrap_or(viewer.language);
    let text = version.text(wanted).cloned().ok_or(WebError::NotFound)?;
    let page = viewer.page(Section::Catalogue, version.title.text(viewer.language));
    let body = markdown::to_html(&text.body);
    show(&viewer, &AgreementPage { page, dataset, version, text, body })
}
