//! What one worker thread remembers between requests for files: where they are, and which tokens were good. Nothing is
//! decided by it. What it knows of a file carries the gate's version at which it was read, and the ledger turns it down
//! when that is no longer the present one; a token's signature is checked once, its standing at every request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::delivery::limits::Budget;
use crate::delivery::storage::is_local;
use crate::delivery::zip::Layout;
use crate::domain::Instant;
use crate::domain::dataset::{AccessMode, Dataset, FileEntry};
use crate::domain::path::FilePath;
use crate::domain::text::Sha256;
use crate::identity::tokens::Verified;

/// Files remembered at most.
const FILES: usize = 4_096;
/// Tokens remembered at most.
const TOKENS: usize = 4_096;

/// Where the bytes of an answer come from.
#[derive(Clone, Debug)]
pub enum Content {
    /// A file on this machine.
    Local,
    /// A file behind another server.
    Upstream,
    /// All files of the dataset, packed.
    Zip(Arc<Layout>),
}

/// A file, with everything about it that does not change from request to request.
#[derive(Debug)]
pub struct Shelved {
    /// Its dataset.
    pub dataset: Rc<Dataset>,
    /// The file; of an archive, its size and what stands for it.
    pub entry: FileEntry,
    /// Where its bytes come from.
    pub content: Content,
    /// The gate's version at which both were read.
    pub seen: u64,
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

impl Shelved {
    /// Puts a file's headers together.
    pub fn new(dataset: Rc<Dataset>, entry: FileEntry, seen: u64) -> Self {
        let content = if is_local(&dataset.root) { Content::Local } else { Content::Upstream };
        let digest = value(&format!("sha-256=:{}:", BASE64.encode(entry.sha256.0)));
        let name = entry.path.name().to_owned();
        Self::of((dataset, entry, content), Some(digest), &name, seen)
    }

    /// The same for all files of a dataset, packed.
    pub fn zip(dataset: Rc<Dataset>, layout: Arc<Layout>, seen: u64) -> Self {
        let entry = FileEntry {
            path: FilePath::root(),
            size: layout.length,
            sha256: layout.tag,
            crc32: 0,
            media_type: "application/zip".into(),
            modified_at: layout.modified_at,
            pin: None,
        };
        let name = format!("{}.zip", dataset.slug);
        Self::of((dataset, entry, Content::Zip(layout)), None, &name, seen)
    }

    fn of(
        (dataset, entry, content): (Rc<Dataset>, FileEntry, Content),
        digest: Option<HeaderValue>,
        name: &str,
        seen: u64,
    ) -> Self {
        let seconds = u64::try_from(entry.modified_at.unix_seconds()).unwrap_or(0);
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let cache_control = match dataset.mode {
            AccessMode::Open => "public, no-cache",
            AccessMode::Agreement | AccessMode::Approval => "private, no-store",
        };
        let etag_text = format!("\"{}\"", entry.sha256);
        Self {
            etag: value(&etag_text),
            etag_text,
            last_modified: value(&httpdate::fmt_http_date(modified)),
            digest,
            disposition: value(&super::data::disposition(name)),
            media_type: value(&entry.media_type),
            cache_control: HeaderValue::from_static(cache_control),
            dataset,
            entry,
            content,
            seen,
        }
    }
}

/// What can't stand in a header is left out; it comes from text that was checked or encoded.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A token that was good, and what its bearer may still ask for.
#[derive(Clone, Debug)]
pub struct Known {
    /// The token.
    pub verified: Verified,
    /// Its budget.
    pub budget: Arc<Budget>,
}

/// What a worker thread remembers.
#[derive(Debug, Default)]
pub struct Shelf {
    files: RefCell<HashMap<String, Rc<Shelved>>>,
    tokens: RefCell<HashMap<Sha256, Known>>,
}

impl Shelf {
    /// The file at an address as it was sent, if it is remembered.
    pub fn file(&self, address: &str) -> Option<Rc<Shelved>> {
        self.files.borrow().get(address).cloned()
    }

    /// Remembers a file.
    pub fn put_file(&self, address: &str, file: Rc<Shelved>) {
        let mut files = self.files.borrow_mut();
        if files.len() >= FILES {
            files.clear();
        }
        files.insert(address.to_owned(), file);
    }

    /// Forgets all files: something changed.
    pub fn forget_files(&self) {
        self.files.borrow_mut().clear();
    }

    /// A token that was good before and whose times still are, by the hash of the header that it came in.
    pub fn token(&self, hash: Sha256, now: Instant) -> Option<Known> {
        self.tokens.borrow().get(&hash).filter(|known| known.verified.is_timely(now)).cloned()
    }

    /// Remembers that a token was good.
    pub fn put_token(&self, hash: Sha256, known: Known) {
        let mut tokens = self.tokens.borrow_mut();
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        tokens.insert(hash, known);
    }
}
