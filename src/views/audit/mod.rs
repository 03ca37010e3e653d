//! Entries of the audit log as people read them.

mod export;

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

pub use self::export::Export;
use super::log_path::LogPath;
use crate::domain::Timestamp;
use crate::domain::event::{Action, Details, Event, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::path::FilePath;
use crate::domain::person::Role;
use crate::domain::transfer::Interruption;
use crate::log::RecordedEvent;
use crate::log::download_fact::{AdmittedDownload, DownloadFact};
use crate::log::merkle::leaf_hash;
use crate::log::verify::StoredEvent;
use crate::store::cursor::ROWS;
use crate::store::log::{Filter, LogArchive, Walk, at_indexes, ends_of, select};
use crate::store::{AnyConnection, Error, Result, people, projects};

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
    /// The organisation, if it is about one.
    pub organisation: String,
    /// The name of the account that it is about, where that did not act.
    pub about: String,
    /// The name of the account that is its subject, if one is.
    pub subject: String,
    /// The title of the project, if it is about one.
    pub project: String,
    /// What else the event says.
    pub details: Details,
    /// Whether the action succeeded.
    pub done: bool,
}

impl RecordedAs {
    /// The locale key of the action.
    pub fn key(&self) -> String {
        format!("action-{}", self.action.message_part())
    }

    /// A value among the details. What was signed is described by an object of its own.
    pub fn detail(&self, name: &str) -> Option<&Value> {
        match (name, self.details.get("agreement")) {
            ("agreement", Some(Value::Object(signed))) => signed.get("slug"),
            ("version", Some(Value::Object(signed))) => signed.get("version"),
            _ => self.details.get(name),
        }
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
    Ok((entries(conn, archive, events)?, next))
}

/// One entry of the log, with its proof.
#[derive(Clone, Debug)]
pub struct ProvedEntry {
    /// The entry.
    pub entry: AuditEntry,
    /// The way from it to the signed root; `None` where what is stored does not lead there.
    pub path: Option<LogPath>,
}

/// The entry of the log at `index`.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn one(conn: &mut AnyConnection, archive: &LogArchive, index: u64) -> Result<Option<ProvedEntry>> {
    let events: Vec<_> = at_indexes(conn, archive, &BTreeSet::from([index]))?.into_values().collect();
    let leaf = events.first().map(|event| leaf_hash(event.body.as_bytes()));
    let Some(entry) = entries(conn, archive, events)?.pop() else { return Ok(None) };
    let path = match LogPath::of(conn, index) {
        Ok(path) => Some(path).filter(|path| Some(path.leaf) == leaf),
        Err(Error::Corrupt(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(Some(ProvedEntry { entry, path }))
}

fn entries(conn: &mut AnyConnection, archive: &LogArchive, events: Vec<StoredEvent>) -> Result<Vec<AuditEntry>> {
    let admitted = |event: &&StoredEvent| event.fields.action == Action::DownloadAdmitted.as_str();
    let related = Related {
        clients: at_indexes(conn, archive, &events.iter().filter_map(|event| event.fields.client).collect())?,
        ends: ends_of(conn, archive, &events.iter().filter(admitted).map(|event| event.index).collect())?,
    };
    let events: Vec<_> = events.into_iter().map(|stored| (RecordedEvent::read(&stored).ok(), stored)).collect();
    let names = Names::of(conn, events.iter().filter_map(|(recorded, _)| Some(&recorded.as_ref()?.event)))?;
    Ok(events.into_iter().map(|(recorded, stored)| entry(stored, recorded, &related, &names)).collect())
}

/// What people and projects are called that events name by numbers.
#[derive(Debug, Default)]
struct Names {
    people: HashMap<String, String>,
    projects: HashMap<String, String>,
}

impl Names {
    fn of<'a>(conn: &mut AnyConnection, events: impl Iterator<Item = &'a Event>) -> Result<Self> {
        let (mut people_named, mut projects_named) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            people_named.extend(event.actor.person.map(|id| id.to_string()));
            people_named.extend([person_in(event), event.subject.clone()].into_iter().flatten());
            projects_named.extend(event.project.map(|id| id.to_string()));
        }
        let people_named: Vec<String> = people_named.into_iter().collect();
        let projects_named: Vec<String> = projects_named.into_iter().collect();
        let people = people::names(conn, &people_named)?;
        Ok(Self { people, projects: projects::titles(conn, &projects_named)? })
    }

    fn recorded(&self, RecordedEvent { at, event, .. }: RecordedEvent) -> RecordedAs {
        let named = |id: Option<String>| id.and_then(|id| self.people.get(&id).cloned()).unwrap_or_default();
        let project = event.project.and_then(|id| self.projects.get(&id.to_string()).cloned());
        RecordedAs {
            at,
            action: event.action,
            about: named(person_in(&event)),
            subject: named(event.subject.clone()),
            project: project.unwrap_or_default(),
            person: event.actor.person.map(|id| (id, named(Some(id.to_string())))),
            role: event.actor.role,
            dataset: event.dataset.map(String::from).unwrap_or_default(),
            organisation: event.organisation.map(String::from).unwrap_or_default(),
            details: event.details,
            done: event.outcome == Outcome::Done,
        }
    }
}

/// The account that an event names among its details.
fn person_in(event: &Event) -> Option<String> {
    event.details.get("person")?.as_str().map(str::to_owned)
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

fn entry(
    stored: StoredEvent,
    recorded: Option<RecordedEvent>,
    Related { clients, ends }: &Related,
    names: &Names,
) -> AuditEntry {
    let recorded = recorded.map(|recorded| names.recorded(recorded));
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
        let shown = |stored: StoredEvent| {
            let recorded = RecordedEvent::read(&stored).ok();
            entry(stored, recorded, &Related::default(), &Names::default())
        };
        let damaged = shown(stored("{\"action\":\"nothing.known\"}"));
        assert!(damaged.recorded.is_none() && damaged.body.contains("nothing.known"));
        assert_eq!(shown(stored("\u{fffd}")).body, "\u{fffd}");
    }
}
