//! Listings of folders, for people and for `wget -r`, `rclone` and scripts, and the manifests of a whole dataset.

use std::fmt::Write;

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use askama::Template;

use super::failure::{Failure, wants_html};
use super::page::{Here, Page, show};
use super::state::App;
use super::viewer::Viewer;
use crate::domain::dataset::{Dataset, FileEntry, FolderEntry};
use crate::domain::path::FilePath;
use crate::store::files;

/// Rows read at a time.
const BATCH: i64 = 5_000;

#[derive(Template)]
#[template(path = "catalogue/listing.html")]
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
) -> Result<HttpResponse, Failure> {
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
    let page = viewer.page(Here::Catalogue, &title);
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

/// A list of every file of a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manifest {
    /// `SHA256SUMS`, for `sha256sum -c`.
    Sums,
    /// `files.txt`, for `wget -i` and `aria2c -i`.
    Addresses,
}

impl Manifest {
    /// The manifest of this name, at the root of a dataset.
    pub fn named(path: &FilePath) -> Option<Self> {
        match path.as_str() {
            "SHA256SUMS" => Some(Self::Sums),
            "files.txt" => Some(Self::Addresses),
            _ => None,
        }
    }
}

/// Writes a manifest.
pub async fn manifest(app: &App, dataset: &Dataset, manifest: Manifest) -> Result<HttpResponse, Failure> {
    let id = dataset.id;
    let base = format!("{}/data/{}", app.config.base(), dataset.slug);
    let text = app
        .reads
        .read(move |conn| {
            let mut text = String::new();
            let mut after = String::new();
            loop {
                let batch = files::all(conn, id, &after, BATCH)?;
                let Some(last) = batch.last() else { return Ok(text) };
                after = last.path.to_string();
                for entry in &batch {
                    let written = match manifest {
                        Manifest::Sums => writeln!(text, "{}  {}", entry.sha256, entry.path),
                        Manifest::Addresses => writeln!(text, "{base}/{}", entry.path.to_url()),
                    };
                    debug_assert!(written.is_ok(), "writing to a string can't fail");
                }
            }
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(text))
}
