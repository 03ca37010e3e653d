//! Answering a request for a file: conditions and ranges, permission, and only then the bytes.

use std::rc::Rc;

use actix_http::Response;
use actix_http::header;
use actix_web::http::StatusCode;

use super::body::DataBody;
use super::cached_file::{CachedFile, Content};
use super::data_request::DataRequest;
use super::permit::{Gate, GateError};
use super::response::{announce_length, with_content, with_validators};
use crate::delivery::conditions::{ConditionResult, Conditions, evaluate};
use crate::delivery::connection::direct::DIRECT_MIN_BYTES;
use crate::delivery::connection::flush::Flush;
use crate::delivery::direct_body::DirectBody;
use crate::delivery::file_body::FileBody;
use crate::delivery::plan::Plan;
use crate::delivery::ranges::{self, Wanted};
use crate::delivery::storage::error::StorageError;
use crate::delivery::stream_body::StreamBody;
use crate::delivery::transfers::Transfer;
use crate::delivery::zip::stream::Archive;
use crate::domain::admission::Denial;
use crate::domain::token::DataAction;
use crate::domain::transfer::{ReadMethod, SentRanges};
use crate::ledger::commands::admissions::{DeliveryForm, DownloadRequest, IfOutdated, LookedUp};
use crate::ledger::commands::transfers::record_file_changed;
use crate::views::releases::ReleaseName;
use crate::web::error::WebError;

/// The result of evaluating the conditional and range headers.
struct RequestedContent {
    outcome: ConditionResult,
    wanted: Wanted,
}

/// Evaluates the conditions and, unless one of them already settles the answer, the ranges.
fn evaluate_headers(request: &DataRequest<'_>, file: &CachedFile) -> RequestedContent {
    let conditions = Conditions {
        if_match: request.header(header::IF_MATCH),
        if_none_match: request.header(header::IF_NONE_MATCH),
        if_modified_since: request.header(header::IF_MODIFIED_SINCE),
        if_unmodified_since: request.header(header::IF_UNMODIFIED_SINCE),
        if_range: request.header(header::IF_RANGE),
    };
    let outcome = evaluate(&conditions, &file.etag_text, file.entry.modified_at);
    // Ranges are defined for GET alone (RFC 9110 section 14.2).
    if outcome != ConditionResult::Proceed || request.method == ReadMethod::Head {
        return RequestedContent { outcome, wanted: Wanted::Whole };
    }
    let wanted = match ranges::parse(request.header(header::RANGE), file.entry.size) {
        // A server may ignore ranges: several at once are supported for local files only.
        Wanted::Parts(parts) if parts.len() > 1 && !matches!(file.content, Content::Local) => Wanted::Whole,
        wanted => wanted,
    };
    RequestedContent { outcome, wanted }
}

/// Delivers a file.
pub async fn deliver(
    gate: &Gate<'_>,
    file: &Rc<CachedFile>,
    if_outdated: IfOutdated,
) -> Result<Response<DataBody>, GateError> {
    let requested = evaluate_headers(&gate.data_request, file);
    let plan = plan(&requested.wanted, file);
    let bodiless = bodiless_answer(&requested, file);
    let mut request = download_request(gate, file, &requested.wanted, if_outdated);
    if bodiless.is_none() && request.method == ReadMethod::Get {
        request.bytes = plan.length;
    }
    let transfer = gate.permit_download(request).await?;
    if let Some(answer) = bodiless {
        return answer;
    }
    Ok(answer_with_content(gate, file, (&requested.wanted, plan), transfer).await?)
}

/// What is sent of a file.
fn plan(wanted: &Wanted, file: &CachedFile) -> Plan {
    let entry = &file.entry;
    match wanted {
        // No file has its own hash in it.
        Wanted::Parts(parts) => Plan::ranges(
            parts,
            entry.size,
            &entry.media_type,
            &format!("countersign-{}", hex::encode(&entry.sha256.0[..16])),
        ),
        Wanted::Whole | Wanted::Unsatisfiable => Plan::whole(entry.size),
    }
}

fn download_request(gate: &Gate<'_>, file: &CachedFile, wanted: &Wanted, if_outdated: IfOutdated) -> DownloadRequest {
    let mut request = gate.new_request(&file.release, &file.entry.path, DataAction::Read);
    let is_zip = matches!(file.content, Content::Zip(_));
    request.looked_up = Some(LookedUp {
        version: file.version,
        mode: file.release.mode,
        release: file.release.is_named.then_some(file.release.number),
        bytes_gone: file.is_gone,
        sha256: (!is_zip).then_some(file.entry.sha256),
        if_outdated,
    });
    if is_zip {
        request.form = DeliveryForm::Zip;
    }
    if let Wanted::Parts(parts) = wanted {
        let parts = parts.iter().map(|part| (part.first, part.last)).collect();
        request.ranges = Some(SentRanges { parts, size: file.entry.size });
    }
    request
}

