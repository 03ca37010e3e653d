//! Files that were not delivered, because they are no longer what was imported.

use std::collections::BTreeSet;

use crate::domain::Timestamp;
use crate::domain::dataset::Dataset;
use crate::domain::event::Action;
use crate::domain::transfer::FileMismatch;
use crate::log::RecordedEvent;
use crate::log::verify::StoredEvent;
use crate::store::log::{Filter, LogArchive, Walk, select};
use crate::store::{AnyConnection, Result, releases};

/// How many entries of the log are looked at.
const ENTRIES: usize = 200;

/// A file that was asked for and was not what was imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedFile {
    /// Its path in the dataset.
    pub path: String,
    /// What is different about it.
    pub why: FileMismatch,
    /// When that was last noticed.
    pub at: Timestamp,
}

/// The files of a dataset that were noticed to have changed since its last import, the last noticed first, each once.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn since_last_import(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    dataset: &Dataset,
) -> Result<Vec<ChangedFile>> {
    let Some(newest) = releases::find(conn, dataset.newest())? else { return Ok(Vec::new()) };
    let mut newest_first = |action: Action, since: Timestamp, limit: usize| {
        let (dataset, action) = (Some(dataset.slug.to_string()), Some(action.as_str().to_owned()));
        let filter = Filter { dataset, action, since: Some(since), ..Filter::default() };
        select(conn, archive, &filter, Walk::Before(u64::MAX), limit)
    };
    // The same files again, with other times or tags, make no release.
    let refreshed = newest_first(Action::DatasetFilesRefreshed, newest.published_at, 1)?;
    let imported_at = refreshed.first().and_then(|event| Some(RecordedEvent::read(event).ok()?.at));
    let noticed = newest_first(Action::FileChanged, imported_at.unwrap_or(newest.published_at), ENTRIES)?;
    let mut seen = BTreeSet::new();
    Ok(noticed.iter().filter_map(changed_file).filter(|file| seen.insert(file.path.clone())).collect())
}

fn changed_file(event: &StoredEvent) -> Option<ChangedFile> {
    let recorded = RecordedEvent::read(event).ok()?;
    let text = |name: &str| recorded.event.details.get(name)?.as_str();
    let why = FileMismatch::ALL.into_iter().find(|why| Some(why.as_str()) == text("why"))?;
    Some(ChangedFile { path: text("path")?.to_owned(), why, at: recorded.at })
}
