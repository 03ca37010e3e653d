//! The file table: what a dataset holds, as it was imported.

use diesel::prelude::*;

use super::columns::{parse, signed, unsigned};
use super::connection::AnyConnection;
use super::error::{Result, corrupt};
use super::schema::{datasets, files, folders};
use crate::domain::Timestamp;
use crate::domain::dataset::{FileEntry, FolderEntry};
use crate::domain::ids::DatasetId;
use crate::domain::path::{FilePath, PathPattern};
use crate::domain::search::fold;
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

/// Whether a dataset has a file that the pattern covers.
///
/// # Errors
/// When the database fails.
pub fn matches(conn: &mut AnyConnection, dataset: DatasetId, pattern: &PathPattern) -> Result<bool> {
    let of_dataset = files::table.filter(files::dataset_id.eq(dataset.to_string())).select(files::path);
    let found: Option<String> = match pattern.prefix() {
        // Every path with the prefix lies before the prefix with the last character there is.
        Some(prefix) => of_dataset
            .filter(files::path.ge(prefix))
            .filter(files::path.lt(format!("{prefix}\u{10ffff}")))
            .first(conn)
            .optional()?,
        None => of_dataset.filter(files::path.eq(pattern.as_str())).first(conn).optional()?,
    };
    Ok(found.is_some())
}

#[derive(Insertable)]
#[diesel(table_name = files)]
struct NewFile {
    dataset_id: String,
    path: String,
    folder: String,
    search: String,
    size: i64,
    sha256: Vec<u8>,
    crc32: i64,
    media_type: String,
    modified_at: i64,
    #[diesel(treat_none_as_default_value = false)]
    pinned_etag: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = folders)]
struct NewFolder {
    dataset_id: String,
    path: String,
    parent: String,
    file_count: i64,
    total_bytes: i64,
}

/// Rows a statement: far below PostgreSQL's 65,535 parameters.
const ROWS_A_STATEMENT: usize = 1_000;

/// Puts `entries` in the place of what the table holds for a dataset, with the totals.
///
/// # Errors
/// When the database fails.
pub fn replace(
    conn: &mut AnyConnection,
    dataset: DatasetId,
    entries: &[FileEntry],
    folder_entries: &[FolderEntry],
) -> Result<()> {
    let id = dataset.to_string();
    diesel::delete(files::table.filter(files::dataset_id.eq(&id))).execute(conn)?;
    diesel::delete(folders::table.filter(folders::dataset_id.eq(&id))).execute(conn)?;
    let parent_of = |path: &FilePath| path.parent().map(String::from).unwrap_or_default();
    for chunk in entries.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<NewFile> = chunk
            .iter()
            .map(|entry| NewFile {
                dataset_id: id.clone(),
                path: entry.path.as_str().to_owned(),
                folder: parent_of(&entry.path),
                search: fold(entry.path.name()),
                size: signed(entry.size),
                sha256: entry.sha256.0.to_vec(),
                crc32: i64::from(entry.crc32),
                media_type: entry.media_type.clone(),
                modified_at: entry.modified_at.0,
                pinned_etag: entry.pinned_etag.clone(),
            })
            .collect();
        match conn {
            // Row by row: diesel would wrap many rows in a transaction, and this is inside one already.
            AnyConnection::Sqlite(conn) => {
                for row in &rows {
                    diesel::insert_into(files::table).values(row).execute(conn)?;
                }
            }
            AnyConnection::Postgres(conn) => {
                diesel::insert_into(files::table).values(&rows).execute(conn)?;
            }
        }
    }
    for chunk in folder_entries.chunks(ROWS_A_STATEMENT) {
        let rows: Vec<NewFolder> = chunk
            .iter()
            .map(|entry| NewFolder {
                dataset_id: id.clone(),
                path: entry.path.as_str().to_owned(),
                parent: parent_of(&entry.path),
                file_count: signed(entry.file_count),
                total_bytes: signed(entry.total_bytes),
            })
            .collect();
        match conn {
            // Row by row: diesel would wrap many rows in a transaction, and this is inside one already.
            AnyConnection::Sqlite(conn) => {
                for row in &rows {
                    diesel::insert_into(folders::table).values(row).execute(conn)?;
                }
            }
            AnyConnection::Postgres(conn) => {
                diesel::insert_into(folders::table).values(&rows).execute(conn)?;
            }
        }
    }
    let total: u64 = entries.iter().map(|entry| entry.size).sum();
    diesel::update(datasets::table.find(&id))
        .set((datasets::file_count.eq(signed(entries.len() as u64)), datasets::total_bytes.eq(signed(total))))
        .execute(conn)?;
    super::datasets::raise_version(conn, dataset)
}

/// One file.
///
/// # Errors
/// When the database fails.
pub fn find(conn: &mut AnyConnection, dataset: DatasetId, path: &FilePath) -> Result<Option<FileEntry>> {
    files::table
        .find((dataset.to_string(), path.as_str()))
        .select(FileRow::as_select())
        .first(conn)
        .optional()?
        .map(FileEntry::try_from)
        .transpose()
}

/// One folder. The root is there as soon as files are.
///
/// # Errors
/// When the database fails.
pub fn find_folder(conn: &mut AnyConnection, dataset: DatasetId, path: &FilePath) -> Result<Option<FolderEntry>> {
    if path.is_root() {
        let totals: Option<(i64, i64)> = datasets::table
            .find(dataset.to_string())
            .select((datasets::file_count, datasets::total_bytes))
            .first(conn)
            .optional()?;
        return Ok(totals.map(|(files, bytes)| FolderEntry {
            path: FilePath::root(),
            file_count: unsigned(files),
            total_bytes: unsigned(bytes),
        }));
    }
    let row: Option<(String, i64, i64)> = folders::table
        .find((dataset.to_string(), path.as_str()))
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
    dataset: DatasetId,
    folder: &FilePath,
    after: &str,
    limit: i64,
) -> Result<Vec<FolderEntry>> {
    let rows: Vec<(String, i64, i64)> = folders::table
        .filter(folders::dataset_id.eq(dataset.to_string()))
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
    dataset: DatasetId,
    folder: &FilePath,
    after: &str,
    limit: i64,
) -> Result<Vec<FileEntry>> {
    files::table
        .filter(files::dataset_id.eq(dataset.to_string()))
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

/// All files of a dataset after `after`, in the order of their paths.
///
/// # Errors
/// When the database fails.
pub fn all(conn: &mut AnyConnection, dataset: DatasetId, after: &str, limit: i64) -> Result<Vec<FileEntry>> {
    files::table
        .filter(files::dataset_id.eq(dataset.to_string()))
        .filter(files::path.gt(after))
        .order(files::path)
        .limit(limit)
        .select(FileRow::as_select())
        .load(conn)?
        .into_iter()
        .map(FileEntry::try_from)
        .collect()
}
