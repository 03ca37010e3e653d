//! Preparing a release beside the gate: rows of the next release are written in steps, seen by nobody, until the dataset is
//! switched to it.

use diesel::prelude::*;

use super::columns::{signed, to_json};
use super::connection::AnyConnection;
use super::error::Result;
use super::files::{STILL_THERE, column};
use super::releases::choose_current;
use super::schema::{datasets, files, folders, release_pictures, release_previews, releases};
use crate::domain::Timestamp;
use crate::domain::dataset::{FileEntry, FolderEntry};
use crate::domain::ids::{DatasetId, ImportId, ReleaseId};
use crate::domain::path::FilePath;
use crate::domain::preview::{PreviewKind, Previews};
use crate::domain::release::{FileChange, FolderChange, Release};
use crate::domain::search::fold;

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
    from_release: i32,
    until_release: i32,
    replaces: i32,
    is_replaced: i32,
}

#[derive(Insertable)]
#[diesel(table_name = folders)]
struct NewFolder {
    dataset_id: String,
    path: String,
    parent: String,
    file_count: i64,
    total_bytes: i64,
    from_release: i32,
    until_release: i32,
}

fn parent_of(path: &FilePath) -> String {
    path.parent().map(String::from).unwrap_or_default()
}

fn new_file(release: ReleaseId, entry: &FileEntry, replaces: bool) -> NewFile {
    NewFile {
        dataset_id: release.dataset.to_string(),
        path: entry.path.as_str().to_owned(),
        folder: parent_of(&entry.path),
        search: fold(entry.path.name()),
        size: signed(entry.size),
        sha256: entry.sha256.0.to_vec(),
        crc32: i64::from(entry.crc32),
        media_type: entry.media_type.clone(),
        modified_at: entry.modified_at.0,
        pinned_etag: entry.pinned_etag.clone(),
        from_release: column(release.number),
        until_release: STILL_THERE,
        replaces: replaces.into(),
        is_replaced: 0,
    }
}

/// Puts an import in the place of any that was begun before; says whether there was one.
///
/// # Errors
/// When the database fails.
pub fn begin(conn: &mut AnyConnection, dataset: DatasetId, id: ImportId) -> Result<bool> {
    let row = datasets::table.find(dataset.to_string());
    let before: Option<String> = row.clone().select(datasets::import_id).first(conn)?;
    diesel::update(row).set(datasets::import_id.eq(Some(id.to_string()))).execute(conn)?;
    Ok(before.is_some())
}

/// Whether an import is the one that prepares the dataset's next release.
///
/// # Errors
/// When the database fails.
pub fn is_current(conn: &mut AnyConnection, dataset: DatasetId, id: ImportId) -> Result<bool> {
    let found: Option<Option<String>> =
        datasets::table.find(dataset.to_string()).select(datasets::import_id).first(conn).optional()?;
    Ok(found.flatten().is_some_and(|found| found == id.to_string()))
}

/// Takes some of what an unfinished import of this release has left away again; says whether there may be more.
///
/// # Errors
/// When the database fails.
pub fn clear_some(conn: &mut AnyConnection, release: ReleaseId, limit: i64) -> Result<bool> {
    let (id, number) = (release.dataset.to_string(), column(release.number));
    // The same for both tables, which diesel has no common name for.
    macro_rules! clear {
        ($table:ident, $open:expr) => {{
            let new = $table::table.filter($table::dataset_id.eq(&id)).filter($table::from_release.eq(number));
            let added: Vec<String> = new.select($table::path).limit(limit).load(conn)?;
            diesel::delete(new.filter($table::path.eq_any(&added))).execute(conn)?;
            let old = $table::table.filter($table::dataset_id.eq(&id)).filter($table::until_release.eq(number));
            let closed: Vec<String> = old.select($table::path).limit(limit).load(conn)?;
            let open = $open;
            diesel::update(old.filter($table::path.eq_any(&closed))).set(open).execute(conn)?;
            !added.is_empty() || !closed.is_empty()
        }};
    }
    let file = (files::until_release.eq(STILL_THERE), files::is_replaced.eq(0));
    Ok(clear!(files, file) | clear!(folders, folders::until_release.eq(STILL_THERE)))
}

/// Notes changes for a release that is not there yet.
///
/// # Errors
/// When the database fails.
pub fn note_files(conn: &mut AnyConnection, release: ReleaseId, changes: &[FileChange]) -> Result<()> {
    let id = release.dataset.to_string();
    let (mut rows, mut replaced, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match change {
            FileChange::Add(entry) => rows.push(new_file(release, entry, false)),
            FileChange::Replace(entry) => {
                replaced.push(entry.path.as_str());
                rows.push(new_file(release, entry, true));
            }
            FileChange::Remove(path) => removed.push(path.as_str()),
        }
    }
    for (paths, is_replaced) in [(replaced, 1), (removed, 0)].into_iter().filter(|(paths, _)| !paths.is_empty()) {
        let open = files::table
            .filter(files::dataset_id.eq(&id))
            .filter(files::path.eq_any(paths))
            .filter(files::until_release.eq(STILL_THERE))
            .filter(files::from_release.lt(column(release.number)));
        let end = (files::until_release.eq(column(release.number)), files::is_replaced.eq(is_replaced));
        diesel::update(open).set(end).execute(conn)?;
    }
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
    Ok(())
}

