//! Releases: the list of a dataset's, one of them, and how it differs from the one before.

use diesel::prelude::*;

use super::columns::{parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::{Result, corrupt};
use super::files::column;
use super::schema::{datasets, files, releases};
use crate::domain::Timestamp;
use crate::domain::comment::Reason;
use crate::domain::ids::{DatasetId, ReleaseId};
use crate::domain::path::FilePath;
use crate::domain::release::{Difference, FileFate, Release, Withdrawal};
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
    withdrawn_at: Option<i64>,
    withdrawn_reason: Option<String>,
}

impl TryFrom<ReleaseRow> for Release {
    type Error = super::error::Error;
    fn try_from(row: ReleaseRow) -> Result<Self> {
        let withdrawal = match (row.withdrawn_at, row.withdrawn_reason) {
            (Some(at), Some(reason)) => {
                let reason = Reason::parse(&reason).map_err(|error| corrupt("reason of a withdrawal", error))?;
                Some(Withdrawal { at: Timestamp(at), reason })
            }
            _ => None,
        };
        Ok(Self {
            withdrawal,
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

/// Whether a release was withdrawn. One that is not there was not.
///
/// # Errors
/// When the database fails.
pub fn is_withdrawn(conn: &mut AnyConnection, id: ReleaseId) -> Result<bool> {
    let row: Option<Option<i64>> = releases::table
        .find((id.dataset.to_string(), column(id.number)))
        .select(releases::withdrawn_at)
        .first(conn)
        .optional()?;
    Ok(row.flatten().is_some())
}

/// Whether the newest release has every file of this one.
///
/// # Errors
/// When the database fails.
pub fn is_whole(conn: &mut AnyConnection, id: ReleaseId, newest: u32) -> Result<bool> {
    if id.number == 0 {
        return Ok(true);
    }
    let later: Option<i32> = releases::table
        .filter(releases::dataset_id.eq(id.dataset.to_string()))
        .filter(releases::number.gt(column(id.number)))
        .filter(releases::number.le(column(newest)))
        .filter(releases::changed.gt(0).or(releases::removed.gt(0)))
        .select(releases::number)
        .first(conn)
        .optional()?;
    Ok(later.is_none())
}

/// Withdraws a release. The newest of those that are left is the dataset's current one.
///
/// # Errors
/// When the database fails.
pub fn withdraw(conn: &mut AnyConnection, id: ReleaseId, withdrawal: &Withdrawal) -> Result<()> {
    let dataset = id.dataset.to_string();
    diesel::update(releases::table.find((&dataset, column(id.number))))
        .set((
            releases::withdrawn_at.eq(Some(withdrawal.at.0)),
            releases::withdrawn_reason.eq(Some(withdrawal.reason.as_str())),
        ))
        .execute(conn)?;
    let left: Option<(i32, i64, i64)> = releases::table
        .filter(releases::dataset_id.eq(&dataset))
        .filter(releases::withdrawn_at.is_null())
        .order(releases::number.desc())
        .select((releases::number, releases::file_count, releases::total_bytes))
        .first(conn)
        .optional()?;
    let (number, files, bytes) = left.unwrap_or_default();
    diesel::update(datasets::table.find(&dataset))
        .set((datasets::current_release.eq(number), datasets::file_count.eq(files), datasets::total_bytes.eq(bytes)))
        .execute(conn)?;
    super::datasets::raise_version(conn, id.dataset)
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
    let rows = files::table.filter(files::dataset_id.eq(id)).into_boxed();
    let rows = match fate {
        FileFate::Added => rows.filter(files::from_release.eq(number)).filter(files::replaces.eq(0)),
        FileFate::Changed => rows.filter(files::from_release.eq(number)).filter(files::replaces.eq(1)),
        FileFate::Removed => rows.filter(files::until_release.eq(number)).filter(files::is_replaced.eq(0)),
    };
    let paths: Vec<String> =
        rows.filter(files::path.gt(after)).order(files::path).limit(limit).select(files::path).load(conn)?;
    paths.iter().map(|path| parse("file path", path)).collect()
}
