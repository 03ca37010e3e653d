//! Listings of folders: a page at a time for people, and whole, streamed in batches, for `wget -r`, `rclone` and scripts.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use askama::Template;
use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;

use super::cached_file::ServedRelease;
use super::permit::ListingPermit;
use super::streamed_list::{BATCH, escaped, stream_list};
use crate::app::App;
use crate::domain::dataset::{Dataset, FileEntry, FolderEntry};
use crate::domain::ids::ReleaseId;
use crate::domain::path::FilePath;
use crate::store::{AnyConnection, Result as StoreResult, files, releases};
use crate::web::auth::{Viewer, wants_html};
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show;

/// Rows of one page for people.
const PAGE_ROWS: usize = 500;

/// Where in a folder a list goes on: its folders come before its files.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Position {
    /// After this folder; empty for the first.
    Folders(String),
    /// After this file; empty for the first.
    Files(String),
}

impl Position {
    const fn first() -> Self {
        Self::Folders(String::new())
    }
}

/// Some of what is in a folder.
#[derive(Debug, Default)]
struct Batch {
    folders: Vec<FolderEntry>,
    files: Vec<FileEntry>,
}

/// Reads the next entries of a folder; says where to go on, if there may be more.
fn read_batch(
    conn: &mut AnyConnection,
    release: ReleaseId,
    folder: &FilePath,
    position: &Position,
    limit: i64,
) -> StoreResult<(Batch, Option<Position>)> {
    let is_full = |len: usize| i64::try_from(len).is_ok_and(|len| len >= limit);
    let mut batch = Batch::default();
    let mut after_file = String::new();
    match position {
        Position::Folders(after) => {
            batch.folders = files::folders_in(conn, release, folder, after, limit)?;
            if is_full(batch.folders.len()) {
                let next = batch.folders.last().map(|last| Position::Folders(last.path.to_string()));
                return Ok((batch, next));
            }
        }
        Position::Files(after) => after_file.clone_from(after),
    }
    let left = limit - i64::try_from(batch.folders.len()).unwrap_or(limit);
    batch.files = files::files_in(conn, release, folder, &after_file, left)?;
    let next = batch.files.last().filter(|_| i64::try_from(batch.files.len()).is_ok_and(|len| len >= left));
    let next = next.map(|last| Position::Files(last.path.to_string()));
    Ok((batch, next))
}

/// A folder: JSON for who asks for it, a page for browsers, else a list of links.
pub async fn folder(
    app: &App,
    request: &HttpRequest,
    (dataset, release): (Dataset, ServedRelease),
    folder: FolderEntry,
    permit: ListingPermit,
) -> Result<HttpResponse, WebError> {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if wants_html(request.headers()) {
        return page(app, request, (dataset, release), folder).await;
    }
    let json = accept.contains("application/json");
    let media_type = if json { "application/json" } else { "text/html; charset=utf-8" };
    let format = if json { ListingFormat::Json } else { ListingFormat::Links };
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::VARY, "Accept"))
        .streaming(stream_folder(app, &release, folder.path, permit, format)))
}

/// The form in which a whole folder is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ListingFormat {
    Json,
    Links,
}

impl ListingFormat {
    fn head(self, folder: &FilePath) -> String {
        match self {
            Self::Json => "[".to_owned(),
            Self::Links => {
                let up = if folder.is_root() { "" } else { "<a href=\"../\">../</a>\n" };
                format!(
                    "<!doctype html><meta charset=\"utf-8\"><title>/{}</title>\n<pre>\n{up}",
                    escaped(folder.as_str())
                )
            }
        }
    }

    const fn tail(self) -> &'static str {
        match self {
            Self::Json => "]",
            Self::Links => "</pre>\n",
        }
    }

    fn rows(self, batch: &Batch, is_first: bool) -> String {
        match self {
            Self::Links => {
                let folders = batch.folders.iter().map(|entry| link(&entry.path, "/"));
                folders.chain(batch.files.iter().map(|entry| link(&entry.path, ""))).collect()
            }
            Self::Json => {
                let rows: Vec<String> = json_rows(batch).map(|row| row.to_string()).collect();
                let comma = if is_first || rows.is_empty() { "" } else { "," };
                format!("{comma}{}", rows.join(","))
            }
        }
    }
}

