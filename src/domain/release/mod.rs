//! Releases: immutable lists of a dataset's files, numbered from 1.

mod formats;
mod history;

use std::cmp::Ordering;

pub use formats::formats;
pub use history::{Edition, FilePlace, FilePlaces, History};

use serde::{Deserialize, Serialize};

use super::comment::Reason;
use super::dataset::{Dataset, FileEntry, FolderEntry};
use super::ids::ReleaseId;
use super::path::FilePath;
use super::preview::PreviewLevel;
use super::text::{Sha256, TextError, one_line};
use super::words::words;
use super::{Refusal, Timestamp};

/// A published release.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// Its number.
    pub number: u32,
    /// What its publisher says about it; may be empty.
    pub note: String,
    /// When it was published.
    pub published_at: Timestamp,
    /// How many files it has.
    pub file_count: u64,
    /// Their bytes.
    pub total_bytes: u64,
    /// Their formats, such as `csv`, those with the most files first.
    pub formats: Vec<String>,
    /// The SHA-256 of its `SHA256SUMS`.
    pub sums_sha256: Sha256,
    /// What became of the files of the release before.
    pub difference: Difference,
    /// Nothing of it is delivered before this time. Once it has come, the release is public, with this in its place for a
    /// moment longer.
    pub embargoed_until: Option<Timestamp>,
    /// That it was withdrawn, if it was: nothing of it is delivered any more.
    pub withdrawal: Option<Withdrawal>,
}

/// That a release was withdrawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawal {
    /// When.
    pub at: Timestamp,
    /// Why, for everybody to read.
    pub reason: Reason,
}

impl Release {
    /// Whether it may be withdrawn: once, and for ever.
    ///
    /// # Errors
    /// [`Refusal::ReleaseWithdrawn`].
    pub const fn decide_withdrawal(&self) -> Result<(), Refusal> {
        if self.withdrawal.is_some() { Err(Refusal::ReleaseWithdrawn) } else { Ok(()) }
    }

    /// The end of its embargo, as long as that has not come.
    pub fn embargo(&self, now: Timestamp) -> Option<Timestamp> {
        self.embargoed_until.filter(|end| *end > now)
    }

    /// Its id, as a release of its dataset.
    pub const fn id_in(&self, dataset: &Dataset) -> ReleaseId {
        ReleaseId { dataset: dataset.id, number: self.number }
    }

    /// How much everybody sees of its files: nothing while nothing of it is delivered to anybody, nor once another release is
    /// current. Its publisher may have changed what should not have been there.
    pub fn preview(&self, dataset: &Dataset, now: Timestamp) -> PreviewLevel {
        let is_closed = dataset.is_suspended() || self.withdrawal.is_some() || self.embargo(now).is_some();
        let is_shown = !is_closed && self.number == dataset.current_release;
        if is_shown { dataset.preview } else { PreviewLevel::Nothing }
    }

    /// Whether its page may name the files of a fate. What a withdrawn release held may be why it was withdrawn: neither it nor
    /// the one after it says. One under embargo names none.
    pub fn may_name(&self, fate: FileFate, is_before_withdrawn: bool, now: Timestamp) -> bool {
        self.withdrawal.is_none() && self.embargo(now).is_none() && (fate == FileFate::Added || !is_before_withdrawn)
    }
}

/// What became of a file in a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileFate {
    /// It was not there before.
    Added,
    /// It has other bytes.
    Changed,
    /// It is gone.
    Removed,
}

words! {
    FileFate {
        Added = "added",
        Changed = "changed",
        Removed = "removed",
    }
}

/// How many files differ from the release before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Difference {
    /// Files that were not there.
    pub added: u64,
    /// Files with other bytes.
    pub changed: u64,
    /// Files that are gone.
    pub removed: u64,
}

impl Difference {
    /// How many files differ.
    pub const fn total(self) -> u64 {
        self.added + self.changed + self.removed
    }

    /// How many files have this fate.
    pub const fn of(self, fate: FileFate) -> u64 {
        match fate {
            FileFate::Added => self.added,
            FileFate::Changed => self.changed,
            FileFate::Removed => self.removed,
        }
    }
}

/// The longest note, in characters.
const NOTE_MAX: usize = 500;

/// A note as typed; may be empty.
///
/// # Errors
/// [`TextError::TooLong`] or [`TextError::Control`].
pub fn parse_note(text: &str) -> Result<String, TextError> {
    if text.trim().is_empty() { Ok(String::new()) } else { one_line(text, NOTE_MAX) }
}

/// What becomes of a row of the file table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileChange {
    /// A file that the release before does not have.
    Add(FileEntry),
    /// A file with other bytes.
    Replace(FileEntry),
    /// A file that is gone.
    Remove(FilePath),
}

/// What becomes of a row of the folder table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FolderChange {
    /// A folder that the release before does not have, or has with other contents.
    Put(FolderEntry),
    /// A folder that is gone.
    Remove(FilePath),
}

