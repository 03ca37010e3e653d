//! Finding events.

use diesel::prelude::*;

use super::{TILE_WIDTH, size};
use crate::domain::Instant;
use crate::domain::text::Sha256;
use crate::log::canonical::PrivatePart;
use crate::log::verify::{Columns, StoredEvent};
use crate::store::schema::{events, log_tiles};
use crate::store::{AnyConnection, Result, count, from_json, signed};

/// Actions that come with every download. They make up most of a log, so looking for them needs no index; the column
/// `rare_action` leaves them out.
const COMMON_ACTIONS: [&str; 3] = ["download.admitted", "download.finished", "listing.admitted"];

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct EventRow {
    idx: i64,
    at: i64,
    action: String,
    actor: Option<String>,
    dataset: Option<String>,
    subject: Option<String>,
    person: Option<String>,
    body: String,
    place: Vec<u8>,
    private_salt: Option<String>,
    private_data: Option<String>,
}

impl From<EventRow> for StoredEvent {
    fn from(row: EventRow) -> Self {
        let private = row.private_salt.zip(row.private_data).map(|(salt, data)| PrivatePart {
            salt,
            // Unreadable data is data that no event commits to; verification says which event.
            data: from_json("personal part", &data).unwrap_or_default(),
        });
        Self {
            index: count(row.idx),
            columns: Columns {
                at: Instant(row.at).to_string(),
                action: row.action,
                actor: row.actor,
                dataset: row.dataset,
                subject: row.subject,
                person: row.person,
            },
            body: row.body,
            private,
            place: Sha256::from_slice(&row.place),
            leaf_in_tile: None,
        }
    }
}

/// What to look for in the log.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only by or about this account.
    pub person: Option<String>,
    /// Only about this dataset.
    pub dataset: Option<String>,
    /// Only this action, or all of a kind such as `request.`.
    pub action: Option<String>,
    /// Only about this thing.
    pub subject: Option<String>,
    /// Not before.
    pub since: Option<Instant>,
    /// Before.
    pub until: Option<Instant>,
}

/// Which way to walk the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Walk {
    /// Newest first, before this index.
    Before(u64),
    /// Oldest first, from this index on.
    From(u64),
}

/// By or about a person, or about their access.
#[diesel::dsl::auto_type(no_type_alias)]
fn concerns<'a>(person: &'a str) -> _ {
    events::actor.eq(person).or(events::subject.eq(person)).or(events::person.eq(person))
}

/// Events that match, with their personal parts.
///
/// # Errors
/// When the database fails.
pub fn select(conn: &mut AnyConnection, filter: &Filter, walk: Walk, limit: i64) -> Result<Vec<StoredEvent>> {
    let mut query = events::table.into_boxed();
    if let Some(person) = &filter.person {
        query = query.filter(concerns(person));
    }
    if let Some(dataset) = &filter.dataset {
        query = query.filter(events::dataset.eq(dataset));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(events::subject.eq(subject));
    }
    if let Some(action) = &filter.action {
        if let Some(kind) = action.strip_suffix('.') {
            // '/' is the character after '.', so this is everything that begins with the kind and a dot.
            query = query.filter(events::action.ge(format!("{kind}.")).and(events::action.lt(format!("{kind}/"))));
        } else if COMMON_ACTIONS.contains(&action.as_str()) {
            query = query.filter(events::action.eq(action));
        } else {
            query = query.filter(events::rare_action.eq(action));
        }
    }
    // Later events have later times, so times are bounds of the index.
    let since = filter.since.map(|at| first_from(conn, at)).transpose()?;
    let until = filter.until.map(|at| first_from(conn, at)).transpose()?;
    if let Some(index) = since {
        query = query.filter(events::idx.ge(index));
    }
    if let Some(index) = until {
        query = query.filter(events::idx.lt(index));
    }
    query = match walk {
        Walk::Before(index) => query.filter(events::idx.lt(signed(index))).order(events::idx.desc()),
        Walk::From(index) => query.filter(events::idx.ge(signed(index))).order(events::idx.asc()),
    };
    let rows: Vec<EventRow> = query.limit(limit).select(EventRow::as_select()).load(conn)?;
    Ok(rows.into_iter().map(StoredEvent::from).collect())
}

/// The index of the first event that is not before `at`.
fn first_from(conn: &mut AnyConnection, at: Instant) -> Result<i64> {
    let (mut low, mut high) = (0, signed(size(conn)?));
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<i64> = events::table.find(middle).select(events::at).first(conn).optional()?;
        if found.is_some_and(|found| found < at.0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The next events in order from `from` on, with the leaf hashes stored for their places: verification's food.
///
/// # Errors
/// When the database fails.
pub fn for_verification(conn: &mut AnyConnection, from: u64, limit: i64) -> Result<Vec<StoredEvent>> {
    let mut found = select(conn, &Filter::default(), Walk::From(from), limit)?;
    let mut tile: Option<(u64, Option<Vec<u8>>)> = None;
    for event in &mut found {
        let n = event.index / TILE_WIDTH;
        if tile.as_ref().is_none_or(|(held, _)| *held != n) {
            let hashes = log_tiles::table.find((0, signed(n))).select(log_tiles::hashes).first(conn).optional()?;
            tile = Some((n, hashes));
        }
        if let Some((_, Some(hashes))) = &tile {
            let place = usize::try_from(event.index % TILE_WIDTH).unwrap_or(usize::MAX);
            event.leaf_in_tile = hashes.as_chunks::<32>().0.get(place).map(|hash| Sha256(*hash));
        }
    }
    Ok(found)
}

/// Deletes the personal parts of the events by or about a person; says how many.
///
/// # Errors
/// When the database fails.
pub fn erase_person(conn: &mut AnyConnection, person: &str) -> Result<usize> {
    Ok(diesel::update(events::table.filter(concerns(person)))
        .filter(events::private_salt.is_not_null())
        .set((events::private_salt.eq(None::<String>), events::private_data.eq(None::<String>)))
        .execute(conn)?)
}
