//! Publishing releases, in steps: each is a short command, so that admissions never wait for an import. What the steps write
//! is seen by nobody until the last one switches the dataset.

use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{DatasetId, ImportId, ReleaseId};
use crate::domain::release::{FileChange, FolderChange, Release};
use crate::domain::text::Slug;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{datasets, imports};

/// An import that was begun.
#[derive(Clone, Debug)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// The dataset's slug.
    pub slug: Slug,
    /// The newest release.
    pub current: ReleaseId,
    /// The release that is prepared.
    pub next: ReleaseId,
    /// Whether an import before it was begun and not ended.
    pub is_left_over: bool,
}

/// Rows that a step takes away at most.
const CLEARED_AT_ONCE: i64 = 500;

/// Begins an import. It takes the place of one that was not ended, which can't go on then.
///
/// # Errors
/// [`Refusal::NotFound`], or when the store fails.
pub fn begin(tx: &mut Tx<'_>, dataset: DatasetId) -> Result<Import, CommandError> {
    let dataset = datasets::by_id(tx.conn, dataset)?.ok_or(Refusal::NotFound)?;
    let (id, current) = (tx.id(), dataset.release());
    let next = ReleaseId { number: current.number + 1, ..current };
    let is_left_over = imports::begin(tx.conn, dataset.id, id)?;
    Ok(Import { id, slug: dataset.slug, current, next, is_left_over })
}

fn check_current(tx: &mut Tx<'_>, import: &Import) -> Result<(), CommandError> {
    let is_current = imports::is_current(tx.conn, import.next.dataset, import.id)?;
    if is_current { Ok(()) } else { Err(Refusal::ImportReplaced.into()) }
}

/// Takes away some of what an unfinished import left; says whether there may be more.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn clear_some(tx: &mut Tx<'_>, import: &Import) -> Result<bool, CommandError> {
    check_current(tx, import)?;
    Ok(imports::clear_some(tx.conn, import.next, CLEARED_AT_ONCE)?)
}

/// Notes some of what the next release has differently.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn note(
    tx: &mut Tx<'_>,
    import: &Import,
    files: &[FileChange],
    folders: &[FolderChange],
) -> Result<(), CommandError> {
    check_current(tx, import)?;
    imports::note_files(tx.conn, import.next, files)?;
    imports::note_folders(tx.conn, import.next, folders)?;
    // What is said anew about a file is said about the present release too.
    if files.iter().any(|change| matches!(change, FileChange::Refresh(_))) {
        datasets::raise_version(tx.conn, import.next.dataset)?;
        tx.access.forget_datasets();
    }
    Ok(())
}

/// Ends an import whose files are those of the newest release. `refreshed` of them are known by another time or tag now.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn end_unchanged(tx: &mut Tx<'_>, by: Actor, import: &Import, refreshed: u64) -> Result<(), CommandError> {
    check_current(tx, import)?;
    imports::end(tx.conn, import.next.dataset)?;
    if refreshed > 0 {
        let event = Event::new(Action::DatasetFilesRefreshed, by);
        tx.record(event.dataset(&import.slug).subject(import.next.dataset).with("files", refreshed));
    }
    Ok(())
}

/// Switches the dataset to the release that was prepared.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn publish(tx: &mut Tx<'_>, by: Actor, import: &Import, release: &Release) -> Result<(), CommandError> {
    check_current(tx, import)?;
    let release = Release { number: import.next.number, published_at: tx.now, ..release.clone() };
    imports::switch(tx.conn, import.next.dataset, &release)?;
    let mut event = Event::new(Action::ReleasePublished, by)
        .dataset(&import.slug)
        .subject(import.next.dataset)
        .with("release", release.number)
        .with("files", release.file_count)
        .with("bytes", release.total_bytes)
        .with("added", release.difference.added)
        .with("changed", release.difference.changed)
        .with("removed", release.difference.removed)
        .with("sha256sums_sha256", release.sums_sha256.to_string());
    if !release.note.is_empty() {
        event = event.with("note", release.note.as_str());
    }
    tx.record(event);
    Ok(())
}
