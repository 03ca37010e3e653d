//! A file with the headers of its answers, which do not change from request to request.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::disposition::disposition;
use crate::delivery::storage::is_local;
use crate::delivery::zip::layout::{Layout, Planner};
use crate::domain::dataset::{AccessMode, Dataset, FileEntry};
use crate::domain::ids::{DatasetId, ReleaseId};
use crate::domain::path::FilePath;
use crate::domain::release::{FilePlace, FilePlaces, History};
use crate::domain::text::Slug;
use crate::store::files::FoundFile;

/// Where the bytes of an answer come from.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file on this machine.
    Local,
    /// A file behind another server.
    Upstream,
    /// All files of the release, packed.
    Zip(Arc<Layout>),
}

/// What answers need of a release and its dataset.
#[derive(Clone, Debug)]
pub struct ServedRelease {
    /// The dataset.
    pub dataset: DatasetId,
    /// Its slug.
    pub slug: Slug,
    /// The access mode.
    pub mode: AccessMode,
    /// Where its files are.
    pub places: Arc<FilePlaces>,
    /// The release's number.
    pub number: u32,
    /// Whether the address names the release; else it is the current one.
    pub is_named: bool,
}

impl ServedRelease {
    /// The release of a dataset with this number.
    pub fn of(dataset: &Dataset, number: u32, is_named: bool, history: History) -> Self {
        let Dataset { id, slug, mode, root, newest_release, .. } = dataset;
        Self {
            dataset: *id,
            slug: slug.clone(),
            mode: *mode,
            places: Arc::new(FilePlaces { newest: *newest_release, root: root.clone(), history }),
            number,
            is_named,
        }
    }

    /// The release.
    pub const fn id(&self) -> ReleaseId {
        ReleaseId { dataset: self.dataset, number: self.number }
    }

    /// The first part of its addresses under `/data/`.
    pub fn name(&self) -> String {
        if self.is_named { format!("{}@{}", self.slug, self.number) } else { self.slug.to_string() }
    }
}

/// A file, or the ZIP archive of a release, with the headers of its answers.
#[derive(Debug)]
pub struct CachedFile {
    /// Its release.
    pub release: ServedRelease,
    /// The file; of an archive, its size and what stands for it.
    pub entry: FileEntry,
    /// Where its bytes come from.
    pub content: Content,
    /// The root that it is under; of an archive, nothing.
    pub root: String,
    /// Whether a newer release has other files where it was.
    pub is_gone: bool,
    /// The version of the dataset at which all this was read.
    pub version: u64,
    /// The entity tag.
    pub etag_text: String,
    /// `ETag`.
    pub etag: HeaderValue,
    /// `Last-Modified`.
    pub last_modified: HeaderValue,
    /// `Repr-Digest` (RFC 9530), where the hash of the bytes is known.
    pub digest: Option<HeaderValue>,
    /// `Content-Disposition`.
    pub disposition: HeaderValue,
    /// `Content-Type`, of the whole or of one part.
    pub media_type: HeaderValue,
    /// `Cache-Control`.
    pub cache_control: HeaderValue,
}

impl CachedFile {
    /// A file at a version of its dataset.
    pub fn new(release: ServedRelease, found: FoundFile, version: u64) -> Self {
        let (root, is_gone) = match release.places.of(found.until) {
            FilePlace::Under(root) => (root.to_owned(), false),
            FilePlace::Gone => (release.places.root.clone(), true),
        };
        let entry = found.entry;
        let content = if is_local(&root) { Content::Local } else { Content::Upstream };
        let digest = value(&format!("sha-256=:{}:", BASE64.encode(entry.sha256.0)));
        let name = entry.path.name().to_owned();
        Self { root, is_gone, ..Self::of((release, entry, content), Some(digest), &name, version) }
    }

    /// The ZIP archive of a release, some of whose files are gone.
    pub fn incomplete_zip(release: ServedRelease, version: u64) -> Self {
        Self { is_gone: true, ..Self::zip(release, Arc::new(Planner::default().finish()), version) }
    }

    /// The ZIP archive of a release.
    pub fn zip(release: ServedRelease, layout: Arc<Layout>, version: u64) -> Self {
        let entry = FileEntry {
            path: FilePath::root(),
            size: layout.length,
            sha256: layout.tag,
            crc32: 0,
            media_type: "application/zip".into(),
            modified_at: layout.modified_at,
            pinned_etag: None,
        };
        let name = format!("{}.zip", release.name());
        Self::of((release, entry, Content::Zip(layout)), None, &name, version)
    }

    fn of(
        (release, entry, content): (ServedRelease, FileEntry, Content),
        digest: Option<HeaderValue>,
        name: &str,
        version: u64,
    ) -> Self {
        let seconds = u64::try_from(entry.modified_at.unix_seconds()).unwrap_or(0);
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let cache_control = match release.mode {
            AccessMode::Open => "public, no-cache",
            AccessMode::Agreement | AccessMode::Approval => "private, no-store",
        };
        let etag_text = format!("\"{}\"", entry.sha256);
        Self {
            etag: value(&etag_text),
            etag_text,
            last_modified: value(&httpdate::fmt_http_date(modified)),
            digest,
            disposition: value(&disposition(name)),
            media_type: value(&entry.media_type),
            cache_control: HeaderValue::from_static(cache_control),
            release,
            entry,
            content,
            root: String::new(),
            is_gone: false,
            version,
        }
    }
}

/// A header's value. Text that can't stand in a header becomes empty; it comes from values that were checked or encoded.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
