//! Settings of this process: memory pages, open files.

use std::path::Path;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::store::Database;

/// Turns transparent huge pages off. The allocator's areas would otherwise be filled with them, and a gateway at rest
/// would use twice the memory.
pub fn use_small_pages() {
    // Where it is not supported, the process uses more memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Descriptors that a gateway needs beside those of its connections: databases, files that are sent, workers.
const OTHER_DESCRIPTORS: u64 = 1_024;

/// Raises the limit of open files to the maximum, for each connection needs a descriptor, and says how many connections
/// that is enough for: `wanted` ones, or fewer.
pub fn connections_within_limit(wanted: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files can't be raised");
    }
    let Some(descriptors) = getrlimit(Resource::Nofile).current else { return wanted };
    // Half of few is better than none.
    let free = descriptors.saturating_sub(OTHER_DESCRIPTORS).max(descriptors / 2);
    let possible = usize::try_from(free).unwrap_or(usize::MAX).min(wanted);
    if possible < wanted {
        tracing::warn!(wanted, possible, descriptors, "limits.connections is more than the system's open files allow");
    }
    possible
}

/// Files that are made from here on are this user's alone.
pub fn keep_files_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// The exit status of a program whose reader has gone away, as a shell says it: 128 and the number of `SIGPIPE`.
pub const READER_GONE: u8 = 141;

/// Ends the program quietly when what reads its output has gone, as `head` does when it has enough.
pub fn end_quietly_without_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to") && message.contains("Broken pipe") {
            std::process::exit(READER_GONE.into());
        }
        usual(panic);
    }));
}

/// Says so where SQLite's file lies on a file system over the network: its locks can't be relied on there.
pub fn warn_of_network_file_system(database: &Database) {
    /// Linux's numbers for NFS, SMB, CIFS, SMB2, Ceph and 9P (statfs(2)).
    const NETWORK: [u64; 6] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x00c3_6400, 0x0102_1997];
    let Database::Sqlite(path) = database else { return };
    let folder = Path::new(path).ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    let kind = rustix::fs::statfs(folder).map_or(0, |found| found.f_type.cast_unsigned());
    if NETWORK.contains(&(kind & 0xffff_ffff)) {
        tracing::warn!(%path, "SQLite is on a file system over the network, where its locks can fail: use a local disk, or PostgreSQL");
    }
}
