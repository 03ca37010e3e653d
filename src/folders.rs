//! Folders that hold keys, password hashes and mail.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes a folder, and those it is in, for this user alone. One that is there stays as it is.
///
/// # Errors
/// When the file system says no.
pub fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
