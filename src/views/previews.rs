//! What everybody may see of the files of a release.

use super::releases::{ReleaseName, find};
use crate::domain::Timestamp;
use crate::domain::dataset::Dataset;
use crate::domain::path::FilePath;
use crate::domain::preview::{PreviewLevel, Readme, TablePreview, readme_for};
use crate::domain::release::Release;
use crate::domain::text::Language;
use crate::store::{AnyConnection, Result, releases};

/// The tables of a release, as far as they are shown.
#[derive(Clone, Debug)]
pub struct ReleaseTables {
    /// The dataset.
    pub dataset: Dataset,
    /// The release.
    pub release: Release,
    /// Its largest tables; none where nothing is shown.
    pub tables: Vec<TablePreview>,
}

/// What of a release its dataset's page shows.
#[derive(Clone, Debug)]
pub struct PreviewOnPage {
    /// Its largest table, and how many tables are shown.
    pub table: Option<(TablePreview, u64)>,
    /// Its pictures: their places and paths.
    pub pictures: Vec<(u32, FilePath)>,
    /// What its publisher says about it, for readers of the page's language.
    pub readme: Option<Readme>,
}

/// The tables of a release; `None` when there is no such release.
///
/// # Errors
/// When the database fails.
pub fn tables(conn: &mut AnyConnection, name: &ReleaseName, now: Timestamp) -> Result<Option<ReleaseTables>> {
    let Some((dataset, release)) = find(conn, name)? else { return Ok(None) };
    let level = release.preview(&dataset, now);
    // Nothing is read where nothing is shown.
    let tables = match level {
        PreviewLevel::Nothing => Vec::new(),
        _ => releases::tables(conn, release.id_in(&dataset))?,
    };
    let tables = tables.into_iter().filter_map(|table| table.shown(level)).collect();
    Ok(Some(ReleaseTables { dataset, release, tables }))
}

/// The pictures of a release that are shown, their places and paths; `None` when there is no such release.
///
/// # Errors
/// When the database fails.
pub fn pictures(conn: &mut AnyConnection, name: &ReleaseName, now: Timestamp) -> Result<Option<Vec<(u32, FilePath)>>> {
    let Some((dataset, release)) = find(conn, name)? else { return Ok(None) };
    shown_pictures(conn, &dataset, &release, now).map(Some)
}

fn shown_pictures(
    conn: &mut AnyConnection,
    dataset: &Dataset,
    release: &Release,
    now: Timestamp,
) -> Result<Vec<(u32, FilePath)>> {
    if !release.preview(dataset, now).shows_pictures() {
        return Ok(Vec::new());
    }
    releases::pictures(conn, release.id_in(dataset))
}

/// The READMEs of a release that are shown; `None` when there is no such release.
///
/// # Errors
/// When the database fails.
pub fn readmes(conn: &mut AnyConnection, name: &ReleaseName, now: Timestamp) -> Result<Option<Vec<Readme>>> {
    let Some((dataset, release)) = find(conn, name)? else { return Ok(None) };
    shown_readmes(conn, &dataset, &release, now).map(Some)
}

fn shown_readmes(
    conn: &mut AnyConnection,
    dataset: &Dataset,
    release: &Release,
    now: Timestamp,
) -> Result<Vec<Readme>> {
    if !release.preview(dataset, now).shows_readme() {
        return Ok(Vec::new());
    }
    releases::readmes(conn, release.id_in(dataset))
}

/// A picture of a release, small, as a JPEG; `None` where there is none or it isn't shown.
///
/// # Errors
/// When the database fails.
pub fn picture(conn: &mut AnyConnection, name: &ReleaseName, place: u32, now: Timestamp) -> Result<Option<Vec<u8>>> {
    match find(conn, name)? {
        Some((dataset, release)) if release.preview(&dataset, now).shows_pictures() => {
            releases::picture(conn, release.id_in(&dataset), place)
        }
        _ => Ok(None),
    }
}

/// What of a dataset's release its page shows.
///
/// # Errors
/// When the database fails.
pub fn on_page(
    conn: &mut AnyConnection,
    dataset: &Dataset,
    release: &Release,
    language: Language,
    now: Timestamp,
) -> Result<PreviewOnPage> {
    let level = release.preview(dataset, now);
    let largest = match level {
        PreviewLevel::Nothing => None,
        _ => releases::largest_table(conn, release.id_in(dataset))?,
    };
    let table = largest.and_then(|(table, count)| Some((table.shown(level)?, count)));
    let pictures = shown_pictures(conn, dataset, release, now)?;
    let readme = readme_for(shown_readmes(conn, dataset, release, now)?, language);
    Ok(PreviewOnPage { table, pictures, readme })
}
