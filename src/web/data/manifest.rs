//! Lists of every file of a dataset, for `sha256sum`, `wget` and `aria2c`.

use std::fmt::Write;
use std::rc::Rc;

use actix_web::HttpResponse;
use actix_web::http::header;
use bytes::Bytes;
use futures_util::stream;

use super::permit::ListingPermit;
use crate::app::App;
use crate::domain::dataset::{Dataset, FileEntry};
use crate::domain::path::FilePath;
use crate::store::{AnyConnection, Error, datasets, files};
use crate::web::error::WebError;

/// Rows read at a time.
const BATCH: i64 = 5_000;

/// A list of every file of a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manifest {
    /// `SHA256SUMS`, for `sha256sum -c`.
    Sums,
    /// `files.txt`, for `wget -i` and `aria2c -i`.
    Addresses,
    /// `files.meta4`, Metalink 4 (RFC 5854): addresses with sizes and hashes, which aria2 checks.
    Metalink,
}

impl Manifest {
    /// The manifest of this name, at the root of a dataset.
    pub fn named(path: &FilePath) -> Option<Self> {
        match path.as_str() {
            "SHA256SUMS" => Some(Self::Sums),
            "files.txt" => Some(Self::Addresses),
            "files.meta4" => Some(Self::Metalink),
            _ => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Sums | Self::Addresses => "text/plain; charset=utf-8",
            Self::Metalink => "application/metalink4+xml",
        }
    }

    const fn head(self) -> &'static str {
        match self {
            Self::Sums | Self::Addresses => "",
            Self::Metalink => {
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n"
            }
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::Sums | Self::Addresses => "",
            Self::Metalink => "</metalink>\n",
        }
    }

    fn line(self, out: &mut String, base: &str, entry: &FileEntry) {
        let FileEntry { path, sha256, size, .. } = entry;
        let written = match self {
            Self::Sums => writeln!(out, "{sha256}  {path}"),
            Self::Addresses => writeln!(out, "{base}/{}", path.to_url()),
            Self::Metalink => writeln!(
                out,
                "<file name=\"{}\"><size>{size}</size><hash type=\"sha-256\">{sha256}</hash><url>{base}/{}</url></file>",
                xml(path.as_str()),
                xml(&path.to_url()),
            ),
        };
        debug_assert!(written.is_ok(), "writing to a string can't fail");
    }
}

/// Text as it stands in XML; paths have no control characters.
fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Streams a manifest, batch by batch.
pub fn stream(app: &App, dataset: &Dataset, manifest: Manifest, permit: ListingPermit) -> HttpResponse {
    let id = dataset.id;
    let (slug, permit) = (dataset.slug.clone(), Rc::new(permit));
    let at_start = (dataset.file_count, dataset.total_bytes);
    let base = format!("{}/data/{}", app.config.base(), dataset.slug);
    let reads = app.reads.clone();
    let batches = stream::unfold(Some(String::new()), move |after| {
        let (base, reads, slug, permit) = (base.clone(), reads.clone(), slug.clone(), permit.clone());
        async move {
            let after = after?;
            if permit.has_ended() {
                return Some((Err(WebError::Unavailable), None));
            }
            let first = after.is_empty();
            let read = move |conn: &mut AnyConnection| {
                // Half of one import and half of the next would be a list of neither.
                let now = datasets::by_slug(conn, &slug)?.map(|dataset| (dataset.file_count, dataset.total_bytes));
                if now != Some(at_start) {
                    return Err(Error::ImportedAgain);
                }
                files::all(conn, id, &after, BATCH)
            };
            let batch = match reads.read(read).await {
                Ok(batch) => batch,
                // The connection ends without the last chunk, so that nobody takes this for all.
                Err(error) => return Some((Err(WebError::from(error)), None)),
            };
            let mut text = String::from(if first { manifest.head() } else { "" });
            for entry in &batch {
                manifest.line(&mut text, &base, entry);
            }
            let next = batch.last().map(|last| last.path.to_string());
            if next.is_none() {
                text.push_str(manifest.tail());
            }
            Some((Ok(Bytes::from(text)), next))
        }
    });
    HttpResponse::Ok()
        .content_type(manifest.media_type())
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_xml() {
        let mut out = String::new();
        let entry = FileEntry {
            path: "a/<b>&\"c\".csv".parse().unwrap(),
            size: 3,
            sha256: crate::domain::text::Sha256([1; 32]),
            crc32: 0,
            media_type: String::new(),
            modified_at: crate::domain::Timestamp(0),
            pinned_etag: None,
        };
        Manifest::Metalink.line(&mut out, "https://x/data/y", &entry);
        assert!(out.starts_with("<file name=\"a/&lt;b&gt;&amp;&quot;c&quot;.csv\"><size>3</size>"), "{out}");
        assert!(out.contains("<url>https://x/data/y/a/%3Cb%3E%26%22c%22.csv</url>"), "{out}");
    }
}
