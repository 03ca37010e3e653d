//! Finding events.

use diesel::prelude::*;

use super::archive_files::LogArchive;
use super::blocks::{BlockRow, first_of_block};
use super::head_row::size;
use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::ids::PersonId;
use crate::log::indexed_fields::{COMMON_ACTIONS, IndexedFields, key};
use crate::log::verify::StoredEvent;
use crate::store::columns::signed;
use crate::store::connection::AnyConnection;
use crate::store::error::{Error, Result};
use crate::store::schema::{event_blocks, event_keys};
use crate::store::snapshot::in_snapshot;

/// Blocks read at a time, at most.
pub(super) const BLOCKS_PER_READ: i64 = 64;

/// A filter for events of the log.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Finds only events by or about this account.
    pub person: Option<PersonId>,
    /// Finds only events about this dataset.
    pub dataset: Option<String>,
    /// Finds only this action, or all actions of a kind such as `request.`.
    pub action: Option<String>,
    /// Finds only events about this thing, which must not be a transfer.
    pub subject: Option<String>,
    /// Finds only events from this time on.
    pub since: Option<Timestamp>,
    /// Finds only events before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether an event is among those that are looked for, but for its time.
    pub(super) fn finds(&self, fields: &IndexedFields) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let by_person = self.person.is_none_or(|wanted| {
            let wanted = wanted.to_string();
            [&fields.actor, &fields.subject, &fields.person].into_iter().flatten().any(|found| *found == wanted)
        });
        let by_action = self.action.as_ref().is_none_or(|wanted| match wanted.strip_suffix('.') {
            Some(kind) => fields.action.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.')),
            None => fields.action == *wanted,
        });
        by_person && by_action && is(&self.dataset, &fields.dataset) && is(&self.subject, &fields.subject)
    }

    /// Whether every event is among those that are looked for, but for its time.
    pub fn finds_all(&self) -> bool {
        self.person.is_none() && self.dataset.is_none() && self.action.is_none() && self.subject.is_none()
    }

    /// The keys of which every block with something to find has one: those that fewest blocks have. `None` when every
    /// block may have something.
    fn keys(&self) -> Option<Vec<String>> {
        if let Some(subject) = &self.subject {
            return Some(vec![key("subject", subject)]);
        }
        if let Some(person) = self.person {
            return Some(keys_of_person(&person.to_string()));
        }
        if let Some(action) = &self.action
            && !COMMON_ACTIONS
                .iter()
                .any(|common| common == action || action.ends_with('.') && common.starts_with(action))
        {
            let words = Action::ALL.iter().map(|action| action.as_str());
            let fitting = words.filter(|word| word == action || action.ends_with('.') && word.starts_with(action));
            return Some(fitting.map(|word| key("action", word)).collect());
        }
        self.dataset.as_ref().map(|dataset| vec![key("dataset", dataset)])
    }
}

fn keys_of_person(person: &str) -> Vec<String> {
    vec![key("person", person), key("subject", person)]
}

/// The direction in which to read the log, and where to begin.
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
/// When the database fails, or a file of the archive can't be read.
pub fn select(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    filter: &Filter,
    walk: Walk,
    limit: usize,
) -> Result<Vec<StoredEvent>> {
    // Events may move to the archive meanwhile.
    let look = |conn: &mut AnyConnection| in_snapshot(conn, |conn| select_now(conn, archive, filter, walk, limit));
    match look(conn) {
        // Its next revision may have taken its place since the row was read that led to it.
        Err(Error::Archive(_, error)) if error.kind() == std::io::ErrorKind::NotFound => look(conn),
        done => done,
    }
}

