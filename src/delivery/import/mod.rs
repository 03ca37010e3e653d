//! Importing: what is found under a root, and how far that is.

mod file_scan;
mod folder;
pub mod parquet;
mod picture;
mod remote;
mod table;
mod warnings;

pub use folder::scan;
pub use remote::{Named, manifest, scan_upstream, sort_names};
pub use warnings::warnings;

use std::collections::BTreeMap;
use std::path::PathBuf;

use self::file_scan::FilePreview;
use super::storage::error::StorageError;
use crate::domain::dataset::{FileEntry, FolderEntry};
use crate::domain::import_job::Undeliverable;
use crate::domain::path::FilePath;
use crate::domain::preview::Previews;
use crate::domain::text::Sha256;

/// What a folder holds.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Its files, by path.
    pub files: Vec<FileEntry>,
    /// The folders they are in, the root left out.
    pub folders: Vec<FolderEntry>,
    /// What everybody may be shown of it.
    pub previews: Previews,
    /// What was left out, because the description says so.
    pub excluded: Vec<String>,
    /// What was left out, because it can't be delivered.
    pub unusable: Vec<Unusable>,
}

/// What is to be known of a file.
struct Described {
    entry: FileEntry,
    preview: Option<FilePreview>,
}

impl Contents {
    /// Files in the order of their paths, with the folders they are in; the largest tables first.
    fn of(described: Vec<Described>) -> Self {
        let (mut files, mut tables) = (Vec::with_capacity(described.len()), Vec::new());
        let (mut pictures, mut readmes) = (Vec::new(), Vec::new());
        for Described { entry, preview } in described {
            match preview {
                Some(FilePreview::Table(table)) => tables.push((entry.size, table)),
                Some(FilePreview::Picture(picture)) => pictures.push(picture),
                Some(FilePreview::Readme(readme)) => readmes.push(readme),
                None => {}
            }
            files.push(entry);
        }
        pictures.sort_by(|a, b| a.path.cmp(&b.path));
        readmes.sort_by(|a, b| a.path.cmp(&b.path));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        tables.sort_by(|(a_size, a), (b_size, b)| b_size.cmp(a_size).then_with(|| a.path.cmp(&b.path)));
        let tables = tables.into_iter().map(|(_, table)| table).collect();
        let previews = Previews { tables, pictures, readmes };
        Self { folders: folders_of(&files), files, previews, ..Self::default() }
    }
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

/// Who follows an import: told how far it is, and asked how it is to go on.
pub trait Progress: Sync {
    /// The walk is over: so many files, so many bytes.
    fn found(&self, files: u64, bytes: u64);
    /// So many more bytes are hashed.
    fn hashed(&self, bytes: u64);
    /// Whether it is to stop.
    fn is_cancelled(&self) -> bool {
        false
    }
    /// Whether previews are made.
    fn makes_previews(&self) -> bool {
        true
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

/// Tells nobody, and makes no previews.
#[derive(Clone, Copy, Debug)]
pub struct WithoutPreviews;

impl Progress for WithoutPreviews {
    fn found(&self, _: u64, _: u64) {}
    fn hashed(&self, _: u64) {}
    fn makes_previews(&self) -> bool {
        false
    }
}

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

fn check_unusable(unusable: &[Unusable], on_unusable: OnUnusable) -> Result<(), ImportError> {
    match on_unusable {
        OnUnusable::Refuse if !unusable.is_empty() => Err(ImportError::Unusable(unusable.to_vec())),
        OnUnusable::Refuse | OnUnusable::LeaveOut => Ok(()),
    }
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
    use crate::domain::Timestamp;
    use crate::domain::exclusions::Exclusions;

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
