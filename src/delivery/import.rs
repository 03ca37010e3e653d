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
use crate::domain::import_job::Undeliverable;
use crate::domain::path::FilePath;
use crate::domain::text::Sha256;
use crate::domain::transfer::FileMismatch;

/// How much the threads that hash yield to others, in steps of `nice`.
const NICENESS: i32 = 10;

/// What a folder holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Its files, by path.
    pub files: Vec<FileEntry>,
    /// The folders they are in, the root left out.
    pub folders: Vec<FolderEntry>,
    /// What was left out, because the description says so.
    pub excluded: Vec<String>,
    /// What was left out, because it can't be delivered.
    pub unusable: Vec<Unusable>,
}

/// Something that can't be delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unusable {
    /// What.
    pub what: String,
    /// Why not.
    pub why: Undeliverable,
}

/// What to do about what can't be delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnUnusable {
    /// Name all of it, and import nothing.
    Refuse,
    /// Leave it out, and go on with the rest.
    LeaveOut,
}

/// Why a folder can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file system said so.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
    /// What can't be delivered, all of it.
    #[error("these can't be delivered; change them, exclude them, or leave them out with --skip-unusable:{}", listed(.0))]
    Unusable(Vec<Unusable>),
    /// Another server said so.
    #[error("{0}: {1}")]
    Upstream(String, StorageError),
    /// Another server is to be read without a list of what it has.
    #[error("a list of the files is needed where they are behind an HTTP server")]
    NoManifest,
    /// Somebody stopped it.
    #[error("it was stopped")]
    Cancelled,
    /// A file behind another server is not what its manifest says.
    #[error("{0}: has the SHA-256 {1}, not the {2} that the manifest says")]
    Hash(FilePath, Sha256, Sha256),
}

/// How far an import is.
pub trait Progress: Sync {
    /// The walk is over: so many files, so many bytes.
    fn found(&self, files: u64, bytes: u64);
    /// So many more bytes are hashed.
    fn hashed(&self, bytes: u64);
    /// Whether it is to stop.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn found(&self, _: u64, _: u64) {}
    fn hashed(&self, _: u64) {}
}

/// How many of a list of names are shown.
pub const SHOWN: usize = 20;

fn listed(unusable: &[Unusable]) -> String {
    let more = unusable.len().saturating_sub(SHOWN);
    let lines = unusable.iter().take(SHOWN).map(|one| format!("\n  {one}"));
    let rest = (more > 0).then(|| format!("\n  and {more} more"));
    lines.chain(rest).collect()
}

/// Why something can't be delivered, as operators read it.
const fn sentence(why: Undeliverable) -> &'static str {
    match why {
        Undeliverable::BadName => "the name can't stand in an address",
        Undeliverable::NotThere => "is listed, and can't be had under that name",
        Undeliverable::NotAFile => "is neither a file nor a folder; links are not followed",
    }
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.what, sentence(self.why))
    }
}

/// What an import leaves out: names of files or folders with stars, such as `*.tmp` or `.git`, or whole paths.
#[derive(Clone, Debug, Default)]
pub struct Exclusions(Vec<glob::Pattern>);

impl Exclusions {
    /// Reads the patterns.
    ///
    /// # Errors
    /// The first that is none, and what is wrong with it.
    pub fn parse(patterns: &[String]) -> Result<Self, String> {
        let read = |text: &String| {
            // A folder is meant with a slash behind its name, and the root with one before it.
            let tidy = text.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            if tidy.is_empty() {
                return Err(format!("{text:?}: would leave out everything"));
            }
            glob::Pattern::new(tidy).map_err(|error| format!("{text:?}: {error}"))
        };
        patterns.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a pattern names this path itself: its last part, or all of it.
    fn names(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        self.0.iter().any(|pattern| pattern.matches(if pattern.as_str().contains('/') { path } else { name }))
    }

    /// Whether a path or a folder that it is in is left out.
    fn excludes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| self.names(&path[..end]))
    }
}

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

