//! What an address under `/data/` leads to.

use std::rc::Rc;
use std::sync::Arc;

use super::cached_file::{CachedFile, ServedDataset};
use super::manifest::Manifest;
use super::permit::Gate;
use crate::app::App;
use crate::delivery::zip::layout::Planner;
use crate::domain::dataset::{Dataset, FolderEntry};
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::store::{datasets, files};
use crate::web::error::WebError;

/// What an address leads to.
pub enum Resolved {
    /// A file, or the ZIP archive of a dataset.
    File(Rc<CachedFile>),
    /// A ZIP archive that is not planned, because the gate will deny it, and record that.
    UnplannedZip(Rc<CachedFile>),
    /// A folder.
    Folder(Dataset, FolderEntry),
    /// A list of every file of a dataset.
    Manifest(Dataset, FilePath, Manifest),
    /// Another address.
    Moved(String),
}

/// Resolves the part of an address behind `/data/`, which is decoded here and nowhere else.
pub async fn resolve(app: &App, address: &str, gate: &Gate<'_>) -> Result<Resolved, WebError> {
    let (slug, rest) = address.split_once('/').map_or((address, None), |(slug, rest)| (slug, Some(rest)));
    if let (Some(slug), None) = (slug.strip_suffix(".zip"), rest) {
        return zip(app, slug.parse().map_err(|_| WebError::NotFound)?, gate).await;
    }
    let slug: Slug = slug.parse().map_err(|_| WebError::NotFound)?;
    let Some(rest) = rest else { return Ok(Resolved::Moved(format!("/data/{slug}/"))) };
    let path = FilePath::from_url(rest).map_err(|_| WebError::NotFound)?;
    let asks_folder = rest.is_empty() || rest.ends_with('/');
    let wanted = path.clone();
    let read = move |conn: &mut _| {
        // The version first: what is read after it may be newer than it says, never older.
        let Some(version) = datasets::version(conn, &slug)? else { return Ok(None) };
        let Some(dataset) = datasets::by_slug(conn, &slug)? else { return Ok(None) };
        let file = if asks_folder { None } else { files::find(conn, dataset.id, &wanted)? };
        let folder = if file.is_none() { files::find_folder(conn, dataset.id, &wanted)? } else { None };
        Ok(Some((version, dataset, file, folder)))
    };
    let (version, dataset, file, folder) = app.gate_reads.read(read).await?.ok_or(WebError::NotFound)?;
    if let Some(entry) = file {
        return Ok(Resolved::File(Rc::new(CachedFile::new((&dataset).into(), entry, version))));
    }
    if let Some(manifest) = Manifest::named(&path).filter(|_| folder.is_none()) {
        return Ok(Resolved::Manifest(dataset, path, manifest));
    }
    let folder = folder.ok_or(WebError::NotFound)?;
    if !asks_folder {
        return Ok(Resolved::Moved(format!("/data/{}/{}/", dataset.slug, path.to_url())));
    }
    Ok(Resolved::Folder(dataset, folder))
}

/// All of a dataset as a ZIP archive.
async fn zip(app: &App, slug: Slug, gate: &Gate<'_>) -> Result<Resolved, WebError> {
    let read = move |conn: &mut _| Ok(datasets::version(conn, &slug)?.zip(datasets::by_slug(conn, &slug)?));
    let (version, dataset) = app.gate_reads.read(read).await?.ok_or(WebError::NotFound)?;
    let dataset = ServedDataset::from(&dataset);
    let Some(_slot) = gate.permit_zip_planning(&dataset).await? else {
        let nothing = Arc::new(Planner::default().finish());
        return Ok(Resolved::UnplannedZip(Rc::new(CachedFile::zip(dataset, nothing, version))));
    };
    let layout = app.zip_layouts.layout(&app.delivery_reads, dataset.id, version).await?;
    Ok(Resolved::File(Rc::new(CachedFile::zip(dataset, layout, version))))
}