/// Pairs what is in both lists, each in ascending order of its key.
fn paired<'a, T>(old: &'a [T], new: &'a [T], key: impl Fn(&T) -> &str) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut pairs = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => key(old).cmp(key(new)),
        };
        pairs.push(match order {
            Ordering::Less => (old.next(), None),
            Ordering::Greater => (None, new.next()),
            Ordering::Equal => (old.next(), new.next()),
        });
    }
}

/// What makes one list of files out of another; both are in ascending order of their paths.
pub fn file_changes(old: &[FileEntry], new: &[FileEntry]) -> Vec<FileChange> {
    let change = |pair: (Option<&FileEntry>, Option<&FileEntry>)| match pair {
        (Some(old), None) => Some(FileChange::Remove(old.path.clone())),
        (None, Some(new)) => Some(FileChange::Add(new.clone())),
        (Some(old), Some(new)) if (old.sha256, old.size) != (new.sha256, new.size) => {
            Some(FileChange::Replace(new.clone()))
        }
        _ => None,
    };
    paired(old, new, |entry| entry.path.as_str()).into_iter().filter_map(change).collect()
}

/// Files of both lists with the same bytes, of which the storage says something else now: when they were modified, or their tag.
pub fn refreshed(old: &[FileEntry], new: &[FileEntry]) -> Vec<FileEntry> {
    let is_same = |old: &FileEntry, new: &FileEntry| (old.sha256, old.size) == (new.sha256, new.size);
    let pairs = paired(old, new, |entry| entry.path.as_str()).into_iter();
    let both = pairs.filter_map(|(old, new)| Some((old?, new?)));
    both.filter(|(old, new)| is_same(old, new) && old != new).map(|(_, new)| new.clone()).collect()
}

/// What makes one list of folders out of another; both are in ascending order of their paths.
pub fn folder_changes(old: &[FolderEntry], new: &[FolderEntry]) -> Vec<FolderChange> {
    let change = |pair: (Option<&FolderEntry>, Option<&FolderEntry>)| match pair {
        (Some(old), None) => Some(FolderChange::Remove(old.path.clone())),
        (old, Some(new)) if old != Some(new) => Some(FolderChange::Put(new.clone())),
        _ => None,
    };
    paired(old, new, |entry| entry.path.as_str()).into_iter().filter_map(change).collect()
}

/// The line of a file in a release's `SHA256SUMS`.
pub fn sums_line(entry: &FileEntry) -> String {
    format!("{}  {}\n", entry.sha256, entry.path)
}

/// The SHA-256 of the `SHA256SUMS` of these files, which are in ascending order of their paths.
pub fn sums_sha256(files: &[FileEntry]) -> Sha256 {
    Sha256::of(files.iter().map(sums_line).collect::<String>().as_bytes())
}

/// How many files these changes add, change and remove.
pub fn difference(changes: &[FileChange]) -> Difference {
    let mut difference = Difference::default();
    for change in changes {
        match change {
            FileChange::Add(_) => difference.added += 1,
            FileChange::Replace(_) => difference.changed += 1,
            FileChange::Remove(_) => difference.removed += 1,
        }
    }
    difference
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn list(files: &BTreeMap<String, (u8, i64)>) -> Vec<FileEntry> {
        let entry = |(name, (bytes, at)): (&String, &(u8, i64))| FileEntry {
            path: name.parse().unwrap(),
            size: u64::from(*bytes),
            sha256: Sha256([*bytes; 32]),
            crc32: 0,
            media_type: String::new(),
            modified_at: Timestamp(*at),
            pinned_etag: None,
        };
        files.iter().map(entry).collect()
    }

    fn files() -> impl Strategy<Value = BTreeMap<String, (u8, i64)>> {
        prop::collection::btree_map("[ab]{1,3}(/[ab]{1,2})?", (0..3_u8, 0..2_i64), 0..12)
    }

    proptest! {
        #[test]
        fn changes_lead_from_any_list_to_any_other(old in files(), new in files()) {
            let (old, new) = (list(&old), list(&new));
            let changes = file_changes(&old, &new);
            let mut rows: BTreeMap<String, FileEntry> =
                old.iter().map(|entry| (entry.path.to_string(), entry.clone())).collect();
            for change in &changes {
                match change {
                    FileChange::Add(entry) => prop_assert!(rows.insert(entry.path.to_string(), entry.clone()).is_none()),
                    FileChange::Replace(entry) => {
                        prop_assert!(rows.insert(entry.path.to_string(), entry.clone()).is_some());
                    }
                    FileChange::Remove(path) => prop_assert!(rows.remove(path.as_str()).is_some()),
                }
            }
            for entry in refreshed(&old, &new) {
                prop_assert!(rows.insert(entry.path.to_string(), entry).is_some());
            }
            prop_assert_eq!(rows.into_values().collect::<Vec<_>>(), new.clone());
            let counts = difference(&changes);
            prop_assert_eq!(old.len() as u64 + counts.added - counts.removed, new.len() as u64);
            prop_assert!(file_changes(&new, &new).is_empty() && refreshed(&new, &new).is_empty());
        }
    }
}