fn check_unusable(unusable: &[Unusable], on_unusable: OnUnusable) -> Result<(), ImportError> {
    match on_unusable {
        OnUnusable::Refuse if !unusable.is_empty() => Err(ImportError::Unusable(unusable.to_vec())),
        OnUnusable::Refuse | OnUnusable::LeaveOut => Ok(()),
    }
}

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
        bytes += entry.metadata().map_or(0, |metadata| metadata.len());
        found.push((path, name));
    }
    check_unusable(&unusable, on_unusable)?;
    progress.found(found.len() as u64, bytes);
    // A gateway that delivers on the same machine comes first. Where that is refused, hashing only competes with it.
    let yielding = |_| {
        let _ = rustix::process::nice(NICENESS);
    };
    let threads = rayon::ThreadPoolBuilder::new().start_handler(yielding).build();
    let threads = threads.map_err(|error| ImportError::Io(root.to_owned(), std::io::Error::other(error)))?;
    let describe_all = || {
        let described = found.into_par_iter().map(|(path, inside)| match describe(&path, inside, progress) {
            Ok(described) => described.ok_or(ImportError::Cancelled),
            Err(error) => Err(ImportError::Io(path, error)),
        });
        described.collect::<Result<Vec<_>, _>>()
    };
    let mut files = threads.install(describe_all)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let folders = folders_of(&files);
    Ok(Contents { files, folders, excluded, unusable })
}

/// Names that not every system can keep: pairs that differ only by case, and names that Windows refuses.
pub fn warnings(files: &[FileEntry]) -> Vec<String> {
    let mut seen: BTreeMap<String, &FilePath> = BTreeMap::new();
    let mut said = Vec::new();
    for FileEntry { path, .. } in files {
        if let Some(other) = seen.insert(path.as_str().to_lowercase(), path) {
            said.push(format!("{other} and {path} are one name where case does not count (Windows, macOS)"));
        }
        if path.as_str().split('/').any(is_refused_by_windows) {
            said.push(format!("{path} can't be kept under this name on Windows"));
        }
    }
    said
}

fn is_refused_by_windows(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = DEVICES[..4].contains(&stem.as_str())
        || DEVICES[4..].iter().any(|device| {
            stem.strip_prefix(device).is_some_and(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_digit()))
        });
    is_device || name.ends_with(['.', ' ']) || name.contains(['<', '>', ':', '"', '|', '?', '*'])
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
    let describe = async |Named { name, sha256, size }: Named<FilePath>| match (
        describe_upstream(upstream, name, sha256, progress).await,
        size,
    ) {
        (Err(ImportError::Upstream(name, StorageError::Changed(FileMismatch::Gone))), Some(size)) => {
            Ok(Err((name, size)))
        }
        (described, _) => described.map(Ok),
    };
    let described: Vec<Result<FileEntry, (String, u64)>> =
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
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let folders = folders_of(&found);
    Ok(Contents { files: found, folders, ..left_out })
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

