//! A person's own account: its sessions, and its entries in the log.

use super::audit::{self, AuditEntry};
use crate::domain::Timestamp;
use crate::domain::ids::PersonId;
use crate::store::log::{Filter, LogArchive};
use crate::store::sessions::{self, Session};
use crate::store::{AnyConnection, Cursor, PageOf, Result};

/// An account's sessions and its entries in the log.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Its sessions, newest first.
    pub sessions: PageOf<Session>,
    /// Its entries in the log, newest first.
    pub entries: Vec<AuditEntry>,
    /// The entry before which the next page begins, if there is one.
    pub next_entries: Option<u64>,
}

/// An account's sessions and entries.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn show(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    person: PersonId,
    (sessions_after, entries_before): (&Cursor, Option<u64>),
    now: Timestamp,
) -> Result<AccountView> {
    let filter = Filter { person: Some(person), ..Filter::default() };
    let (entries, next_entries) = audit::page(conn, archive, &filter, entries_before)?;
    let sessions = sessions::of_person(conn, person, now, sessions_after)?;
    Ok(AccountView { sessions, entries, next_entries })
}
