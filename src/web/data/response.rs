//! The heads of answers about files.

use actix_http::Response;
use actix_http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::StatusCode;

use super::body::DataBody;
use super::cached_file::CachedFile;
use crate::delivery::plan::Plan;
use crate::delivery::ranges::Wanted;

/// Tells nginx not to take an answer into files of its own before the client has taken it.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// `Repr-Digest` (RFC 9530).
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// A value that was put together from parts that can stand in a header.
fn value(text: String) -> HeaderValue {
    // Media types and names were checked or encoded; what can't stand in a header after all is left out.
    HeaderValue::try_from(text).unwrap_or_else(|_: header::InvalidHeaderValue| HeaderValue::from_static(""))
}

/// The head of an answer with the file's validators (RFC 9110 section 8.8).
pub fn with_validators(status: StatusCode, file: &CachedFile) -> Response<DataBody> {
    let mut response = Response::with_body(status, DataBody::Empty);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, file.etag.clone());
    headers.insert(header::LAST_MODIFIED, file.last_modified.clone());
    headers.insert(header::CACHE_CONTROL, file.cache_control.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Authorization, Cookie"));
    response
}

/// The head of an answer that carries the file, or parts of it.
pub fn with_content(file: &CachedFile, wanted: &Wanted, plan: &Plan) -> Response<DataBody> {
    let status = if matches!(wanted, Wanted::Parts(_)) { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = with_validators(status, file);
    let headers = response.headers_mut();
    let media_type = match &plan.boundary {
        None => file.media_type.clone(),
        Some(boundary) => value(format!("multipart/byteranges; boundary={boundary}")),
    };
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_DISPOSITION, file.disposition.clone());
    if let Some(digest) = &file.digest {
        headers.insert(REPR_DIGEST, digest.clone());
    }
    sandbox(headers);
    if let (Wanted::Parts(parts), None) = (wanted, &plan.boundary)
        && let [part] = parts.as_slice()
    {
        headers.insert(header::CONTENT_RANGE, value(part.content_range(file.entry.size)));
    }
    response
}

/// A dataset may hold anything: opened as a page of this site it must not run.
fn sandbox(headers: &mut HeaderMap) {
    const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}

/// Announces the length of a body that does not pass through the dispatcher, which would otherwise send it in chunks.
pub fn announce_length(response: &mut Response<DataBody>, length: u64) {
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response.head_mut().no_chunking(true);
}
