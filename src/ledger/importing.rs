//! Importing a dataset's files as its next release: one command after another, while the gate goes on between them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::commands::datasets::publish as publish_dataset;
use super::commands::releases::{
    Basis, Import, Target, begin, check_next, clear_some, end, note, note_previews, refresh, switch,
};
use super::error::CommandError;
use super::{Error, Failure, Ledger, Tx};
use crate::domain::dataset::{FileEntry, FolderEntry};
use crate::domain::event::Actor;
use crate::domain::ids::{DatasetId, ReleaseId};
use crate::domain::preview::Previews;
use crate::domain::release::{
    Difference, Release, difference, file_changes, folder_changes, formats, refreshed, sums_sha256,
};
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp};
use crate::store::{self, ReadPool, datasets, files};

/// What a dataset's files are now.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The files.
    pub files: Vec<FileEntry>,
    /// The folders they are in.
    pub folders: Vec<FolderEntry>,
    /// What everybody may be shown of them.
    pub previews: Previews,
    /// What the publisher says about them; may be empty.
    pub note: String,
    /// When they become public, if that is not at once.
    pub embargo: Option<Timestamp>,
}

/// What came of an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imported {
    /// Whether the release is the first.
    pub is_new: bool,
    /// The newest release now.
    pub release: u32,
    /// What it has differently from the one before it; nothing when there is no new one.
    pub difference: Difference,
    /// Files with the same bytes of which the storage says something else now.
    pub refreshed: u64,
}

/// Changes noted by the first command, and by any other at least: what a step costs however little it notes is not saved by noting
/// less.
const SHORTEST_STEP: usize = 20;
/// Changes noted by one command at most.
const LONGEST_STEP: usize = 200;
/// How long a command should take: for so long downloads wait to be recorded. The next notes as many changes as the one
/// before would have in this time.
const STEP: Duration = Duration::from_millis(1);
/// Files of which one command says anew how they are known: each such command is an event.
const REFRESHED_AT_ONCE: usize = 50;
/// How long others have the database to themselves between two steps, at least: what follows at once would keep a gateway
/// beside it from writing.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs short commands one after another, with pauses in which others write.
struct Steps<'a> {
    ledger: &'a Ledger,
    took: Option<Duration>,
    /// Whether nobody sees what the steps do until the dataset is switched to it.
    prepares: bool,
    /// How many changes the next step notes.
    length: usize,
    is_cancelled: &'a AtomicBool,
}

impl Steps<'_> {
    fn run<T: Send + 'static>(
        &mut self,
        command: impl FnOnce(&mut Tx<'_>) -> Result<T, CommandError> + Send + 'static,
    ) -> Result<T, Error> {
        if self.is_cancelled.load(Ordering::Acquire) {
            return Err(Error::Refused(Refusal::ImportCancelled));
        }
        if let Some(took) = self.took {
            std::thread::sleep(took.max(PAUSE));
        }
        let begun = Instant::now();
        let done =
            if self.prepares { self.ledger.prepare_blocking(command) } else { self.ledger.run_blocking(command) };
        self.took = Some(begun.elapsed());
        done
    }

    /// Notes all of a list, as much in each step as its time allows.
    fn run_all<I: Clone + Send + 'static>(
        &mut self,
        mut left: &[I],
        note: impl Fn(&mut Tx<'_>, &[I]) -> Result<(), CommandError> + Clone + Send + 'static,
    ) -> Result<(), Error> {
        while !left.is_empty() {
            let (step, rest) = left.split_at(self.length.min(left.len()));
            let (step, note, noted) = (step.to_vec(), note.clone(), step.len());
            let worked = self.run(move |tx| {
                let begun = Instant::now();
                note(tx, &step)?;
                Ok(begun.elapsed())
            })?;
            self.length = next_length(noted, worked);
            left = rest;
        }
        Ok(())
    }
}

/// How many changes a step notes after one that noted some in a time.
fn next_length(noted: usize, took: Duration) -> usize {
    let fit = noted as u128 * STEP.as_nanos() / took.as_nanos().max(1);
    usize::try_from(fit).unwrap_or(LONGEST_STEP).clamp(SHORTEST_STEP, LONGEST_STEP)
}

/// What a dataset is, which an import is told that reads its files after this; `None` where there is none.
///
/// # Errors
/// When the database fails.
pub fn basis(reads: &ReadPool, slug: &Slug) -> store::Result<Option<Basis>> {
    let found = reads.read_blocking(|conn| datasets::any_by_slug(conn, slug))?;
    Ok(found.as_ref().map(Basis::from))
}

