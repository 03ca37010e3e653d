//! One release of a dataset with its difference to the one before, and the list of them all.

use crate::domain::dataset::Dataset;
use crate::domain::ids::ReleaseId;
use crate::domain::path::FilePath;
use crate::domain::release::Release;
use crate::domain::text::Slug;
use crate::store::cursor::{READ, ROWS};
use crate::store::releases::{self, FileFate};
use crate::store::{AnyConnection, Cursor, PageOf, Result, datasets};

/// Files of one fate, from a place in their list on.
#[derive(Clone, Debug)]
pub struct FilesOfFate {
    /// What became of them.
    pub fate: FileFate,
    /// How many there are in all.
    pub total: u64,
    /// Some of them.
    pub paths: Vec<FilePath>,
    /// The path after which the others come, if there are more.
    pub next: Option<FilePath>,
}

/// A release with its difference to the one before.
#[derive(Clone, Debug)]
pub struct ReleaseView {
    /// The dataset.
    pub dataset: Dataset,
    /// The release.
    pub release: Release,
    /// What became of which files; fates that no file has are left out.
    pub files: Vec<FilesOfFate>,
}

impl ReleaseView {
    /// Whether it is what the dataset's own address leads to.
    pub const fn is_current(&self) -> bool {
        self.release.number == self.dataset.current_release
    }
}

/// A release; `None` when there is none of this number. With a place, only files of its fate are listed, after its path.
///
/// # Errors
/// When the database fails.
pub fn show(
    conn: &mut AnyConnection,
    slug: &Slug,
    number: u32,
    place: Option<(FileFate, FilePath)>,
) -> Result<Option<ReleaseView>> {
    let Some(dataset) = datasets::by_slug(conn, slug)? else { return Ok(None) };
    let id = ReleaseId { dataset: dataset.id, number };
    let Some(release) = releases::find(conn, id)? else { return Ok(None) };
    let before = ReleaseId { number: number.saturating_sub(1), ..id };
    let before_is_withdrawn = releases::is_withdrawn(conn, before)?;
    let difference = release.difference;
    let totals = [
        (FileFate::Added, difference.added),
        (FileFate::Changed, difference.changed),
        (FileFate::Removed, difference.removed),
    ];
    let mut files = Vec::new();
    for (fate, total) in totals {
        let after = match &place {
            Some((wanted, after)) if *wanted == fate => after.as_str(),
            Some(_) => continue,
            None => "",
        };
        // What a withdrawn one held may be why it was: neither it nor the one after it says.
        let is_hidden = release.withdrawal.is_some() || fate != FileFate::Added && before_is_withdrawn;
        if total > 0 && is_hidden {
            files.push(FilesOfFate { fate, total, paths: Vec::new(), next: None });
        } else if total > 0 {
            let mut paths = releases::files_of_fate(conn, id, fate, after, READ)?;
            let more = paths.len() > ROWS;
            paths.truncate(ROWS);
            let next = paths.last().filter(|_| more).cloned();
            files.push(FilesOfFate { fate, total, paths, next });
        }
    }
    Ok(Some(ReleaseView { dataset, release, files }))
}

/// A dataset with its releases, the newest first; `None` when there is no such dataset.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut AnyConnection, slug: &Slug, after: &Cursor) -> Result<Option<(Dataset, PageOf<Release>)>> {
    let Some(dataset) = datasets::by_slug(conn, slug)? else { return Ok(None) };
    let found = releases::of_dataset(conn, dataset.id, after)?;
    Ok(Some((dataset, found)))
}
