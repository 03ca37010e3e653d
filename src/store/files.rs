//! The file table: what the releases of a dataset hold. A row is there from one release to before another, so that a release
//! with ten new files adds ten rows.

use diesel::prelude::*;

use super::columns::{number, parse, unsigned};
use super::connection::AnyConnection;
use super::error::{Result, corrupt};
use super::schema::{files, folders, releases};
use crate::domain::Timestamp;
use crate::domain::dataset::{Dataset, FileEntry, FolderEntry};
use crate::domain::ids::ReleaseId;
use crate::domain::path::{FilePath, PathPattern};
use crate::domain::text::Sha256;

#[derive(Queryable, Selectable)]
#[diesel(table_name = files)]
struct FileRow {
    path: String,
    size: i64,
    sha256: Vec<u8>,
    crc32: i64,
    media_type: String,
    modified_at: i64,
    pinned_etag: Option<String>,
}

impl TryFrom<FileRow> for FileEntry {
    type Error = super::error::Error;
    fn try_from(row: FileRow) -> Result<Self> {
        Ok(Self {
            path: parse("file path", &row.path)?,
            size: unsigned(row.size),
            sha256: Sha256::from_slice(&row.sha256).ok_or_else(|| corrupt("file hash", &row.path))?,
            crc32: u32::try_from(row.crc32).map_err(|error| corrupt("file CRC", error))?,
            media_type: row.media_type,
            modified_at: Timestamp(row.modified_at),
            pinned_etag: row.pinned_etag,
        })
    }
}

/// The rows of a table that a release has.
macro_rules! of_release {
    ($table:ident, $release:expr) => {
        $table::table
            .filter($table::dataset_id.eq($release.dataset.to_string()))
            .filter($table::from_release.le(column($release.number)))
            .filter($table::until_release.gt(column($release.number)))
    };
}

/// Ends of the intervals of files that the current release has: nothing, one of the releases after it, or the one that is being
/// prepared.
pub(super) fn open_ends(dataset: &Dataset) -> Vec<i32> {
    let later = column(dataset.current_release) + 1..=column(dataset.newest_release).saturating_add(1);
    [STILL_THERE].into_iter().chain(later).collect()
}

/// The end of what begins with a text: every such text lies before it.
pub(super) fn end_of_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// Whether the current release of a dataset has a file that the pattern covers.
///
/// # Errors
/// When the database fails.
pub fn matches(conn: &mut AnyConnection, dataset: &Dataset, pattern: &PathPattern) -> Result<bool> {
    let there = files::table
        .filter(files::dataset_id.eq(dataset.id.to_string()))
        .filter(files::until_release.eq_any(open_ends(dataset)))
        .filter(files::is_replaced.eq_any([0, 1]))
        .filter(files::from_release.le(column(dataset.current_release)))
        .select(files::path);
    let found: Option<String> = match pattern.prefix() {
        Some(prefix) => {
            there.filter(files::path.ge(prefix)).filter(files::path.lt(end_of_prefix(prefix))).first(conn).optional()?
        }
        None => there.filter(files::path.eq(pattern.as_str())).first(conn).optional()?,
    };
    Ok(found.is_some())
}

/// The number that an interval has as its end as long as the file is there.
pub(super) const STILL_THERE: i32 = i32::MAX;

/// A release's number as it is stored.
pub(super) fn column(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(STILL_THERE - 1)
}

/// A file of a release.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundFile {
    /// The file.
    pub entry: FileEntry,
    /// The release from which on it is not there; larger than any where there is none.
    pub until: u32,
}

/// One file.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut AnyConnection, release: ReleaseId, path: &FilePath) -> Result<Option<FoundFile>> {
    let row: Option<(FileRow, i32)> = of_release!(files, release)
        .filter(files::path.eq(path.as_str()))
        .select((FileRow::as_select(), files::until_release))
        .first(conn)
        .optional()?;
    row.map(found_file).transpose()
}

fn found_file((row, until): (FileRow, i32)) -> Result<FoundFile> {
    Ok(FoundFile { entry: row.try_into()?, until: number(until) })
}

