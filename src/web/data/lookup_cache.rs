//! Where files are, cached by one worker thread between requests. An entry decides nothing: it carries the access epoch at
//! which it was read, and the ledger refuses an admission whose epoch is no longer the present one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::cached_file::CachedFile;

/// Files that are cached at most.
const CAPACITY: usize = 4_096;

/// Files by their address as it was sent.
#[derive(Debug, Default)]
pub struct LookupCache(RefCell<HashMap<String, Rc<CachedFile>>>);

impl LookupCache {
    /// The file at an address, if it is cached.
    pub fn get(&self, address: &str) -> Option<Rc<CachedFile>> {
        self.0.borrow().get(address).cloned()
    }

    /// Caches a file.
    pub fn put(&self, address: &str, file: Rc<CachedFile>) {
        let mut files = self.0.borrow_mut();
        if files.len() >= CAPACITY {
            files.clear();
        }
        files.insert(address.to_owned(), file);
    }

    /// Empties the cache: the epoch has changed.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
