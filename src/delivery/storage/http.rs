//! Files behind another HTTP server.

use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MATCH,
    LAST_MODIFIED, RANGE,
};
use http::{Method, Request, StatusCode, Uri};
use object_store::client::HttpRequestBody;
use url::Url;

use super::StorageError;
use super::client::{HEAD, own};
use super::upstream::{Found, Incoming, Trouble};
use crate::domain::Instant;
use crate::domain::dataset::FileEntry;
use crate::domain::path::FilePath;

/// A server, and the address below which a dataset's files are.
#[derive(Debug)]
pub struct HttpServer {
    base: String,
}

impl HttpServer {
    /// Below this address.
    ///
    /// # Errors
    /// When it is not one.
    pub fn at(root: &str) -> Result<Self, StorageError> {
        // What is wrong may be a password in it: it is not shown.
        let wrong = |why: &str| StorageError::Upstream(format!("the root {why}"));
        let url = Url::parse(root).map_err(|error| wrong(&format!("is no address: {error}")))?;
        let named = !url.username().is_empty() || url.password().is_some();
        if named || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must be an address without user name, password, ? and #"));
        }
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned() })
    }

    /// Asks for a file; `range` is the first and the last byte wanted, or everything.
    pub(super) async fn get(
        &self,
        path: &FilePath,
        range: Option<(u64, u64)>,
        pin: Option<&str>,
    ) -> Result<(Found, Incoming), Trouble> {
        let address: Uri = format!("{}/{}", self.base, path.to_url())
            .parse()
            .map_err(|_| Trouble::Final("the file's address can't be asked for".into()))?;
        let mut request = Request::builder().method(Method::GET).uri(address).header(ACCEPT_ENCODING, "identity");
        if let Some((first, last)) = range {
            request = request.header(RANGE, format!("bytes={first}-{last}"));
        }
        if let Some(pin) = pin {
            request = request.header(IF_MATCH, pin);
        }
        let request = request
            .body(HttpRequestBody::empty())
            .map_err(|_| Trouble::Final("the file's address can't be asked for".into()))?;
        let answer = tokio::time::timeout(HEAD, own().request(request))
            .await
            .map_err(|_| Trouble::Passing("does not answer in time".into()))?
            .map_err(|error| Trouble::Passing(format!("can't be reached: {error}")))?;
        let found = judge(answer.status(), answer.headers(), range)?;
        Ok((found, Incoming::http(answer.into_body())))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What an answer says of the file.
fn judge(status: StatusCode, headers: &HeaderMap, range: Option<(u64, u64)>) -> Result<Found, Trouble> {
    match status {
        StatusCode::OK if range.is_none() => {}
        StatusCode::PARTIAL_CONTENT if range.is_some() => {}
        StatusCode::OK => return Err(Trouble::Final("does not give parts of files".into())),
        StatusCode::PRECONDITION_FAILED => return Err(Trouble::Changed("it is another than was imported")),
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Trouble::Changed("it is gone")),
        StatusCode::RANGE_NOT_SATISFIABLE => return Err(Trouble::Changed("it is shorter than was imported")),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(Trouble::Passing(format!("answers {status}")));
        }
        status => return Err(Trouble::Final(format!("answers {status}"))),
    }
    if text(headers, &CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Trouble::Final("encodes the file".into()));
    }
    let length: Option<u64> = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let size = match range {
        None => length,
        Some((first, last)) => {
            let said =
                text(headers, &CONTENT_RANGE).and_then(|range| range.strip_prefix(&format!("bytes {first}-{last}/")));
            let size = said.and_then(|size| size.parse().ok());
            if size.is_none() || length.is_some_and(|length| length != last - first + 1) {
                return Err(Trouble::Final("gives another part than was asked for".into()));
            }
            size
        }
    };
    let modified = text(headers, &LAST_MODIFIED).and_then(|date| httpdate::parse_http_date(date).ok());
    let seconds = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(Found {
        size,
        // A weak tag does not tell one content from another.
        pin: text(headers, &ETAG).filter(|tag| tag.starts_with('"')).map(str::to_owned),
        modified_at: seconds.map(|since| Instant::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(0))),
    })
}

/// Whether an answer is about the file that was imported.
///
/// `whole` files are hashed as they pass; of parts the tag or the time must be known.
pub(super) fn is_same(found: &Found, entry: &FileEntry, whole: bool) -> Result<(), Trouble> {
    if found.size.is_some_and(|size| size != entry.size) {
        return Err(Trouble::Changed("its size is another than was imported"));
    }
    match (&entry.pin, &found.pin) {
        (Some(pin), Some(now)) if pin != now => return Err(Trouble::Changed("it is another than was imported")),
        (Some(_), Some(_)) => return Ok(()),
        _ => {}
    }
    // Without a tag, its time must do.
    match found.modified_at {
        Some(at) if at.unix_seconds() != entry.modified_at.unix_seconds() => {
            Err(Trouble::Changed("its modification time is another than was imported"))
        }
        Some(_) => Ok(()),
        None if whole => Ok(()),
        None => Err(Trouble::Final("does not say whether a part is of the file that was imported".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!((found.size, found.pin.as_deref()), (Some(20), Some("\"a\"")));
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
            assert!(matches!(judged, Err(Trouble::Final(_))), "{status} {lines:?}");
        }
        for status in [404, 410, 412, 416] {
            let judged = judge(StatusCode::from_u16(status).unwrap(), &headers(&[]), None);
            assert!(matches!(judged, Err(Trouble::Changed(_))), "{status}");
        }
        for status in [429, 500, 503] {
            let judged = judge(StatusCode::from_u16(status).unwrap(), &headers(&[]), None);
            assert!(matches!(judged, Err(Trouble::Passing(_))), "{status}");
        }
        let entry = FileEntry {
            path: "a".parse().unwrap(),
            size: 20,
            sha256: crate::domain::text::Sha256([0; 32]),
            crc32: 0,
            media_type: String::new(),
            modified_at: Instant::from_unix_seconds(7),
            pin: Some("\"a\"".into()),
        };
        let of = |pin: Option<&str>, seconds: Option<i64>| Found {
            size: Some(20),
            pin: pin.map(str::to_owned),
            modified_at: seconds.map(Instant::from_unix_seconds),
        };
        for (found, part, whole) in [
            (of(Some("\"a\""), None), true, true),
            (of(Some("\"b\""), Some(7)), false, false),
            (of(None, Some(7)), true, true),
            (of(None, Some(8)), false, false),
            (of(None, None), false, true),
        ] {
            assert_eq!((is_same(&found, &entry, false).is_ok(), is_same(&found, &entry, true).is_ok()), (part, whole));
        }
        for bad in ["https://:secret@host/", "https://user@host/", "https://host/?key=secret"] {
            let said = HttpServer::at(bad).unwrap_err().to_string();
            assert!(!said.contains("secret"), "{said}");
        }
        let weak = judge(StatusCode::OK, &headers(&[("etag", "W/\"a\"")]), None).unwrap();
        assert_eq!(weak.pin, None);
    }
}
