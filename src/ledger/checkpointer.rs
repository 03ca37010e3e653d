//! Copies what was committed from SQLite's write-ahead log into the database file, beside the ledger's thread, so that
//! commits seldom have to wait for it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use diesel::connection::SimpleConnection;

use crate::store::{AnyConnection, Database};

/// Bytes recorded from one copying to the next.
const EVERY: usize = 8 * 1024 * 1024;

/// The way to the thread that copies; it ends with this value.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    recorded: usize,
}

impl Checkpointer {
    /// Starts the thread, if the database needs one. Without it commits copy by themselves, later and more at a time.
    pub fn start(database: &Database) -> Self {
        let Database::Sqlite(_) = database else { return Self { wake: None, recorded: 0 } };
        let (wake, woken) = sync_channel(1);
        let database = database.clone();
        let started = std::thread::Builder::new().name("checkpointer".into()).spawn(move || copy(&database, &woken));
        if let Err(error) = &started {
            tracing::warn!(%error, "the checkpointer could not be started");
        }
        Self { wake: started.is_ok().then_some(wake), recorded: 0 }
    }

    /// So many more bytes were recorded.
    pub fn recorded(&mut self, bytes: usize) {
        self.recorded += bytes;
        if self.recorded < EVERY {
            return;
        }
        if let Some(wake) = &self.wake {
            match wake.try_send(()) {
                // It is at it still.
                Err(TrySendError::Full(())) => {}
                _ => self.recorded = 0,
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
