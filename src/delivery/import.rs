//! Importing: walking a folder and hashing its files, all cores at work.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, TryStreamExt, stream};
use rayon::prelude::*;

use super::storage::error::StorageError;
use super::storage::modified_at;
use super::storage::upstream::Upstream;
use crate::domain::Timestamp;
use crate::domain::dataset::{FileEntry, FolderEntry};
use crate::domain::path::FilePath;
use crate::domain::text::Sha256;

/// What a folder holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Its files, by path.
    pub files: Vec<FileEntry>,
    /// The folders they are in, the root left out.
    pub folders: Vec<FolderEntry>,
}

/// Why a folder can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file system said so.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// A name that can't be part of an address.
    #[error("{0}: the name can't be delivered; rename the file")]
    Name(PathBuf),
    /// Something that is neither file nor folder.
    #[error("{0}: is neither a file nor a folder; links are not followed")]
    Kind(PathBuf),
    /// Another server said so.
    #[error("{0}: {1}")]
    Upstream(String, StorageError),
    /// A file behind another server is not what its manifest says.
    #[error("{0}: has the SHA-256 {1}, not the {2} that the manifest says")]
    Hash(FilePath, Sha256, Sha256),
    /// A line of a manifest that is neither a path nor a hash and a path.
    #[error("manifest, line {0}: must be a path, or a SHA-256, two spaces and a path")]
    Line(usize),
}

/// How far an import is.
pub trait Progress: Sync {
    /// The walk is over: so many files, so many bytes.
    fn found(&self, files: u64, bytes: u64);
    /// So many more bytes are hashed.
    fn hashed(&self, bytes: u64);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn found(&self, _: u64, _: u64) {}
    fn hashed(&self, _: u64) {}
}

/// Reads everything under `root`. Hidden files (names that begin with a dot) are left out.
///
/// # Errors
/// The first file that can't be imported.
pub fn scan(root: &Path, progress: &dyn Progress) -> Result<Contents, ImportError> {
    let mut found = Vec::new();
    let mut bytes = 0;
    let walk = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    for entry in
        walk.filter_entry(|entry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b"."))
    {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            ImportError::Io(path, error.into())
        })?;
        let path = entry.path().to_owned();
        if entry.file_type().is_dir() {
            continue;
        }
        if !entry.file_type().is_file() {
            return Err(ImportError::Kind(path));
        }
        let inside =
            path.strip_prefix(root).ok().and_then(Path::to_str).ok_or_else(|| ImportError::Name(path.clone()))?;
        let inside: FilePath = inside.parse().map_err(|_| ImportError::Name(path.clone()))?;
        bytes += entry.metadata().map_or(0, |metadata| metadata.len());
        found.push((path, inside));
    }
    progress.found(found.len() as u64, bytes);
    let mut files = found
        .into_par_iter()
        .map(|(path, inside)| describe(&path, inside, progress).map_err(|error| ImportError::Io(path, error)))
        .collect::<Result<Vec<_>, _>>()?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let folders = folders_of(&files);
    Ok(Contents { files, folders })
}

/// A file to be read from another server, and the hash that it is said to have.
pub type Expected = (FilePath, Option<Sha256>);

/// Reads a manifest: a path a line, or `SHA256SUMS` as `sha256sum` writes it. Empty lines and those with `#` are left out.
///
/// # Errors
/// The first line that is neither.
pub fn manifest(text: &str) -> Result<Vec<Expected>, ImportError> {
    let mut expected = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')) {
        let hashed = line.split_once(' ').and_then(|(hash, path)| {
            let bytes = hex::decode(hash).ok().filter(|bytes| bytes.len() == 32)?;
            // The second space, or the star of binary files.
            Some((Sha256::from_slice(&bytes)?, path.strip_prefix([' ', '*'])?))
        });
        let (hash, path) = hashed.map_or((None, line), |(hash, path)| (Some(hash), path));
        let path: FilePath = path.trim_start_matches("./").parse().map_err(|_| ImportError::Line(n + 1))?;
        if path.is_root() {
            return Err(ImportError::Line(n + 1));
        }
        expected.push((path, hash));
    }
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    expected.dedup_by(|a, b| a.0 == b.0);
    Ok(expected)
}

/// Reads files from another server, several at a time, and keeps what is to be known of them; the bytes are not kept.
///
/// # Errors
/// The first file that can't be imported.
pub async fn scan_upstream(
    upstream: &Upstream,
    files: Vec<Expected>,
    progress: &dyn Progress,
) -> Result<Contents, ImportError> {
    const AT_A_TIME: usize = 8;
    let mut found: Vec<FileEntry> = stream::iter(files)
        .map(|(path, hash)| describe_upstream(upstream, path, hash, progress))
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let folders = folders_of(&found);
    Ok(Contents { files: found, folders })
}

