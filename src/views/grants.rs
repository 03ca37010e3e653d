//! Grants as administrators and auditors see them.

use crate::domain::Timestamp;
use crate::domain::grant::GrantState;
use crate::domain::person::Person;
use crate::store::grants::{self, GrantWithNames};
use crate::store::{AnyConnection, Cursor, PageOf, Result};

/// A grant in a list.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// The grant, its holder and its dataset.
    pub line: GrantWithNames,
    /// Its state now.
    pub state: GrantState,
    /// Whether the reader may revoke it.
    pub may_revoke: bool,
}

/// A page of grants, newest first, with `text` in the holder's name, address or dataset.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut AnyConnection,
    text: &str,
    after: &Cursor,
    reader: &Person,
    now: Timestamp,
) -> Result<PageOf<GrantRow>> {
    let row = |line: GrantWithNames| GrantRow {
        state: line.grant.state(now),
        may_revoke: line.grant.decide_revoke(reader, now).is_ok(),
        line,
    };
    let PageOf { rows, next } = grants::search(conn, text, after)?;
    Ok(PageOf { rows: rows.into_iter().map(row).collect(), next })
}