/// Says anew how files of the newest release are known, whose bytes are the same.
///
/// # Errors
/// When the database fails.
pub fn refresh(conn: &mut AnyConnection, newest: ReleaseId, entries: &[FileEntry]) -> Result<()> {
    for entry in entries {
        let row = files::table
            .filter(files::dataset_id.eq(newest.dataset.to_string()))
            .filter(files::path.eq(entry.path.as_str()))
            .filter(files::from_release.le(column(newest.number)))
            .filter(files::until_release.eq(STILL_THERE));
        let values = (
            files::modified_at.eq(entry.modified_at.0),
            files::pinned_etag.eq(entry.pinned_etag.clone()),
            files::media_type.eq(&entry.media_type),
            files::crc32.eq(i64::from(entry.crc32)),
        );
        diesel::update(row).set(values).execute(conn)?;
    }
    super::datasets::raise_version(conn, newest.dataset)
}

/// Notes changes of folders.
///
/// # Errors
/// When the database fails.
pub fn note_folders(conn: &mut AnyConnection, release: ReleaseId, changes: &[FolderChange]) -> Result<()> {
    let id = release.dataset.to_string();
    for change in changes {
        let path = match change {
            FolderChange::Put(FolderEntry { path, .. }) | FolderChange::Remove(path) => path,
        };
        let open = folders::table
            .filter(folders::dataset_id.eq(&id))
            .filter(folders::path.eq(path.as_str()))
            .filter(folders::until_release.eq(STILL_THERE))
            .filter(folders::from_release.lt(column(release.number)));
        diesel::update(open).set(folders::until_release.eq(column(release.number))).execute(conn)?;
        if let FolderChange::Put(entry) = change {
            let row = NewFolder {
                dataset_id: id.clone(),
                path: entry.path.as_str().to_owned(),
                parent: parent_of(&entry.path),
                file_count: signed(entry.file_count),
                total_bytes: signed(entry.total_bytes),
                from_release: column(release.number),
                until_release: STILL_THERE,
            };
            diesel::insert_into(folders::table).values(&row).execute(conn)?;
        }
    }
    Ok(())
}

/// Notes what everybody may be shown of a release that is not there yet, in the place of what an unfinished import noted.
///
/// # Errors
/// When the database fails.
pub fn note_previews(conn: &mut AnyConnection, release: ReleaseId, previews: &Previews) -> Result<()> {
    let Previews { tables, pictures, readmes } = previews;
    let (dataset, number) = (release.dataset.to_string(), column(release.number));
    let noted = release_previews::table
        .filter(release_previews::dataset_id.eq(&dataset))
        .filter(release_previews::number.eq(number));
    diesel::delete(noted).execute(conn)?;
    let tables = (0..).zip(tables).map(|(place, table)| (PreviewKind::Table, place, to_json(table)));
    let readmes = (0..).zip(readmes).map(|(place, readme)| (PreviewKind::Readme, place, to_json(readme)));
    for (kind, place, preview) in tables.chain(readmes) {
        let row = (
            release_previews::dataset_id.eq(&dataset),
            release_previews::number.eq(number),
            release_previews::kind.eq(kind.as_str()),
            release_previews::place.eq(place),
            release_previews::preview.eq(preview),
        );
        diesel::insert_into(release_previews::table).values(row).execute(conn)?;
    }
    let noted = release_pictures::table
        .filter(release_pictures::dataset_id.eq(&dataset))
        .filter(release_pictures::number.eq(number));
    diesel::delete(noted).execute(conn)?;
    for (place, picture) in (0..).zip(pictures) {
        let row = (
            release_pictures::dataset_id.eq(&dataset),
            release_pictures::number.eq(number),
            release_pictures::place.eq(place),
            release_pictures::path.eq(picture.path.as_str()),
            release_pictures::jpeg.eq(&picture.jpeg),
        );
        diesel::insert_into(release_pictures::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Adds a release, whose files are under `root`, and switches the dataset to it unless it is under embargo.
///
/// # Errors
/// When the database fails.
pub fn switch(
    conn: &mut AnyConnection,
    dataset: DatasetId,
    (release, root): (&Release, &str),
    now: Timestamp,
) -> Result<()> {
    let id = dataset.to_string();
    let row = (
        releases::dataset_id.eq(&id),
        releases::number.eq(column(release.number)),
        releases::note.eq(&release.note),
        releases::published_at.eq(release.published_at.0),
        releases::file_count.eq(signed(release.file_count)),
        releases::total_bytes.eq(signed(release.total_bytes)),
        releases::formats.eq(to_json(&release.formats)),
        releases::sums_sha256.eq(release.sums_sha256.0.to_vec()),
        releases::added.eq(signed(release.difference.added)),
        releases::changed.eq(signed(release.difference.changed)),
        releases::removed.eq(signed(release.difference.removed)),
        releases::root.eq(root),
        releases::embargoed_until.eq(release.embargoed_until.map(|until| until.0)),
    );
    diesel::insert_into(releases::table).values(row).execute(conn)?;
    diesel::update(datasets::table.find(&id)).set(datasets::newest_release.eq(column(release.number))).execute(conn)?;
    choose_current(conn, dataset, now)
}

/// Notes that the files of the newest release are under another root now, with the same bytes.
///
/// # Errors
/// When the database fails.
pub fn set_root(conn: &mut AnyConnection, newest: ReleaseId, root: &str) -> Result<()> {
    diesel::update(releases::table.find((newest.dataset.to_string(), column(newest.number))))
        .set(releases::root.eq(root))
        .execute(conn)?;
    Ok(())
}

/// Ends an import.
///
/// # Errors
/// When the database fails.
pub fn end(conn: &mut AnyConnection, dataset: DatasetId) -> Result<()> {
    diesel::update(datasets::table.find(dataset.to_string()))
        .set(datasets::import_id.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}
