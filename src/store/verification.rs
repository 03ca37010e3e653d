//! Verifying the stored log: feeds every event to the verifier, from one snapshot of the database.

use diesel::connection::SimpleConnection;

use super::log::{first_misfit, for_verification, stored_head};
use super::{AnyConnection, Error, Result};
use crate::domain::text::Sha256;
use crate::log::VerifierKey;
use crate::log::verify::{Problem, Report, SavedCheckpoint, StoredHead, Verifier};
use crate::store::log::{Filter, Walk, select};

/// Events read at a time.
const BATCH: i64 = 5_000;

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
    let mut next = 0;
    let mut limit = BATCH;
    loop {
        let events = match for_verification(conn, next, limit) {
            Ok(events) => events,
            Err(error) if is_unreadable(&error) && limit > 1 => {
                // One of them can't be read; one at a time from here finds it.
                limit = 1;
                continue;
            }
            Err(error) if is_unreadable(&error) => return Err(Problem::Unreadable(verifier.tree().size()).into()),
            Err(error) => return Err(error.into()),
        };
        let Some(last) = events.last() else { break };
        next = last.index + 1;
        for event in &events {
            verifier.push(event)?;
        }
    }
    let size = verifier.tree().size();
    // Indexes begin at 0; what stands before that is read by pages, but no part of the log.
    if let Some(before) = select(conn, &Filter::default(), Walk::Before(0), 1)?.first() {
        return Err(Problem::BeforeFirst(before.columns.action.clone()).into());
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
