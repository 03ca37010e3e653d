//! Moving old events into the archive: a file is written and synced first, then rows that say where everything is take the
//! place of the events, in one transaction with the event that says so.

use aws_lc_rs::digest::{Context, SHA256};
use diesel::prelude::*;

use super::archive_files::{ArchiveFile, Location, LogArchive, Writer, WrittenFile};
use super::blocks::{BlockRow, first_unarchived, insert_archived};
use super::head_row::size;
use super::search::first_from;
use super::tree::TILE_WIDTH;
use super::verification::Page;
use crate::domain::Timestamp;
use crate::domain::text::Sha256;
use crate::log::indexed_fields::Keys;
use crate::log::verify::{StoredBlock, StoredEvent, inspect};
use crate::store::columns::{signed, unsigned};
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::schema::{event_blocks, event_keys};

/// About how many events go into a file. They are moved in one transaction, during which nobody else writes.
const EVENTS_A_FILE: u64 = 32_768;
/// The minimum number of events in an archived block, which is read whole to see one of them.
const EVENTS_A_BLOCK: usize = 256;
/// Events looked at together.
const PAGE: u64 = 4_096;

/// A file of events that are still in the database too.
#[derive(Debug)]
pub struct ArchiveMove {
    written: WrittenFile,
    blocks: Vec<ArchivedBlock>,
    /// The hash of the personal parts when they were read: somebody may be erased in the meantime.
    personal: Sha256,
}

#[derive(Debug)]
struct ArchivedBlock {
    first: u64,
    at: Timestamp,
    location: Location,
    keys: Vec<String>,
}

impl ArchiveMove {
    /// Writes the oldest events that are not archived, up to a time, if they are enough to be worth it. Only events under
    /// full hash tiles, which prove each of them, and only events that verify. The archive must be locked until they are
    /// moved, or given up.
    ///
    /// # Errors
    /// When the database fails, the log does not verify, or the file can't be written.
    pub fn prepare(conn: &mut AnyConnection, archive: &LogArchive, before: Timestamp) -> Result<Option<Self>> {
        let Some(first) = first_unarchived(conn)? else { return Ok(None) };
        let tile_leaf_hashes = size(conn)? / TILE_WIDTH * TILE_WIDTH;
        let limit =
            tile_leaf_hashes.min(unsigned(first_from(conn, archive, before)?)).min(unsigned(first) + EVENTS_A_FILE);
        let Some(past) = end_of_blocks(conn, unsigned(first), limit)? else { return Ok(None) };
        let file = ArchiveFile::of(unsigned(first), past - 1);
        let personal = personal_parts(conn, file)?;
        let writer = Writer::create(archive, file)?;
        let mut writing = Writing { writer, blocks: Vec::new(), held: Vec::new(), at: Timestamp(0) };
        let mut from = unsigned(first);
        while from < past {
            let page = Page::read(conn, archive, from, past.min(from + PAGE))?;
            for number in page.numbers() {
                let block = page.block(number)?;
                inspect(&block).mismatch.map_or(Ok(()), Err)?;
                from = block.first + block.events.len() as u64;
                writing.add(block)?;
            }
        }
        let (writer, blocks) = writing.finish()?;
        Ok(Some(Self { written: writer.finish()?, blocks, personal }))
    }

    /// The file.
    pub const fn written(&self) -> &WrittenFile {
        &self.written
    }

    /// How many events it has.
    pub const fn events(&self) -> u64 {
        self.written.file.last() + 1 - self.written.file.first()
    }

    /// Puts the rows in the place of the events. `false` when personal parts were erased since they were read: then
    /// nothing is changed, and the file is of no use.
    ///
    /// # Errors
    /// When the database fails.
    pub fn carry_out(&self, conn: &mut AnyConnection) -> Result<bool> {
        let file = self.written.file;
        if first_unarchived(conn)? != Some(signed(file.first())) || personal_parts(conn, file)? != self.personal {
            return Ok(false);
        }
        conn.enable_secure_delete()?;
        let (first, last) = (signed(file.first()), signed(file.last()));
        diesel::delete(event_blocks::table.filter(event_blocks::first.between(first, last))).execute(conn)?;
        diesel::delete(event_keys::table.filter(event_keys::first.between(first, last))).execute(conn)?;
        for ArchivedBlock { first, at, location, keys } in &self.blocks {
            insert_archived(conn, (signed(*first), at.0), *location, keys.clone())?;
        }
        Ok(true)
    }
}

/// Collects blocks of the database to larger ones of the archive.
struct Writing {
    writer: Writer,
    blocks: Vec<ArchivedBlock>,
    held: Vec<StoredEvent>,
    /// The time of the last of them.
    at: Timestamp,
}

impl Writing {
    fn add(&mut self, block: StoredBlock) -> Result<()> {
        self.held.extend(block.events);
        self.at = block.at;
        if self.held.len() >= EVENTS_A_BLOCK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let (events, at) = (std::mem::take(&mut self.held), self.at);
        let Some(first) = events.first().map(|event| event.index) else { return Ok(()) };
        let keys = Keys::of(events.iter().map(|event| &event.fields)).texts();
        self.blocks.push(ArchivedBlock { first, at, location: self.writer.add(&events)?, keys });
        Ok(())
    }

    fn finish(mut self) -> Result<(Writer, Vec<ArchivedBlock>)> {
        self.write()?;
        Ok((self.writer, self.blocks))
    }
}

/// The end of the last whole block before `limit`, if there are enough events for a block of the archive.
fn end_of_blocks(conn: &mut AnyConnection, first: u64, limit: u64) -> Result<Option<u64>> {
    let row = event_blocks::table
        .filter(event_blocks::first.lt(signed(limit)))
        .order(event_blocks::first.desc())
        .select(BlockRow::as_select())
        .first(conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let end = unsigned(row.first) + row.event_count();
    let end = if end > limit { unsigned(row.first) } else { end };
    Ok((end >= first + EVENTS_A_BLOCK as u64).then_some(end))
}

/// The hash of all personal parts of a file's events, as they are stored.
fn personal_parts(conn: &mut AnyConnection, file: ArchiveFile) -> Result<Sha256> {
    let rows: Vec<(i64, Vec<u8>)> = event_blocks::table
        .filter(event_blocks::first.between(signed(file.first()), signed(file.last())))
        .order(event_blocks::first)
        .select((event_blocks::first, event_blocks::private))
        .load(conn)?;
    let mut hash = Context::new(&SHA256);
    for (first, part) in rows {
        hash.update(&first.to_le_bytes());
        hash.update(&part);
    }
    Ok(Sha256::finish(hash))
}

/// Removes the files of the archive that no rows lead to: what broken off runs and erasures leave. The archive must be
/// locked.
///
/// # Errors
/// When the database fails, or a file can't be removed.
pub fn sweep(conn: &mut AnyConnection, archive: &LogArchive) -> Result<()> {
    let rows: Vec<Vec<u8>> = event_blocks::table
        .filter(event_blocks::position_hashes.eq(Vec::<u8>::new()))
        .select(event_blocks::bodies)
        .load(conn)?;
    let files = rows.iter().filter_map(|bodies| Location::of(bodies)).map(|location| location.file);
    let (keep, size) = (files.collect(), size(conn)?);
    archive.sweep(&keep, size)
}
