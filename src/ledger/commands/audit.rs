//! Erasing from the log, archiving it, and recording events that change nothing else.

use std::fmt::Write;

use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::log::{ArchiveMove, Erasure, WrittenFile};

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
