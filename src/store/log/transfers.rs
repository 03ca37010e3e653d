//! Events that belong to an admission: what describes its client, and how its transfer ended.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::archive_files::LogArchive;
use super::blocks::BlockRow;
use crate::log::indexed_fields::key_of_end;
use crate::log::verify::StoredEvent;
use crate::store::columns::signed;
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::schema::{event_blocks, event_keys};

/// Blocks read at a time, at most.
const BLOCKS_AT_A_TIME: usize = 64;

/// The events at these indexes; one that is not there is left out.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn at_indexes(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    indexes: &BTreeSet<u64>,
) -> Result<HashMap<u64, StoredEvent>> {
    let mut found: HashMap<u64, StoredEvent> = HashMap::new();
    for index in indexes {
        if found.contains_key(index) {
            continue;
        }
        let row = event_blocks::table
            .filter(event_blocks::first.le(signed(*index)))
            .order(event_blocks::first.desc())
            .select(BlockRow::as_select())
            .first(conn)
            .optional()?;
        let Some(block) = row.map(|row: BlockRow| row.open(archive)).transpose()? else { continue };
        found.extend(block.events().filter(|event| indexes.contains(&event.index)).map(|event| (event.index, event)));
    }
    Ok(found)
}

/// The events that say how the transfers ended that were admitted at these indexes. Where none does, the gateway was stopped
/// before it could be recorded, or the transfer is still running.
///
/// # Errors
/// As [`at_indexes`].
pub fn ends_of(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    admitted: &BTreeSet<u64>,
) -> Result<HashMap<u64, StoredEvent>> {
    let keys: BTreeSet<String> = admitted.iter().copied().map(key_of_end).collect();
    let mut found = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let firsts: Vec<i64> = event_keys::table
        .filter(event_keys::key.eq_any(keys))
        .select(event_keys::first)
        .distinct()
        .order(event_keys::first)
        .load(conn)?;
    for some in firsts.chunks(BLOCKS_AT_A_TIME) {
        let rows =
            event_blocks::table.filter(event_blocks::first.eq_any(some)).select(BlockRow::as_select()).load(conn)?;
        for row in rows {
            for event in row.open(archive)?.events().filter(|event| !event.fields.ended.is_empty()) {
                let ended =
                    event.fields.ended.iter().flat_map(|(first, last)| admitted.range(*first..=*first.max(last)));
                found.extend(ended.map(|index| (*index, event.clone())));
            }
        }
    }
    Ok(found)
}
