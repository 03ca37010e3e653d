//! Old events in compressed files beside the database.
//!
//! A file is gzip members (RFC 1952) one after another, each of some 256 events as `audit export --format jsonl` writes
//! them: `zcat` gives them all, and each member can be read by itself. In the database a row for each member says where
//! it is, and what is found in it by its keys. Files never change: erasing somebody writes the next revision of one.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::text::Sha256;
use crate::log::export::Format;
use crate::log::verify::{Mismatch, StoredEvent};
use crate::private_files::{AtomicFile, TEMPORARY_SUFFIX, create_private_dir, sync_dir};
use crate::store::error::{Error, Result};

/// The maximum size of a gzip member, packed or not, in bytes.
const MOST: u64 = 256 * 1024 * 1024;

/// The name of the lock file that is held while the archive is changed.
const LOCK: &str = "lock";

/// How a block's row begins when its events are in a file.
const ARCHIVED: u8 = 2;

/// A file of the archive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ArchiveFile {
    /// The index of its first event.
    first: u64,
    /// The index of its last event.
    last: u64,
    /// How often personal parts were erased from it.
    revision: u32,
}

impl fmt::Display for ArchiveFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "events-{:012}-{:012}", self.first, self.last)?;
        if self.revision > 0 {
            write!(f, ".{}", self.revision)?;
        }
        f.write_str(".jsonl.gz")
    }
}

impl ArchiveFile {
    /// The first revision of the file with these events.
    pub(super) const fn of(first: u64, last: u64) -> Self {
        Self { first, last, revision: 0 }
    }

    /// The index of its first event.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The index of its last event.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The file that takes its place.
    pub(super) const fn next_revision(self) -> Self {
        Self { revision: self.revision.saturating_add(1), ..self }
    }

    /// Reads a file's name.
    fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("events-")?.strip_suffix(".jsonl.gz")?;
        let (range, revision) = rest.split_once('.').unwrap_or((rest, "0"));
        let (first, last) = range.split_once('-')?;
        let file = Self { first: first.parse().ok()?, last: last.parse().ok()?, revision: revision.parse().ok()? };
        (file.to_string() == name).then_some(file)
    }

    /// Turns an I/O error into an error about this file.
    fn failed(self) -> impl Fn(std::io::Error) -> Error {
        move |error| Error::Archive(self.to_string(), error)
    }
}

/// The location of an archived block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Location {
    /// The file.
    pub(super) file: ArchiveFile,
    /// The offset of its first byte.
    start: u64,
    /// Its length in bytes.
    bytes: u64,
    /// The number of events in it.
    pub(super) events: u64,
}

impl Location {
    /// What a row's bodies say, if it is the row of an archived block.
    pub(super) fn of(bodies: &[u8]) -> Option<Self> {
        let (kind, text) = bodies.split_first()?;
        (*kind == ARCHIVED).then(|| serde_json::from_slice(text).ok()).flatten()
    }

    /// What the row holds for bodies.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![ARCHIVED];
        serde_json::to_writer(&mut bytes, &self).expect("numbers always serialise");
        bytes
    }
}

/// Events as a block has them: bodies and personal parts, a line for each.
#[derive(Default)]
pub(super) struct Lines {
    pub bodies: String,
    pub private: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    index: u64,
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(borrow)]
    private: Option<Private<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Private<'a> {
    salt: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Lines {
    /// Reads what an export wrote: the events from `first` on, `events` of them.
    fn parse(text: &str, first: u64, events: u64) -> Option<Self> {
        let mut lines = Self::default();
        let mut next = first;
        for line in text.lines() {
            let line: Line<'_> = serde_json::from_str(line).ok()?;
            if line.index != next {
                return None;
            }
            if next > first {
                lines.bodies.push('\n');
                lines.private.push('\n');
            }
            lines.bodies.push_str(line.event.get());
            if let Some(Private { salt, data }) = line.private {
                lines.private.push_str(salt);
                lines.private.push(' ');
                lines.private.push_str(data.get());
            }
            next += 1;
        }
        (next.checked_sub(first) == Some(events) && events > 0).then_some(lines)
    }
}