fn select_now(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    filter: &Filter,
    walk: Walk,
    limit: usize,
) -> Result<Vec<StoredEvent>> {
    let since = filter.since.map_or(Ok(0), |at| first_from(conn, archive, at))?;
    let until = filter.until.map_or(Ok(i64::MAX), |at| first_from(conn, archive, at))?;
    let (low, high) = match walk {
        Walk::Before(index) => (since, until.min(signed(index))),
        Walk::From(index) => (since.max(signed(index)), until),
    };
    let mut blocks = Blocks {
        newest_first: matches!(walk, Walk::Before(_)),
        keys: filter.keys(),
        // The block that `low` is in begins before it.
        low: first_of_block(conn, low)?.unwrap_or(low),
        high,
    };
    let mut found = Vec::new();
    while found.len() < limit && low < high {
        // A block holds an event at least.
        let wanted = if filter.finds_all() {
            i64::try_from(limit - found.len()).unwrap_or(BLOCKS_PER_READ).min(BLOCKS_PER_READ)
        } else {
            BLOCKS_PER_READ
        };
        let Some(page) = blocks.next(conn, wanted)? else { break };
        for row in &page {
            let block = row.open(archive)?;
            let fits = |event: &StoredEvent| {
                let index = signed(event.index);
                low <= index && index < high && filter.finds(&event.fields)
            };
            if blocks.newest_first {
                found.extend(block.events().rev().filter(fits));
            } else {
                found.extend(block.events().filter(fits));
            }
            if found.len() >= limit {
                break;
            }
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// Goes through the blocks that may have something, one way.
pub(super) struct Blocks {
    newest_first: bool,
    keys: Option<Vec<String>>,
    /// The first events of blocks that are still to come are from here on,
    low: i64,
    /// and before this.
    high: i64,
}

impl Blocks {
    /// Those between two events that may have something to find.
    pub fn oldest_first(filter: &Filter, low: i64, high: i64) -> Self {
        Self { newest_first: false, keys: filter.keys(), low, high }
    }

    /// The next blocks, in which there may be nothing all the same; `None` at the end.
    pub fn next(&mut self, conn: &mut AnyConnection, wanted: i64) -> Result<Option<Vec<BlockRow>>> {
        let Some(keys) = &self.keys else {
            let page = self.in_order(conn, wanted)?;
            let Some(last) = page.last().map(|block| block.first) else { return Ok(None) };
            self.pass(last);
            return Ok(Some(page));
        };
        // Keys may lead nowhere, if somebody put them there: verification says so, and nothing is hidden by them.
        let firsts = self.with_keys(conn, keys, wanted)?;
        let Some(last) = firsts.last().copied() else { return Ok(None) };
        self.pass(last);
        let mut page = event_blocks::table
            .filter(event_blocks::first.eq_any(firsts))
            .order(event_blocks::first.asc())
            .select(BlockRow::as_select())
            .load(conn)?;
        if self.newest_first {
            page.reverse();
        }
        Ok(Some(page))
    }

    const fn pass(&mut self, first: i64) {
        if self.newest_first {
            self.high = first;
        } else {
            self.low = first + 1;
        }
    }

    fn in_order(&self, conn: &mut AnyConnection, wanted: i64) -> Result<Vec<BlockRow>> {
        let query = event_blocks::table
            .filter(event_blocks::first.ge(self.low).and(event_blocks::first.lt(self.high)))
            .limit(wanted)
            .select(BlockRow::as_select())
            .into_boxed();
        Ok(if self.newest_first {
            query.order(event_blocks::first.desc()).load(conn)?
        } else {
            query.order(event_blocks::first.asc()).load(conn)?
        })
    }

    /// The next blocks that have one of the keys: of each key the next ones, and of those all together again the next.
    fn with_keys(&self, conn: &mut AnyConnection, keys: &[String], wanted: i64) -> Result<Vec<i64>> {
        let mut firsts: Vec<i64> = Vec::new();
        for key in keys {
            let query = event_keys::table
                .filter(event_keys::key.eq(key))
                .filter(event_keys::first.ge(self.low).and(event_keys::first.lt(self.high)))
                .limit(wanted)
                .select(event_keys::first)
                .into_boxed();
            let more: Vec<i64> = if self.newest_first {
                query.order(event_keys::first.desc()).load(conn)?
            } else {
                query.order(event_keys::first.asc()).load(conn)?
            };
            firsts.extend(more);
        }
        firsts.sort_unstable();
        firsts.dedup();
        if self.newest_first {
            firsts.reverse();
        }
        firsts.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        Ok(firsts)
    }
}

/// The index of the first event that is not before `at`. Later events have later times, so it is found by halving.
pub(super) fn first_from(conn: &mut AnyConnection, archive: &LogArchive, at: Timestamp) -> Result<i64> {
    // Everything before `low` is earlier, everything from `high` on is not.
    let (mut low, mut high) = (0, signed(size(conn)?));
    while low < high {
        let middle = low + (high - low) / 2;
        let block: Option<(i64, i64)> = event_blocks::table
            .filter(event_blocks::first.le(middle))
            .order(event_blocks::first.desc())
            .select((event_blocks::first, event_blocks::at))
            .first(conn)
            .optional()?;
        match block {
            // No event of a block is later than it, and the last has its time.
            Some((first, time)) if time >= at.0 => high = first.max(low),
            _ => low = middle + 1,
        }
    }
    // Archived events of several times are together.
    let row = event_blocks::table.find(low).select(BlockRow::as_select()).first(conn).optional()?;
    if let Some(row) = row.filter(|row| row.archive_location().is_some()) {
        let text = at.to_string();
        let block = row.open(archive)?;
        low += signed(block.events().take_while(|event| event.fields.at < text).count() as u64);
    }
    Ok(low)
}