fn json_rows(batch: &Batch) -> impl Iterator<Item = serde_json::Value> {
    let folders = batch.folders.iter().map(|entry| {
        serde_json::json!({
            "type": "folder", "name": entry.path.name(), "path": entry.path,
            "files": entry.file_count, "size": entry.total_bytes,
        })
    });
    let files = batch.files.iter().map(|entry| {
        serde_json::json!({
            "type": "file", "name": entry.path.name(), "path": entry.path, "size": entry.size,
            "sha256": entry.sha256, "media_type": entry.media_type, "modified": entry.modified_at,
        })
    });
    folders.chain(files)
}

/// A link to an entry, relative to its folder. `./` keeps a name with a colon from being taken for a scheme.
fn link(path: &FilePath, slash: &str) -> String {
    let address = path.to_url();
    let name = address.rsplit('/').next().unwrap_or_default();
    let dot = if path.name().contains(':') { "./" } else { "" };
    format!("<a href=\"{dot}{name}{slash}\">{}{slash}</a>\n", escaped(path.name()))
}

/// All of a folder, batch by batch.
fn stream_folder(
    app: &App,
    release: &ServedRelease,
    folder: FilePath,
    permit: ListingPermit,
    format: ListingFormat,
) -> impl Stream<Item = Result<Bytes, WebError>> + use<> {
    let (id, ends, start) = (release.id(), (format.head(&folder), format.tail()), Position::first());
    let read = move |conn: &mut AnyConnection, position: Position| {
        let (batch, next) = read_batch(conn, id, &folder, &position, BATCH)?;
        Ok((format.rows(&batch, position == Position::first()), next))
    };
    stream_list(app.delivery_reads.clone(), permit, ends, (start, read))
}

#[derive(Template)]
#[template(path = "datasets/listing.html")]
struct ListingPage {
    page: Page,
    dataset: Dataset,
    release: ServedRelease,
    is_whole: bool,
    folder: FolderEntry,
    folders: Vec<FolderEntry>,
    files: Vec<FileEntry>,
    later: Option<String>,
}

/// Where a page of a listing begins.
#[derive(Deserialize, Default)]
struct ListingQuery {
    after_folder: Option<String>,
    after_file: Option<String>,
}

impl ListingQuery {
    fn position(self) -> Position {
        match self.after_file {
            Some(after) => Position::Files(after),
            None => Position::Folders(self.after_folder.unwrap_or_default()),
        }
    }
}

/// One page of a folder, for people.
async fn page(
    app: &App,
    request: &HttpRequest,
    (dataset, release): (Dataset, ServedRelease),
    folder: FolderEntry,
) -> Result<HttpResponse, WebError> {
    let query = web::Query::<ListingQuery>::from_query(request.query_string()).unwrap_or(web::Query(<_>::default()));
    let (position, id, path) = (query.into_inner().position(), release.id(), folder.path.clone());
    let rows = i64::try_from(PAGE_ROWS).unwrap_or(i64::MAX);
    let newest = release.places.newest;
    let read =
        move |conn: &mut _| Ok((read_batch(conn, id, &path, &position, rows)?, releases::is_whole(conn, id, newest)?));
    let ((batch, next), is_whole) = app.reads.read(read).await?;
    let viewer = Viewer::extract(request).await?;
    let title = format!("{} /{}", dataset.title.text(viewer.language), folder.path);
    let page = viewer.page(Section::Catalogue, &title);
    let later = next.map(|next| {
        let (name, after) = match next {
            Position::Folders(after) => ("after_folder", after),
            Position::Files(after) => ("after_file", after),
        };
        format!("?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair(name, &after).finish())
    });
    let Batch { folders, files } = batch;
    show(&viewer, &ListingPage { page, dataset, release, is_whole, folder, folders, files, later })
}

#[cfg(test)]
mod tests {

    #[test]
    fn links_lead_to_their_entries_whatever_their_names() {
        let link = |path: &str| super::link(&path.parse().unwrap(), "");
        assert_eq!(
            link("a/<b> & \"c\".csv"),
            "<a href=\"%3Cb%3E%20%26%20%22c%22.csv\">&lt;b&gt; &amp; &quot;c&quot;.csv</a>\n"
        );
        assert_eq!(link("12:30.csv"), "<a href=\"./12%3A30.csv\">12:30.csv</a>\n");
    }
}
