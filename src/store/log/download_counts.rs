//! Reading how many downloads the log has, day by day.

use super::archive_files::LogArchive;
use super::blocks::first_of_block;
use super::search::{Blocks, Filter};
use crate::log::download_count::{DownloadCounts, count};
use crate::store::columns::{signed, unsigned};
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::snapshot::in_snapshot;

/// Blocks read at a time.
const BLOCKS: i64 = 256;

/// Downloads as a part of the log has them.
#[derive(Clone, Debug)]
pub struct CountedPart {
    /// From this event on,
    pub from: u64,
    /// and before this one.
    pub until: u64,
    /// The downloads.
    pub counts: DownloadCounts,
    /// Whether as much was read as is read at a time: there may be more.
    pub is_full: bool,
}

/// The downloads of the next events from an index on; `None` when there is no such event.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn download_counts(conn: &mut AnyConnection, archive: &LogArchive, from: u64) -> Result<Option<CountedPart>> {
    in_snapshot(conn, |conn| {
        // Blocks that moved to the archive have other bounds than before.
        let low = first_of_block(conn, signed(from))?.unwrap_or_default();
        let rows = Blocks::oldest_first(&Filter::default(), low, i64::MAX).next(conn, BLOCKS)?.unwrap_or_default();
        let (mut counts, mut until, is_full) = (DownloadCounts::new(), from, rows.len() as u64 == unsigned(BLOCKS));
        for row in rows {
            let block = row.open(archive)?;
            for (index, body) in (unsigned(block.first)..).zip(block.bodies.split('\n')) {
                if index >= from {
                    count(&mut counts, body);
                    until = index + 1;
                }
            }
        }
        Ok((until > from).then_some(CountedPart { from, until, counts, is_full }))
    })
}
