//! Exports of the audit log.

use std::collections::BTreeSet;

use crate::domain::event::Action;
use crate::log::verify::StoredEvent;
use crate::store::log::{Filter, LogArchive, Walk, at_indexes, select};
use crate::store::{AnyConnection, Result};

/// Events read at a time for an export.
const EXPORT_BATCH: usize = 2_000;

/// An export of what a filter finds, up to some event. Where it leaves events out, the one that describes the client of a
/// download stands before the first download of that client all the same.
#[derive(Clone, Debug)]
pub struct Export {
    filter: Filter,
    /// The next event; `None` at the end.
    from: Option<u64>,
    /// Before which event it ends.
    end: u64,
    /// The events about clients that were exported.
    clients: BTreeSet<u64>,
}

impl Export {
    /// The export of what `filter` finds before the event `end`.
    pub const fn new(filter: Filter, end: u64) -> Self {
        Self { filter, from: Some(0), end, clients: BTreeSet::new() }
    }

    /// Its next events; `None` after the last.
    ///
    /// # Errors
    /// When the database fails, or a file of the archive can't be read.
    pub fn next_batch(&mut self, conn: &mut AnyConnection, archive: &LogArchive) -> Result<Option<Vec<StoredEvent>>> {
        let Some(from) = self.from else { return Ok(None) };
        let mut events = select(conn, archive, &self.filter, Walk::From(from), EXPORT_BATCH)?;
        self.from = events.last().map(|event| event.index + 1).filter(|next| *next < self.end);
        events.retain(|event| event.index < self.end);
        // From the first event on, each client is described before it is named.
        if self.filter.finds_all() && self.filter.since.is_none() {
            return Ok(Some(events));
        }
        let is_about_client = |event: &&StoredEvent| event.fields.action == Action::ClientSeen.as_str();
        self.clients.extend(events.iter().filter(is_about_client).map(|event| event.index));
        let named: BTreeSet<u64> = events.iter().filter_map(|event| event.fields.client).collect();
        let missing: BTreeSet<u64> = named.difference(&self.clients).copied().collect();
        let mut about_clients = at_indexes(conn, archive, &missing)?;
        self.clients.extend(missing);
        let mut batch = Vec::with_capacity(events.len() + about_clients.len());
        for event in events {
            batch.extend(event.fields.client.and_then(|client| about_clients.remove(&client)));
            batch.push(event);
        }
        Ok(Some(batch))
    }
}
