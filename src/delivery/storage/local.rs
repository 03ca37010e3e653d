//! Files in a folder on this machine. A path is only ever opened beneath its dataset's root: `cap-std` resolves it there,
//! symbolic links and races included.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::digest::{Context, SHA256};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use quick_cache::sync::Cache;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::error::StorageError;
use crate::domain::Timestamp;
use crate::domain::dataset::FileEntry;
use crate::domain::text::Sha256;
use crate::domain::transfer::FileMismatch;

/// The roots of datasets, opened once.
#[derive(Debug)]
pub struct LocalRoots {
    /// Read for each file; written when a root is opened or given up.
    open: RwLock<HashMap<String, Arc<Dir>>>,
    /// Of files whose time is another than was imported, whether their bytes are the same.
    compared: Cache<FileState, bool>,
    /// The roots of which it was said that files have other times.
    said: Mutex<HashSet<String>>,
}

/// A file as it was found.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct FileState {
    /// Its device and its number there.
    file: (u64, u64),
    modified: Timestamp,
    /// When anything about it was changed last: seconds and nanoseconds.
    changed: (i64, i64),
    /// The hash that it was compared with.
    sha256: Sha256,
}

/// Whether a file with another time is read to know whether its bytes are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// Only what was read before counts.
    Remembered,
    /// It is read, all of it.
    Read,
}

/// Files whose bytes were compared that are remembered.
const COMPARED: usize = 200_000;

impl Default for LocalRoots {
    fn default() -> Self {
        Self { open: RwLock::default(), compared: Cache::new(COMPARED), said: Mutex::default() }
    }
}

impl LocalRoots {
    fn root(&self, path: &str) -> io::Result<Arc<Dir>> {
        if let Some(dir) = self.known(path) {
            return Ok(dir);
        }
        let dir = Arc::new(Dir::open_ambient_dir(Path::new(path), ambient_authority())?);
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), dir.clone());
        Ok(dir)
    }

    fn known(&self, path: &str) -> Option<Arc<Dir>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// Gives a root up: it is opened anew.
    fn forget(&self, path: &str) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// Opens a file of the table, if it is still what was imported. Blocks.
    ///
    /// # Errors
    /// [`StorageError::Changed`] when it is gone or its size or time is another; otherwise what the file system says.
    pub fn open(&self, root: &str, entry: &FileEntry, comparison: Comparison) -> Result<File, StorageError> {
        match self.open_once(root, entry, comparison) {
            // Another folder may have been put in the root's place, or mounted there.
            Err(StorageError::Changed(_)) => {
                self.forget(root);
                self.open_once(root, entry, comparison)
            }
            done => done,
        }
    }

    fn open_once(&self, root: &str, entry: &FileEntry, comparison: Comparison) -> Result<File, StorageError> {
        let dir = self.root(root)?;
        // What became a pipe must not be waited for.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let file = match dir.open_with(entry.path.as_str(), &options) {
            Ok(file) => file.into_std(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StorageError::Changed(FileMismatch::Gone));
            }
            // What cap-std itself refuses has no code of the system's: a link that leads out of the root.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() => {
                return Err(StorageError::Changed(FileMismatch::OutsideRoot));
            }
            Err(error) => return Err(error.into()),
        };
        match check(&file, entry) {
            // Data that was restored or moved keeps its bytes, but not always its times.
            Err(StorageError::Changed(FileMismatch::Time))
                if self.has_same_bytes(root, &file, entry, comparison)? =>
            {
                Ok(file)
            }
            checked => checked.map(|()| file),
        }
    }

    /// Whether a file of the right size and another time has the bytes that were imported. Reads all of it, once for each
    /// file and time; whoever asks meanwhile waits.
    fn has_same_bytes(
        &self,
        root: &str,
        file: &File,
        entry: &FileEntry,
        comparison: Comparison,
    ) -> Result<bool, StorageError> {
        let found = state(file, entry)?;
        if comparison == Comparison::Remembered {
            return Ok(self.compared.get(&found).unwrap_or(false));
        }
        let compare = || -> io::Result<bool> {
            self.say_once(root);
            Ok(Sha256::finish(hash(file)?) == entry.sha256 && state(file, entry)? == found)
        };
        Ok(self.compared.get_or_insert_with(&found, compare)?)
    }

    fn say_once(&self, root: &str) {
        if self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(root.to_owned()) {
            tracing::warn!(
                root,
                "files have other times than when they were imported: each is compared by its hash when it is first asked \
                 for. Import the dataset again to keep the new times"
            );
        }
    }

    /// The same if it takes no waiting for the disk: `None` when the way to the file is not in memory, leads over a
    /// link, or the kernel can't tell.
    pub fn open_cached(&self, root: &str, entry: &FileEntry) -> Option<File> {
        let dir = self.known(root)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::CACHED;
        let file = rustix::fs::openat2(&*dir, entry.path.as_str(), flags, Mode::empty(), resolve).ok()?;
        let file = File::from(file);
        // What does not fit is looked at again where another root can be opened.
        match check(&file, entry) {
            Ok(()) => Some(file),
            Err(StorageError::Changed(FileMismatch::Time)) => {
                let found = state(&file, entry).ok()?;
                self.compared.get(&found).is_some_and(|same| same).then_some(file)
            }
            Err(_) => None,
        }
    }
}

