//! The audit log in the database: events, personal parts, hash tiles, and the one row that is its head.
//!
//! A tile holds 256 hashes: of leaves at level 0, of full tiles of the level below above that (C2SP `tlog-tiles`). Full
//! tiles are written once. The head row holds the partial tile of leaf hashes, the frontier and the signed checkpoint:
//! everything that appending needs, read and written in the transaction that appends.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::schema::{event_private, events, log_head, log_tiles};
use super::{AnyConnection, Error, Result, corrupt, count, from_json, signed};
use crate::domain::Instant;
use crate::domain::text::Sha256;
use crate::log::LogKey;
use crate::log::canonical::{PrivatePart, SealedEvent, canonical};
use crate::log::merkle::{Frontier, HashSource, leaf_hash, node_hash, root_of};
use crate::log::verify::{Columns, StoredEvent, StoredHead};

/// Hashes a tile.
pub const TILE_WIDTH: u64 = 256;

/// The right edge of the log: all that appending needs.
#[derive(Clone, Debug, Default)]
pub struct LogHead {
    frontier: Frontier,
    tail: Vec<Sha256>,
    /// The signed note of this head; empty before the first event.
    pub checkpoint: String,
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

    /// The leaf hashes after the last full tile.
    pub fn tail(&self) -> &[Sha256] {
        &self.tail
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = log_head)]
struct HeadRow {
    size: i64,
    root: Vec<u8>,
    frontier: Vec<u8>,
    tail: Vec<u8>,
    checkpoint: String,
}

/// Whether nobody else may append until the transaction ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// For reading.
    Shared,
    /// For appending.
    Exclusive,
}

/// The head. An empty log has none stored and gives the default.
///
/// # Errors
/// When the database fails, or the row is not what was written.
pub fn head(conn: &mut AnyConnection, lock: Lock) -> Result<LogHead> {
    let Some(row) = head_row(conn, lock)? else { return Ok(LogHead::default()) };
    let frontier = Frontier::restore(count(row.size), &row.frontier).ok_or_else(|| corrupt("log head", "frontier"))?;
    Ok(LogHead { frontier, tail: split_hashes(&row.tail)?, checkpoint: row.checkpoint })
}

fn head_row(conn: &mut AnyConnection, lock: Lock) -> Result<Option<HeadRow>> {
    if let (AnyConnection::Postgres(conn), Lock::Exclusive) = (&mut *conn, lock) {
        // Replicas take turns here; SQLite's transaction has locked everything already.
        return Ok(log_head::table.find(1).select(HeadRow::as_select()).for_update().first(conn).optional()?);
    }
    Ok(log_head::table.find(1).select(HeadRow::as_select()).first(conn).optional()?)
}

/// The head as it is stored, for verification.
///
/// # Errors
/// When the database fails.
pub fn stored_head(conn: &mut AnyConnection) -> Result<Option<StoredHead>> {
    let Some(row) = head_row(conn, Lock::Shared)? else { return Ok(None) };
    Ok(Some(StoredHead {
        size: count(row.size),
        // A root that is not 32 bytes is some root that no events have.
        root: Sha256::from_slice(&row.root).unwrap_or(Sha256([0; 32])),
        checkpoint: row.checkpoint,
    }))
}

fn split_hashes(bytes: &[u8]) -> Result<Vec<Sha256>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(corrupt("hash tile", "its length"));
    }
    Ok(hashes.iter().map(|hash| Sha256(*hash)).collect())
}

fn join_hashes(hashes: &[Sha256]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEvent<'a> {
    idx: i64,
    at: i64,
    action: &'a str,
    #[diesel(treat_none_as_default_value = false)]
    actor: Option<&'a str>,
    #[diesel(treat_none_as_default_value = false)]
    dataset: Option<&'a str>,
    #[diesel(treat_none_as_default_value = false)]
    subject: Option<&'a str>,
    body: &'a str,
}

#[derive(Insertable)]
#[diesel(table_name = event_private)]
struct NewPrivate<'a> {
    idx: i64,
    salt: &'a str,
    data: String,
}

/// An event with what the database searches by.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event.
    pub sealed: SealedEvent,
    /// What happened.
    pub action: &'static str,
    /// Whose account.
    pub actor: Option<String>,
    /// Which dataset.
    pub dataset: Option<String>,
    /// About what.
    pub subject: Option<String>,
}

