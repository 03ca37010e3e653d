//! The audit log: events in blocks, personal parts, hash tiles, and the one row that is its head, in the database; old
//! events in the archive beside it.
//!
//! The head row holds the frontier of the tree and the signed checkpoint, written in the transaction that appends.

mod archive;
mod archiving;
mod blocks;
mod erasure;
pub mod packing;
mod search;
mod tree;
mod verification;

use diesel::prelude::*;

pub use archive::{ArchiveFile, Location, LogArchive, Seam, Written};
pub use archiving::{Move, sweep};
pub use blocks::Entry;
pub use erasure::Erasure;
pub use search::{Filter, Walk, select};
pub use tree::{TILE_WIDTH, TreeReader, first_misfit, tile};
use tree::{leaves, write_tile};
pub use verification::{Page, next_block, strays};

use super::schema::log_head;
use super::{AnyConnection, Error, Result, corrupt, count, signed};
use crate::domain::Instant;
use crate::domain::text::Sha256;
use crate::log::LogKey;
use crate::log::merkle::{Frontier, leaf_hash, place_hash};
use crate::log::verify::StoredHead;

/// The right edge of the log: all that appending needs.
#[derive(Clone, Debug, Default)]
pub struct LogHead {
    frontier: Frontier,
    /// The leaf hashes after the last full tile.
    tail: Vec<Sha256>,
    /// The signed note of this head; empty before the first event.
    pub checkpoint: String,
    /// The time of the last event.
    pub last_at: Instant,
    /// Grows with every change that the gate's decisions rest on.
    pub gate_version: u64,
}

impl LogHead {
    /// How many events.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over them.
    pub fn root(&self) -> Sha256 {
        self.frontier.root()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = log_head)]
struct HeadRow {
    size: i64,
    root: Vec<u8>,
    frontier: Vec<u8>,
    checkpoint: String,
    gate_version: i64,
    last_at: i64,
}

/// The head. An empty log has none stored and gives the default.
///
/// # Errors
/// When the database fails, or the row is not what was written.
pub fn head(conn: &mut AnyConnection) -> Result<LogHead> {
    let Some(row) = head_row(conn)? else { return Ok(LogHead::default()) };
    let size = count(row.size);
    let frontier = Frontier::restore(size, &row.frontier).ok_or_else(|| corrupt("log head", "frontier"))?;
    Ok(LogHead {
        frontier,
        tail: leaves(conn, size / TILE_WIDTH * TILE_WIDTH, size)?,
        checkpoint: row.checkpoint,
        gate_version: count(row.gate_version),
        last_at: Instant(row.last_at),
    })
}

/// How many events there are.
///
/// # Errors
/// When the database fails.
pub fn size(conn: &mut AnyConnection) -> Result<u64> {
    let size: Option<i64> = log_head::table.find(1).select(log_head::size).first(conn).optional()?;
    Ok(size.map_or(0, count))
}

/// Locks the head for appending and brings what is held of it up to date, which it mostly is: nobody else appends often.
///
/// # Errors
/// When the database fails, or the row is not what was written.
pub fn lock_head(conn: &mut AnyConnection, held: &mut LogHead) -> Result<()> {
    type Row = (i64, String, i64, i64);
    let columns = (log_head::size, log_head::checkpoint, log_head::gate_version, log_head::last_at);
    let row = log_head::table.find(1).select(columns);
    // Not `first`: SQLite plans a statement anew each time a number is bound to its `LIMIT`.
    let row: Option<Row> = match conn {
        // Replicas take turns here; SQLite's transaction has locked everything already.
        AnyConnection::Postgres(conn) => row.for_update().get_result(conn).optional()?,
        AnyConnection::Sqlite(conn) => row.get_result(conn).optional()?,
    };
    let Some((size, checkpoint, gate_version, last_at)) = row else {
        *held = LogHead::default();
        return Ok(());
    };
    // An append-only log of one size and root has one history.
    if count(size) != held.size() || checkpoint != held.checkpoint {
        *held = head(conn)?;
    }
    held.gate_version = count(gate_version);
    held.last_at = Instant(last_at);
    Ok(())
}

