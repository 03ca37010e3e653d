//! What everybody may see of the tables and pictures of a release.

use crate::domain::Timestamp;
use crate::domain::dataset::Dataset;
use crate::domain::ids::ReleaseId;
use crate::domain::path::FilePath;
use crate::domain::preview::{PreviewLevel, TablePreview};
use crate::domain::release::Release;
use crate::store::{AnyConnection, Result, releases};

/// The tables of a release, as far as they are shown.
///
/// # Errors
/// When the database fails.
pub fn tables(
    conn: &mut AnyConnection,
    dataset: &Dataset,
    release: &Release,
    now: Timestamp,
) -> Result<Vec<TablePreview>> {
    let level = release.preview(dataset, now);
    if level == PreviewLevel::Nothing {
        return Ok(Vec::new());
    }
    let tables = releases::tables(conn, ReleaseId { dataset: dataset.id, number: release.number })?;
    Ok(tables.into_iter().filter_map(|table| table.shown(level)).collect())
}

/// The largest table of a release, as far as it is shown, and how many tables are.
fn largest(
    conn: &mut AnyConnection,
    dataset: &Dataset,
    release: &Release,
    now: Timestamp,
) -> Result<Option<(TablePreview, u64)>> {
    let level = release.preview(dataset, now);
    if level == PreviewLevel::Nothing {
        return Ok(None);
    }
    let found = releases::largest_table(conn, ReleaseId { dataset: dataset.id, number: release.number })?;
    Ok(found.and_then(|(table, count)| Some((table.shown(level)?, count))))
}

/// The pictures of a release that are shown: their places and paths.
///
/// # Errors
/// When the database fails.
pub fn pictures(
    conn: &mut AnyConnection,
    dataset: &Dataset,
    release: &Release,
    now: Timestamp,
) -> Result<Vec<(u32, FilePath)>> {
    if !release.preview(dataset, now).shows_pictures() {
        return Ok(Vec::new());
    }
    releases::pictures(conn, ReleaseId { dataset: dataset.id, number: release.number })
}

/// A picture of a release, small, as a JPEG; `None` where there is none or it isn't shown.
///
/// # Errors
/// When the database fails.
pub fn picture(
    conn: &mut AnyConnection,
    (dataset, release): (&Dataset, &Release),
    place: u32,
    now: Timestamp,
) -> Result<Option<Vec<u8>>> {
    if !release.preview(dataset, now).shows_pictures() {
        return Ok(None);
    }
    releases::picture(conn, ReleaseId { dataset: dataset.id, number: release.number }, place)
}

/// What of a release a dataset's page shows.
#[derive(Clone, Debug, Default)]
pub struct Glimpse {
    /// Its largest table, and how many tables are shown.
    pub table: Option<(TablePreview, u64)>,
    /// Its pictures: their places and paths.
    pub pictures: Vec<(u32, FilePath)>,
}

/// What of a release a dataset's page shows.
///
/// # Errors
/// When the database fails.
pub fn glimpse(conn: &mut AnyConnection, dataset: &Dataset, release: &Release, now: Timestamp) -> Result<Glimpse> {
    let (table, pictures) = (largest(conn, dataset, release, now)?, pictures(conn, dataset, release, now)?);
    Ok(Glimpse { table, pictures })
}
