//! Settings of this process: memory pages, open files.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Turns transparent huge pages off. The allocator's areas would otherwise be filled with them, and a gateway at rest
/// would use twice the memory.
pub fn use_small_pages() {
    // Where it is not supported, the process uses more memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Raises the limit of open files to the maximum: each connection needs a descriptor.
pub fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
}
