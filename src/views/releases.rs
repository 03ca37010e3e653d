//! One release of a dataset with its difference to the one before, and the list of them all.

use super::datasets::cut;
use crate::domain::Timestamp;
use crate::domain::dataset::Dataset;
use crate::domain::ids::ReleaseId;
use crate::domain::path::FilePath;
use crate::domain::release::{FileFate, Release};
use crate::domain::text::Slug;
use crate::store::cursor::READ;
use crate::store::{AnyConnection, Cursor, PageOf, Result, datasets, releases};

/// Files of one fate, from a place in their list on.
#[derive(Clone, Debug)]
pub struct FilesOfFate {
    /// What became of them.
    pub fate: FileFate,
    /// How many there are in all.
    pub total: u64,
    /// Some of them; none where they must not be named.
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
    /// Whether all of its files are still delivered.
    pub is_whole: bool,
    /// What became of which files; fates that no file has are left out.
    pub files: Vec<FilesOfFate>,
    /// When its embargo ends, as long as it has not.
    pub embargo: Option<Timestamp>,
}

impl ReleaseView {
    /// Whether it is what the dataset's own address leads to.
    pub const fn is_current(&self) -> bool {
        self.release.number == self.dataset.current_release
    }

    /// Whether a newer release is what the dataset's own address leads to.
    pub const fn is_superseded(&self) -> bool {
        self.release.number < self.dataset.current_release
    }

    /// Whether its files may be delivered to somebody.
    pub const fn is_delivered(&self) -> bool {
        self.release.withdrawal.is_none() && self.embargo.is_none()
    }
}

/// A release as its address names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReleaseName {
    /// The dataset.
    pub slug: Slug,
    /// The release's number.
    pub number: u32,
}

/// A release with its dataset; `None` when there is none of this name.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut AnyConnection, name: &ReleaseName) -> Result<Option<(Dataset, Release)>> {
    let Some(dataset) = datasets::by_slug(conn, &name.slug)? else { return Ok(None) };
    let found = releases::find(conn, ReleaseId { dataset: dataset.id, number: name.number })?;
    Ok(found.map(|release| (dataset, release)))
}

/// A release; `None` when there is none of this name. With a place, only files of its fate are listed, after its path.
///
/// # Errors
/// When the database fails.
pub fn show(
    conn: &mut AnyConnection,
    name: &ReleaseName,
    place: Option<(FileFate, FilePath)>,
    now: Timestamp,
) -> Result<Option<ReleaseView>> {
    let Some((dataset, release)) = find(conn, name)? else { return Ok(None) };
    let id = ReleaseId { dataset: dataset.id, number: release.number };
    let is_whole = releases::is_whole(conn, id, dataset.newest_release)?;
    let before = ReleaseId { number: release.number.saturating_sub(1), ..id };
    let is_before_withdrawn = releases::facts(conn, before)?.withdrawn;
    let mut files = Vec::new();
    for fate in FileFate::ALL {
        let after = match &place {
            Some((wanted, after)) if *wanted == fate => after.as_str(),
            Some(_) => continue,
            None => "",
        };
        let total = release.difference.of(fate);
        if total == 0 {
            continue;
        }
        let mut paths = if release.may_name(fate, is_before_withdrawn, now) {
            releases::files_of_fate(conn, id, fate, after, READ)?
        } else {
            Vec::new()
        };
        let next = cut(&mut paths, |path| path);
        files.push(FilesOfFate { fate, total, paths, next });
    }
    Ok(Some(ReleaseView { embargo: release.embargo(now), dataset, release, is_whole, files }))
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
