//! What everybody may see of the tables of a release.

use crate::domain::Timestamp;
use crate::domain::dataset::Dataset;
use crate::domain::ids::ReleaseId;
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

/// The largest table of a dataset's current release, as far as it is shown, and how many tables are.
///
/// # Errors
/// When the database fails.
pub fn largest(
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