/// Appends events and advances the head, which must have been read under [`Lock::Exclusive`] in this transaction.
///
/// # Errors
/// When the database fails; the head is then of no more use.
pub fn append(conn: &mut AnyConnection, head: &mut LogHead, entries: &[Entry], key: &LogKey) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let first = head.size();
    insert_events(conn, first, entries)?;
    for entry in entries {
        let leaf = leaf_hash(entry.sealed.body.as_bytes());
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
        log_head::tail.eq(join_hashes(&head.tail)),
        log_head::checkpoint.eq(&head.checkpoint),
    );
    if first == 0 {
        diesel::insert_into(log_head::table).values((log_head::id.eq(1), values)).execute(conn)?;
    } else {
        let updated = diesel::update(log_head::table.find(1)).set(values).execute(conn)?;
        if updated != 1 {
            return Err(Error::Corrupt("the log's head row is missing".into()));
        }
    }
    Ok(())
}

fn insert_events(conn: &mut AnyConnection, first: u64, entries: &[Entry]) -> Result<()> {
    let index = |n: usize| signed(first + n as u64);
    let rows: Vec<NewEvent<'_>> = entries
        .iter()
        .enumerate()
        .map(|(n, entry)| NewEvent {
            idx: index(n),
            at: entry.sealed.at.0,
            action: entry.action,
            actor: entry.actor.as_deref(),
            dataset: entry.dataset.as_deref(),
            subject: entry.subject.as_deref(),
            body: &entry.sealed.body,
        })
        .collect();
    let private: Vec<NewPrivate<'_>> = entries
        .iter()
        .enumerate()
        .filter_map(|(n, entry)| {
            let part = entry.sealed.private.as_ref()?;
            Some(NewPrivate { idx: index(n), salt: &part.salt, data: canonical(&part.data) })
        })
        .collect();
    match conn {
        AnyConnection::Sqlite(conn) => {
            for row in &rows {
                diesel::insert_into(events::table).values(row).execute(conn)?;
            }
            for row in &private {
                diesel::insert_into(event_private::table).values(row).execute(conn)?;
            }
        }
        AnyConnection::Postgres(conn) => {
            diesel::insert_into(events::table).values(&rows).execute(conn)?;
            diesel::insert_into(event_private::table).values(&private).execute(conn)?;
        }
    }
    Ok(())
}

fn write_tile(conn: &mut AnyConnection, level: i32, n: u64, hashes: &[Sha256]) -> Result<()> {
    diesel::insert_into(log_tiles::table)
        .values((
            log_tiles::level.eq(level),
            log_tiles::n.eq(signed(n)),
            log_tiles::hashes.eq(join_hashes(hashes)),
            log_tiles::root.eq(root_of(hashes).0.to_vec()),
        ))
        .execute(conn)?;
    if (n + 1).is_multiple_of(TILE_WIDTH) {
        let above = n / TILE_WIDTH;
        let roots = tile_roots(conn, level, above * TILE_WIDTH, TILE_WIDTH)?;
        write_tile(conn, level + 1, above, &roots)?;
    }
    Ok(())
}

fn tile_roots(conn: &mut AnyConnection, level: i32, from: u64, limit: u64) -> Result<Vec<Sha256>> {
    let roots: Vec<Vec<u8>> = log_tiles::table
        .filter(log_tiles::level.eq(level))
        .filter(log_tiles::n.ge(signed(from)))
        .filter(log_tiles::n.lt(signed(from + limit)))
        .order(log_tiles::n)
        .select(log_tiles::root)
        .load(conn)?;
    roots.iter().map(|root| Sha256::from_slice(root).ok_or_else(|| corrupt("hash tile", "its root"))).collect()
}

/// The first `width` hashes of a tile, for a log of `size` events; `None` when the log does not have them.
///
/// # Errors
/// When the database fails.
pub fn tile(conn: &mut AnyConnection, level: u32, n: u64, width: u64) -> Result<Option<Vec<Sha256>>> {
    let head = head(conn, Lock::Shared)?;
    let Some(shift) = level.checked_mul(8).filter(|shift| *shift < 64) else { return Ok(None) };
    let available = head.size() >> shift;
    let Some(end) = n.checked_mul(TILE_WIDTH).and_then(|start| start.checked_add(width)) else { return Ok(None) };
    if width == 0 || width > TILE_WIDTH || end > available {
        return Ok(None);
    }
    let hashes = tile_hashes(conn, level, n, &head)?;
    let width = usize::try_from(width).unwrap_or(usize::MAX);
    Ok((hashes.len() >= width).then(|| hashes[..width].to_vec()))
}

