//! My requests; one request with its timeline, and its receipt.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::timeline::{self, Step};
use super::{PAGE, ROWS, cut};
use crate::domain::Instant;
use crate::domain::access_request::Stage;
use crate::domain::dataset::Dataset;
use crate::domain::grant::{Grant, GrantState};
use crate::domain::ids::{PersonId, RequestId};
use crate::ledger::commands::requests as commands;
use crate::log::canonical::canonical;
use crate::log::merkle::{HashSource, inclusion_proof};
use crate::log::receipt::{InclusionProof, RECEIPT_VERSION, Receipt};
use crate::store::log::{Filter, LogArchive, TreeReader, Walk, select};
use crate::store::requests::{RequestLine, StoredRequest};
use crate::store::signatures::StoredSignature;
use crate::store::{AnyConnection, agreements, datasets, grants, requests, signatures};
use crate::web::failure::Failure;
use crate::web::form::Posted;
use crate::web::page::{Here, Page, go, show as show_page};
use crate::web::state::App;
use crate::web::viewer::Viewer;

#[derive(Template)]
#[template(path = "requests/list.html")]
struct ListPage {
    page: Page,
    lines: Vec<RequestLine>,
    more: Option<i64>,
}

/// Which part of a list.
#[derive(Deserialize)]
pub struct ListQuery {
    before: Option<i64>,
}

/// `GET /requests`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, Failure> {
    let person = viewer.required()?.person.id;
    let before = Instant(query.before.unwrap_or(i64::MAX));
    let mut lines = app.reads.read(move |conn| requests::of_person(conn, person, before, PAGE + 1)).await?;
    let more = cut(&mut lines, ROWS).then(|| lines.last().map_or(0, |line| line.created_at.0));
    let page = viewer.page(Here::Requests, "");
    let title = page.t("requests-title");
    show_page(&viewer, &ListPage { page: page.titled(&title), lines, more })
}

#[derive(Template)]
#[template(path = "requests/show.html")]
struct ShowPage {
    page: Page,
    stored: StoredRequest,
    dataset: Dataset,
    signature: Option<StoredSignature>,
    seal_hash: String,
    grant: Option<Grant>,
    grant_active: bool,
    steps: Vec<Step>,
    heading: String,
    base: String,
    example: String,
    comment: String,
}

/// What was just done.
#[derive(Deserialize)]
pub struct SaidQuery {
    said: Option<String>,
}

/// `GET /requests/{id}`: for the applicant alone; reviewers have their own page.
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<SaidQuery>,
) -> Result<HttpResponse, Failure> {
    let person = viewer.required()?.person.id;
    let id: RequestId = id.parse().map_err(|_| Failure::NotFound)?;
    let archive = app.log_archive.clone();
    let found = app
        .reads
        .read(move |conn| {
            let Some(stored) = own(conn, person, id)? else { return Ok(None) };
            let Some(dataset) = datasets::by_id(conn, stored.request.dataset)? else { return Ok(None) };
            let signature = signatures::of_request(conn, id)?;
            let seal = match &signature {
                Some(signature) => event_hash(conn, signature.event_index)?,
                None => String::new(),
            };
            let grant = grants::of_request(conn, id)?;
            let steps = timeline::of_request(conn, &archive, id)?;
            let first = crate::store::files::all(conn, dataset.id, "", 1)?.pop();
            Ok(Some((stored, dataset, signature, seal, grant, steps, first)))
        })
        .await?;
    let (stored, dataset, signature, seal_hash, grant, steps, first) = found.ok_or(Failure::NotFound)?;
    let page = viewer.page(Here::Requests, "").saying(query.said.as_deref());
    let grant_active = grant.as_ref().is_some_and(|grant| grant.state(Instant::now()) == GrantState::Active);
    let key = match stored.request.stage {
        Stage::Approved if grant_active => "request-heading-granted",
        Stage::Approved => "request-heading-ended",
        Stage::Submitted => "request-heading-submitted",
        Stage::Returned => "request-heading-returned",
        Stage::Rejected => "request-heading-rejected",
        Stage::Withdrawn => "request-heading-withdrawn",
        Stage::Draft => "request-heading-draft",
    };
    let heading = page.tx(key, "dataset", dataset.title.text(page.language));
    let comment = steps.iter().map(|step| step.comment.clone()).find(|text| !text.is_empty()).unwrap_or_default();
    let shown = ShowPage {
        page: page.titled(&heading),
        base: app.config.base().to_owned(),
        example: first.map(|file| file.path.to_url()).unwrap_or_default(),
        stored,
        dataset,
        signature,
        seal_hash,
        grant,
        grant_active,
        steps,
        heading,
        comment,
    };
    show_page(&viewer, &shown)
}

