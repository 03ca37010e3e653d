//! What somebody signed, as a whole: to read, to print, to keep.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::parse_id;
use crate::app::App;
use crate::domain::ids::SignatureId;
use crate::views::receipt;
use crate::views::signatures::{SignedDocument, signed_document};
use crate::web::auth::Viewer;
use crate::web::error::{WebError, internal};
use crate::web::markdown;
use crate::web::page::{Page, Section};
use crate::web::qr_code::QrCode;
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "signatures/show.html")]
struct SignaturePage {
    page: Page,
    signed: SignedDocument,
    body: String,
    /// The log's verifier key: without it a receipt is checked against the key that it names itself.
    log_key: String,
    /// The page's address, for whoever has it on paper.
    address: String,
    code: Option<QrCode>,
}

/// `GET /signatures/{id}`: for the signer, and for those who may read the request as reviewers do.
pub async fn show(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let (reader, id) = (viewer.require_signed_in()?.person.id, parse_id::<SignatureId>(&id)?);
    let found = app.reads.read(move |conn| signed_document(conn, id, reader)).await?;
    let signed = found.ok_or(WebError::NotFound)?;
    let section = if signed.is_own { Section::Projects } else { Section::Review };
    let page = viewer.page(section, signed.version.title.text(viewer.language));
    let body = markdown::to_html(&signed.text.body, signed.text.language);
    let address = format!("{}/signatures/{id}", app.config.base());
    let (log_key, code) = (app.keys.log.verifier().to_string(), QrCode::of(&address));
    show_page(&viewer, &SignaturePage { page, signed, body, log_key, address, code })
}

/// `GET /signatures/{id}/receipt.json`: the proof of a signature, for the signer.
pub async fn receipt(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let person = viewer.require_signed_in()?.person.id;
    let id: SignatureId = parse_id(&id)?;
    let (archive, keys) = (app.log_archive.clone(), app.keys.clone());
    let found =
        app.reads.read(move |conn| receipt::of_signature(conn, &archive, (id, person), keys.log.verifier())).await?;
    let receipt = found.ok_or(WebError::NotFound)?;
    let name = format!("attachment; filename=\"receipt-{}.json\"", receipt.record.id);
    let text = serde_json::to_string_pretty(&receipt).map_err(|error| internal(&error))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(text))
}