fn tile_hashes(conn: &mut AnyConnection, level: u32, n: u64, head: &LogHead) -> Result<Vec<Sha256>> {
    let full: Option<Vec<u8>> = log_tiles::table
        .find((i32::try_from(level).unwrap_or(i32::MAX), signed(n)))
        .select(log_tiles::hashes)
        .first(conn)
        .optional()?;
    match full {
        Some(hashes) => split_hashes(&hashes),
        None if level == 0 => Ok(if n == head.size() / TILE_WIDTH { head.tail.clone() } else { Vec::new() }),
        None => tile_roots(conn, i32::try_from(level - 1).unwrap_or(i32::MAX), n * TILE_WIDTH, TILE_WIDTH),
    }
}

/// Reads the hashes of complete subtrees for proofs, from the tiles, at one head.
pub struct TreeReader<'a> {
    conn: &'a mut AnyConnection,
    head: LogHead,
    last: Option<((u32, u64), Vec<Sha256>)>,
}

impl<'a> TreeReader<'a> {
    /// A reader for the log as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn new(conn: &'a mut AnyConnection) -> Result<Self> {
        let head = head(conn, Lock::Shared)?;
        Ok(Self { conn, head, last: None })
    }

    /// The head that proofs lead to.
    pub const fn head(&self) -> &LogHead {
        &self.head
    }

    fn tile(&mut self, level: u32, n: u64) -> Result<&[Sha256]> {
        if self.last.as_ref().is_none_or(|(key, _)| *key != (level, n)) {
            self.last = Some(((level, n), tile_hashes(self.conn, level, n, &self.head)?));
        }
        Ok(self.last.as_ref().map_or(&[], |(_, hashes)| hashes))
    }
}