/// The 304, 412 or 416 answer, if the request gets one.
fn bodiless_answer(requested: &RequestedContent, file: &CachedFile) -> Option<Result<Response<DataBody>, GateError>> {
    match (requested.outcome, &requested.wanted) {
        (ConditionResult::Failed, _) => Some(Err(WebError::Precondition.into())),
        (ConditionResult::NotModified, _) => Some(Ok(with_validators(StatusCode::NOT_MODIFIED, file))),
        (_, Wanted::Unsatisfiable) => Some(Err(WebError::Range(file.entry.size).into())),
        _ => None,
    }
}

async fn answer_with_content(
    gate: &Gate<'_>,
    file: &CachedFile,
    (wanted, plan): (&Wanted, Plan),
    transfer: Transfer,
) -> Result<Response<DataBody>, WebError> {
    let response = with_content(file, wanted, &plan);
    if gate.data_request.method == ReadMethod::Head {
        return Ok(response.set_body(DataBody::Head(plan.length)));
    }
    match &file.content {
        Content::Local => local(gate, file, plan, transfer, response).await,
        Content::Upstream => {
            let (start, length) = plan.single_part().unwrap_or((0, plan.length));
            match gate.app.storage.read(&file.root, &file.entry, start, length).await {
                Ok(reader) => {
                    let body = StreamBody::of(reader, length, transfer, &gate.app.transfer_memory, flush(gate, length));
                    Ok(response.set_body(DataBody::Stream(Box::new(body))))
                }
                Err(error) => Err(fail_delivery(gate, file, &error, transfer)),
            }
        }
        Content::Zip(layout) => {
            let (start, length) = plan.single_part().unwrap_or((0, plan.length));
            let sources = (gate.app.delivery_reads.clone(), gate.app.storage.clone());
            let from = (file.release.id(), file.release.places.clone());
            let archive = Archive::new(sources, from, layout.clone(), (start, start + length));
            let body = StreamBody::of(archive, length, transfer, &gate.app.transfer_memory, flush(gate, length));
            Ok(response.set_body(DataBody::Stream(Box::new(body))))
        }
    }
}

/// Sends a local file: with `sendfile` for a large single part on an unencrypted HTTP/1.1 connection, otherwise through a
/// normal body.
async fn local(
    gate: &Gate<'_>,
    file: &CachedFile,
    plan: Plan,
    transfer: Transfer,
    mut response: Response<DataBody>,
) -> Result<Response<DataBody>, WebError> {
    let opened = match gate.app.storage.open(&file.root, &file.entry).await {
        Ok(opened) => opened,
        Err(error) => return Err(fail_delivery(gate, file, &error, transfer)),
    };
    let direct_connection =
        gate.data_request.peer.filter(|peer| !peer.encrypted).and_then(|peer| peer.exclusive.clone());
    let part = plan.single_part().filter(|(_, length)| *length >= DIRECT_MIN_BYTES);
    if let (Some(connection), Some(part)) = (direct_connection, part) {
        announce_length(&mut response, part.1);
        let body = DirectBody::new(opened, part, transfer, connection);
        return Ok(response.set_body(DataBody::Direct(Box::new(body))));
    }
    let flush = flush(gate, plan.length);
    let body = FileBody::of(opened, plan, transfer, &gate.app.transfer_memory, flush);
    Ok(response.set_body(DataBody::File(Box::new(body))))
}

/// Waits until the last bytes of an answer have left. Not needed for small answers, which leave together with their
/// headers.
fn flush(gate: &Gate<'_>, length: u64) -> Option<Flush> {
    let connection = gate.data_request.peer.and_then(|peer| peer.exclusive.clone());
    connection.filter(|_| length >= DIRECT_MIN_BYTES).map(Flush::new)
}

/// Ends the transfer of a file that was admitted and can't be delivered, records why, and returns the error for the
/// client.
fn fail_delivery(gate: &Gate<'_>, file: &CachedFile, error: &StorageError, mut transfer: Transfer) -> WebError {
    let (slug, path) = (file.release.slug.clone(), file.entry.path.clone());
    transfer.interrupt(error.interruption());
    // Nobody promised that files stay where a newer release does not look for them.
    if file.root != file.release.places.root && error.is_missing() {
        return WebError::Denied(Denial::BytesGone, ReleaseName { slug, number: file.release.number });
    }
    tracing::error!(dataset = %slug, %path, %error, "a file can't be delivered");
    if let StorageError::Changed(mismatch) = *error {
        gate.app.ledger.record_later(move |tx| record_file_changed(tx, &slug, &path, mismatch));
    }
    match (error, &file.content) {
        (_, Content::Upstream) => WebError::Upstream,
        (StorageError::Changed(_), _) => WebError::FileChanged,
        // The storage may recover shortly.
        _ => WebError::Unavailable,
    }
}
