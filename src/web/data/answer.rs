//! The answer to an admitted request: its head, and the kinds of body it can have.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::Response;
use actix_http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use bytes::Bytes;

use crate::delivery::file::{FileBody, Plan};
use crate::delivery::range::Wanted;
use crate::delivery::stream::StreamBody;
use crate::web::shelf::Shelved;

/// `Repr-Digest` (RFC 9530).
pub const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// What follows a head.
pub enum DataBody {
    /// Nothing, but a body of this length would follow if it had been GET.
    Head(u64),
    /// Nothing.
    Nothing,
    /// A file of this machine, or parts of it.
    File(Box<FileBody>),
    /// What is made piece by piece.
    Stream(Box<StreamBody>),
}

impl DataBody {
    /// Whether its bytes do not pass through the server's machinery.
    const fn is_direct(&self) -> bool {
        match self {
            Self::Head(_) | Self::Nothing => false,
            Self::File(file) => file.is_direct(),
            Self::Stream(stream) => stream.is_direct(),
        }
    }
}

impl MessageBody for DataBody {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        match self {
            Self::Head(length) => BodySize::Sized(*length),
            Self::Nothing => BodySize::None,
            Self::File(file) => file.size(),
            Self::Stream(stream) => stream.size(),
        }
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match self.get_mut() {
            Self::Head(_) | Self::Nothing => Poll::Ready(None),
            Self::File(file) => Pin::new(file).poll_next(context),
            Self::Stream(stream) => Pin::new(stream).poll_next(context),
        }
    }
}

/// A value that was put together from parts that can stand in a header.
fn value(text: String) -> HeaderValue {
    // Media types and names were checked or encoded; what can't stand in a header after all is left out.
    HeaderValue::try_from(text).unwrap_or_else(|_: header::InvalidHeaderValue| HeaderValue::from_static(""))
}

/// The head of an answer that says which file it is, and that it is still the same.
pub fn validated(status: StatusCode, file: &Shelved) -> Response<DataBody> {
    let mut response = Response::with_body(status, DataBody::Nothing);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, file.etag.clone());
    headers.insert(header::LAST_MODIFIED, file.last_modified.clone());
    headers.insert(header::CACHE_CONTROL, file.cache_control.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Authorization, Cookie"));
    response
}

/// The head of an answer that carries the file, or parts of it.
pub fn described(file: &Shelved, wanted: &Wanted, plan: &Plan) -> Response<DataBody> {
    let status = if matches!(wanted, Wanted::Parts(_)) { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = validated(status, file);
    let headers = response.headers_mut();
    let media_type = match &plan.boundary {
        None => file.media_type.clone(),
        Some(boundary) => value(format!("multipart/byteranges; boundary={boundary}")),
    };
    headers.insert(header::CONTENT_TYPE, media_type);
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

/// A dataset may hold anything: as a page of ours it could do nothing.
fn sandbox(headers: &mut HeaderMap) {
    const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}

/// Puts a body of so many bytes to its head.
pub fn with_body(mut response: Response<DataBody>, length: u64, body: DataBody) -> Response<DataBody> {
    if body.is_direct() {
        // The bytes go past the machinery that would otherwise count them.
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response.head_mut().no_chunking(true);
    }
    response.set_body(body)
}

/// `Content-Disposition` with the name in both forms (RFC 6266, RFC 8187).
pub fn disposition(name: &str) -> String {
    const ATTR_CHAR: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'!')
        .remove(b'#')
        .remove(b'$')
        .remove(b'&')
        .remove(b'+')
        .remove(b'-')
        .remove(b'.')
        .remove(b'^')
        .remove(b'_')
        .remove(b'`')
        .remove(b'|')
        .remove(b'~');
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    let encoded = percent_encoding::utf8_percent_encode(name, ATTR_CHAR);
    if plain == name {
        format!("attachment; filename=\"{plain}\"")
    } else {
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_both_forms() {
        assert_eq!(disposition("a b.csv"), "attachment; filename=\"a b.csv\"");
        assert_eq!(
            disposition("胸\"部.csv"),
            "attachment; filename=\"___.csv\"; filename*=UTF-8''%E8%83%B8%22%E9%83%A8.csv"
        );
    }
}
