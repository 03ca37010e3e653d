//! Making any part of a dataset's ZIP archive, in bounded memory, from the file table and the files.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::layout::{Layout, Mark, Planner, central_header, end_records, local_header};
use crate::delivery::storage::Storage;
use crate::delivery::storage::error::StorageError;
use crate::delivery::storage::reader::{Pieces, Reader};
use crate::domain::ids::ReleaseId;
use crate::domain::release::{FilePlace, FilePlaces};
use crate::domain::transfer::FileMismatch;
use crate::store::files::{self, FoundFile};
use crate::store::{AnyConnection, ReadPool, Result as StoreResult};

/// Rows of the file table read at a time.
const BATCH: i64 = 500;
/// Files are known by other times than when the archive was planned.
const IMPORTED_AGAIN: StorageError = StorageError::Changed(FileMismatch::ImportedAgain);
/// About how much of the central directory goes in a piece.
const DIRECTORY_PIECE: usize = 64 * 1024;

/// Works out where everything will be.
///
/// # Errors
/// When the database fails.
pub fn plan(conn: &mut AnyConnection, release: ReleaseId) -> StoreResult<Layout> {
    const ROWS: i64 = 5_000;
    let mut planner = Planner::default();
    let mut after = String::new();
    loop {
        let batch = files::all(conn, release, &after, ROWS)?;
        let Some(last) = batch.last() else { return Ok(planner.finish()) };
        after = last.path.to_string();
        for entry in &batch {
            planner.push(entry);
        }
    }
}

/// Which section of the archive is being written.
enum Phase {
    /// Before a file's local header.
    Files,
    /// Among a file's bytes.
    File(Reader),
    /// In the central directory.
    Directory,
    /// At the end.
    Over,
}

/// Makes a part of an archive.
pub struct Archive {
    reads: ReadPool,
    storage: Arc<Storage>,
    release: ReleaseId,
    places: Arc<FilePlaces>,
    layout: Arc<Layout>,
    /// What is wanted: from here,
    start: u64,
    /// to before this.
    end: u64,
    /// Where the next byte that is made belongs.
    at: u64,
    phase: Phase,
    batch: VecDeque<FoundFile>,
    mark: Mark,
    /// Takes the files once more, to know whether they are the same.
    again: Option<Planner>,
}

impl Archive {
    /// The bytes from `start` to before `end`, of a release whose files are in these places.
    pub fn new(
        (reads, storage): (ReadPool, Arc<Storage>),
        (release, places): (ReleaseId, Arc<FilePlaces>),
        layout: Arc<Layout>,
        (start, end): (u64, u64),
    ) -> Self {
        let (phase, mark) = if start < layout.directory {
            (Phase::Files, layout.mark_at(start).clone())
        } else {
            (Phase::Directory, layout.mark_in_directory(start - layout.directory).clone())
        };
        let at = if start < layout.directory { mark.offset } else { layout.directory + mark.central };
        Self {
            reads,
            storage,
            release,
            places,
            layout,
            start,
            end,
            at,
            phase,
            batch: VecDeque::new(),
            mark,
            again: None,
        }
    }

    /// The next file of the table.
    async fn entry(&mut self) -> Result<Option<FoundFile>, StorageError> {
        if self.batch.is_empty() {
            let (release, after) = (self.release, self.mark.after.clone());
            let batch = self.reads.read(move |conn| files::all_found(conn, release, &after, BATCH)).await;
            self.batch = batch.map_err(|error| StorageError::Io(std::io::Error::other(error)))?.into();
        }
        let Some(found) = self.batch.pop_front() else { return Ok(None) };
        found.entry.path.as_str().clone_into(&mut self.mark.after);
        Ok(Some(found))
    }

    /// Moves on past `bytes`, and gives the part of them that lies in the requested range.
    fn place(&mut self, bytes: Vec<u8>) -> Bytes {
        let begin = self.at;
        self.at += bytes.len() as u64;
        let cut =
            |position: u64| usize::try_from(position.saturating_sub(begin)).unwrap_or(usize::MAX).min(bytes.len());
        let (from, to) = (cut(self.start), cut(self.end));
        Bytes::from(bytes).slice(from.min(to)..to)
    }

    /// Before a file: its header, if that is wanted, and its bytes next.
    async fn begin_file(&mut self) -> Result<Bytes, StorageError> {
        if self.at > self.layout.directory {
            return Err(IMPORTED_AGAIN);
        }
        if self.at == self.layout.directory {
            self.phase = Phase::Directory;
            self.mark = Mark::default();
            self.again = Some(Planner::default());
            self.batch.clear();
            return Ok(Bytes::new());
        }
        // The table holds fewer files than it did: it was imported anew.
        let FoundFile { entry, until } = self.entry().await?.ok_or(IMPORTED_AGAIN)?;
        let header = local_header(&entry);
        if self.at + header.len() as u64 + entry.size > self.layout.directory {
            return Err(IMPORTED_AGAIN);
        }
        let header = self.place(header);
        if self.at + entry.size <= self.start {
            self.at += entry.size;
            return Ok(Bytes::new());
        }
        let skipped = self.start.saturating_sub(self.at);
        self.at += skipped;
        let wanted = (entry.size - skipped).min(self.end.saturating_sub(self.at));
        if wanted > 0 {
            let FilePlace::Under(root) = self.places.of(until) else { return Err(IMPORTED_AGAIN) };
            self.phase = Phase::File(self.storage.read(root, &entry, skipped, wanted).await?);
        }
        Ok(header)
    }

    /// The next piece of the central directory.
    async fn directory(&mut self) -> Result<Bytes, StorageError> {
        let mut records = Vec::new();
        while records.len() < DIRECTORY_PIECE {
            let (at, end) = (self.at + records.len() as u64, self.layout.directory + self.layout.directory_length);
            if at > end {
                return Err(IMPORTED_AGAIN);
            }
            if at == end {
                // The second pass has seen every file: they must be the ones that the layout was planned with.
                if self.again.take().is_some_and(|again| again.finish().tag != self.layout.tag) {
                    return Err(IMPORTED_AGAIN);
                }
                self.phase = Phase::Over;
                records.extend(end_records(self.layout.files, self.layout.directory, self.layout.directory_length));
                break;
            }
            let entry = self.entry().await?.ok_or(IMPORTED_AGAIN)?.entry;
            if let Some(again) = &mut self.again {
                again.push(&entry);
            }
            records.extend(central_header(&entry, self.mark.offset));
            self.mark.offset += local_header(&entry).len() as u64 + entry.size;
        }
        Ok(self.place(records))
    }
}

impl Pieces for Archive {
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        while self.at < self.end {
            let piece = match &mut self.phase {
                Phase::Files => self.begin_file().await?,
                Phase::File(reader) => {
                    let piece = reader.next().await?;
                    if piece.is_none() {
                        self.phase = Phase::Files;
                    }
                    let piece = piece.unwrap_or_default();
                    self.at += piece.len() as u64;
                    piece
                }
                Phase::Directory => self.directory().await?,
                Phase::Over => return Ok(None),
            };
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}
