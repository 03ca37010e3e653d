//! The newest head of the log that this gateway has signed or accepted, kept outside the database: nothing is recorded on a
//! head that does not continue it. The database may be changed by whoever administers it; the file beside the log's key is
//! the gateway's own.
//!
//! While the gateway runs, the head is held in memory. The file follows within [`WRITE_EVERY`], so after a crash it may be
//! that much older, never newer than what was committed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::log::VerifierKey;
use crate::log::checkpoint::Checkpoint;
use crate::log::head_fault::HeadFault;
use crate::private_files::write_private_file;
use crate::store;

/// How often the file is written at most.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// The newest head that was signed or accepted.
#[derive(Debug)]
pub struct KeptHead {
    checkpoint: Option<Checkpoint>,
    writer: Option<Writer>,
}

impl KeptHead {
    /// Reads the head that is kept in a file, and keeps further ones there. Without a file nothing outlives the process.
    ///
    /// # Errors
    /// [`HeadFault::KeptUnreadable`] when there is a file that does not hold a checkpoint signed by `key`, or when the thread
    /// that writes it can't be started.
    pub fn open(file: Option<PathBuf>, key: &VerifierKey) -> store::Result<Self> {
        let Some(file) = file else { return Ok(Self { checkpoint: None, writer: None }) };
        let checkpoint = read(&file, key)?;
        Ok(Self { checkpoint, writer: Some(Writer::start(file, key.clone())?) })
    }

    /// The head.
    pub const fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// Waits until the newest head is kept. Later ones are not: the process ends.
    pub fn settle(&mut self) {
        drop(self.writer.take());
    }

    /// Keeps a head that continues the one that was kept, and the note it was signed in.
    pub fn advance(&mut self, checkpoint: Checkpoint, note: &str) {
        self.checkpoint = Some(checkpoint);
        if let Some(writer) = &self.writer {
            writer.offer(note);
        }
    }
}

/// The head that is kept in a file; `None` if there is no file.
///
/// # Errors
/// [`HeadFault::KeptUnreadable`] when it does not hold a checkpoint signed by `key`.
pub fn read(file: &Path, key: &VerifierKey) -> Result<Option<Checkpoint>, HeadFault> {
    match std::fs::read_to_string(file) {
        Ok(note) => Checkpoint::open(&note, key).map(Some).map_err(|_| HeadFault::KeptUnreadable),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(HeadFault::KeptUnreadable),
    }
}

/// Writes heads to a file from a thread of its own.
#[derive(Debug)]
struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    note: Option<String>,
    stopping: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn start(file: PathBuf, key: VerifierKey) -> store::Result<Self> {
        let shared = Arc::<Shared>::default();
        let own = shared.clone();
        let thread = std::thread::Builder::new()
            .name("kept head".into())
            .spawn(move || run(&own, &file, &key))
            .map_err(|error| store::Error::Thread(error.to_string()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    fn offer(&self, note: &str) {
        let mut state = self.shared.lock();
        let was_empty = state.note.is_none();
        state.note = Some(note.to_owned());
        drop(state);
        if was_empty {
            self.shared.changed.notify_one();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, file: &Path, key: &VerifierKey) {
    loop {
        let mut state = shared.lock();
        while state.note.is_none() && !state.stopping {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (note, stopping) = (state.note.take(), state.stopping);
        drop(state);
        if let Some(note) = note
            && let Err(error) = keep(file, key, &note)
        {
            tracing::error!(file = %file.display(), %error, "the head of the log can't be kept");
        }
        if stopping {
            return;
        }
        let state = shared.lock();
        let waiting = shared.changed.wait_timeout_while(state, WRITE_EVERY, |state| !state.stopping);
        drop(waiting);
    }
}

/// Writes a head, unless another process that shares the file has kept a newer one.
fn keep(file: &Path, key: &VerifierKey, note: &str) -> std::io::Result<()> {
    let lock = std::fs::OpenOptions::new().create(true).append(true).open(file.with_extension("head.lock"))?;
    // Held until the file is written.
    lock.lock()?;
    let size = |note: &str| Checkpoint::open(note, key).map_or(0, |checkpoint| checkpoint.size);
    if std::fs::read_to_string(file).is_ok_and(|kept| size(&kept) >= size(note)) {
        return Ok(());
    }
    write_private_file(file, note.as_bytes())
}
