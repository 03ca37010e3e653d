//! Releases: the list of a dataset's, one of them, and how it differs from the one before.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::columns::{parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::{Result, corrupt};
use super::files::column;
use super::schema::{files, releases};
use crate::domain::Timestamp;
use crate::domain::ids::{DatasetId, ReleaseId};
use crate::domain::path::FilePath;
use crate::domain::release::{Difference, Release};
use crate::domain::text::Sha256;

#[derive(Queryable, Selectable)]
#[diesel(table_name = releases)]
struct ReleaseRow {
    number: i32,
    note: String,
    published_at: i64,
    file_count: i64,
    total_bytes: i64,
    sums_sha256: Vec<u8>,
    added: i64,
    changed: i64,
    removed: i64,
}

impl TryFrom<ReleaseRow> for Release {
    type Error = super::error::Error;
    fn try_from(row: ReleaseRow) -> Result<Self> {
        Ok(Self {
            number: u32::try_from(row.number).map_err(|error| corrupt("release number", error))?,
            note: row.note,
            published_at: Timestamp(row.published_at),
            file_count: unsigned(row.file_count),
            total_bytes: unsigned(row.total_bytes),
            sums_sha256: Sha256::from_slice(&row.sums_sha256)
                .ok_or_else(|| corrupt("hash of SHA256SUMS", row.number))?,
            difference: Difference {
                added: unsigned(row.added),
                changed: unsigned(row.changed),
                removed: unsigned(row.removed),
            },
        })
    }
}

/// One release.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut AnyConnection, id: ReleaseId) -> Result<Option<Release>> {
    releases::table
        .find((id.dataset.to_string(), column(id.number)))
        .select(ReleaseRow::as_select())
        .first(conn)
        .optional()?
        .map(Release::try_from)
        .transpose()
}

/// The releases of a dataset, the newest first.
///
/// # Errors
/// When the database fails.
pub fn of_dataset(conn: &mut AnyConnection, dataset: DatasetId, after: &Cursor) -> Result<PageOf<Release>> {
    let rows: Vec<ReleaseRow> = releases::table
        .filter(releases::dataset_id.eq(dataset.to_string()))
        .filter(releases::number.lt(i32::try_from(after.key).unwrap_or(i32::MAX)))
        .order(releases::number.desc())
        .limit(READ)
        .select(ReleaseRow::as_select())
        .load(conn)?;
    let page = PageOf::cut(rows, |row| Cursor { key: row.number.into(), id: String::new() });
    let rows = page.rows.into_iter().map(Release::try_from).collect::<Result<_>>()?;
    Ok(PageOf { rows, next: page.next })
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

/// The files of one fate in a release, after `after`, in the order of their paths.
///
/// # Errors
/// When the database fails.
pub fn files_of_fate(
    conn: &mut AnyConnection,
    release: ReleaseId,
    fate: FileFate,
    after: &str,
    limit: i64,
) -> Result<Vec<FilePath>> {
    let (id, number) = (release.dataset.to_string(), column(release.number));
    let other = diesel::alias!(files as other_files);
    let of_same_path = other
        .filter(other.field(files::dataset_id).eq(files::dataset_id))
        .filter(other.field(files::path).eq(files::path));
    let begins = files::table.filter(files::dataset_id.eq(&id)).filter(files::from_release.eq(number));
    let ends = files::table.filter(files::dataset_id.eq(&id)).filter(files::until_release.eq(number));
    let ended_too = exists(of_same_path.filter(other.field(files::until_release).eq(number)));
    let began_too = exists(of_same_path.filter(other.field(files::from_release).eq(number)));
    let paths: Vec<String> = match fate {
        FileFate::Added => begins
            .filter(not(ended_too))
            .filter(files::path.gt(after))
            .order(files::path)
            .limit(limit)
            .select(files::path)
            .load(conn)?,
        FileFate::Changed => begins
            .filter(ended_too)
            .filter(files::path.gt(after))
            .order(files::path)
            .limit(limit)
            .select(files::path)
            .load(conn)?,
        FileFate::Removed => ends
            .filter(not(began_too))
            .filter(files::path.gt(after))
            .order(files::path)
            .limit(limit)
            .select(files::path)
            .load(conn)?,
    };
    paths.iter().map(|path| parse("file path", path)).collect()
}
