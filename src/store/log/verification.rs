//! Reading whole blocks of the log for verification, with everything that is stored beside them.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::archive_files::{Location, LogArchive};
use super::blocks::BlockRow;
use super::packing::unpack;
use super::tree::{TILE_WIDTH, leaf_tiles};
use crate::domain::Timestamp;
use crate::domain::text::Sha256;
use crate::log::verify::StoredBlock;
use crate::store::columns::{signed, unsigned};
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::schema::{event_blocks, event_keys, log_tiles};

/// A part of the log as it was read, before it is unpacked.
#[derive(Debug)]
pub struct Page {
    archive: LogArchive,
    blocks: Vec<BlockRow>,
    keys: Vec<(i64, String)>,
    /// Leaf hashes of full tiles, by the tile's number.
    tiles: BTreeMap<u64, Vec<Sha256>>,
}

impl Page {
    /// The blocks whose first events are in a range, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(conn: &mut AnyConnection, archive: &LogArchive, from: u64, to: u64) -> Result<Self> {
        let range = event_blocks::first.ge(signed(from)).and(event_blocks::first.lt(signed(to)));
        let blocks: Vec<_> =
            event_blocks::table.filter(range).order(event_blocks::first).select(BlockRow::as_select()).load(conn)?;
        let keys = event_keys::table
            .filter(event_keys::first.ge(signed(from)).and(event_keys::first.lt(signed(to))))
            .order((event_keys::first, event_keys::key))
            .select((event_keys::first, event_keys::key))
            .load(conn)?;
        // A block's events may go on beyond the range.
        let end = blocks.last().map_or(to, |block| unsigned(block.first).saturating_add(block.event_count()));
        let tiles = leaf_tiles(conn, from / TILE_WIDTH, end.div_ceil(TILE_WIDTH))?;
        Ok(Self { archive: archive.clone(), blocks, keys, tiles })
    }

    /// The numbers of the blocks.
    pub fn numbers(&self) -> std::ops::Range<usize> {
        0..self.blocks.len()
    }

    /// One block, with everything that stands beside it. Keys of no block are taken for those of the block before them.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn block(&self, number: usize) -> Result<StoredBlock> {
        let row = &self.blocks[number];
        let block = row.open(&self.archive)?;
        let start = if number == 0 { 0 } else { self.keys.partition_point(|(first, _)| *first < block.first) };
        let end = match self.blocks.get(number + 1) {
            Some(next) => self.keys.partition_point(|(first, _)| *first < next.first),
            None => self.keys.len(),
        };
        let events: Vec<_> = block.events().collect();
        let tile_leaf_hashes = |index: u64| {
            let place = usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX);
            self.tiles.get(&(index / TILE_WIDTH)).and_then(|hashes| hashes.get(place)).copied()
        };
        Ok(StoredBlock {
            first: unsigned(block.first),
            at: Timestamp(block.at),
            archived: row.archive_location().is_some(),
            has_no_extra_data: row.has_no_extra_data(&block, events.len()),
            tile_leaf_hashes: events.iter().map(|event| tile_leaf_hashes(event.index)).collect(),
            keys: self.keys[start..end].iter().map(|(_, key)| key.clone()).collect(),
            events,
        })
    }

    /// Where a block is, if it is archived.
    pub fn location(&self, number: usize) -> Option<Location> {
        self.blocks[number].archive_location()
    }

    /// The index of a block's first event.
    pub fn first(&self, number: usize) -> u64 {
        unsigned(self.blocks[number].first)
    }
}

/// The first event of the next block from `from` on.
///
/// # Errors
/// When the database fails.
pub fn next_block(conn: &mut AnyConnection, from: u64) -> Result<Option<u64>> {
    let first: Option<i64> = event_blocks::table
        .filter(event_blocks::first.ge(signed(from)))
        .order(event_blocks::first)
        .select(event_blocks::first)
        .first(conn)
        .optional()?;
    Ok(first.map(unsigned))
}

/// Rows outside the log: an event before the first, a key behind the last, or a hash tile beyond the tree.
///
/// # Errors
/// When the database fails.
pub fn orphans(conn: &mut AnyConnection, size: u64) -> Result<Option<String>> {
    let body: Option<Vec<u8>> =
        event_blocks::table.filter(event_blocks::first.lt(0)).select(event_blocks::bodies).first(conn).optional()?;
    if let Some(packed) = body {
        return Ok(Some(unpack(&packed).unwrap_or_else(|error| error.to_string())));
    }
    let key: Option<String> = event_keys::table
        .filter(event_keys::first.lt(0).or(event_keys::first.ge(signed(size))))
        .select(event_keys::key)
        .first(conn)
        .optional()?;
    if key.is_some() {
        return Ok(key);
    }
    // What is beyond the tree would be served as if it were of it.
    for level in 0_u32..7 {
        let end = size >> (8 * (level + 1));
        let stray: Option<i64> = log_tiles::table
            .filter(log_tiles::level.eq(i32::try_from(level).unwrap_or(i32::MAX)))
            .filter(log_tiles::n.lt(0).or(log_tiles::n.ge(signed(end))))
            .select(log_tiles::n)
            .first(conn)
            .optional()?;
        if let Some(n) = stray {
            return Ok(Some(format!("the hash tile {level}/{n}")));
        }
    }
    Ok(None)
}
