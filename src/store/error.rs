//! Errors of the store.

use crate::domain::Timestamp;
use crate::log::head_fault::HeadFault;
use crate::log::verify::Mismatch;

/// An error of the database, or of the files beside it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused a statement.
    #[error("the database: {0}")]
    Database(#[from] diesel::result::Error),
    /// There is no connection to be had.
    #[error("no connection to the database: {0}")]
    Connection(String),
    /// A connection pooler lends one session to several clients.
    #[error(
        "database.url leads to a connection pooler in transaction mode, which lends one session to several clients: name the \
         server itself, or let the pooler keep sessions (pool_mode = session)"
    )]
    SharedSession,
    /// A migration failed.
    #[error("migrating the database: {0}")]
    Migration(String),
    /// The database was made by a newer version of the program.
    #[error(
        "the database was brought up to date by a newer version of Countersign (it has the migration {0}): use that one"
    )]
    Newer(String),
    /// There is no database, and this command does not make one.
    #[error(
        "there is no database at {0}: say which with --config FILE or --data-dir DIR; `serve` and `admin create` make one"
    )]
    Missing(String),
    /// The database's file was removed, or another put in its place.
    #[error("the database file was removed or replaced")]
    FileReplaced,
    /// The clock is so far behind the last event that it can't be relied on to decide what has ended.
    #[error("the clock says {now}, before the log's last event at {last}")]
    ClockBehind {
        /// What the clock says.
        now: Timestamp,
        /// The time of the last event.
        last: Timestamp,
    },
    /// Another command of the same batch failed.
    #[error("a command of the batch failed")]
    BatchFailed,
    /// A thread could not be started, or has ended.
    #[error("a thread failed: {0}")]
    Thread(String),
    /// A stored value can't be read.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
    /// A file of the log's archive can't be read or written.
    #[error("the log's archive, {0}: {1}")]
    Archive(String, std::io::Error),
    /// The stored head of the log can't be built on.
    #[error("{0}")]
    Head(#[from] HeadFault),
    /// The log does not verify.
    #[error("the audit log does not verify: {0}")]
    Log(#[from] Mismatch),
}

/// The result of a query.
pub type Result<T> = std::result::Result<T, Error>;

/// Why nothing can be recorded, as far as an operator can act on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureCause {
    /// The disk is full.
    DiskFull,
    /// The database can't be written to.
    ReadOnly,
    /// Another process holds a lock.
    Locked,
    /// The database's file was removed or replaced.
    FileReplaced,
    /// The database's file can't be opened.
    CannotOpen,
    /// The clock is behind the log.
    ClockBehind,
    /// The log is not the one that this gateway has signed.
    LogChanged,
    /// None of these.
    Other,
}

impl Error {
    /// The cause, for monitoring.
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::FileReplaced => FailureCause::FileReplaced,
            Self::ClockBehind { .. } => FailureCause::ClockBehind,
            Self::Head(_) => FailureCause::LogChanged,
            Self::Database(error) => cause_in(&error.to_string()),
            Self::Connection(text) | Self::Migration(text) => cause_in(text),
            _ => FailureCause::Other,
        }
    }

    /// Whether the connection that a statement was sent on is gone, so that no other statement on it can succeed.
    pub(super) const fn is_connection_lost(&self) -> bool {
        use diesel::result::DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
        use diesel::result::Error::{BrokenTransactionManager, DatabaseError};
        matches!(
            self,
            Self::Database(DatabaseError(ClosedConnection | UnableToSendCommand, _) | BrokenTransactionManager)
        )
    }

    /// Whether what failed is the stored data, not the way to it.
    pub(super) const fn is_unreadable(&self) -> bool {
        matches!(self, Self::Corrupt(_) | Self::Database(diesel::result::Error::DeserializationError(_)))
    }
}

/// Diesel hands on the databases' own words without their codes, so this is the one place that reads them.
fn cause_in(text: &str) -> FailureCause {
    const WORDS: [(&str, FailureCause); 7] = [
        ("disk is full", FailureCause::DiskFull),
        ("No space left", FailureCause::DiskFull),
        ("readonly", FailureCause::ReadOnly),
        ("read-only", FailureCause::ReadOnly),
        ("locked", FailureCause::Locked),
        ("lock timeout", FailureCause::Locked),
        ("unable to open", FailureCause::CannotOpen),
    ];
    WORDS.iter().find(|(words, _)| text.contains(words)).map_or(FailureCause::Other, |(_, cause)| *cause)
}

/// The error for a stored value that can't be read.
pub(super) fn corrupt(what: &str, error: impl std::fmt::Display) -> Error {
    Error::Corrupt(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_databases_words_become_causes() {
        for (text, cause) in [
            ("database or disk is full", FailureCause::DiskFull),
            ("could not extend file: No space left on device", FailureCause::DiskFull),
            ("attempt to write a readonly database", FailureCause::ReadOnly),
            ("cannot execute UPDATE in a read-only transaction", FailureCause::ReadOnly),
            ("database is locked", FailureCause::Locked),
            ("canceling statement due to lock timeout", FailureCause::Locked),
            ("Unable to open the database file: unable to open database file", FailureCause::CannotOpen),
            ("something else", FailureCause::Other),
        ] {
            assert_eq!(Error::Connection(text.into()).cause(), cause, "{text}");
        }
        assert_eq!(Error::FileReplaced.cause(), FailureCause::FileReplaced);
    }
}
