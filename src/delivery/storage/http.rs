//! Files behind another HTTP server.

use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MATCH,
    LAST_MODIFIED, RANGE,
};
use http::{Method, Request, StatusCode, Uri};
use object_store::client::HttpRequestBody;
use url::Url;

use super::client::{HEAD, HttpClients, root_cause};
use super::error::{FetchError, StorageError};
use super::object::{BodyStream, ObjectInfo};
use crate::domain::Timestamp;
use crate::domain::path::FilePath;
use crate::domain::transfer::FileMismatch;

/// A server, and the address below which a dataset's files are.
#[derive(Debug)]
pub struct HttpServer {
    base: String,
    clients: Arc<HttpClients>,
}

impl HttpServer {
    /// Below this address.
    ///
    /// # Errors
    /// When it is not one.
    pub fn at(root: &str, clients: &Arc<HttpClients>) -> Result<Self, StorageError> {
        // What is wrong may be a password in it: it is not shown.
        let wrong = |why: &str| StorageError::Upstream(format!("the root {why}"));
        let url = Url::parse(root).map_err(|error| wrong(&format!("is no address: {error}")))?;
        let named = !url.username().is_empty() || url.password().is_some();
        if named || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must be an address without user name, password, ? and #"));
        }
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned(), clients: clients.clone() })
    }

    /// Asks for a file; `range` is the first and the last byte wanted, or everything.
    pub(super) async fn get(
        &self,
        path: &FilePath,
        range: Option<(u64, u64)>,
        pinned_etag: Option<&str>,
    ) -> Result<(ObjectInfo, BodyStream), FetchError> {
        let address: Uri = format!("{}/{}", self.base, path.to_url())
            .parse()
            .map_err(|_| FetchError::Permanent("the file's address can't be asked for".into()))?;
        let mut request = Request::builder().method(Method::GET).uri(address).header(ACCEPT_ENCODING, "identity");
        if let Some((first, last)) = range {
            request = request.header(RANGE, format!("bytes={first}-{last}"));
        }
        if let Some(pinned_etag) = pinned_etag {
            request = request.header(IF_MATCH, pinned_etag);
        }
        let request = request
            .body(HttpRequestBody::empty())
            .map_err(|_| FetchError::Permanent("the file's address can't be asked for".into()))?;
        let answer = tokio::time::timeout(HEAD, self.clients.current().request(request))
            .await
            .map_err(|_| FetchError::Transient("does not answer in time".into()))?
            .map_err(|error| FetchError::Transient(format!("can't be reached: {}", root_cause(&error))))?;
        let found = judge(answer.status(), answer.headers(), range)?;
        Ok((found, BodyStream::http(answer.into_body())))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What an answer says of the file.
fn judge(status: StatusCode, headers: &HeaderMap, range: Option<(u64, u64)>) -> Result<ObjectInfo, FetchError> {
    match status {
        StatusCode::OK if range.is_none() => {}
        StatusCode::PARTIAL_CONTENT if range.is_some() => {}
        StatusCode::OK => return Err(FetchError::Permanent("does not give parts of files".into())),
        StatusCode::PRECONDITION_FAILED => return Err(FetchError::Changed(FileMismatch::Tag)),
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchError::Changed(FileMismatch::Gone)),
        StatusCode::RANGE_NOT_SATISFIABLE => return Err(FetchError::Changed(FileMismatch::Shorter)),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(FetchError::Transient(format!("answers {status}")));
        }
        status => return Err(FetchError::Permanent(format!("answers {status}"))),
    }
    if text(headers, &CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(FetchError::Permanent("encodes the file".into()));
    }
    let length: Option<u64> = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let size = match range {
        None => length,
        Some((first, last)) => {
            let said =
                text(headers, &CONTENT_RANGE).and_then(|range| range.strip_prefix(&format!("bytes {first}-{last}/")));
            let size = said.and_then(|size| size.parse().ok());
            if size.is_none() || length.is_some_and(|length| length != last - first + 1) {
                return Err(FetchError::Permanent("gives another part than was asked for".into()));
            }
            size
        }
    };
    let modified = text(headers, &LAST_MODIFIED).and_then(|date| httpdate::parse_http_date(date).ok());
    let seconds = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(ObjectInfo {
        size,
        // A weak tag does not tell one content from another.
        etag: text(headers, &ETAG).filter(|tag| tag.starts_with('"')).map(str::to_owned),
        modified_at: seconds.map(|since| Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(0))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dataset::FileEntry;
    use crate::trusted_roots::TrustedRoots;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn answers_are_judged_before_a_byte_is_believed() {
        let good = headers(&[("content-range", "bytes 5-9/20"), ("content-length", "5"), ("etag", "\"a\"")]);
        let found = judge(StatusCode::PARTIAL_CONTENT, &good, Some((5, 9))).unwrap();
        assert_eq!((found.size, found.etag.as_deref()), (Some(20), Some("\"a\"")));
        for (status, lines, range) in [
            (200, vec![], Some((5, 9))),
            (206, vec![("content-range", "bytes 6-9/20")], Some((5, 9))),
            (206, vec![("content-range", "bytes 5-9/20"), ("content-length", "4")], Some((5, 9))),
            (206, vec![], Some((5, 9))),
            (206, vec![("content-range", "bytes 0-9/20")], None),
            (302, vec![("location", "/elsewhere")], None),
            (200, vec![("content-encoding", "gzip")], None),
            (403, vec![], None),
        ] {
            let judged = judge(StatusCode::from_u16(status).unwrap(), &headers(&lines), range);
            assert!(matches!(judged, Err(FetchError::Permanent(_))), "{status} {lines:?}");
        }
        for status in [404, 410, 412, 416] {
            let judged = judge(StatusCode::from_u16(status).unwrap(), &headers(&[]), None);
            assert!(matches!(judged, Err(FetchError::Changed(_))), "{status}");
        }
        for status in [429, 500, 503] {
            let judged = judge(StatusCode::from_u16(status).unwrap(), &headers(&[]), None);
            assert!(matches!(judged, Err(FetchError::Transient(_))), "{status}");
        }
        let entry = FileEntry {
            path: "a".parse().unwrap(),
            size: 20,
            sha256: crate::domain::text::Sha256([0; 32]),
            crc32: 0,
            media_type: String::new(),
            modified_at: Timestamp::from_unix_seconds(7),
            pinned_etag: Some("\"a\"".into()),
        };
        let of = |etag: Option<&str>, seconds: Option<i64>| ObjectInfo {
            size: Some(20),
            etag: etag.map(str::to_owned),
            modified_at: seconds.map(Timestamp::from_unix_seconds),
        };
        for (found, part, whole) in [
            (of(Some("\"a\""), None), true, true),
            (of(Some("\"b\""), Some(7)), false, false),
            (of(None, Some(7)), true, true),
            (of(None, Some(8)), false, false),
            (of(None, None), false, true),
        ] {
            assert_eq!((found.check(&entry, false).is_ok(), found.check(&entry, true).is_ok()), (part, whole));
        }
        let clients = HttpClients::new(Arc::default(), &TrustedRoots::default());
        for bad in ["https://:secret@host/", "https://user@host/", "https://host/?key=secret"] {
            let said = HttpServer::at(bad, &clients).unwrap_err().to_string();
            assert!(!said.contains("secret"), "{said}");
        }
        let weak = judge(StatusCode::OK, &headers(&[("etag", "W/\"a\"")]), None).unwrap();
        assert_eq!(weak.etag, None);
    }
}