/// Whether the file is still what was imported.
fn check(file: &File, entry: &FileEntry) -> Result<(), StorageError> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(StorageError::Changed(FileMismatch::NotAFile));
    }
    if metadata.len() != entry.size {
        return Err(StorageError::Changed(FileMismatch::Size));
    }
    let found = modified_at(&metadata);
    if found != entry.modified_at && !is_rounded(found, entry.modified_at) {
        return Err(StorageError::Changed(FileMismatch::Time));
    }
    Ok(())
}

/// Whether a time is another one as a copy may have rounded it, to milliseconds or to seconds. A time that needed no
/// rounding is itself or another.
fn is_rounded(found: Timestamp, imported: Timestamp) -> bool {
    let apart = (found.0 - imported.0).abs();
    [1_000, 1_000_000].iter().any(|unit| found.0 % unit == 0 && imported.0 % unit != 0 && apart < *unit)
}

fn state(file: &File, entry: &FileEntry) -> io::Result<FileState> {
    let found = file.metadata()?;
    let changed = (found.ctime(), found.ctime_nsec());
    Ok(FileState { file: (found.dev(), found.ino()), modified: modified_at(&found), changed, sha256: entry.sha256 })
}

/// The hash of a file's bytes. Its position stays where it is.
fn hash(file: &File) -> io::Result<Context> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 256 * 1024];
    let mut at = 0;
    loop {
        let read = file.read_at(&mut buffer, at)?;
        if read == 0 {
            return Ok(context);
        }
        context.update(&buffer[..read]);
        at += read as u64;
    }
}

