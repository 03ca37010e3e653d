//! Reading a folder: walking it and hashing its files, all cores at work.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;

use super::file_scan::PreviewPlan;
use super::{Contents, Described, ImportError, OnUnusable, Progress, Unusable, check_unusable, media_type};
use crate::delivery::storage::modified_at;
use crate::domain::dataset::FileEntry;
use crate::domain::exclusions::Exclusions;
use crate::domain::import_job::Undeliverable;
use crate::domain::path::FilePath;
use crate::domain::text::Sha256;

/// How much the threads that hash yield to others, in steps of `nice`.
const NICENESS: i32 = 19;

/// Reads everything under `root`, hidden files too, but what is excluded.
///
/// # Errors
/// All that can't be delivered, or the first file that can't be read.
pub fn scan(
    root: &Path,
    exclusions: &Exclusions,
    on_unusable: OnUnusable,
    progress: &dyn Progress,
) -> Result<Contents, ImportError> {
    let (mut found, mut excluded, mut unusable) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    let inside = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
    let is_wanted = |entry: &walkdir::DirEntry| {
        let excluded_here = entry.depth() > 0 && exclusions.names(&inside(entry.path()));
        if excluded_here {
            excluded.push(inside(entry.path()));
        }
        !excluded_here
    };
    for entry in walkdir::WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(is_wanted) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            ImportError::Io(path, error.into())
        })?;
        if progress.is_cancelled() {
            return Err(ImportError::Cancelled);
        }
        let path = entry.path().to_owned();
        if entry.file_type().is_dir() {
            continue;
        }
        if !entry.file_type().is_file() {
            unusable.push(Unusable { what: inside(&path), why: Undeliverable::NotAFile });
            continue;
        }
        let name = path.strip_prefix(root).ok().and_then(Path::to_str);
        let Some(name) = name.and_then(|name| name.parse::<FilePath>().ok()) else {
            unusable.push(Unusable { what: inside(&path), why: Undeliverable::BadName });
            continue;
        };
        let size = entry.metadata().map_or(0, |metadata| metadata.len());
        bytes += size;
        found.push((path, name, size));
    }
    check_unusable(&unusable, on_unusable)?;
    progress.found(found.len() as u64, bytes);
    // A gateway that delivers on the same machine comes first. Where that is refused, hashing only competes with it.
    let yielding = |_| {
        let _ = rustix::process::nice(NICENESS);
    };
    let threads = rayon::ThreadPoolBuilder::new().start_handler(yielding).build();
    let threads = threads.map_err(|error| ImportError::Io(root.to_owned(), std::io::Error::other(error)))?;
    let candidates = found.iter().filter(|_| progress.makes_previews());
    let plan = PreviewPlan::new(&candidates.map(|(_, inside, size)| (inside, *size)).collect::<Vec<_>>());
    let describe_all = || {
        let described = found.into_par_iter().map(|(path, inside, _)| match describe(&path, inside, &plan, progress) {
            Ok(described) => described.ok_or(ImportError::Cancelled),
            Err(error) => Err(ImportError::Io(path, error)),
        });
        described.collect::<Result<Vec<_>, _>>()
    };
    let described = threads.install(describe_all)?;
    Ok(Contents { excluded, unusable, ..Contents::of(described) })
}

/// What is to be known of a file; `None` where it is to stop.
fn describe(
    path: &Path,
    inside: FilePath,
    plan: &PreviewPlan,
    progress: &dyn Progress,
) -> std::io::Result<Option<Described>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut sha256 = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut crc32 = crc32fast::Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    let (mut size, mut scan) = (0, plan.begin(&inside));
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        sha256.update(&buffer[..read]);
        crc32.update(&buffer[..read]);
        scan.take(&buffer[..read]);
        size += read as u64;
        progress.hashed(read as u64);
        if progress.is_cancelled() {
            return Ok(None);
        }
    }
    // Changed while it was read: what was hashed is not what is there.
    let after = file.metadata()?;
    if after.len() != size || after.modified()? != metadata.modified()? {
        return Err(std::io::Error::other("the file changed while it was read; import again"));
    }
    let preview = plan.finish(scan, &|| progress.is_cancelled());
    let entry = FileEntry {
        media_type: media_type(&inside),
        path: inside,
        size,
        sha256: Sha256::finish(sha256),
        crc32: crc32.finalize(),
        modified_at: modified_at(&metadata),
        pinned_etag: None,
    };
    Ok(Some(Described { entry, preview }))
}
