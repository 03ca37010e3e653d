//! Where files are, cached by one worker thread between requests. An entry decides nothing: it carries the version of the
//! dataset at which it was read, and the ledger refuses an admission at another one.

use std::rc::Rc;

use quick_cache::unsync::Cache;

use super::cached_file::CachedFile;

/// Files that are cached at most.
const CAPACITY: usize = 4_096;

/// Files by their address as it was sent. When it is full, files that were not asked for again make room.
#[derive(Debug)]
pub struct LookupCache(std::cell::RefCell<Cache<String, Rc<CachedFile>>>);

impl Default for LookupCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY).into())
    }
}

impl LookupCache {
    /// The file at an address, if it is cached.
    pub fn get(&self, address: &str) -> Option<Rc<CachedFile>> {
        self.0.borrow().get(address).cloned()
    }

    /// Caches a file.
    pub fn put(&self, address: &str, file: Rc<CachedFile>) {
        self.0.borrow_mut().insert(address.to_owned(), file);
    }

    /// Drops a file that has changed.
    pub fn remove(&self, address: &str) {
        self.0.borrow_mut().remove(address);
    }
}
