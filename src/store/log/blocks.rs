//! Events as they are stored: the events of one transaction together, as a block. Under load that is one row for dozens of
//! events, which is what makes recording cheap; at rest a block holds what one command recorded.

use diesel::prelude::*;

use super::archive_files::{Lines, Location, LogArchive};
use super::packing::{pack, unpack};
use crate::domain::Timestamp;
use crate::log::canonical::{PrivatePart, SealedEvent};
use crate::log::indexed_fields::{IndexedFields, Keys};
use crate::log::merkle::PositionHash;
use crate::log::verify::StoredEvent;
use crate::store::columns::{from_json, signed, unsigned};
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::schema::{event_blocks, event_keys};

/// An event that is about to be appended, with its search fields.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event.
    pub sealed: SealedEvent,
    /// Its search fields.
    pub fields: IndexedFields,
}

/// The row of a block. For an archived block `bodies` holds its location in the archive, and the other columns are empty.
#[derive(Queryable, Selectable, Debug)]
#[diesel(table_name = event_blocks)]
pub(super) struct BlockRow {
    pub first: i64,
    pub at: i64,
    pub bodies: Vec<u8>,
    position_hashes: Vec<u8>,
    private: Vec<u8>,
}

impl BlockRow {
    /// Its location in the archive, if it is archived.
    pub fn archive_location(&self) -> Option<Location> {
        Location::of(&self.bodies)
    }

    /// The number of events, inferred from the position hashes or the archive location.
    pub fn event_count(&self) -> u64 {
        self.archive_location()
            .map_or((self.position_hashes.len() / size_of::<PositionHash>()) as u64, |location| location.events)
    }

    /// Unpacks it, or reads it from the archive.
    pub fn open(&self, archive: &LogArchive) -> Result<Block> {
        let (first, at) = (self.first, self.at);
        if let Some(location) = self.archive_location() {
            let Lines { bodies, private } = archive.read(unsigned(first), location)?;
            return Ok(Block { first, at, bodies, position_hashes: Vec::new(), private });
        }
        self.unpack()
    }

    /// Unpacks it where it is not archived.
    pub fn unpack(&self) -> Result<Block> {
        let (bodies, private) = (unpack(&self.bodies)?, unpack(&self.private)?);
        Ok(Block { first: self.first, at: self.at, bodies, position_hashes: self.position_hashes.clone(), private })
    }

    /// Whether the row holds exactly one position hash and one line of personal parts for each event, with no surplus.
    pub fn has_no_extra_data(&self, block: &Block, events: usize) -> bool {
        if self.archive_location().is_some() {
            return self.position_hashes.is_empty() && self.private.is_empty();
        }
        self.position_hashes.len() == events * size_of::<PositionHash>() && block.private.split('\n').count() == events
    }
}

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The index of its first event.
    pub first: i64,
    /// The time of all of them, or of the last if they are archived, in microseconds since 1970.
    pub at: i64,
    /// Canonical JSON, one event per line.
    pub bodies: String,
    /// The position hashes, 8 bytes for each event; empty if the block is archived.
    pub position_hashes: Vec<u8>,
    /// The personal parts, a line for each event: salt, space, canonical JSON; or nothing.
    pub private: String,
}

impl Block {
    /// Its events, with their indexes.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = StoredEvent> {
        let privates: Vec<&str> = self.private.split('\n').collect();
        let position_hashes = self.position_hashes.as_chunks::<{ size_of::<PositionHash>() }>().0;
        let bodies: Vec<&str> = self.bodies.split('\n').collect();
        bodies.into_iter().enumerate().map(move |(n, body)| StoredEvent {
            index: unsigned(self.first) + n as u64,
            fields: IndexedFields::of(body).unwrap_or_default(),
            body: body.to_owned(),
            private: privates.get(n).and_then(|line| parse_private_part(line)),
            position_hash: position_hashes.get(n).copied(),
        })
    }
}

/// Parses the line of a personal part. A malformed line becomes a part that matches no commitment, so that verification
/// reports its event.
pub(super) fn parse_private_part(line: &str) -> Option<PrivatePart> {
    if line.is_empty() {
        return None;
    }
    let (salt, data) = line.split_once(' ').unwrap_or((line, ""));
    Some(PrivatePart { salt: salt.to_owned(), data: from_json("personal part", data).unwrap_or_default() })
}

/// Stores the events from `first` on as one block.
pub(super) fn insert(
    conn: &mut AnyConnection,
    first: u64,
    entries: &[Entry],
    position_hashes: &[PositionHash],
) -> Result<()> {
    let mut bodies = String::with_capacity(entries.iter().map(|entry| entry.sealed.body.len() + 1).sum());
    let mut private = String::with_capacity(entries.len() * 160);
    for (n, entry) in entries.iter().enumerate() {
        if n > 0 {
            bodies.push('\n');
            private.push('\n');
        }
        bodies.push_str(&entry.sealed.body);
        if let Some(part) = &entry.sealed.private {
            private.push_str(&part.salt);
            private.push(' ');
            private.push_str(&part.data);
        }
    }
    diesel::insert_into(event_blocks::table)
        .values((
            event_blocks::first.eq(signed(first)),
            event_blocks::at.eq(entries.last().map_or(Timestamp(0), |entry| entry.sealed.at).0),
            event_blocks::bodies.eq(pack(&bodies)),
            event_blocks::position_hashes.eq(position_hashes.concat()),
            event_blocks::private.eq(pack(&private)),
        ))
        .execute(conn)?;
    insert_keys(conn, signed(first), Keys::of(entries.iter().map(|entry| &entry.fields)).texts())
}

/// Inserts the row that replaces a block moved to the archive.
pub(super) fn insert_archived(
    conn: &mut AnyConnection,
    (first, at): (i64, i64),
    location: Location,
    keys: Vec<String>,
) -> Result<()> {
    diesel::insert_into(event_blocks::table)
        .values((
            event_blocks::first.eq(first),
            event_blocks::at.eq(at),
            event_blocks::bodies.eq(location.to_bytes()),
            event_blocks::position_hashes.eq(Vec::<u8>::new()),
            event_blocks::private.eq(Vec::<u8>::new()),
        ))
        .execute(conn)?;
    insert_keys(conn, first, keys)
}

fn insert_keys(conn: &mut AnyConnection, first: i64, keys: Vec<String>) -> Result<()> {
    let row = |key: String| (event_keys::first.eq(first), event_keys::key.eq(key));
    match conn {
        AnyConnection::Sqlite(conn) => {
            for key in keys {
                diesel::insert_into(event_keys::table).values(row(key)).execute(conn)?;
            }
        }
        AnyConnection::Postgres(conn) => {
            let rows: Vec<_> = keys.into_iter().map(row).collect();
            diesel::insert_into(event_keys::table).values(&rows).execute(conn)?;
        }
    }
    Ok(())
}

/// The first event that is not archived, or `None` if all are. Only rows of archived blocks have no position hashes.
pub(super) fn first_unarchived(conn: &mut AnyConnection) -> Result<Option<i64>> {
    Ok(event_blocks::table
        .filter(event_blocks::position_hashes.ne(Vec::<u8>::new()))
        .order(event_blocks::first)
        .select(event_blocks::first)
        .first(conn)
        .optional()?)
}

/// The first event of the block that an event is in.
pub(super) fn first_of_block(conn: &mut AnyConnection, index: i64) -> Result<Option<i64>> {
    Ok(event_blocks::table
        .filter(event_blocks::first.le(index))
        .order(event_blocks::first.desc())
        .select(event_blocks::first)
        .first(conn)
        .optional()?)
}
