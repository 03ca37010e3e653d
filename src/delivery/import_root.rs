//! Reading everything under a root, wherever that is: a folder, a bucket, or another server. Blocks.

use std::path::{Path, PathBuf};

use super::import::{self, Contents, ImportError, Named, OnUnusable, Progress, scan};
use super::storage::error::StorageError;
use super::storage::upstream::Upstream;
use super::storage::{Listed, Storage, is_local};
use crate::domain::exclusions::Exclusions;
use crate::domain::path::FilePath;

/// Where the list of an HTTP server's files is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Manifest {
    /// Nowhere: a bucket says itself what it has.
    None,
    /// In a file of this machine.
    File(PathBuf),
    /// Under the root itself.
    Beside(FilePath),
}

/// The longest list that is read from another server, in bytes.
const MANIFEST_MAX: usize = 256 * 1024 * 1024;

/// Reads everything under a root.
///
/// # Errors
/// [`ImportError::NoManifest`] for an HTTP server without a list; all that can't be delivered; the first file that can't be
/// read.
pub fn read_root(
    storage: &Storage,
    root: &str,
    manifest: &Manifest,
    (exclusions, on_unusable): (&Exclusions, OnUnusable),
    progress: &dyn Progress,
) -> Result<Contents, ImportError> {
    if is_local(root) {
        return scan(Path::new(root), exclusions, on_unusable, progress);
    }
    let failed = |error| ImportError::Upstream(root.to_owned(), error);
    let upstream = storage.upstream(root).map_err(failed)?;
    // One more thread for the connections: what becomes of a file that has arrived keeps this one busy.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.into()))?;
    runtime.block_on(async {
        let named = match (&*upstream, manifest) {
            (_, Manifest::File(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| ImportError::Io(file.to_owned(), error))?;
                import::manifest(&text)
            }
            (_, Manifest::Beside(path)) => import::manifest(&fetch_text(&upstream, path).await?),
            (Upstream::S3(bucket), Manifest::None) => {
                let listed = bucket.list().await.map_err(failed)?;
                progress.found(listed.len() as u64, listed.iter().map(|object| object.size).sum());
                let named = |object: Listed| Named { name: object.name, sha256: None, size: Some(object.size) };
                listed.into_iter().map(named).collect()
            }
            (Upstream::Http(_), Manifest::None) => return Err(ImportError::NoManifest),
        };
        let files = import::sort_names(named, exclusions, on_unusable)?;
        import::scan_upstream(&upstream, files, on_unusable, progress).await
    })
}

async fn fetch_text(upstream: &Upstream, path: &FilePath) -> Result<String, ImportError> {
    let failed = |error| ImportError::Upstream(path.to_string(), error);
    let (_, mut body) = upstream.fetch(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MANIFEST_MAX {
            return Err(failed(StorageError::Upstream("the list is too long".into())));
        }
    }
    String::from_utf8(bytes).map_err(|_| failed(StorageError::Upstream("the list is not UTF-8".into())))
}

/// The folders in a folder of this machine or of a bucket, in the order of their names; empty for HTTP servers, which can't
/// be listed.
///
/// # Errors
/// When it can't be read.
pub async fn folders_in(storage: &Storage, root: &str) -> Result<Vec<String>, ImportError> {
    if is_local(root) {
        let folder = PathBuf::from(root);
        let read = tokio::task::spawn_blocking(move || local_folders(&folder)).await;
        return read.unwrap_or_else(|error| Err(ImportError::Io(root.into(), std::io::Error::other(error))));
    }
    let failed = |error| ImportError::Upstream(root.to_owned(), error);
    match storage.browsed(root).map_err(failed)? {
        Upstream::S3(bucket) => Ok(bucket.folders().await.map_err(failed)?.into_iter().take(FOLDERS_MAX).collect()),
        Upstream::Http(_) => Ok(Vec::new()),
    }
}

/// How many folders are shown of one.
const FOLDERS_MAX: usize = 1_000;

fn local_folders(folder: &Path) -> Result<Vec<String>, ImportError> {
    let failed = |error| ImportError::Io(folder.to_owned(), error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(entry.file_name().into_string());
        }
        if found.len() >= FOLDERS_MAX {
            break;
        }
    }
    found.sort();
    Ok(found)
}