async fn describe_upstream(
    upstream: &Upstream,
    path: FilePath,
    expected: Option<Sha256>,
    progress: &dyn Progress,
) -> Result<FileEntry, ImportError> {
    let failed = |error| ImportError::Upstream(path.to_string(), error);
    let (found, mut incoming) = upstream.fetch(&path).await.map_err(failed)?;
    let mut sha256 = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut crc32 = crc32fast::Hasher::new();
    let mut size = 0;
    while let Some(piece) = incoming.next().await.map_err(failed)? {
        sha256.update(&piece);
        crc32.update(&piece);
        size += piece.len() as u64;
        progress.hashed(piece.len() as u64);
    }
    if found.size.is_some_and(|said| said != size) {
        return Err(failed(StorageError::Upstream(format!("sent {size} bytes and not what it said"))));
    }
    let sha256 = Sha256::finish(sha256);
    if let Some(expected) = expected.filter(|expected| *expected != sha256) {
        return Err(ImportError::Hash(path, sha256, expected));
    }
    Ok(FileEntry {
        media_type: media_type(&path),
        path,
        size,
        sha256,
        crc32: crc32.finalize(),
        modified_at: found.modified_at.unwrap_or(Timestamp(0)),
        pinned_etag: found.etag,
    })
}

fn describe(path: &Path, inside: FilePath, progress: &dyn Progress) -> std::io::Result<FileEntry> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut sha256 = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut crc32 = crc32fast::Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        sha256.update(&buffer[..read]);
        crc32.update(&buffer[..read]);
        size += read as u64;
        progress.hashed(read as u64);
    }
    // Changed while it was read: what was hashed is not what is there.
    let after = file.metadata()?;
    if after.len() != size || after.modified()? != metadata.modified()? {
        return Err(std::io::Error::other("the file changed while it was read; import again"));
    }
    Ok(FileEntry {
        media_type: media_type(&inside),
        path: inside,
        size,
        sha256: Sha256::finish(sha256),
        crc32: crc32.finalize(),
        modified_at: modified_at(&metadata),
        pinned_etag: None,
    })
}

fn media_type(path: &FilePath) -> String {
    let guess = mime_guess::from_path(path.as_str()).first_or_octet_stream();
    if guess.type_() == mime_guess::mime::TEXT {
        format!("{}; charset=utf-8", guess.essence_str())
    } else {
        guess.to_string()
    }
}

/// The folders of `files`, each with what is in it at any depth.
fn folders_of(files: &[FileEntry]) -> Vec<FolderEntry> {
    let mut folders: BTreeMap<FilePath, (u64, u64)> = BTreeMap::new();
    for file in files {
        let mut folder = file.path.parent();
        while let Some(path) = folder.filter(|path| !path.is_root()) {
            let totals = folders.entry(path.clone()).or_default();
            totals.0 += 1;
            totals.1 += file.size;
            folder = path.parent();
        }
    }
    folders.into_iter().map(|(path, (file_count, total_bytes))| FolderEntry { path, file_count, total_bytes }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_in_both_forms() {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let read = manifest(&format!("# images\nb/x.png\n\n{hash}  a b.csv\n{hash} *./c\n")).unwrap();
        let shown: Vec<_> = read.iter().map(|(path, hash)| (path.as_str(), hash.is_some())).collect();
        assert_eq!(shown, [("a b.csv", true), ("b/x.png", false), ("c", true)]);
        for bad in ["../x", "/etc/passwd", "a//b", "."] {
            assert!(matches!(manifest(&format!("fine\n{bad}")), Err(ImportError::Line(2))), "{bad}");
        }
    }

    #[test]
    fn a_folder_becomes_a_table() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        std::fs::write(root.path().join("a/b/x.csv"), "abc").unwrap();
        std::fs::write(root.path().join("a/y.png"), "").unwrap();
        std::fs::write(root.path().join("胸.txt"), "x").unwrap();
        std::fs::write(root.path().join(".hidden"), "x").unwrap();
        let contents = scan(root.path(), &Silent).unwrap();
        let paths: Vec<_> = contents.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a/b/x.csv", "a/y.png", "胸.txt"]);
        let csv = &contents.files[0];
        assert_eq!(csv.sha256.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((csv.size, csv.crc32, csv.media_type.as_str()), (3, 0x3524_41c2, "text/csv; charset=utf-8"));
        let folders: Vec<_> = contents.folders.iter().map(|f| (f.path.as_str(), f.file_count, f.total_bytes)).collect();
        assert_eq!(folders, [("a", 2, 3), ("a/b", 1, 3)]);
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("link")).unwrap();
        assert!(matches!(scan(root.path(), &Silent), Err(ImportError::Kind(_))));
    }
}
