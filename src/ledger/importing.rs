//! Importing a dataset's files as its next release: one command after another, while the gate goes on between them.

use super::commands::releases::{begin, clear_some, end_unchanged, note, publish};
use super::{Error, Failure, Ledger};
use crate::domain::Timestamp;
use crate::domain::dataset::{FileEntry, FolderEntry};
use crate::domain::event::Actor;
use crate::domain::ids::{DatasetId, ReleaseId};
use crate::domain::release::{Difference, FileChange, Release, difference, file_changes, folder_changes};
use crate::domain::text::Sha256;
use crate::store::{self, ReadPool, files};

/// What a dataset's files are now.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The files.
    pub files: Vec<FileEntry>,
    /// The folders they are in.
    pub folders: Vec<FolderEntry>,
    /// What the publisher says about them; may be empty.
    pub note: String,
}

/// What came of an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imported {
    /// The newest release now.
    pub release: u32,
    /// What it has differently from the one before it; nothing when there is no new one.
    pub difference: Difference,
    /// Files with the same bytes of which the storage says something else now.
    pub refreshed: u64,
}

/// Changes noted by one command.
const STEP: usize = 500;

/// Makes a release of what a dataset's files are now, unless they are those of its newest one. Blocks.
///
/// # Errors
/// [`Refusal::ImportReplaced`](crate::domain::Refusal::ImportReplaced) when another import began meanwhile; or when the store
/// fails. What was prepared until then is taken away by the next import.
pub fn import(
    ledger: &Ledger,
    reads: &ReadPool,
    by: Actor,
    dataset: DatasetId,
    contents: Contents,
) -> Result<Imported, Error> {
    let Contents { mut files, mut folders, note: words } = contents;
    files.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
    folders.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
    let import = ledger.run_blocking(move |tx| begin(tx, dataset))?;
    if import.is_left_over {
        loop {
            let import = import.clone();
            if !ledger.run_blocking(move |tx| clear_some(tx, &import))? {
                break;
            }
        }
    }
    let (old_files, old_folders) = read_release(reads, import.current).map_err(|error| Failure::from(&error))?;
    let (changes, folder_changes) = (file_changes(&old_files, &files), folder_changes(&old_folders, &folders));
    for step in changes.chunks(STEP) {
        let (import, step) = (import.clone(), step.to_vec());
        ledger.run_blocking(move |tx| note(tx, &import, &step, &[]))?;
    }
    for step in folder_changes.chunks(STEP) {
        let (import, step) = (import.clone(), step.to_vec());
        ledger.run_blocking(move |tx| note(tx, &import, &[], &step))?;
    }
    let difference = difference(&changes);
    let refreshed = changes.iter().filter(|change| matches!(change, FileChange::Refresh(_))).count() as u64;
    if difference.total() == 0 {
        let number = import.current.number;
        ledger.run_blocking(move |tx| end_unchanged(tx, by, &import, refreshed))?;
        return Ok(Imported { release: number, difference, refreshed });
    }
    let number = import.next.number;
    let release = Release {
        number,
        note: words,
        published_at: Timestamp(0),
        file_count: files.len() as u64,
        total_bytes: files.iter().map(|entry| entry.size).sum(),
        sums_sha256: sums(&files),
        difference,
    };
    ledger.run_blocking(move |tx| publish(tx, by, &import, &release))?;
    Ok(Imported { release: number, difference, refreshed })
}

/// The SHA-256 of the `SHA256SUMS` of these files.
fn sums(files: &[FileEntry]) -> Sha256 {
    let lines: Vec<String> = files.iter().map(|entry| format!("{}  {}\n", entry.sha256, entry.path)).collect();
    Sha256::of(lines.concat().as_bytes())
}

/// Everything in a release.
fn read_release(reads: &ReadPool, release: ReleaseId) -> store::Result<(Vec<FileEntry>, Vec<FolderEntry>)> {
    const ROWS: i64 = 5_000;
    let mut found = Vec::new();
    loop {
        let after = found.last().map_or_else(String::new, |entry: &FileEntry| entry.path.to_string());
        let batch = reads.read_blocking(|conn| files::all(conn, release, &after, ROWS))?;
        if batch.is_empty() {
            break;
        }
        found.extend(batch);
    }
    Ok((found, reads.read_blocking(|conn| files::all_folders(conn, release))?))
}
