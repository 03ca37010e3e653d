//! Entries of the audit log as people read them.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::domain::event::{Action, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::person::Role;
use crate::log::RecordedEvent;
use crate::log::verify::StoredEvent;
use crate::store::cursor::ROWS;
use crate::store::log::{Filter, LogArchive, Walk, select};
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
    /// The personal part, indented for reading; empty if there is none.
    pub private: String,
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
    let names = people::names(conn, &actors)?;
    Ok((events.into_iter().map(|event| entry(event, &names)).collect(), next))
}

/// The next events of an export that ends before the event `end`, and where to go on, if there is more.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn export_batch(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    filter: &Filter,
    (from, end): (u64, u64),
) -> Result<(Vec<StoredEvent>, Option<u64>)> {
    let mut events = select(conn, archive, filter, Walk::From(from), EXPORT_BATCH)?;
    let next = events.last().map(|event| event.index + 1).filter(|next| *next < end);
    events.retain(|event| event.index < end);
    Ok((events, next))
}

fn entry(stored: StoredEvent, names: &HashMap<String, String>) -> AuditEntry {
    let recorded = RecordedEvent::read(&stored).ok().map(|RecordedEvent { at, event, .. }| RecordedAs {
        at,
        action: event.action,
        person: event.actor.person.map(|id| (id, names.get(&id.to_string()).cloned().unwrap_or_default())),
        role: event.actor.role,
        dataset: event.dataset.map(String::from).unwrap_or_default(),
        done: event.outcome == Outcome::Done,
    });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    AuditEntry {
        index: stored.index,
        recorded,
        body: serde_json::from_str(&stored.body).map_or(stored.body, |body: Value| pretty(&body)),
        private: stored.private.map(|part| pretty(&json!(part.data))).unwrap_or_default(),
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
        let damaged = entry(stored("{\"action\":\"nothing.known\"}"), &HashMap::new());
        assert!(damaged.recorded.is_none() && damaged.body.contains("nothing.known"));
        assert_eq!(entry(stored("\u{fffd}"), &HashMap::new()).body, "\u{fffd}");
    }
}
