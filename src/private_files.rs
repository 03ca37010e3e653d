//! Private folders and files: keys, password hashes and mail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Makes a folder, and those it is in, for this user alone. One that is there stays as it is.
///
/// # Errors
/// When the file system says no.
pub fn create_private_dir(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The suffix of a file that is still being written.
pub const TEMPORARY_SUFFIX: &str = ".part";

/// A file for this user alone that is being written beside its target: a crash leaves no half of it there.
#[derive(Debug)]
pub struct AtomicFile {
    /// The file to write to.
    pub out: File,
    temporary: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    /// Begins a file. An unfinished one from before is overwritten.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn create(target: &Path) -> io::Result<Self> {
        let mut temporary = target.as_os_str().to_owned();
        temporary.push(TEMPORARY_SUFFIX);
        let temporary = PathBuf::from(temporary);
        let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        Ok(Self { out, temporary, target: target.to_owned() })
    }

    /// Renames it into place, once all of it is on the disk.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn commit(self) -> io::Result<()> {
        self.out.sync_all()?;
        std::fs::rename(&self.temporary, &self.target)?;
        self.target.parent().map_or(Ok(()), sync_dir)
    }
}

/// Writes a whole file atomically, readable by this user only.
///
/// # Errors
/// When the file system says no.
pub fn write_private_file(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(target)?;
    io::Write::write_all(&mut file.out, bytes)?;
    file.commit()
}

/// Syncs a folder, so that renames in it survive a crash.
///
/// # Errors
/// When the file system says no.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