/// A file's modification time, to the microsecond.
pub fn modified_at(metadata: &std::fs::Metadata) -> Timestamp {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Timestamp(modified.and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, size: u64, modified_at: Timestamp) -> FileEntry {
        let media_type = "text/plain".to_owned();
        FileEntry {
            path: path.parse().unwrap(),
            size,
            sha256: Sha256([0; 32]),
            crc32: 0,
            media_type,
            modified_at,
            pinned_etag: None,
        }
    }

    #[test]
    fn nothing_outside_the_root_is_opened() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), root.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("folder")).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("up")).unwrap();
        std::fs::write(root.path().join("good"), "good").unwrap();
        std::os::unix::fs::symlink("good", root.path().join("inside")).unwrap();

        let roots = LocalRoots::default();
        let root_text = root.path().to_str().unwrap();
        let time = |path: &Path| modified_at(&std::fs::metadata(path).unwrap());
        let secret_time = time(&outside.path().join("secret"));
        for path in ["link", "folder/secret"] {
            let error = roots.open(root_text, &entry(path, 6, secret_time), Comparison::Read).unwrap_err();
            assert!(matches!(error, StorageError::Changed(FileMismatch::OutsideRoot)), "{path}: {error}");
        }
        assert!(roots.open(root_text, &entry("up/etc/passwd", 6, secret_time), Comparison::Read).is_err());
        let good_time = time(&root.path().join("good"));
        assert!(roots.open(root_text, &entry("good", 4, good_time), Comparison::Read).is_ok());
        assert!(
            roots.open(root_text, &entry("inside", 4, good_time), Comparison::Read).is_ok(),
            "a link inside the root is fine"
        );
    }

    #[test]
    fn another_folder_in_the_place_of_a_root_is_taken_up() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let make = |text: &str| {
            std::fs::create_dir(&root).unwrap();
            std::fs::write(root.join("a"), text).unwrap();
            modified_at(&std::fs::metadata(root.join("a")).unwrap())
        };
        let (roots, root_text) = (LocalRoots::default(), root.to_str().unwrap());
        let first = make("1234");
        assert!(roots.open(root_text, &entry("a", 4, first), Comparison::Read).is_ok());
        assert!(roots.open_cached(root_text, &entry("a", 4, first)).is_some());
        std::fs::rename(&root, home.path().join("before")).unwrap();
        let second = make("12345");
        std::thread::scope(|scope| {
            let other = scope.spawn(|| roots.open(root_text, &entry("a", 5, second), Comparison::Read).is_ok());
            assert!(other.join().unwrap());
        });
        assert!(
            roots.open_cached(root_text, &entry("a", 5, second)).is_some(),
            "what another thread found counts here"
        );
    }

    #[test]
    fn what_was_restored_is_known_by_its_bytes() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        std::fs::write(&path, "1234").unwrap();
        let (roots, root_text) = (LocalRoots::default(), root.path().to_str().unwrap());
        let set = |micros: u64| {
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_micros(micros);
            File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        };
        let imported = Timestamp(1_700_000_001_234_567);
        let entry = FileEntry { sha256: Sha256::of(b"1234"), ..entry("a", 4, imported) };
        for rounded in [1_700_000_001_234_000, 1_700_000_001_235_000, 1_700_000_001_000_000, 1_700_000_002_000_000] {
            set(rounded);
            assert!(roots.open(root_text, &entry, Comparison::Read).is_ok(), "{rounded}");
            assert!(roots.compared.is_empty(), "without reading it");
        }
        // A whole second that was imported so was not rounded: the next one is another time.
        let whole = FileEntry { modified_at: Timestamp(1_700_000_001_000_000), ..entry.clone() };
        set(1_700_000_002_000_000);
        assert!(roots.open_cached(root_text, &whole).is_none(), "not before it was compared");
        set(1_800_000_000_000_000);
        assert!(roots.open_cached(root_text, &entry).is_none(), "not before it was compared");
        assert!(roots.open(root_text, &entry, Comparison::Read).is_ok());
        assert!(roots.open_cached(root_text, &entry).is_some());
        // Other bytes of the same size are another file, whatever the time.
        std::fs::write(&path, "5678").unwrap();
        set(1_800_000_001_500_000);
        assert!(matches!(
            roots.open(root_text, &entry, Comparison::Read),
            Err(StorageError::Changed(FileMismatch::Time))
        ));
        set(1_800_000_000_000_000 + 1);
        assert!(roots.open(root_text, &entry, Comparison::Read).is_err());
    }

    #[test]
    fn a_changed_file_is_not_opened() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        std::fs::write(&path, "1234").unwrap();
        let at = modified_at(&std::fs::metadata(&path).unwrap());
        let roots = LocalRoots::default();
        let open = |size, at| roots.open(root.path().to_str().unwrap(), &entry("a", size, at), Comparison::Read);
        assert!(open(4, at).is_ok());
        assert!(matches!(open(5, at), Err(StorageError::Changed(_))));
        assert!(matches!(open(4, Timestamp(at.0 + 1)), Err(StorageError::Changed(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(open(4, at), Err(StorageError::Changed(_))));
    }
}
