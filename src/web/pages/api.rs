//! The JSON API, as a page to read.

use actix_web::HttpResponse;
use askama::Template;

use super::titled;
use crate::web::api::openapi::{OperationRow, by_area};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    page: Page,
    areas: &'static [(String, Vec<OperationRow>)],
}

/// `GET /api`
pub async fn show(viewer: Viewer) -> Result<HttpResponse, WebError> {
    let page = titled(&viewer, Section::Nowhere, "api-title", None);
    show_page(&viewer, &ApiPage { page, areas: by_area() })
}
