//! Locking the head of the log, and trusting it only if it was signed and continues what was kept outside the database.

use diesel::prelude::*;

use super::head::{LogHead, head};
use super::proofs::TreeReader;
use crate::domain::Timestamp;
use crate::log::VerifierKey;
use crate::log::checkpoint::Checkpoint;
use crate::log::head_fault::HeadFault;
use crate::log::merkle::{consistency_holds, consistency_proof};
use crate::store::columns::unsigned;
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::schema::log_head;

/// Whether a stored head was signed by `key`, has the tree that was signed, and continues the head that was kept.
fn check_head(conn: &mut AnyConnection, stored: &LogHead, kept: Option<&Checkpoint>, key: &VerifierKey) -> Result<()> {
    let signed = Checkpoint::open(&stored.checkpoint, key).map_err(|_| HeadFault::Unsigned)?;
    if signed.size != stored.size() || signed.root != stored.root() || !stored.fits_last_events() {
        return Err(HeadFault::OtherTree.into());
    }
    let Some(kept) = kept.filter(|kept| kept.size > 0) else { return Ok(()) };
    if kept.size > signed.size {
        return Err(HeadFault::RolledBack { kept: kept.size, found: signed.size }.into());
    }
    let proof = consistency_proof(&mut TreeReader::at(conn, stored.clone()), kept.size, signed.size)?;
    if consistency_holds(kept.size, signed.size, kept.root, signed.root, &proof) {
        return Ok(());
    }
    Err(HeadFault::Rewritten(kept.size).into())
}

/// The stored head, if it was signed by `key`, with its checkpoint. It may be another than the one that was kept.
///
/// # Errors
/// When the database fails, or with the [`HeadFault`].
pub fn signed_head(conn: &mut AnyConnection, key: &VerifierKey) -> Result<LogHead> {
    let stored = head(conn)?;
    check_head(conn, &stored, None, key)?;
    Ok(stored)
}

/// Locks the head for appending and brings what is held of it up to date, which it mostly is: nobody else appends often. A
/// head that is not the one held must be signed by `key` and continue `kept`.
///
/// # Errors
/// When the database fails, or with the [`HeadFault`].
pub fn lock_head(
    conn: &mut AnyConnection,
    held: &mut LogHead,
    kept: Option<&Checkpoint>,
    key: &VerifierKey,
) -> Result<()> {
    type Row = (i64, String, i64, i64);
    let columns = (log_head::size, log_head::checkpoint, log_head::access_epoch, log_head::last_at);
    let row = log_head::table.find(1).select(columns);
    // Not `first`: SQLite plans a statement anew each time a number is bound to its `LIMIT`.
    let row: Option<Row> = match conn {
        // Replicas take turns here; SQLite's transaction has locked everything already.
        AnyConnection::Postgres(conn) => row.for_update().get_result(conn).optional()?,
        AnyConnection::Sqlite(conn) => row.get_result(conn).optional()?,
    };
    let Some((size, checkpoint, access_epoch, last_at)) = row else {
        if kept.is_some_and(|kept| kept.size > 0) {
            return Err(HeadFault::Gone.into());
        }
        *held = LogHead::default();
        return Ok(());
    };
    // An append-only log of one size and root has one history.
    if unsigned(size) != held.size() || checkpoint != held.checkpoint {
        let stored = head(conn)?;
        check_head(conn, &stored, kept, key)?;
        *held = stored;
    }
    held.access_epoch = unsigned(access_epoch);
    held.last_at = Timestamp(last_at);
    Ok(())
}
