//! Events as they are stored: those of one transaction together, as a block. Under load that is one row for dozens of
//! events, which is what makes recording cheap; at rest a block holds what one command recorded.

use diesel::prelude::*;

use super::packing::{pack, unpack};
use crate::domain::Instant;
use crate::domain::text::Sha256;
use crate::log::canonical::{PrivatePart, SealedEvent};
use crate::log::index::{Facts, Keys};
use crate::log::verify::StoredEvent;
use crate::store::schema::{event_blocks, event_keys};
use crate::store::{AnyConnection, Error, Result, count, from_json, signed};

/// An event with what it is found by.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event.
    pub sealed: SealedEvent,
    /// What it says.
    pub facts: Facts,
}

/// A block as its row has it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = event_blocks)]
pub(super) struct BlockRow {
    pub first: i64,
    at: i64,
    bodies: Vec<u8>,
    places: Vec<u8>,
    private: Vec<u8>,
}

impl TryFrom<BlockRow> for Block {
    type Error = Error;
    fn try_from(row: BlockRow) -> Result<Self> {
        let (bodies, private) = (unpack(&row.bodies)?, unpack(&row.private)?);
        Ok(Self { first: row.first, at: row.at, bodies, places: row.places, private })
    }
}

/// Unpacks rows.
pub(super) fn blocks(rows: Vec<BlockRow>) -> Result<Vec<Block>> {
    rows.into_iter().map(Block::try_from).collect()
}

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The index of its first event.
    pub first: i64,
    /// The time of all of them, in microseconds since 1970.
    pub at: i64,
    /// Canonical JSON, an event a line.
    pub bodies: String,
    /// Which event is in which place: 32 bytes for each.
    pub places: Vec<u8>,
    /// The personal parts, a line for each event: salt, space, canonical JSON; or nothing.
    pub private: String,
}

impl Block {
    /// Its events, with their indexes.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = StoredEvent> {
        let privates: Vec<&str> = self.private.split('\n').collect();
        let places = self.places.as_chunks::<32>().0;
        let bodies: Vec<&str> = self.bodies.split('\n').collect();
        bodies.into_iter().enumerate().map(move |(n, body)| StoredEvent {
            index: count(self.first) + n as u64,
            facts: Facts::of(body).unwrap_or_default(),
            body: body.to_owned(),
            private: privates.get(n).and_then(|line| personal(line)),
            place: places.get(n).map(|hash| Sha256(*hash)),
        })
    }
}

/// Reads the line of a personal part. One that can't be read is one that no event commits to; verification says which.
pub(super) fn personal(line: &str) -> Option<PrivatePart> {
    if line.is_empty() {
        return None;
    }
    let (salt, data) = line.split_once(' ').unwrap_or((line, ""));
    Some(PrivatePart { salt: salt.to_owned(), data: from_json("personal part", data).unwrap_or_default() })
}

/// Stores the events from `first` on as one block.
pub(super) fn insert(conn: &mut AnyConnection, first: u64, entries: &[Entry], places: &[Sha256]) -> Result<()> {
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
            event_blocks::at.eq(entries.last().map_or(Instant(0), |entry| entry.sealed.at).0),
            event_blocks::bodies.eq(pack(&bodies)),
            event_blocks::places.eq(places.iter().flat_map(|place| place.0).collect::<Vec<u8>>()),
            event_blocks::private.eq(pack(&private)),
        ))
        .execute(conn)?;
    let keys = Keys::of(entries.iter().map(|entry| &entry.facts)).texts();
    let row = |key: String| (event_keys::first.eq(signed(first)), event_keys::key.eq(key));
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

/// The first event of the block that an event is in.
pub(super) fn block_of(conn: &mut AnyConnection, index: i64) -> Result<Option<i64>> {
    Ok(event_blocks::table
        .filter(event_blocks::first.le(index))
        .order(event_blocks::first.desc())
        .select(event_blocks::first)
        .first(conn)
        .optional()?)
}
