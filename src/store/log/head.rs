//! The right edge of the log: locking it, and appending events to it.

use diesel::prelude::*;

use super::blocks::{self, Entry};
use super::head_row::head_row;
use super::tree::{TILE_WIDTH, leaves, write_tile};
use crate::domain::Timestamp;
use crate::domain::text::Sha256;
use crate::log::LogKey;
use crate::log::merkle::{Frontier, PositionHash, leaf_hash, position_hash};
use crate::store::columns::{signed, unsigned};
use crate::store::connection::AnyConnection;
use crate::store::error::{Error, Result, corrupt};
use crate::store::schema::log_head;

/// The right edge of the log: all that appending needs.
#[derive(Clone, Debug, Default)]
pub struct LogHead {
    frontier: Frontier,
    /// The leaf hashes after the last full tile.
    tail: Vec<Sha256>,
    /// The signed note of this head; empty before the first event.
    pub checkpoint: String,
    /// The time of the last event.
    pub last_at: Timestamp,
    /// Grows with every change that the gate's decisions rest on.
    pub access_epoch: u64,
}

impl LogHead {
    /// The number of events.
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over them.
    pub fn root(&self) -> Sha256 {
        self.frontier.root()
    }

    /// Whether the last events, as they are stored, are those of the tree.
    pub(super) fn fits_last_events(&self) -> bool {
        self.frontier.ends_with(&self.tail)
    }
}

/// The head. An empty log has none stored and gives the default.
///
/// # Errors
/// When the database fails, or the row is not what was written.
pub fn head(conn: &mut AnyConnection) -> Result<LogHead> {
    let Some(row) = head_row(conn)? else { return Ok(LogHead::default()) };
    let size = unsigned(row.size);
    let frontier = Frontier::restore(size, &row.frontier).ok_or_else(|| corrupt("log head", "frontier"))?;
    Ok(LogHead {
        frontier,
        tail: leaves(conn, size / TILE_WIDTH * TILE_WIDTH, size)?,
        checkpoint: row.checkpoint,
        access_epoch: unsigned(row.access_epoch),
        last_at: Timestamp(row.last_at),
    })
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
    head.last_at = entries.iter().map(|entry| entry.sealed.at).fold(head.last_at, Timestamp::max);
    let leaves: Vec<Sha256> = entries.iter().map(|entry| leaf_hash(entry.sealed.body.as_bytes())).collect();
    let position_hashes: Vec<PositionHash> =
        (first..).zip(&leaves).map(|(index, leaf)| position_hash(index, leaf)).collect();
    blocks::insert(conn, first, entries, &position_hashes)?;
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
        log_head::access_epoch.eq(signed(head.access_epoch)),
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
