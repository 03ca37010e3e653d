//! What is recorded, and who sees it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::titled;
use crate::app::App;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show;

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    page: Page,
    log_key: String,
    parts: Vec<(String, String)>,
}

/// `GET /help`
pub async fn help(app: web::Data<App>, viewer: Viewer) -> Result<HttpResponse, WebError> {
    let page = titled(&viewer, Section::Nowhere, "help-title", None);
    let part = |n: u8| (page.text(format!("help-{n}-heading")), page.text(format!("help-{n}-text")));
    let parts = (1..=5).map(part).collect();
    show(&viewer, &HelpPage { parts, log_key: app.keys.log.verifier().to_string(), page })
}