/// Publishes a dataset, or brings it up to date, and makes a release of what its files are now, unless they are those of its
/// newest one. `basis` is what [`basis`] said before they were read. Blocks.
///
/// # Errors
/// [`Refusal::ImportReplaced`] when another import began meanwhile; [`Refusal::ImportCancelled`] once `is_cancelled` says so;
/// another rule that says no; or when the store fails. What was prepared until then is taken away by the next import.
pub fn import(
    ledger: &Ledger,
    reads: &ReadPool,
    (by, is_cancelled): (Actor, &AtomicBool),
    (target, basis): (&Target, Option<Basis>),
    contents: Contents,
) -> Result<Imported, Error> {
    let Contents { mut files, mut folders, previews, note: words, embargo } = contents;
    files.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
    folders.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
    let mut steps = Steps { ledger, took: None, prepares: true, length: SHORTEST_STEP, is_cancelled };
    let (dataset, basis) = found_or_made(ledger, by, target, basis)?;
    let import = ledger.run_blocking(move |tx| begin(tx, dataset, basis))?;
    clear(&mut steps, &import)?;
    let (old_files, old_folders) = read_release(reads, import.newest).map_err(|error| Failure::from(&error))?;
    let changes = file_changes(&old_files, &files);
    let difference = difference(&changes);
    if difference.total() > 0 {
        let (import, root) = (import.clone(), target.root().to_owned());
        steps.run(move |tx| check_next(tx, &import, (&root, difference), embargo))?;
    }
    let into = import.clone();
    steps.run_all(&changes, move |tx, step| note(tx, &into, step, &[]))?;
    let into = import.clone();
    steps.run_all(&folder_changes(&old_folders, &folders), move |tx, step| note(tx, &into, &[], step))?;
    if difference.total() > 0 {
        let import = import.clone();
        steps.run(move |tx| note_previews(tx, &import, &previews))?;
    }
    let release = (difference.total() > 0).then(|| Release {
        number: import.next.number,
        note: words,
        published_at: Timestamp(0),
        file_count: files.len() as u64,
        total_bytes: files.iter().map(|entry| entry.size).sum(),
        formats: formats(&files),
        sums_sha256: sums_sha256(&files),
        difference,
        embargoed_until: embargo,
        withdrawal: None,
    });
    let number = release.as_ref().map_or(import.newest.number, |release| release.number);
    let (switched, into) = (import.clone(), target.clone());
    steps.prepares = false;
    steps.run(move |tx| switch(tx, by, &switched, (&into, release.as_ref())))?;
    // What is switched stays, whatever is cancelled now.
    let mut steps = Steps { is_cancelled: &AtomicBool::new(false), ..steps };
    let refreshed = refreshed(&old_files, &files);
    for step in refreshed.chunks(REFRESHED_AT_ONCE) {
        let (import, step) = (import.clone(), step.to_vec());
        steps.run(move |tx| refresh(tx, by, &import, &step))?;
    }
    let into = target.clone();
    steps.run(move |tx| end(tx, &import, &into))?;
    Ok(Imported {
        is_new: number == 1 && difference.total() > 0,
        release: number,
        difference,
        refreshed: refreshed.len() as u64,
    })
}

/// The dataset, and what it was; one that was not there is made, without files.
fn found_or_made(
    ledger: &Ledger,
    by: Actor,
    target: &Target,
    basis: Option<Basis>,
) -> Result<(DatasetId, Basis), Error> {
    let target = target.clone();
    ledger.run_blocking(move |tx| match (datasets::any_by_slug(tx.conn, target.slug())?, basis, &target) {
        (Some(dataset), Some(basis), Target::Described(_)) => Ok((dataset.id, basis)),
        (Some(dataset), Some(basis), Target::Files { .. }) => Ok((dataset.id, basis.of_files())),
        (None, None, Target::Described(description)) => {
            let id = publish_dataset(tx, by, description)?;
            let made = datasets::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
            Ok((id, Basis::from(&made)))
        }
        _ => Err(Refusal::ImportReplaced.into()),
    })
}

/// Takes away what an unfinished import left.
fn clear(steps: &mut Steps<'_>, import: &Import) -> Result<(), Error> {
    let mut is_more = import.is_left_over;
    while is_more {
        let import = import.clone();
        is_more = steps.run(move |tx| clear_some(tx, &import))?;
    }
    Ok(())
}

/// Everything in a release.
fn read_release(reads: &ReadPool, release: ReleaseId) -> store::Result<(Vec<FileEntry>, Vec<FolderEntry>)> {
    const ROWS: i64 = 5_000;
    let mut found = Vec::new();
    loop {
        let after = found.last().map_or_else(String::new, |entry: &FileEntry| entry.path.to_string());
        let batch = reads.read_blocking(|conn| files::all(conn, release, &after, ROWS))?;
        if batch.is_empty() {
            break;
        }
        found.extend(batch);
    }
    Ok((found, reads.read_blocking(|conn| files::all_folders(conn, release))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_notes_what_fits_and_not_ever_less_where_each_costs_much() {
        // What a step of some changes takes, in microseconds: so much however few, and so much for each.
        for (fixed, each, expected) in [(0, 5, 200), (100, 20, 45), (2_000, 10, 20), (50_000, 1_000, 20)] {
            let took = |noted: usize| Duration::from_micros(fixed + each * noted as u64);
            let mut length = SHORTEST_STEP;
            for _ in 0..50 {
                length = next_length(length, took(length));
            }
            assert!(length.abs_diff(expected) <= 5, "{fixed} and {each}: {length}");
        }
    }
}
