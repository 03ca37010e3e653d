//! Verifies the stored log: gives every event to the verifier, from one snapshot of the database.

use rayon::prelude::*;

use super::connection::AnyConnection;
use super::error::{Error, Result};
use super::log::{ContiguityCheck, LogArchive, Page, first_mismatch, next_block, orphans, stored_head};
use super::snapshot::in_snapshot;
use crate::domain::text::Sha256;
use crate::log::VerifierKey;
use crate::log::verify::{Mismatch, Report, SavedCheckpoint, StoredHead, Verifier, inspect};

/// Events read at a time.
const EVENTS: u64 = 10_000;

/// Recomputes everything from the stored events, and compares it with what is stored beside them and with checkpoints
/// that were kept elsewhere.
///
/// # Errors
/// When the database fails. A mismatch in the log is part of the value.
pub fn verify(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    key: VerifierKey,
    saved: &[SavedCheckpoint],
) -> Result<std::result::Result<Report, Mismatch>> {
    // Events may come in meanwhile; head and events are read as of one moment.
    match in_snapshot(conn, |conn| walk(conn, archive, key, saved)) {
        Ok(report) => Ok(Ok(report)),
        Err(Error::Log(problem)) => Ok(Err(problem)),
        Err(error) => Err(error),
    }
}

/// A part of the log, and where the next one begins.
struct Read {
    page: Page,
    next: u64,
}

fn read(conn: &mut AnyConnection, archive: &LogArchive, from: u64) -> Result<Option<Read>> {
    let Some(first) = next_block(conn, from)? else { return Ok(None) };
    // From where the page before has ended: keys of no block may stand between.
    match Page::read(conn, archive, from, first + EVENTS) {
        Ok(page) => Ok(Some(Read { page, next: first + EVENTS })),
        // One of them can't be read; one at a time from here finds it.
        Err(error) if error.is_unreadable() => {
            let page = Page::read(conn, archive, from, first + 1).map_err(|error| at_event(first, error))?;
            Ok(Some(Read { page, next: first + 1 }))
        }
        Err(error) => Err(error),
    }
}

/// Names the event that an error is about.
fn at_event(index: u64, error: Error) -> Error {
    match error {
        error if error.is_unreadable() => Mismatch::Unreadable(index).into(),
        error @ Error::Archive(..) => Mismatch::ArchiveUnreadable { first: index, reason: error.to_string() }.into(),
        error => error,
    }
}

fn walk(conn: &mut AnyConnection, archive: &LogArchive, key: VerifierKey, saved: &[SavedCheckpoint]) -> Result<Report> {
    let head = match stored_head(conn) {
        Ok(head) => head,
        Err(error) if error.is_unreadable() => return Err(Mismatch::HeadUnreadable.into()),
        Err(error) => return Err(error),
    };
    let mut verifier = Verifier::new(key, saved)?;
    let mut seam = ContiguityCheck::default();
    let mut page = read(conn, archive, 0)?;
    while let Some(Read { page: blocks, next }) = page {
        // The next part is read while this one is unpacked and hashed on all cores.
        let inspect_all = || {
            let look = |number| {
                let block = blocks.block(number).map_err(|error| at_event(blocks.first(number), error))?;
                let inspected = inspect(&block);
                Ok((block, inspected))
            };
            blocks.numbers().into_par_iter().map(look).collect::<Vec<Result<_>>>()
        };
        let (inspected, following) = rayon::join(inspect_all, || read(conn, archive, next));
        for (number, looked_at) in inspected.into_iter().enumerate() {
            let (block, inspected) = looked_at?;
            verifier.push(&block, &inspected)?;
            seam.follow(archive, block.first, blocks.location(number))?;
        }
        page = following?;
    }
    let size = verifier.tree().size();
    seam.follow(archive, size, None)?;
    // Indexes begin at 0; what stands elsewhere is read by pages, but no part of the log.
    if let Some(stray) = orphans(conn, size)? {
        return Err(Mismatch::Orphan(stray).into());
    }
    if head.is_none() && size == 0 && saved.is_empty() {
        return Ok(Report { events: 0, root: verifier.tree().root(), erased: 0, checkpoints: 0 });
    }
    let tree = verifier.tree().clone();
    let none = StoredHead { size: 0, root: Sha256([0; 32]), checkpoint: String::new() };
    let report = verifier.finish(&head.unwrap_or(none))?;
    match first_mismatch(conn, &tree)? {
        None => Ok(report),
        Some(index) => Err(Mismatch::Tree(index).into()),
    }
}
