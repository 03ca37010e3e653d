//! Lists of every file of a release, for `sha256sum`, `wget` and `aria2c`.

use std::fmt::Write;

use actix_web::HttpResponse;
use actix_web::http::header;

use super::cached_file::ServedRelease;
use super::permit::ListingPermit;
use super::streamed_list::{BATCH, escaped, stream_list};
use crate::app::App;
use crate::domain::dataset::FileEntry;
use crate::domain::path::FilePath;
use crate::domain::release::sums_line;
use crate::store::{AnyConnection, files};

/// A list of every file of a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manifest {
    /// `SHA256SUMS`, for `sha256sum -c`.
    Sums,
    /// `files.txt`, for `wget -i`.
    Addresses,
    /// `files.aria2`, for `aria2c -i`: addresses with the names to save under and hashes. Metalink can't do that for every
    /// name: aria2's parser leaves an ampersand in a name escaped, however it is written.
    Aria2,
    /// `files.meta4`, Metalink 4 (RFC 5854): addresses with sizes and hashes, which aria2 checks.
    Metalink,
}

impl Manifest {
    /// The manifest of this name, at the root of a release.
    pub fn named(path: &FilePath) -> Option<Self> {
        match path.as_str() {
            "SHA256SUMS" => Some(Self::Sums),
            "files.txt" => Some(Self::Addresses),
            "files.aria2" => Some(Self::Aria2),
            "files.meta4" => Some(Self::Metalink),
            _ => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Sums | Self::Addresses | Self::Aria2 => "text/plain; charset=utf-8",
            Self::Metalink => "application/metalink4+xml",
        }
    }

    const fn head(self) -> &'static str {
        match self {
            Self::Sums | Self::Addresses | Self::Aria2 => "",
            Self::Metalink => {
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n"
            }
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::Sums | Self::Addresses | Self::Aria2 => "",
            Self::Metalink => "</metalink>\n",
        }
    }

    fn line(self, out: &mut String, base: &str, entry: &FileEntry) {
        let FileEntry { path, sha256, size, .. } = entry;
        let written = match self {
            Self::Sums => write!(out, "{}", sums_line(entry)),
            Self::Addresses => writeln!(out, "{base}/{}", path.to_url()),
            Self::Aria2 => {
                writeln!(out, "{base}/{}\n  out={path}\n  checksum=sha-256={sha256}", path.to_url())
            }
            Self::Metalink => writeln!(
                out,
                "<file name=\"{}\"><size>{size}</size><hash type=\"sha-256\">{sha256}</hash><url>{base}/{}</url></file>",
                escaped(path.as_str()),
                escaped(&path.to_url()),
            ),
        };
        debug_assert!(written.is_ok(), "writing to a string can't fail");
    }
}

/// Streams a manifest, batch by batch.
pub fn stream(app: &App, release: &ServedRelease, manifest: Manifest, permit: ListingPermit) -> HttpResponse {
    let (id, base) = (release.id(), format!("{}/data/{}", app.config.base(), release.name()));
    let read = move |conn: &mut AnyConnection, after: String| {
        let batch = files::all(conn, id, &after, BATCH)?;
        let mut text = String::new();
        for entry in &batch {
            manifest.line(&mut text, &base, entry);
        }
        Ok((text, batch.last().map(|last| last.path.to_string())))
    };
    let ends = (manifest.head().to_owned(), manifest.tail());
    HttpResponse::Ok()
        .content_type(manifest.media_type())
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(stream_list(app.delivery_reads.clone(), permit, ends, (String::new(), read)))
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
