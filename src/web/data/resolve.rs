//! What an address under `/data/` leads to.

use std::rc::Rc;
use std::sync::Arc;

use super::cached_file::{CachedFile, ServedRelease};
use super::manifest::Manifest;
use super::permit::Gate;
use crate::app::App;
use crate::clock;
use crate::delivery::zip::layout::Planner;
use crate::domain::dataset::{Dataset, FolderEntry};
use crate::domain::path::FilePath;
use crate::domain::release::History;
use crate::domain::text::Slug;
use crate::store::{AnyConnection, Result as StoreResult, datasets, files, releases};
use crate::web::error::WebError;

/// What an address leads to.
pub enum Resolved {
    /// A file, or the ZIP archive of a dataset.
    File(Rc<CachedFile>),
    /// A ZIP archive that is not planned, because the gate will deny it, and record that.
    UnplannedZip(Rc<CachedFile>),
    /// A folder.
    Folder(Box<(Dataset, ServedRelease)>, FolderEntry),
    /// A list of every file of a release.
    Manifest(ServedRelease, FilePath, Manifest),
    /// Another address.
    Moved(String),
}

/// What the first part of an address names: a dataset, or `SLUG@NUMBER`, a release of one.
fn named(text: &str) -> Option<(Slug, Option<u32>)> {
    let Some((slug, number)) = text.split_once('@') else { return Some((text.parse().ok()?, None)) };
    // One way to write it: no sign, no leading zero.
    let number: u32 = number.parse().ok().filter(|n: &u32| *n > 0 && n.to_string() == number)?;
    Some((slug.parse().ok()?, Some(number)))
}

/// The release that an address names, or else the current one, with its dataset and the version that both have.
fn served(
    conn: &mut AnyConnection,
    slug: &Slug,
    number: Option<u32>,
) -> StoreResult<Option<(u64, Dataset, ServedRelease)>> {
    // The version first: what is read after it may be newer than it says, never older.
    let Some(version) = datasets::version(conn, slug)? else { return Ok(None) };
    let Some(dataset) = datasets::by_slug(conn, slug)? else { return Ok(None) };
    let (at, newest) = (number.unwrap_or(dataset.current_release), dataset.newest());
    let history = if at == newest.number { History::default() } else { releases::history(conn, dataset.id)? };
    let served = ServedRelease::of(&dataset, at, number.is_some(), history);
    Ok((number.is_none() || (1..=newest.number).contains(&at)).then_some((version, dataset, served)))
}

/// Resolves the part of an address behind `/data/`, which is decoded here and nowhere else.
pub async fn resolve(app: &App, address: &str, gate: &Gate<'_>) -> Result<Resolved, WebError> {
    let (name, rest) = address.split_once('/').map_or((address, None), |(name, rest)| (name, Some(rest)));
    // `%40` is an `@` as well.
    let name = name.replace("%40", "@");
    if let (Some(name), None) = (name.strip_suffix(".zip"), rest) {
        return zip(app, named(name).ok_or(WebError::NotFound)?, gate).await;
    }
    let (slug, number) = named(&name).ok_or(WebError::NotFound)?;
    let Some(rest) = rest else { return Ok(Resolved::Moved(format!("/data/{name}/"))) };
    let path = FilePath::from_url(rest).map_err(|_| WebError::NotFound)?;
    let (asks_folder, now) = (rest.is_empty() || rest.ends_with('/'), clock::now());
    let wanted = path.clone();
    let read = move |conn: &mut _| {
        let Some((version, dataset, served)) = served(conn, &slug, number)? else { return Ok(None) };
        let file = if asks_folder { None } else { files::find(conn, served.id(), &wanted)? };
        let folder = if file.is_none() { files::find_folder(conn, served.id(), &wanted)? } else { None };
        // What a closed release has, and has not, is nobody's to find out: the gate denies all of it.
        let is_closed = file.is_none() && number.is_some() && !releases::facts(conn, served.id())?.is_open(now);
        let folder = if is_closed { files::find_folder(conn, served.id(), &FilePath::root())? } else { folder };
        Ok(Some((version, dataset, served, file, folder, is_closed)))
    };
    let found = app.gate_reads.read(read).await?.ok_or(WebError::NotFound)?;
    let (version, dataset, served, file, folder, is_closed) = found;
    if let Some(found) = file {
        return Ok(Resolved::File(Rc::new(CachedFile::new(served, found, version))));
    }
    if let Some(manifest) = Manifest::named(&path).filter(|_| folder.is_none() || is_closed) {
        return Ok(Resolved::Manifest(served, path, manifest));
    }
    let folder = folder.ok_or(WebError::NotFound)?;
    if !asks_folder && !is_closed {
        return Ok(Resolved::Moved(format!("/data/{}/{}/", served.name(), path.to_url())));
    }
    Ok(Resolved::Folder(Box::new((dataset, served)), folder))
}

/// All of a release as a ZIP archive.
async fn zip(app: &App, (slug, number): (Slug, Option<u32>), gate: &Gate<'_>) -> Result<Resolved, WebError> {
    let read = move |conn: &mut _| {
        let Some((version, _, served)) = served(conn, &slug, number)? else { return Ok(None) };
        let is_whole = served.number == served.places.newest || served.places.history.is_whole(served.number);
        Ok(Some((version, served, is_whole)))
    };
    let (version, served, is_whole) = app.gate_reads.read(read).await?.ok_or(WebError::NotFound)?;
    if !is_whole {
        return Ok(Resolved::UnplannedZip(Rc::new(CachedFile::incomplete_zip(served, version))));
    }
    let Some(_slot) = gate.permit_zip_planning(&served).await? else {
        let nothing = Arc::new(Planner::default().finish());
        return Ok(Resolved::UnplannedZip(Rc::new(CachedFile::zip(served, nothing, version))));
    };
    let layout = app.zip_layouts.layout(&app.delivery_reads, served.id(), version).await?;
    Ok(Resolved::File(Rc::new(CachedFile::zip(served, layout, version))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_one_name() {
        let name = |text| named(text).map(|(slug, number)| (slug.to_string(), number));
        assert_eq!(name("x-rays"), Some(("x-rays".into(), None)));
        assert_eq!(name("x-rays@12"), Some(("x-rays".into(), Some(12))));
        for wrong in ["x-rays@", "x-rays@0", "x-rays@01", "x-rays@+1", "x-rays@-1", "x-rays@1@1", "@1", "x@4294967296"]
        {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }
}
