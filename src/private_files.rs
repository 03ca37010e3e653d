//! Private folders and files: keys, password hashes and mail.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Makes a folder, and those it is in, for this user alone. One that is there stays as it is.
///
/// # Errors
/// When the file system says no.
pub fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The suffix of a file that is still being written.
pub const DRAFT: &str = ".part";

/// A file for this user alone that is being written beside its place: a crash leaves no half of it there.
#[derive(Debug)]
pub struct AtomicFile {
    /// The file to write to.
    pub out: File,
    beside: PathBuf,
    place: PathBuf,
}

impl AtomicFile {
    /// Begins a file. An unfinished draft from before is overwritten.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn of(place: &Path) -> io::Result<Self> {
        let mut beside = place.as_os_str().to_owned();
        beside.push(DRAFT);
        let beside = PathBuf::from(beside);
        let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        Ok(Self { out, beside, place: place.to_owned() })
    }

    /// Puts it in its place, once all of it is on the disk.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn keep(self) -> io::Result<()> {
        self.out.sync_all()?;
        std::fs::rename(&self.beside, &self.place)?;
        self.place.parent().map_or(Ok(()), sync)
    }
}

/// Writes a whole file atomically, readable by this user only.
///
/// # Errors
/// When the file system says no.
pub fn write_private(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = AtomicFile::of(place)?;
    io::Write::write_all(&mut draft.out, bytes)?;
    draft.keep()
}

/// Syncs a folder, so that renames in it survive a crash.
///
/// # Errors
/// When the file system says no.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