/// The folder of the files. It need not be there while nothing is archived.
#[derive(Clone, Debug)]
pub struct LogArchive {
    folder: PathBuf,
}

impl LogArchive {
    /// The archive in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file.
    pub fn path(&self, file: ArchiveFile) -> PathBuf {
        self.folder.join(file.to_string())
    }

    /// Locks the archive for changing it, for as long as the value lives, and makes the folder if needed. Calls `waits` when
    /// it must wait for others.
    ///
    /// # Errors
    /// When the folder can't be made or written to.
    pub fn lock(&self, waits: impl FnOnce()) -> std::io::Result<File> {
        if !self.folder.exists() {
            create_private_dir(&self.folder)?;
            self.folder.parent().map_or(Ok(()), sync_dir)?;
        }
        let lock = File::create(self.folder.join(LOCK))?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            waits();
        }
        lock.lock()?;
        Ok(lock)
    }

    /// Keeps files from being removed, for as long as the value lives: for long readers that rely on the files as they are now.
    /// Calls `waits` when it must wait for somebody who changes the archive. `None` while there is none.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn hold(&self, waits: impl FnOnce()) -> std::io::Result<Option<File>> {
        let lock = match File::open(self.folder.join(LOCK)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            lock => lock?,
        };
        if let Err(TryLockError::WouldBlock) = lock.try_lock_shared() {
            waits();
        }
        lock.lock_shared()?;
        Ok(Some(lock))
    }

    /// Reads an archived block that begins with event `first`.
    pub(super) fn read(&self, first: u64, location: Location) -> Result<Lines> {
        let file = location.file;
        let unreadable = || file.failed()(std::io::ErrorKind::InvalidData.into());
        let packed = self.packed(location)?;
        let mut text = String::new();
        GzDecoder::new(packed.as_slice()).take(MOST).read_to_string(&mut text).map_err(file.failed())?;
        Lines::parse(&text, first, location.events).ok_or_else(unreadable)
    }

    /// The bytes of a block as the file has them.
    fn packed(&self, Location { file, start, bytes, .. }: Location) -> Result<Vec<u8>> {
        let mut opened = File::open(self.path(file)).map_err(file.failed())?;
        opened.seek(SeekFrom::Start(start)).map_err(file.failed())?;
        let mut packed = Vec::new();
        opened.take(bytes.min(MOST)).read_to_end(&mut packed).map_err(file.failed())?;
        if packed.len() as u64 != bytes {
            return Err(file.failed()(std::io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(packed)
    }

    /// Removes what broken off runs have left: files that were never finished, and those of a log of `size` events that
    /// `keep` does not have. Files of later events are another log's, and stay.
    ///
    /// # Errors
    /// When the folder can't be read, or a file not removed.
    pub(super) fn sweep(&self, keep: &BTreeSet<ArchiveFile>, size: u64) -> Result<()> {
        let failed = |error| Error::Archive(self.folder.display().to_string(), error);
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let whole = name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(&name);
            let Some(file) = ArchiveFile::parse(whole) else { continue };
            if whole != name || (!keep.contains(&file) && file.last < size) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        // What was erased does not come back after a power cut.
        sync_dir(&self.folder).map_err(failed)
    }
}

/// Follows archived blocks in their order, and sees whether a file has anything else in it.
#[derive(Debug, Default)]
pub struct ContiguityCheck(Option<Location>);

impl ContiguityCheck {
    /// The block that begins with event `first` is here, or not archived.
    ///
    /// # Errors
    /// [`Mismatch::ArchiveUnreadable`], when a file does not have the blocks one after another and nothing else.
    pub fn follow(&mut self, archive: &LogArchive, first: u64, next: Option<Location>) -> Result<()> {
        let more = |file: ArchiveFile| Mismatch::ArchiveUnreadable {
            first,
            reason: format!("{file} has something else in it"),
        };
        let before = std::mem::replace(&mut self.0, next);
        if let Some(Location { file, start, bytes, .. }) = before {
            let end = start.saturating_add(bytes);
            if let Some(next) = next.filter(|next| next.file == file) {
                return if next.start == end { Ok(()) } else { Err(more(file).into()) };
            }
            let length = std::fs::metadata(archive.path(file)).map_err(file.failed())?.len();
            if length != end {
                return Err(more(file).into());
            }
        }
        match next {
            Some(next) if next.start != 0 => Err(more(next.file).into()),
            _ => Ok(()),
        }
    }
}

/// A file that is being written. It gets its name when it is whole and on the disk.
pub(super) struct Writer {
    file: ArchiveFile,
    draft: AtomicFile,
    written: u64,
    hash: Context,
}

/// A file that was written.
#[derive(Clone, Copy, Debug)]
pub struct WrittenFile {
    /// The file.
    pub file: ArchiveFile,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 hash of the whole file.
    pub sha256: Sha256,
}

impl Writer {
    /// Begins a file.
    pub fn create(archive: &LogArchive, file: ArchiveFile) -> Result<Self> {
        let draft = AtomicFile::create(&archive.path(file)).map_err(file.failed())?;
        Ok(Self { file, draft, written: 0, hash: Context::new(&SHA256) })
    }

    /// Adds a block.
    pub fn add(&mut self, events: &[StoredEvent]) -> Result<Location> {
        let text: String = events.iter().map(|event| Format::Jsonl.event(event)).collect();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(7));
        let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
        self.append(&packed.map_err(self.file.failed())?, events.len() as u64)
    }

    /// Copies a block from another file.
    pub fn copy(&mut self, archive: &LogArchive, location: Location) -> Result<Location> {
        self.append(&archive.packed(location)?, location.events)
    }

    fn append(&mut self, packed: &[u8], events: u64) -> Result<Location> {
        self.draft.out.write_all(packed).map_err(self.file.failed())?;
        self.hash.update(packed);
        let location = Location { file: self.file, start: self.written, bytes: packed.len() as u64, events };
        self.written += location.bytes;
        Ok(location)
    }

    /// Gives the file its name, once all of it is on the disk.
    pub fn finish(self) -> Result<WrittenFile> {
        self.draft.commit().map_err(self.file.failed())?;
        Ok(WrittenFile { file: self.file, bytes: self.written, sha256: Sha256::finish(self.hash) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for file in [ArchiveFile::of(0, 255), ArchiveFile::of(256, 1_000_000_000_000).next_revision()] {
            assert_eq!(ArchiveFile::parse(&file.to_string()), Some(file));
        }
        for other in ["events-0-255.jsonl.gz", "events-000000000000-000000000255.jsonl", "lock", "events-.jsonl.gz"] {
            assert_eq!(ArchiveFile::parse(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_part_of_an_export_is_refused_calmly() {
        let good = "{\"index\":7,\"event\":{\"a\":1},\"private\":{\"data\":{\"x\":\"y\"},\"salt\":\"00\"}}\n\
                    {\"index\":8,\"event\":{},\"private\":null}\n";
        let lines = Lines::parse(good, 7, 2).unwrap();
        assert_eq!((lines.bodies.as_str(), lines.private.as_str()), ("{\"a\":1}\n{}", "00 {\"x\":\"y\"}\n"));
        for (text, first, events) in [
            (good, 6, 2),
            (good, 7, 3),
            (good, 7, 1),
            ("", 7, 0),
            ("{}\n", 7, 1),
            ("\u{0}\n\n", 7, 2),
            (good, 7, u64::MAX),
        ] {
            assert!(Lines::parse(text, first, events).is_none(), "{first} {events}");
        }
    }
}
