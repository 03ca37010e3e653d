//! Reading what another server has: a list of names, sorted, and each file hashed on its way through.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::file_scan::PreviewPlan;
use super::{Contents, Described, ImportError, OnUnusable, Progress, Unusable, check_unusable, media_type};
use crate::delivery::storage::error::StorageError;
use crate::delivery::storage::upstream::Upstream;
use crate::domain::Timestamp;
use crate::domain::dataset::FileEntry;
use crate::domain::exclusions::Exclusions;
use crate::domain::import_job::Undeliverable;
use crate::domain::path::FilePath;
use crate::domain::text::Sha256;
use crate::domain::transfer::FileMismatch;

/// A file that another server is said to have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named<T> {
    /// Its name, or where that can be delivered, its path.
    pub name: T,
    /// The hash that it is said to have.
    pub sha256: Option<Sha256>,
    /// Its bytes, if they were listed.
    pub size: Option<u64>,
}

/// Sorts names from elsewhere into those to import, each once, and those that are left out and why.
///
/// # Errors
/// [`ImportError::Unusable`].
pub fn sort_names(
    named: Vec<Named<String>>,
    exclusions: &Exclusions,
    on_unusable: OnUnusable,
) -> Result<(Vec<Named<FilePath>>, Contents), ImportError> {
    let (mut files, mut left_out) = (BTreeMap::new(), Contents::default());
    for Named { name, sha256, size } in named {
        let path = name.parse::<FilePath>().ok().filter(|path| !path.is_root());
        if exclusions.excludes(&name) {
            left_out.excluded.push(name);
        } else if let Some(path) = path {
            files.entry(path.clone()).or_insert(Named { name: path, sha256, size });
        } else {
            left_out.unusable.push(Unusable { what: name, why: Undeliverable::BadName });
        }
    }
    check_unusable(&left_out.unusable, on_unusable)?;
    Ok((files.into_values().collect(), left_out))
}

/// The files that a list names: a path a line, or the form of `SHA256SUMS`. Lines that begin with `#` say nothing.
pub fn manifest(text: &str) -> Vec<Named<String>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let named = |line: &str| {
        let hashed = line.split_once(' ').and_then(|(hash, path)| {
            let bytes = hex::decode(hash).ok().filter(|bytes| bytes.len() == 32)?;
            // The second space, or the star of binary files.
            Some((Sha256::from_slice(&bytes)?, path.strip_prefix([' ', '*'])?))
        });
        let (sha256, path) = hashed.map_or((None, line), |(hash, path)| (Some(hash), path));
        Named { name: path.trim_start_matches("./").to_owned(), sha256, size: None }
    };
    lines.map(named).collect()
}

/// Reads files from another server, several at a time, and keeps what is to be known of them; the bytes are not kept. What a
/// listing shows and the server does not have under that name is left out if it is empty, for then it only marks a folder.
///
/// # Errors
/// The first file that can't be imported, or all that can't be delivered.
pub async fn scan_upstream(
    upstream: &Upstream,
    (files, mut left_out): (Vec<Named<FilePath>>, Contents),
    on_unusable: OnUnusable,
    progress: &dyn Progress,
) -> Result<Contents, ImportError> {
    const AT_A_TIME: usize = 8;
    let candidates = files.iter().filter(|_| progress.makes_previews());
    let sized = candidates.map(|file| (&file.name, file.size.unwrap_or_default()));
    let plan = PreviewPlan::new(&sized.collect::<Vec<_>>());
    let describe = async |file: Named<FilePath>| {
        let size = file.size;
        match (describe_upstream(upstream, file, &plan, progress).await, size) {
            (Err(ImportError::Upstream(name, StorageError::Changed(FileMismatch::Gone))), Some(size)) => {
                Ok(Err((name, size)))
            }
            (described, _) => described.map(Ok),
        }
    };
    let described: Vec<Result<Described, (String, u64)>> =
        stream::iter(files).map(describe).buffer_unordered(AT_A_TIME).try_collect().await?;
    let mut found = Vec::with_capacity(described.len());
    for file in described {
        match file {
            Ok(file) => found.push(file),
            Err((name, 0)) => left_out.excluded.push(name),
            Err((what, _)) => left_out.unusable.push(Unusable { what, why: Undeliverable::NotThere }),
        }
    }
    check_unusable(&left_out.unusable, on_unusable)?;
    let Contents { excluded, unusable, .. } = left_out;
    Ok(Contents { excluded, unusable, ..Contents::of(found) })
}

async fn describe_upstream(
    upstream: &Upstream,
    Named { name: path, sha256: expected, .. }: Named<FilePath>,
    plan: &PreviewPlan,
    progress: &dyn Progress,
) -> Result<Described, ImportError> {
    let failed = |error| ImportError::Upstream(path.to_string(), error);
    let (found, mut incoming) = upstream.fetch(&path).await.map_err(failed)?;
    let mut sha256 = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut crc32 = crc32fast::Hasher::new();
    let (mut size, mut scan) = (0, plan.begin(&path));
    while let Some(piece) = incoming.next().await.map_err(failed)? {
        sha256.update(&piece);
        crc32.update(&piece);
        scan.take(&piece);
        size += piece.len() as u64;
        progress.hashed(piece.len() as u64);
        if progress.is_cancelled() {
            return Err(ImportError::Cancelled);
        }
    }
    if found.size.is_some_and(|said| said != size) {
        return Err(failed(StorageError::Upstream(format!("sent {size} bytes and not what it said"))));
    }
    let sha256 = Sha256::finish(sha256);
    if let Some(expected) = expected.filter(|expected| *expected != sha256) {
        return Err(ImportError::Hash(path, sha256, expected));
    }
    // It may take seconds, in which the connections of the other files go on: they are served by another thread.
    let preview = plan.finish(scan, &|| progress.is_cancelled());
    let entry = FileEntry {
        media_type: media_type(&path),
        path,
        size,
        sha256,
        crc32: crc32.finalize(),
        modified_at: found.modified_at.unwrap_or(Timestamp(0)),
        pinned_etag: found.etag,
    };
    Ok(Described { entry, preview })
}