/// Writes the head as it is.
///
/// # Errors
/// When nothing can be written.
pub fn rewrite_head(conn: &mut AnyConnection) -> Result<()> {
    diesel::update(log_head::table).set(log_head::last_at.eq(log_head::last_at)).execute(conn)?;
    Ok(())
}

/// The gate's version, for reading: what is read after it is as new as it says, or newer.
///
/// # Errors
/// When the database fails.
pub fn gate_version(conn: &mut AnyConnection) -> Result<u64> {
    let version: Option<i64> = log_head::table.find(1).select(log_head::gate_version).first(conn).optional()?;
    Ok(version.map_or(0, count))
}

fn head_row(conn: &mut AnyConnection) -> Result<Option<HeadRow>> {
    Ok(log_head::table.find(1).select(HeadRow::as_select()).first(conn).optional()?)
}

/// The head as it is stored, for verification.
///
/// # Errors
/// When the database fails.
pub fn stored_head(conn: &mut AnyConnection) -> Result<Option<StoredHead>> {
    let Some(row) = head_row(conn)? else { return Ok(None) };
    Ok(Some(StoredHead {
        size: count(row.size),
        // A root that is not 32 bytes is some root that no events have.
        root: Sha256::from_slice(&row.root).unwrap_or(Sha256([0; 32])),
        checkpoint: row.checkpoint,
    }))
}

/// Appends events and advances the head, which must have been locked by [`lock_head`] in this transaction.
///
/// # Errors
/// When the database fails; the head is then of no more use.
pub fn append(conn: &mut AnyConnection, head: &mut LogHead, entries: &[Entry], key: &LogKey) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let first = head.size();
    head.last_at = entries.iter().map(|entry| entry.sealed.at).fold(head.last_at, Instant::max);
    let leaves: Vec<Sha256> = entries.iter().map(|entry| leaf_hash(entry.sealed.body.as_bytes())).collect();
    let places: Vec<Sha256> = (first..).zip(&leaves).map(|(index, leaf)| place_hash(index, leaf)).collect();
    blocks::insert(conn, first, entries, &places)?;
    for leaf in leaves {
        head.frontier.push(leaf);
        head.tail.push(leaf);
        if head.tail.len() as u64 == TILE_WIDTH {
            write_tile(conn, 0, head.size() / TILE_WIDTH - 1, &std::mem::take(&mut head.tail))?;
        }
    }
    head.checkpoint = key.sign(head.size(), head.root());
    let values = (
        log_head::size.eq(signed(head.size())),
        log_head::root.eq(head.root().0.to_vec()),
        log_head::frontier.eq(head.frontier.to_bytes()),
        log_head::checkpoint.eq(&head.checkpoint),
        log_head::gate_version.eq(signed(head.gate_version)),
        log_head::last_at.eq(head.last_at.0),
    );
    let updated = match conn {
        // diesel prepares every update anew, but keeps this. The row was read in this transaction.
        AnyConnection::Sqlite(conn) => {
            diesel::replace_into(log_head::table).values((log_head::id.eq(1), values)).execute(conn)?
        }
        AnyConnection::Postgres(conn) if first == 0 => {
            diesel::insert_into(log_head::table).values((log_head::id.eq(1), values)).execute(conn)?
        }
        AnyConnection::Postgres(conn) => diesel::update(log_head::table.find(1)).set(values).execute(conn)?,
    };
    if updated == 1 { Ok(()) } else { Err(Error::Corrupt("the log's head row is missing".into())) }
}

/// A one-row answer of a raw query.
#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    one: i64,
}

/// Whether the database answers.
///
/// # Errors
/// When it does not.
pub fn ping(conn: &mut AnyConnection) -> Result<()> {
    let row: One = match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query("SELECT 1 AS one").get_result(conn)?,
        AnyConnection::Postgres(conn) => diesel::sql_query("SELECT 1::bigint AS one").get_result(conn)?,
    };
    if row.one == 1 { Ok(()) } else { Err(corrupt("ping", row.one)) }
}
