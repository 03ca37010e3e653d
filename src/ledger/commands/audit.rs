//! Erasing from the log, exporting and archiving it.

use super::people::committees_of;
use super::projects::ending;
use super::{access_requests, tokens};
use crate::domain::Refusal;
use crate::domain::Timestamp;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::{Person, decide_erasure};
use crate::domain::words::words;
use crate::ledger::commands::organisations::members::check_erased_owner;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::log::checkpoint::Checkpoint;
use crate::log::export::Format;
use crate::log::index_ranges;
use crate::store::erasure::{self as rows, ErasedRows};
use crate::store::log::{ArchiveMove, Erasure, WrittenFile};
use crate::store::people;

/// Deletes what is personal about a person: the account, which can't be used any more, what they wrote and signed, their
/// mail, and the personal parts of all events by or about them. Records of which events. The log still verifies, and says
/// how many personal parts are gone. Gives that number, and what else was erased.
///
/// # Errors
/// [`Refusal::LastAdministrator`]; [`Refusal::LastOwner`]; or when the store fails.
pub fn erase_person(
    tx: &mut Tx<'_>,
    id: PersonId,
    erasure: &Erasure,
) -> Result<(usize, Option<ErasedRows>), CommandError> {
    let account = people::by_id(tx.conn, id)?;
    if let Some(account) = &account {
        decide_erasure(account, people::count_administrators(tx.conn)?)?;
        check_erased_owner(tx, id)?;
        tokens::revoke_all(tx, Actor::OPERATOR, id)?;
    }
    let committees = committees_of(tx, id)?;
    // The log may name an account that is not there any more.
    let rows = account.map(|account| rows::erase(tx.conn, &account, tx.now)).transpose()?;
    access_requests::withdraw_all(tx, Actor::OPERATOR, id)?;
    ending::end_all(tx, Actor::OPERATOR, id)?;
    for (dataset, before) in committees {
        reactions::deciding::committee_changed(tx, &dataset, &before)?;
    }
    let parts = erase_events(tx, id, erasure)?;
    Ok((parts, rows))
}

fn erase_events(tx: &mut Tx<'_>, person: PersonId, erasure: &Erasure) -> Result<usize, CommandError> {
    let erased = erasure.carry_out(tx.conn)?;
    let files: Vec<_> = erasure.written().map(file_details).collect();
    // Exactly which events, for verification holds every missing personal part against it; so it may take several.
    for (n, events) in index_ranges::format(&erased).into_iter().enumerate() {
        let event = Event::new(Action::AuditErased, Actor::OPERATOR).person(person).with("events", events);
        let event = if n == 0 { event.with("parts", erased.len()) } else { event };
        tx.record(if n > 0 || files.is_empty() { event } else { event.with("files", files.clone()) });
    }
    Ok(erased.len())
}

/// Records that an operator accepted a head of the log that does not continue the one kept beside its key.
///
/// # Errors
/// When the store fails.
pub fn record_accepted_head(tx: &mut Tx<'_>, kept: Option<&Checkpoint>, accepted: u64) -> Result<(), CommandError> {
    let mut event = Event::new(Action::AuditHeadAccepted, Actor::OPERATOR).with("events", accepted);
    if let Some(kept) = kept {
        event = event.with("kept_events", kept.size).with("kept_root", kept.root.to_string());
    }
    tx.record(event);
    Ok(())
}

/// Records that an operator accepted the present time though the log's last event, at `last`, is later.
pub fn record_accepted_clock(tx: &mut Tx<'_>, last: Timestamp) {
    tx.record(Event::new(Action::AuditClockAccepted, Actor::OPERATOR).with("last_event_at", last.to_string()));
}

/// The form in which the log, or what it says, leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportForm {
    /// Events, as JSON lines.
    Jsonl,
    /// Events, as comma-separated values.
    Csv,
    /// Who was sent what, summed up.
    Holdings,
    /// Who was sent what, as comma-separated values.
    HoldingsCsv,
    /// Who was sent what, as JSON.
    HoldingsJson,
}

words! {
    ExportForm {
        Jsonl = "jsonl",
        Csv = "csv",
        Holdings = "holdings",
        HoldingsCsv = "holdings-csv",
        HoldingsJson = "holdings-json",
    }
}

impl From<Format> for ExportForm {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Csv => Self::Csv,
        }
    }
}

/// What an export asks for, as it was typed; an empty value asks for nothing.
pub type ExportCriteria = Vec<(&'static str, String)>;

/// Records that the log is exported, before any of it leaves. The index of the event is the end of the export.
///
/// # Errors
/// [`Refusal::NotAllowed`] when `by` may no longer read the log, or when the store fails.
pub fn record_export(
    tx: &mut Tx<'_>,
    by: Option<(PersonId, &Origin)>,
    form: ExportForm,
    (criteria, person): (&ExportCriteria, Option<PersonId>),
) -> Result<u64, CommandError> {
    let actor = match by {
        None => Actor::OPERATOR,
        Some((id, _)) => {
            let person = people::by_id(tx.conn, id)?.filter(Person::may_audit).ok_or(Refusal::NotAllowed)?;
            Actor::person(id, person.role())
        }
    };
    let mut event = Event::new(Action::AuditExported, actor).with("format", form.as_str());
    for (name, value) in criteria.iter().filter(|(_, value)| !value.is_empty()) {
        // An address is personal.
        event = match *name {
            "person" => event.private("person", value.as_str()),
            name => event.with(name, value.as_str()),
        };
    }
    // So that erasing the person erases the address too.
    let event = if let Some(person) = person { event.person(person) } else { event };
    Ok(tx.record(by.map_or(event.clone(), |(_, origin)| origin.add_to(event))))
}

/// Moves events into a file of the archive, and records its hash. `false` when somebody was erased since it was written:
/// then nothing is changed.
///
/// # Errors
/// When the store fails.
pub fn archive(tx: &mut Tx<'_>, moved: &ArchiveMove) -> Result<bool, CommandError> {
    if !moved.carry_out(tx.conn)? {
        return Ok(false);
    }
    let file = moved.written();
    let event = Event::new(Action::AuditArchived, Actor::OPERATOR)
        .with("events", format!("{}-{}", file.file.first(), file.file.last()))
        .with("files", vec![file_details(file)]);
    tx.record(event);
    Ok(true)
}

/// A file of the archive as events describe it.
fn file_details(written: &WrittenFile) -> serde_json::Value {
    serde_json::json!({ "name": written.file.to_string(), "bytes": written.bytes, "sha256": written.sha256 })
}