/// One folder. The root is there in every release.
///
/// # Errors
/// When the database fails.
pub fn find_folder(conn: &mut AnyConnection, release: ReleaseId, path: &FilePath) -> Result<Option<FolderEntry>> {
    if path.is_root() && release.number == 0 {
        return Ok(Some(FolderEntry { path: FilePath::root(), file_count: 0, total_bytes: 0 }));
    }
    if path.is_root() {
        let totals: Option<(i64, i64)> = releases::table
            .find((release.dataset.to_string(), column(release.number)))
            .select((releases::file_count, releases::total_bytes))
            .first(conn)
            .optional()?;
        return Ok(totals.map(|(files, bytes)| FolderEntry {
            path: FilePath::root(),
            file_count: unsigned(files),
            total_bytes: unsigned(bytes),
        }));
    }
    let row: Option<(String, i64, i64)> = of_release!(folders, release)
        .filter(folders::path.eq(path.as_str()))
        .select((folders::path, folders::file_count, folders::total_bytes))
        .first(conn)
        .optional()?;
    row.map(folder_entry).transpose()
}

fn folder_entry((path, files, bytes): (String, i64, i64)) -> Result<FolderEntry> {
    Ok(FolderEntry { path: parse("folder path", &path)?, file_count: unsigned(files), total_bytes: unsigned(bytes) })
}

/// The folders right inside a folder, after `after`, in the order of their paths.
///
/// # Errors
/// When the database fails.
pub fn folders_in(
    conn: &mut AnyConnection,
    release: ReleaseId,
    folder: &FilePath,
    after: &str,
    limit: i64,
) -> Result<Vec<FolderEntry>> {
    let rows: Vec<(String, i64, i64)> = of_release!(folders, release)
        .filter(folders::parent.eq(folder.as_str()))
        .filter(folders::path.gt(after))
        // The root is no folder inside itself.
        .filter(folders::path.ne(""))
        .order(folders::path)
        .limit(limit)
        .select((folders::path, folders::file_count, folders::total_bytes))
        .load(conn)?;
    rows.into_iter().map(folder_entry).collect()
}

/// The files right inside a folder, after `after`, in the order of their paths.
///
/// # Errors
/// When the database fails.
pub fn files_in(
    conn: &mut AnyConnection,
    release: ReleaseId,
    folder: &FilePath,
    after: &str,
    limit: i64,
) -> Result<Vec<FileEntry>> {
    of_release!(files, release)
        .filter(files::folder.eq(folder.as_str()))
        .filter(files::path.gt(after))
        .order(files::path)
        .limit(limit)
        .select(FileRow::as_select())
        .load(conn)?
        .into_iter()
        .map(FileEntry::try_from)
        .collect()
}

/// All files of a release after `after`, in the order of their paths.
///
/// # Errors
/// When the database fails.
pub fn all(conn: &mut AnyConnection, release: ReleaseId, after: &str, limit: i64) -> Result<Vec<FileEntry>> {
    of_release!(files, release)
        .filter(files::path.gt(after))
        .order(files::path)
        .limit(limit)
        .select(FileRow::as_select())
        .load(conn)?
        .into_iter()
        .map(FileEntry::try_from)
        .collect()
}

/// The same as [`all`], each with the release from which on it is not there.
///
/// # Errors
/// When the database fails.
pub fn all_found(conn: &mut AnyConnection, release: ReleaseId, after: &str, limit: i64) -> Result<Vec<FoundFile>> {
    of_release!(files, release)
        .filter(files::path.gt(after))
        .order(files::path)
        .limit(limit)
        .select((FileRow::as_select(), files::until_release))
        .load(conn)?
        .into_iter()
        .map(found_file)
        .collect()
}

/// All folders of a release, in the order of their paths.
///
/// # Errors
/// When the database fails.
pub fn all_folders(conn: &mut AnyConnection, release: ReleaseId) -> Result<Vec<FolderEntry>> {
    let rows: Vec<(String, i64, i64)> = of_release!(folders, release)
        .order(folders::path)
        .select((folders::path, folders::file_count, folders::total_bytes))
        .load(conn)?;
    rows.into_iter().map(folder_entry).collect()
}
