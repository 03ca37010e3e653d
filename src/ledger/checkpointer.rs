//! Copies what was committed from SQLite's write-ahead log into the database file, beside the ledger's thread, so that
//! commits seldom have to wait for it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use diesel::connection::SimpleConnection;

use crate::store::{AnyConnection, Database};

/// Pages written from one copying to the next, about; 4 KiB each.
const EVERY: usize = 2_048;
/// Pages that a transaction writes however little it records: heads, indexes.
const OVERHEAD: usize = 10;

/// The way to the thread that copies; it ends with this value.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    pages: usize,
}

impl Checkpointer {
    /// Starts the thread, if the database needs one. Without it commits copy by themselves, later and more at a time.
    pub fn start(database: &Database) -> Self {
        let Database::Sqlite(_) = database else { return Self { wake: None, pages: 0 } };
        let (wake, woken) = sync_channel(1);
        let database = database.clone();
        let started = std::thread::Builder::new().name("checkpointer".into()).spawn(move || copy(&database, &woken));
        if let Err(error) = &started {
            tracing::warn!(%error, "the checkpointer could not be started");
        }
        Self { wake: started.is_ok().then_some(wake), pages: 0 }
    }

    /// A transaction recorded so many bytes.
    pub fn recorded(&mut self, bytes: usize) {
        self.pages += OVERHEAD + bytes / 4096;
        if self.pages < EVERY {
            return;
        }
        if let Some(wake) = &self.wake {
            match wake.try_send(()) {
                // It is at it still.
                Err(TrySendError::Full(())) => {}
                _ => self.pages = 0,
            }
        }
    }
}

fn copy(database: &Database, woken: &Receiver<()>) {
    let mut connection: Option<AnyConnection> = None;
    while woken.recv().is_ok() {
        if connection.is_none() {
            connection = database.open().ok();
        }
        let Some(open) = &mut connection else { continue };
        if let Err(error) = open.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the write-ahead log could not be copied");
            connection = None;
        }
    }
}