impl HashSource for TreeReader<'_> {
    type Error = Error;
    fn subtree(&mut self, level: u32, index: u64) -> Result<Sha256> {
        let first = index << (level % 8);
        let hashes = self.tile(level / 8, first / TILE_WIDTH)?;
        let start = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        let wanted = hashes
            .get(start..start + (1 << (level % 8)))
            .ok_or_else(|| corrupt("hash tile", format!("level {level}, index {index} is not there")))?;
        let mut row = wanted.to_vec();
        while row.len() > 1 {
            row = row.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        Ok(row[0])
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct EventRow {
    idx: i64,
    at: i64,
    action: String,
    actor: Option<String>,
    dataset: Option<String>,
    subject: Option<String>,
    body: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = event_private)]
struct PrivateRow {
    idx: i64,
    salt: String,
    data: String,
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

/// Events that match, with their personal parts.
///
/// # Errors
/// When the database fails.
pub fn select(conn: &mut AnyConnection, filter: &Filter, walk: Walk, limit: i64) -> Result<Vec<StoredEvent>> {
    let mut query = events::table.into_boxed();
    if let Some(person) = &filter.person {
        query = query.filter(events::actor.eq(person).or(events::subject.eq(person)));
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
        } else {
            query = query.filter(events::action.eq(action));
        }
    }
    if let Some(since) = filter.since {
        query = query.filter(events::at.ge(since.0));
    }
    if let Some(until) = filter.until {
        query = query.filter(events::at.lt(until.0));
    }
    query = match walk {
        Walk::Before(index) => query.filter(events::idx.lt(signed(index))).order(events::idx.desc()),
        Walk::From(index) => query.filter(events::idx.ge(signed(index))).order(events::idx.asc()),
    };
    let rows: Vec<EventRow> = query.limit(limit).select(EventRow::as_select()).load(conn)?;
    with_private(conn, rows)
}

fn with_private(conn: &mut AnyConnection, rows: Vec<EventRow>) -> Result<Vec<StoredEvent>> {
    let (Some(low), Some(high)) = (rows.iter().map(|row| row.idx).min(), rows.iter().map(|row| row.idx).max()) else {
        return Ok(Vec::new());
    };
    let wanted: Vec<i64> = rows.iter().map(|row| row.idx).collect();
    // A run of events is read by its range; scattered ones by their indexes.
    let private: Vec<PrivateRow> = if high - low + 1 == signed(rows.len() as u64) {
        event_private::table.filter(event_private::idx.between(low, high)).select(PrivateRow::as_select()).load(conn)?
    } else {
        event_private::table.filter(event_private::idx.eq_any(&wanted)).select(PrivateRow::as_select()).load(conn)?
    };
    let mut parts = std::collections::HashMap::with_capacity(private.len());
    for row in private {
        // Unreadable data is data that no event commits to; verification says which event.
        let data = from_json("personal part", &row.data).unwrap_or_default();
        parts.insert(row.idx, PrivatePart { salt: row.salt, data });
    }
    Ok(rows
        .into_iter()
        .map(|row| StoredEvent {
            index: count(row.idx),
            columns: Columns {
                at: Instant(row.at).to_string(),
                action: row.action,
                actor: row.actor,
                dataset: row.dataset,
                subject: row.subject,
            },
            body: row.body,
            private: parts.remove(&row.idx),
            stored_leaf: None,
        })
        .collect())
}

/// The next events in order from `from` on, with the leaf hashes stored for their places: verification's food.
///
/// # Errors
/// When the database fails.
pub fn for_verification(conn: &mut AnyConnection, from: u64, limit: i64) -> Result<Vec<StoredEvent>> {
    let mut found = select(conn, &Filter::default(), Walk::From(from), limit)?;
    let tail = head_row(conn, Lock::Shared)?.map(|row| row.tail).unwrap_or_default();
    let (tail, _) = tail.as_chunks::<32>();
    let mut tile: Option<(u64, Option<Vec<u8>>)> = None;
    for event in &mut found {
        let n = event.index / TILE_WIDTH;
        if tile.as_ref().is_none_or(|(held, _)| *held != n) {
            let hashes = log_tiles::table.find((0, signed(n))).select(log_tiles::hashes).first(conn).optional()?;
            tile = Some((n, hashes));
        }
        let place = usize::try_from(event.index % TILE_WIDTH).unwrap_or(usize::MAX);
        event.stored_leaf = match &tile {
            Some((_, Some(hashes))) => hashes.as_chunks::<32>().0.get(place).map(|hash| Sha256(*hash)),
            _ => tail.get(place).map(|hash| Sha256(*hash)),
        };
    }
    Ok(found)
}

/// Compares the tiles and the frontier that are stored with the `tree`; says which event is the first they don't fit.
///
/// # Errors
/// When the database fails.
pub fn first_misfit(conn: &mut AnyConnection, tree: &Frontier) -> Result<Option<u64>> {
    let Some(row) = head_row(conn, Lock::Shared)? else { return Ok((tree.size() > 0).then_some(0)) };
    if let Some(index) = tree.first_misfit(&row.frontier) {
        return Ok(Some(index));
    }
    if row.tail.len() as u64 != (tree.size() % TILE_WIDTH) * 32 {
        return Ok(Some(tree.size() / TILE_WIDTH * TILE_WIDTH));
    }
    let (mut level, mut tiles, mut events_a_tile) = (0, tree.size() / TILE_WIDTH, TILE_WIDTH);
    let mut below: Option<Vec<Sha256>> = None;
    while tiles > 0 {
        let mut roots = Vec::new();
        for n in 0..tiles {
            let found: Option<(Vec<u8>, Vec<u8>)> = log_tiles::table
                .find((level, signed(n)))
                .select((log_tiles::hashes, log_tiles::root))
                .first(conn)
                .optional()?;
            let fits = found.and_then(|(hashes, root)| {
                let hashes = split_hashes(&hashes).ok()?;
                let start = usize::try_from(n * TILE_WIDTH).ok()?;
                let below_fits =
                    below.as_ref().is_none_or(|below| below.get(start..start + hashes.len()) == Some(&hashes));
                let own = root_of(&hashes);
                (hashes.len() as u64 == TILE_WIDTH && own.0.as_slice() == root && below_fits).then_some(own)
            });
            match fits {
                Some(root) => roots.push(root),
                None => return Ok(Some(n * events_a_tile)),
            }
        }
        below = Some(roots);
        level += 1;
        tiles /= TILE_WIDTH;
        events_a_tile = events_a_tile.saturating_mul(TILE_WIDTH);
    }
    Ok(None)
}

/// Deletes the personal parts of the events by or about a person; says how many.
///
/// # Errors
/// When the database fails.
pub fn erase_person(conn: &mut AnyConnection, person: &str) -> Result<usize> {
    let sql = match conn {
        AnyConnection::Sqlite(_) => {
            "DELETE FROM event_private WHERE idx IN (SELECT idx FROM events WHERE actor = ? OR subject = ?)"
        }
        AnyConnection::Postgres(_) => {
            "DELETE FROM event_private WHERE idx IN (SELECT idx FROM events WHERE actor = $1 OR subject = $2)"
        }
    };
    Ok(diesel::sql_query(sql).bind::<Text, _>(person).bind::<Text, _>(person).execute(conn)?)
}

/// A one-row answer of a raw query.
#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = BigInt)]
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