/// The request, if it is this person's.
fn own(conn: &mut AnyConnection, person: PersonId, id: RequestId) -> crate::store::Result<Option<StoredRequest>> {
    Ok(requests::by_id(conn, id)?.filter(|stored| stored.request.applicant == person))
}

/// The first bytes of an event's leaf hash, in groups: what its seal shows.
pub(super) fn event_hash(conn: &mut AnyConnection, index: u64) -> crate::store::Result<String> {
    let hash = TreeReader::new(conn)?.subtree(0, index)?.to_string();
    Ok(hash.get(..12).map(|text| format!("{} {} {}", &text[..4], &text[4..8], &text[8..])).unwrap_or_default())
}

/// `POST /requests/{id}/withdraw`
pub async fn withdraw(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, Failure> {
    let person = posted.viewer.required()?.person.id;
    let id: RequestId = id.parse().map_err(|_| Failure::NotFound)?;
    app.ledger.run(move |tx| commands::withdraw(tx, person, id)).await?;
    Ok(go(&format!("/requests/{id}?said=withdrawn")))
}

/// `GET /requests/{id}/receipt.json`: the proof of the newest signature, for the signer.
pub async fn receipt(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, Failure> {
    let person = viewer.required()?.person.id;
    let id: RequestId = id.parse().map_err(|_| Failure::NotFound)?;
    let log_key = app.keys.log.verifier().to_string();
    let archive = app.log_archive.clone();
    let receipt = app
        .reads
        .read(move |conn| {
            if own(conn, person, id)?.is_none() {
                return Ok(None);
            }
            let Some(signature) = signatures::of_request(conn, id)? else { return Ok(None) };
            make_receipt(conn, &archive, signature, log_key)
        })
        .await?
        .ok_or(Failure::NotFound)?;
    let name = format!("attachment; filename=\"receipt-{}.json\"", receipt.record.id);
    let text = serde_json::to_string_pretty(&receipt).map_err(|error| crate::web::failure::internal(&error))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(text))
}

fn make_receipt(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    signature: StoredSignature,
    log_key: String,
) -> crate::store::Result<Option<Receipt>> {
    let index = signature.event_index;
    let event = select(conn, archive, &Filter::default(), Walk::From(index), 1)?.pop();
    let Some(event) = event.filter(|event| event.index == index) else { return Ok(None) };
    let Some(private) = event.private else { return Ok(None) };
    let record = signature.record;
    let Some(version) = agreements::version(conn, record.agreement.version_id)? else { return Ok(None) };
    let Some(text) = version.texts.into_iter().find(|text| text.language == record.agreement.language) else {
        return Ok(None);
    };
    let mut tree = TreeReader::new(conn)?;
    let (size, checkpoint) = (tree.head().size(), tree.head().checkpoint.clone());
    let hashes = inclusion_proof(&mut tree, index, size)?;
    let body: serde_json::Value = serde_json::from_str(&event.body).unwrap_or_default();
    debug_assert_eq!(canonical(&body), event.body, "what is stored is canonical");
    Ok(Some(Receipt {
        v: RECEIPT_VERSION,
        record,
        text: text.body,
        event: body,
        private,
        proof: InclusionProof { index, hashes, checkpoint },
        log_key,
    }))
}
