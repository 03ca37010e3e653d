//! Verifying the stored log: feeds every event to the verifier, from one snapshot of the database.

use diesel::connection::SimpleConnection;

use rayon::prelude::*;

use super::log::{Page, first_misfit, next_block, stored_head, strays};
use super::{AnyConnection, Error, Result};
use crate::domain::text::Sha256;
use crate::log::VerifierKey;
use crate::log::verify::{Problem, Report, SavedCheckpoint, StoredHead, Verifier, inspect};

/// Events read at a time.
const EVENTS: u64 = 10_000;

/// Recomputes everything from the stored events, and compares it with what is stored beside them and with checkpoints
/// that were kept elsewhere.
///
/// # Errors
/// When the database fails. What does not fit is in the value.
pub fn verify(
    conn: &mut AnyConnection,
    key: VerifierKey,
    saved: &[SavedCheckpoint],
) -> Result<std::result::Result<Report, Problem>> {
    // Events may come in meanwhile; head and events are read as of one moment.
    conn.batch_execute(match conn {
        AnyConnection::Sqlite(_) => "BEGIN",
        AnyConnection::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    })?;
    let outcome = walk(conn, key, saved);
    // An unfinished look changes nothing, and the connection goes back to its pool clean.
    conn.batch_execute("ROLLBACK")?;
    match outcome {
        Ok(report) => Ok(Ok(report)),
        Err(Stop::Problem(problem)) => Ok(Err(problem)),
        Err(Stop::Store(error)) => Err(error),
    }
}

/// A part of the log, and where the next one begins.
struct Read {
    page: Page,
    next: u64,
}

fn read(conn: &mut AnyConnection, from: u64) -> std::result::Result<Option<Read>, Stop> {
    let Some(first) = next_block(conn, from)? else { return Ok(None) };
    // From where the page before has ended: keys of no block may stand between.
    match Page::read(conn, from, first + EVENTS) {
        Ok(page) => Ok(Some(Read { page, next: first + EVENTS })),
        // One of them can't be read; one at a time from here finds it.
        Err(error) if is_unreadable(&error) => match Page::read(conn, from, first + 1) {
            Ok(page) => Ok(Some(Read { page, next: first + 1 })),
            Err(error) if is_unreadable(&error) => Err(Problem::Unreadable(first).into()),
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

enum Stop {
    Problem(Problem),
    Store(Error),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Whether what failed is the stored data, not the way to it.
const fn is_unreadable(error: &Error) -> bool {
    matches!(error, Error::Corrupt(_) | Error::Database(diesel::result::Error::DeserializationError(_)))
}

fn walk(conn: &mut AnyConnection, key: VerifierKey, saved: &[SavedCheckpoint]) -> std::result::Result<Report, Stop> {
    let head = match stored_head(conn) {
        Ok(head) => head,
        Err(error) if is_unreadable(&error) => return Err(Problem::HeadUnreadable.into()),
        Err(error) => return Err(error.into()),
    };
    let mut verifier = Verifier::new(key, saved)?;
    let mut page = read(conn, 0)?;
    while let Some(Read { page: blocks, next }) = page {
        // The next part is read while this one is hashed on all cores.
        let inspect_all = || {
            let look = |number| {
                let block = blocks.block(number);
                let inspected = inspect(&block);
                (block, inspected)
            };
            blocks.numbers().into_par_iter().map(look).collect::<Vec<_>>()
        };
        let (inspected, following) = rayon::join(inspect_all, || read(conn, next));
        for (block, inspected) in inspected {
            verifier.push(&block, &inspected)?;
        }
        page = following?;
    }
    let size = verifier.tree().size();
    // Indexes begin at 0; what stands elsewhere is read by pages, but no part of the log.
    if let Some(stray) = strays(conn, size)? {
        return Err(Problem::Stray(stray).into());
    }
    if head.is_none() && size == 0 && saved.is_empty() {
        return Ok(Report { events: 0, root: verifier.tree().root(), erased: 0, checkpoints: 0 });
    }
    let tree = verifier.tree().clone();
    let none = StoredHead { size: 0, root: Sha256([0; 32]), checkpoint: String::new() };
    let report = verifier.finish(&head.unwrap_or(none))?;
    match first_misfit(conn, &tree)? {
        None => Ok(report),
        Some(index) => Err(Problem::Tree(index).into()),
    }
}
