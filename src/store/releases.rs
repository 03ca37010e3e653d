//! Releases: the list of a dataset's, one of them, and how it differs from the one before.

use diesel::prelude::*;
use serde::de::DeserializeOwned;

use super::columns::{from_json, number, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::{Result, corrupt};
use super::files::column;
use super::schema::{datasets, files, release_pictures, release_previews, releases};
use crate::domain::Timestamp;
use crate::domain::admission::ReleaseFacts;
use crate::domain::comment::Reason;
use crate::domain::ids::{DatasetId, ReleaseId};
use crate::domain::path::FilePath;
use crate::domain::preview::{PreviewKind, Readme, TablePreview};
use crate::domain::release::{Difference, Edition, FileFate, History, Release, Withdrawal};
use crate::domain::text::Sha256;

#[derive(Queryable, Selectable)]
#[diesel(table_name = releases)]
struct ReleaseRow {
    number: i32,
    note: String,
    published_at: i64,
    file_count: i64,
    total_bytes: i64,
    formats: String,
    sums_sha256: Vec<u8>,
    added: i64,
    changed: i64,
    removed: i64,
    embargoed_until: Option<i64>,
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
            embargoed_until: row.embargoed_until.map(Timestamp),
            number: u32::try_from(row.number).map_err(|error| corrupt("release number", error))?,
            note: row.note,
            published_at: Timestamp(row.published_at),
            file_count: unsigned(row.file_count),
            total_bytes: unsigned(row.total_bytes),
            formats: from_json("formats", &row.formats)?,
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

/// What the gate needs of a release. One that is not there is neither withdrawn nor under embargo.
///
/// # Errors
/// When the database fails.
pub fn facts(conn: &mut AnyConnection, id: ReleaseId) -> Result<ReleaseFacts> {
    let row: Option<(Option<i64>, Option<i64>)> = releases::table
        .find((id.dataset.to_string(), column(id.number)))
        .select((releases::withdrawn_at, releases::embargoed_until))
        .first(conn)
        .optional()?;
    let (withdrawn, embargoed_until) = row.unwrap_or_default();
    Ok(ReleaseFacts {
        number: id.number,
        withdrawn: withdrawn.is_some(),
        embargoed_until: embargoed_until.map(Timestamp),
    })
}

/// Where the files of all releases of a dataset are.
///
/// # Errors
/// When the database fails.
pub fn history(conn: &mut AnyConnection, dataset: DatasetId) -> Result<History> {
    type Row = (String, i64, i64, Option<i64>, Option<i64>);
    let rows: Vec<Row> = releases::table
        .filter(releases::dataset_id.eq(dataset.to_string()))
        .order(releases::number)
        .select((
            releases::root,
            releases::changed,
            releases::removed,
            releases::embargoed_until,
            releases::withdrawn_at,
        ))
        .load(conn)?;
    let edition = |(root, changed, removed, embargo, withdrawn): Row| Edition {
        root,
        loses_files: changed > 0 || removed > 0,
        embargoed_until: embargo.filter(|_| withdrawn.is_none()).map(Timestamp),
    };
    Ok(History::new(rows.into_iter().map(edition).collect()))
}

/// Whether every file of a release is still there.
///
/// # Errors
/// When the database fails.
pub fn is_whole(conn: &mut AnyConnection, id: ReleaseId, newest: u32) -> Result<bool> {
    Ok(id.number == newest || history(conn, id.dataset)?.is_whole(id.number))
}

/// Withdraws a release.
///
/// # Errors
/// When the database fails.
pub fn withdraw(conn: &mut AnyConnection, id: ReleaseId, withdrawal: &Withdrawal, now: Timestamp) -> Result<()> {
    diesel::update(releases::table.find((id.dataset.to_string(), column(id.number))))
        .set((
            releases::withdrawn_at.eq(Some(withdrawal.at.0)),
            releases::withdrawn_reason.eq(Some(withdrawal.reason.as_str())),
        ))
        .execute(conn)?;
    choose_current(conn, id.dataset, now)
}

/// Changes when an embargo ends. One that ends now makes the release public.
///
/// # Errors
/// When the database fails.
pub fn set_embargo(conn: &mut AnyConnection, id: ReleaseId, until: Option<Timestamp>, now: Timestamp) -> Result<()> {
    let row = releases::table.find((id.dataset.to_string(), column(id.number)));
    if let Some(until) = until {
        diesel::update(row).set(releases::embargoed_until.eq(Some(until.0))).execute(conn)?;
    } else {
        let public = (releases::embargoed_until.eq(None::<i64>), releases::published_at.eq(now.0));
        diesel::update(row).set(public).execute(conn)?;
    }
    choose_current(conn, id.dataset, now)
}

/// The releases whose embargo has ended, in the order in which they become public. A withdrawn one never does.
///
/// # Errors
/// When the database fails.
pub fn embargoes_ended(conn: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<ReleaseId>> {
    let rows: Vec<(String, i32)> = releases::table
        .filter(releases::embargoed_until.le(now.0))
        .filter(releases::withdrawn_at.is_null())
        .order((releases::embargoed_until, releases::dataset_id, releases::number))
        .limit(limit)
        .select((releases::dataset_id, releases::number))
        .load(conn)?;
    rows.iter().map(|(id, at)| Ok(ReleaseId { dataset: parse("dataset id", id)?, number: number(*at) })).collect()
}

/// Makes the newest release that is neither withdrawn nor under embargo the dataset's current one.
///
/// # Errors
/// When the database fails.
pub(super) fn choose_current(conn: &mut AnyConnection, dataset: DatasetId, now: Timestamp) -> Result<()> {
    let public = releases::embargoed_until.is_null().or(releases::embargoed_until.le(now.0));
    let found: Option<(i32, i64, i64)> = releases::table
        .filter(releases::dataset_id.eq(dataset.to_string()))
        .filter(releases::withdrawn_at.is_null())
        .filter(public)
        .order(releases::number.desc())
        .select((releases::number, releases::file_count, releases::total_bytes))
        .first(conn)
        .optional()?;
    let (number, files, bytes) = found.unwrap_or_default();
    diesel::update(datasets::table.find(dataset.to_string()))
        .set((datasets::current_release.eq(number), datasets::file_count.eq(files), datasets::total_bytes.eq(bytes)))
        .execute(conn)?;
    super::datasets::raise_version(conn, dataset)
}

/// What the tables of a release hold that were looked into, in short, the largest first.
///
/// # Errors
/// When the database fails.
pub fn tables(conn: &mut AnyConnection, id: ReleaseId) -> Result<Vec<TablePreview>> {
    previews(conn, id, PreviewKind::Table)
}

/// What the publisher of a release says about it, in files among its files.
///
/// # Errors
/// When the database fails.
pub fn readmes(conn: &mut AnyConnection, id: ReleaseId) -> Result<Vec<Readme>> {
    previews(conn, id, PreviewKind::Readme)
}

fn previews<T: DeserializeOwned>(conn: &mut AnyConnection, id: ReleaseId, kind: PreviewKind) -> Result<Vec<T>> {
    let rows: Vec<String> = release_previews::table
        .filter(release_previews::dataset_id.eq(id.dataset.to_string()))
        .filter(release_previews::number.eq(column(id.number)))
        .filter(release_previews::kind.eq(kind.as_str()))
        .order(release_previews::place)
        .select(release_previews::preview)
        .load(conn)?;
    rows.iter().map(|row| from_json("preview", row)).collect()
}

/// What the largest of them holds, and how many there are.
///
/// # Errors
/// When the database fails.
pub fn largest_table(conn: &mut AnyConnection, id: ReleaseId) -> Result<Option<(TablePreview, u64)>> {
    let (dataset, number) = (id.dataset.to_string(), column(id.number));
    let of_release = release_previews::table
        .filter(release_previews::dataset_id.eq(&dataset))
        .filter(release_previews::number.eq(number))
        .filter(release_previews::kind.eq(PreviewKind::Table.as_str()));
    let count: i64 = of_release.count().get_result(conn)?;
    let first: Option<String> =
        of_release.order(release_previews::place).select(release_previews::preview).first(conn).optional()?;
    first.map(|table| Ok((from_json("preview", &table)?, unsigned(count)))).transpose()
}

/// The pictures of a release that were made small: their places and paths.
///
/// # Errors
/// When the database fails.
pub fn pictures(conn: &mut AnyConnection, id: ReleaseId) -> Result<Vec<(u32, FilePath)>> {
    let rows: Vec<(i32, String)> = release_pictures::table
        .filter(release_pictures::dataset_id.eq(id.dataset.to_string()))
        .filter(release_pictures::number.eq(column(id.number)))
        .order(release_pictures::place)
        .select((release_pictures::place, release_pictures::path))
        .load(conn)?;
    rows.iter().map(|(place, path)| Ok((number(*place), parse("path", path)?))).collect()
}

/// One of them, as a JPEG.
///
/// # Errors
/// When the database fails.
pub fn picture(conn: &mut AnyConnection, id: ReleaseId, place: u32) -> Result<Option<Vec<u8>>> {
    let row = release_pictures::table.find((id.dataset.to_string(), column(id.number), column(place)));
    Ok(row.select(release_pictures::jpeg).first(conn).optional()?)
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
