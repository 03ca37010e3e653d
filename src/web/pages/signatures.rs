//! What somebody signed, as a whole: to read, to print, to keep.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::parse_id;
use crate::app::App;
use crate::domain::ids::SignatureId;
use crate::views::signatures::{SignedDocument, signed_document};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::markdown;
use crate::web::page::{Page, Section};
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "signatures/show.html")]
struct SignaturePage {
    page: Page,
    signed: SignedDocument,
    body: String,
}

/// `GET /signatures/{id}`: for the signer, and for those who may read the request as reviewers do.
pub async fn show(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let (reader, id) = (viewer.require_signed_in()?.person.id, parse_id::<SignatureId>(&id)?);
    let found = app.reads.read(move |conn| signed_document(conn, id, reader)).await?;
    let signed = found.ok_or(WebError::NotFound)?;
    let section = if signed.is_own { Section::Requests } else { Section::Review };
    let page = viewer.page(section, signed.version.title.text(viewer.language));
    let body = markdown::to_html(&signed.text.body, signed.text.language);
    show_page(&viewer, &SignaturePage { page, signed, body })
}