/// What is to be known of a file; `None` where it is to stop.
fn describe(path: &Path, inside: FilePath, progress: &dyn Progress) -> std::io::Result<Option<FileEntry>> {
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
        if progress.is_cancelled() {
            return Ok(None);
        }
    }
    // Changed while it was read: what was hashed is not what is there.
    let after = file.metadata()?;
    if after.len() != size || after.modified()? != metadata.modified()? {
        return Err(std::io::Error::other("the file changed while it was read; import again"));
    }
    Ok(Some(FileEntry {
        media_type: media_type(&inside),
        path: inside,
        size,
        sha256: Sha256::finish(sha256),
        crc32: crc32.finalize(),
        modified_at: modified_at(&metadata),
        pinned_etag: None,
    }))
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
        let all = Exclusions::default();
        let list = manifest(&format!("# images\nb/x.png\n\n{hash}  a b.csv\n{hash} *./c\nb/x.png\n"));
        let (read, _) = sort_names(list, &all, OnUnusable::Refuse).unwrap();
        let shown: Vec<_> = read.iter().map(|file| (file.name.as_str(), file.sha256.is_some())).collect();
        assert_eq!(shown, [("a b.csv", true), ("b/x.png", false), ("c", true)]);
        let bad = manifest("fine\n../x\n/etc/passwd\na//b\n.\nleft/out/../x");
        let said = sort_names(bad.clone(), &all, OnUnusable::Refuse).unwrap_err().to_string();
        assert!(["../x", "/etc/passwd", "a//b", "  .:"].iter().all(|name| said.contains(name)), "all at once: {said}");
        let exclusions = Exclusions::parse(&["left".to_owned()]).unwrap();
        let (files, left_out) = sort_names(bad, &exclusions, OnUnusable::LeaveOut).unwrap();
        assert_eq!((files.len(), left_out.unusable.len(), left_out.excluded.len()), (1, 4, 1));
    }

    #[test]
    fn a_folder_becomes_a_table() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        std::fs::write(root.path().join("a/b/x.csv"), "abc").unwrap();
        std::fs::write(root.path().join("a/y.png"), "").unwrap();
        std::fs::write(root.path().join("胸.txt"), "x").unwrap();
        std::fs::write(root.path().join(".zgroup"), "x").unwrap();
        std::fs::create_dir(root.path().join(".git")).unwrap();
        std::fs::write(root.path().join(".git/config"), "x").unwrap();
        std::fs::write(root.path().join("a/left.tmp"), "x").unwrap();
        let exclusions = Exclusions::parse(&[".git/".to_owned(), "./a/*.tmp".to_owned()]).unwrap();
        let contents = scan(root.path(), &exclusions, OnUnusable::Refuse, &Silent).unwrap();
        let paths: Vec<_> = contents.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".zgroup", "a/b/x.csv", "a/y.png", "胸.txt"]);
        assert_eq!(contents.excluded, [".git", "a/left.tmp"]);
        let csv = &contents.files[1];
        assert_eq!(csv.sha256.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((csv.size, csv.crc32, csv.media_type.as_str()), (3, 0x3524_41c2, "text/csv; charset=utf-8"));
        let folders: Vec<_> = contents.folders.iter().map(|f| (f.path.as_str(), f.file_count, f.total_bytes)).collect();
        assert_eq!(folders, [("a", 2, 3), ("a/b", 1, 3)]);
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("link")).unwrap();
        std::fs::write(root.path().join("back\\slash"), "x").unwrap();
        let said = scan(root.path(), &exclusions, OnUnusable::Refuse, &Silent).unwrap_err().to_string();
        assert!(said.contains("link: is neither") && said.contains("back\\slash: the name"), "all at once: {said}");
        let rest = scan(root.path(), &exclusions, OnUnusable::LeaveOut, &Silent).unwrap();
        assert_eq!((rest.files.len(), rest.unusable.len()), (4, 2));
    }

    #[test]
    fn names_that_others_can_not_keep_are_warned_of() {
        let file = |path: &str| FileEntry {
            path: path.parse().unwrap(),
            size: 0,
            sha256: Sha256([0; 32]),
            crc32: 0,
            media_type: String::new(),
            modified_at: Timestamp(0),
            pinned_etag: None,
        };
        let fine = ["a.csv", "b/console.txt", "com10", "胸.csv", ".zgroup"].map(file);
        assert_eq!(warnings(&fine), Vec::<String>::new());
        for bad in ["a:b", "x/aux.txt", "COM1", "end.", "what?"] {
            assert_eq!(warnings(&[file(bad)]).len(), 1, "{bad}");
        }
        assert!(warnings(&["Readme.md", "README.md"].map(file))[0].contains("one name"));
    }
}
