//! What one worker thread remembers between requests for files: where they are, and which tokens were good. Nothing is
//! decided by it. What it knows of a file carries the gate's version at which it was read, and the ledger turns it down
//! when that is no longer the present one; a token's signature is checked once, its standing at every request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::domain::Instant;
use crate::domain::dataset::{AccessMode, Dataset, FileEntry};
use crate::domain::text::Sha256;
use crate::identity::tokens::Verified;

/// Files remembered at most.
const FILES: usize = 4_096;
/// Tokens remembered at most.
const TOKENS: usize = 4_096;

/// A file, with everything about it that does not change from request to request.
#[derive(Debug)]
pub struct Shelved {
    /// Its dataset.
    pub dataset: Rc<Dataset>,
    /// The file.
    pub entry: FileEntry,
    /// The gate's version at which both were read.
    pub seen: u64,
    /// `ETag`.
    pub etag: String,
    /// `Last-Modified`.
    pub last_modified: String,
    /// `Repr-Digest` (RFC 9530).
    pub digest: String,
    /// `Content-Disposition`.
    pub disposition: String,
    /// `Cache-Control`.
    pub cache_control: &'static str,
}

impl Shelved {
    /// Puts a file's headers together.
    pub fn new(dataset: Rc<Dataset>, entry: FileEntry, seen: u64) -> Self {
        let seconds = u64::try_from(entry.modified_at.unix_seconds()).unwrap_or(0);
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let cache_control = match dataset.mode {
            AccessMode::Open => "public, no-cache",
            AccessMode::Agreement | AccessMode::Approval => "private, no-store",
        };
        Self {
            etag: format!("\"{}\"", entry.sha256),
            last_modified: httpdate::fmt_http_date(modified),
            digest: format!("sha-256=:{}:", BASE64.encode(entry.sha256.0)),
            disposition: super::data::disposition(entry.path.name()),
            cache_control,
            dataset,
            entry,
            seen,
        }
    }
}

/// What a worker thread remembers.
#[derive(Debug, Default)]
pub struct Shelf {
    files: RefCell<HashMap<String, Rc<Shelved>>>,
    tokens: RefCell<HashMap<Sha256, Verified>>,
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

    /// A token that was good before and whose times still are, by its hash.
    pub fn token(&self, hash: Sha256, now: Instant) -> Option<Verified> {
        self.tokens.borrow().get(&hash).filter(|verified| verified.is_timely(now)).copied()
    }

    /// Remembers that a token was good.
    pub fn put_token(&self, hash: Sha256, verified: Verified) {
        let mut tokens = self.tokens.borrow_mut();
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        tokens.insert(hash, verified);
    }
}
