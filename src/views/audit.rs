//! Entries of the audit log as people read them.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::domain::event::{Action, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::path::FilePath;
use crate::domain::person::Role;
use crate::domain::transfer::Interruption;
use crate::log::RecordedEvent;
use crate::log::download_fact::{AdmittedDownload, DownloadFact};
use crate::log::verify::StoredEvent;
use crate::store::cursor::ROWS;
use crate::store::log::{Filter, LogArchive, Walk, at_indexes, ends_of, select};
use crate::store::{AnyConnection, Result, people};

/// Events read at a time for an export.
const EXPORT_BATCH: usize = 2_000;

/// An entry of the log.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Its place in the log.
    pub index: u64,
    /// The event; `None` if the stored body is not a valid event.
    pub recorded: Option<RecordedAs>,
    /// The stored body, indented for reading.
    pub body: String,
    /// The personal part, or else that of the event that describes the client, indented for reading; empty if there is none.
    pub private: String,
    /// What became of it, if it is the admission of a download of which bytes were to be sent.
    pub download: Option<Download>,
}

/// An admitted download.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Download {
    /// The file; `None` for the archive of the whole release.
    pub path: Option<FilePath>,
    /// The length of the whole, where a part of it was asked for.
    pub part_of: Option<u64>,
    /// The number of bytes that were to be sent.
    pub bytes: u64,
    /// How the transfer ended; `None` where that is not in the log.
    pub end: Option<DownloadEnd>,
}

/// How the transfer of a download ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DownloadEnd {
    /// All of it was sent.
    Complete,
    /// It was cut short.
    Interrupted {
        /// The bytes that were sent.
        bytes: u64,
        /// Why; `None` where the log has a word that is not known.
        reason: Option<Interruption>,
    },
}

/// The events that belong to the admissions of a page.
#[derive(Debug, Default)]
struct Related {
    names: HashMap<String, String>,
    clients: HashMap<u64, StoredEvent>,
    ends: HashMap<u64, StoredEvent>,
}

/// The event of an entry, as lists show it.
#[derive(Clone, Debug)]
pub struct RecordedAs {
    /// When it was recorded.
    pub at: Timestamp,
    /// The kind of event.
    pub action: Action,
    /// The account that acted, if one did, and its name.
    pub person: Option<(PersonId, String)>,
    /// The role that acted.
    pub role: Role,
    /// The dataset, if it is about one.
    pub dataset: String,
    /// Whether the action succeeded.
    pub done: bool,
}

impl RecordedAs {
    /// The locale key of the action.
    pub fn key(&self) -> String {
        format!("action-{}", self.action.as_str().replace(['.', '_'], "-"))
    }
}

/// A page of the log, newest first, before the entry `before`. The log's own index is its cursor.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn page(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    filter: &Filter,
    before: Option<u64>,
) -> Result<(Vec<AuditEntry>, Option<u64>)> {
    let before = before.unwrap_or(u64::MAX);
    let mut events = select(conn, archive, filter, Walk::Before(before), ROWS + 1)?;
    let more = events.len() > ROWS;
    events.truncate(ROWS);
    let next = events.last().filter(|_| more).map(|event| event.index);
    let actors: Vec<String> = events.iter().filter_map(|event| event.fields.actor.clone()).collect();
    let admitted = |event: &&StoredEvent| event.fields.action == Action::DownloadAdmitted.as_str();
    let related = Related {
        names: people::names(conn, &actors)?,
        clients: at_indexes(conn, archive, &events.iter().filter_map(|event| event.fields.client).collect())?,
        ends: ends_of(conn, archive, &events.iter().filter(admitted).map(|event| event.index).collect())?,
    };
    Ok((events.into_iter().map(|event| entry(event, &related)).collect(), next))
}

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

/// What became of an admission, if `stored` is one of which bytes were to be sent.
fn download(stored: &StoredEvent, ends: &HashMap<u64, StoredEvent>) -> Option<Download> {
    let Some(DownloadFact::Admitted(admitted)) = DownloadFact::of(stored.index, &stored.body) else { return None };
    let end = ends.get(&stored.index).and_then(|end| DownloadFact::of(end.index, &end.body));
    let end = end.and_then(|end| match end {
        DownloadFact::Completed(_) => Some(DownloadEnd::Complete),
        DownloadFact::Interrupted { bytes, reason, .. } => Some(DownloadEnd::Interrupted { bytes, reason }),
        _ => None,
    });
    let AdmittedDownload { path, bytes, ranges, .. } = *admitted;
    Some(Download { path, part_of: ranges.map(|ranges| ranges.size), bytes, end })
}

fn entry(stored: StoredEvent, Related { names, clients, ends }: &Related) -> AuditEntry {
    let recorded = RecordedEvent::read(&stored).ok().map(|RecordedEvent { at, event, .. }| RecordedAs {
        at,
        action: event.action,
        person: event.actor.person.map(|id| (id, names.get(&id.to_string()).cloned().unwrap_or_default())),
        role: event.actor.role,
        dataset: event.dataset.map(String::from).unwrap_or_default(),
        done: event.outcome == Outcome::Done,
    });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let client = stored.fields.client.and_then(|index| clients.get(&index));
    let private = stored.private.as_ref().or_else(|| client.and_then(|client| client.private.as_ref()));
    AuditEntry {
        index: stored.index,
        download: download(&stored, ends),
        recorded,
        body: serde_json::from_str(&stored.body).map_or(stored.body, |body: Value| pretty(&body)),
        private: private.map(|part| pretty(&json!(part.data))).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::indexed_fields::IndexedFields;

    #[test]
    fn a_damaged_entry_is_shown_as_damaged() {
        let stored = |body: &str| StoredEvent {
            index: 7,
            fields: IndexedFields::default(),
            body: body.to_owned(),
            private: None,
            position_hash: None,
        };
        let damaged = entry(stored("{\"action\":\"nothing.known\"}"), &Related::default());
        assert!(damaged.recorded.is_none() && damaged.body.contains("nothing.known"));
        assert_eq!(entry(stored("\u{fffd}"), &Related::default()).body, "\u{fffd}");
    }
}
