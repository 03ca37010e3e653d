//! The one row that is the log's head, as it is stored.

use diesel::prelude::*;

use crate::domain::Timestamp;
use crate::domain::text::Sha256;
use crate::log::verify::StoredHead;
use crate::store::columns::unsigned;
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::schema::log_head;

#[derive(Queryable, Selectable)]
#[diesel(table_name = log_head)]
pub(super) struct HeadRow {
    pub size: i64,
    pub root: Vec<u8>,
    pub frontier: Vec<u8>,
    pub checkpoint: String,
    pub access_epoch: i64,
    pub last_at: i64,
}

/// The row; none while the log is empty.
pub(super) fn head_row(conn: &mut AnyConnection) -> Result<Option<HeadRow>> {
    Ok(log_head::table.find(1).select(HeadRow::as_select()).first(conn).optional()?)
}

/// How many events there are.
///
/// # Errors
/// When the database fails.
pub fn size(conn: &mut AnyConnection) -> Result<u64> {
    let size: Option<i64> = log_head::table.find(1).select(log_head::size).first(conn).optional()?;
    Ok(size.map_or(0, unsigned))
}

/// The access epoch: it grows with every change that admissions depend on. What is read after it is as new as it says, or
/// newer.
///
/// # Errors
/// When the database fails.
pub fn access_epoch(conn: &mut AnyConnection) -> Result<u64> {
    let version: Option<i64> = log_head::table.find(1).select(log_head::access_epoch).first(conn).optional()?;
    Ok(version.map_or(0, unsigned))
}

/// The time of the last event.
///
/// # Errors
/// When the database fails.
pub fn last_at(conn: &mut AnyConnection) -> Result<Option<Timestamp>> {
    Ok(head_row(conn)?.map(|row| Timestamp(row.last_at)))
}

/// Writes the row as it is, to know whether writing works.
///
/// # Errors
/// When nothing can be written.
pub fn rewrite_head(conn: &mut AnyConnection) -> Result<()> {
    diesel::update(log_head::table).set(log_head::last_at.eq(log_head::last_at)).execute(conn)?;
    Ok(())
}

/// The head as it is stored, for verification.
///
/// # Errors
/// When the database fails.
pub fn stored_head(conn: &mut AnyConnection) -> Result<Option<StoredHead>> {
    let Some(row) = head_row(conn)? else { return Ok(None) };
    Ok(Some(StoredHead {
        size: unsigned(row.size),
        // A root that is not 32 bytes is some root that no events have.
        root: Sha256::from_slice(&row.root).unwrap_or(Sha256([0; 32])),
        checkpoint: row.checkpoint,
    }))
}
