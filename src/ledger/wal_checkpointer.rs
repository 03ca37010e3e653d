//! Copies what was committed from SQLite's write-ahead log into the database file, beside the ledger's thread, so that
//! commits seldom have to wait for it. The last few pages the ledger copies itself, between two transactions: only when
//! nothing is left does the log begin anew, and a log that grows makes every sync dearer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::store::{AnyConnection, Database};

/// Pages of 4 KiB that wait to be copied when a copy begins, by this process or another one.
const PAGES_BETWEEN_COPIES: u32 = 2_048;
/// How many commits there are between two looks at how many wait.
const COMMITS_BETWEEN_LOOKS: u32 = 8;

/// The number of passes of one copy. Each pass also copies the pages that were added during the one before.
const PASSES: usize = 3;

/// The way to the thread that copies; it ends with this value.
pub(super) struct WalCheckpointer {
    wake: Option<SyncSender<()>>,
    /// Whether nearly all is copied, so that the ledger may copy the rest itself.
    nearly: Arc<AtomicBool>,
    /// Since the last look.
    commits: u32,
}

impl WalCheckpointer {
    /// Starts the thread, if the database needs one. Without it commits copy by themselves, later and more at a time.
    pub fn start(database: &Database) -> Self {
        let Database::Sqlite(_) = database else { return Self { wake: None, nearly: Arc::default(), commits: 0 } };
        let (wake, woken) = sync_channel(1);
        let database = database.clone();
        let nearly = Arc::new(AtomicBool::new(false));
        let nearly_done = nearly.clone();
        let started = std::thread::Builder::new()
            .name("checkpointer".into())
            .spawn(move || copy(&database, &woken, &nearly_done));
        if let Err(error) = &started {
            tracing::warn!(%error, "the checkpointer could not be started");
        }
        Self { wake: started.is_ok().then_some(wake), nearly, commits: 0 }
    }

    /// Whether nearly all is copied: when the ledger copies the rest, the write-ahead log begins anew. Says so once.
    pub fn take_nearly_done(&self) -> bool {
        self.nearly.swap(false, Ordering::AcqRel)
    }

    /// The ledger has committed through this connection.
    pub fn note_commit(&mut self, connection: &mut AnyConnection) {
        let Some(wake) = &self.wake else { return };
        self.commits += 1;
        if self.commits < COMMITS_BETWEEN_LOOKS {
            return;
        }
        self.commits = 0;
        // The commit stands whatever happens here, and a copy under way is not asked for twice.
        if connection.wal_pages_to_copy().is_ok_and(|pages| pages >= PAGES_BETWEEN_COPIES) {
            let _ = wake.try_send(());
        }
    }
}

fn copy(database: &Database, woken: &Receiver<()>, nearly: &AtomicBool) {
    let mut connection: Option<AnyConnection> = None;
    while woken.recv().is_ok() {
        if connection.is_none() {
            connection = database.open().ok();
        }
        let Some(open) = &mut connection else { continue };
        match (0..PASSES).try_for_each(|_| open.checkpoint_wal()) {
            Ok(()) => nearly.store(true, Ordering::Release),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be copied");
                connection = None;
            }
        }
    }
}
