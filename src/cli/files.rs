//! How many files this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Takes as many as the system lets: each connection is one.
pub fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
}
