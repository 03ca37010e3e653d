//! Erasing from the log, exporting and archiving it.

use std::fmt::Write;

use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::Person;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::log::export::Format;
use crate::store::log::{ArchiveMove, Erasure, WrittenFile};
use crate::store::people;

/// Deletes the personal parts of all events by or about a person, and records of which events. The log still verifies,
/// and says how many personal parts are gone.
///
/// # Errors
/// When the store fails.
pub fn erase_person(tx: &mut Tx<'_>, person: PersonId, erasure: &Erasure) -> Result<usize, CommandError> {
    let erased = erasure.carry_out(tx.conn)?;
    let event = Event::new(Action::AuditErased, Actor::OPERATOR)
        .person(person)
        .with("parts", erased.len())
        .with("events", ranges(&erased));
    let files: Vec<_> = erasure.written().map(file_details).collect();
    tx.record(if files.is_empty() { event } else { event.with("files", files) });
    Ok(erased.len())
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
    format: Format,
    criteria: &ExportCriteria,
) -> Result<u64, CommandError> {
    let actor = match by {
        None => Actor::OPERATOR,
        Some((id, _)) => {
            let person = people::by_id(tx.conn, id)?.filter(Person::may_oversee).ok_or(Refusal::NotAllowed)?;
            Actor::person(id, person.role())
        }
    };
    let mut event = Event::new(Action::AuditExported, actor).with("format", format.as_str());
    for (name, value) in criteria.iter().filter(|(_, value)| !value.is_empty()) {
        // An address is personal.
        event = match *name {
            "person" => event.private("person", value.as_str()),
            name => event.with(name, value.as_str()),
        };
    }
    Ok(tx.record(by.map_or(event.clone(), |(_, origin)| origin.on(event))))
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

/// Indexes in ascending order as text, such as `3-5,9`; when that is long, the first and the last alone, such as `3...9`.
fn ranges(indexes: &[u64]) -> String {
    const LONG: usize = 4_000;
    let text = all_ranges(indexes);
    match indexes {
        [first, .., last] if text.len() > LONG => format!("{first}...{last}"),
        _ => text,
    }
}

fn all_ranges(indexes: &[u64]) -> String {
    let mut text = String::new();
    for run in indexes.chunk_by(|a, b| a + 1 == *b) {
        let comma = if text.is_empty() { "" } else { "," };
        let written = match run {
            [only] => write!(text, "{comma}{only}"),
            _ => write!(text, "{comma}{}-{}", run[0], run[run.len() - 1]),
        };
        debug_assert!(written.is_ok(), "writing to a string can't fail");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_are_joined() {
        assert_eq!(super::ranges(&[3, 4, 5, 9, 11, 12]), "3-5,9,11-12");
        assert_eq!(super::ranges(&[]), "");
        let scattered: Vec<u64> = (0..10_000).map(|n| n * 2).collect();
        assert_eq!(super::ranges(&scattered), "0...19998");
    }
}
