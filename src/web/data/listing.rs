//! Listings of folders, for people and for `wget -r`, `rclone` and scripts.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use askama::Template;

use crate::app::App;
use crate::domain::dataset::{Dataset, FileEntry, FolderEntry};
use crate::store::files;
use crate::web::auth::Viewer;
use crate::web::auth::wants_html;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show;

/// Rows read at a time.
const BATCH: i64 = 5_000;

#[derive(Template)]
#[template(path = "datasets/listing.html")]
struct ListingPage {
    page: Page,
    dataset: Dataset,
    folder: FolderEntry,
    folders: Vec<FolderEntry>,
    files: Vec<FileEntry>,
}

/// A folder: HTML for browsers and crawlers, JSON for who asks for it.
pub async fn folder(
    app: &App,
    request: &HttpRequest,
    dataset: &Dataset,
    folder: FolderEntry,
) -> Result<HttpResponse, WebError> {
    let (id, path) = (dataset.id, folder.path.clone());
    let (folders, files) = app
        .reads
        .read(move |conn| {
            let mut folders: Vec<FolderEntry> = Vec::new();
            let mut files: Vec<FileEntry> = Vec::new();
            loop {
                let after = folders.last().map(|entry| entry.path.to_string()).unwrap_or_default();
                let batch = files::folders_in(conn, id, &path, &after, BATCH)?;
                if batch.is_empty() {
                    break;
                }
                folders.extend(batch);
            }
            loop {
                let after = files.last().map(|entry| entry.path.to_string()).unwrap_or_default();
                let batch = files::files_in(conn, id, &path, &after, BATCH)?;
                if batch.is_empty() {
                    break;
                }
                files.extend(batch);
            }
            Ok((folders, files))
        })
        .await?;
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if accept.contains("application/json") && !wants_html(request.headers()) {
        return Ok(json(&folders, &files));
    }
    let viewer = Viewer::extract(request).await?;
    let title = format!("{} /{}", dataset.title.text(viewer.language), folder.path);
    let page = viewer.page(Section::Catalogue, &title);
    show(&viewer, &ListingPage { page, dataset: dataset.clone(), folder, folders, files })
}

fn json(folders: &[FolderEntry], files: &[FileEntry]) -> HttpResponse {
    let folders = folders.iter().map(|entry| {
        serde_json::json!({
            "type": "folder", "name": entry.path.name(), "path": entry.path,
            "files": entry.file_count, "size": entry.total_bytes,
        })
    });
    let files = files.iter().map(|entry| {
        serde_json::json!({
            "type": "file", "name": entry.path.name(), "path": entry.path, "size": entry.size,
            "sha256": entry.sha256, "media_type": entry.media_type, "modified": entry.modified_at,
        })
    });
    HttpResponse::Ok().json(folders.chain(files).collect::<Vec<_>>())
}
