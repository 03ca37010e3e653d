//! The ledger's thread: batches, savepoints, one commit, then the answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use diesel::connection::SimpleConnection;

use super::Signals;
use super::gate::GateState;
use super::transaction::{Randomness, Told, Tx};
use crate::domain::Instant;
use crate::log::LogKey;
use crate::store::log::{Entry, LogHead};
use crate::store::{self, AnyConnection, Database};

/// Jobs a transaction. More would make the first of them wait for no gain.
const BATCH: usize = 256;

/// Whether what a job did stays.
pub(super) enum JobEnd {
    Keep,
    Undo,
}

/// Answers a job, told whether the batch is durable, or why not.
pub(super) type Completion = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// Does a job's work and says whether it stays, and who is told.
pub(super) type Run = Box<dyn FnOnce(&mut Tx<'_>) -> (JobEnd, Completion) + Send>;

/// What is to be done in a transaction.
pub(super) struct Job {
    pub run: Run,
    pub undo: Undo,
}

/// What undoes a job that was not carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// Only it: it runs in a savepoint.
    Itself,
    /// The whole batch: it fails only when the database does, and a savepoint would cost more than it.
    Batch,
}

/// Owns the only connection that writes.
pub(super) struct Worker {
    database: Database,
    connection: Option<AnyConnection>,
    key: Arc<LogKey>,
    signals: Arc<Signals>,
    gate: GateState,
    random: Randomness,
    head: LogHead,
}

impl Worker {
    pub fn new(database: Database, key: Arc<LogKey>, signals: Arc<Signals>) -> store::Result<Self> {
        let connection = Some(database.open()?);
        Ok(Self {
            database,
            connection,
            key,
            signals,
            gate: GateState::default(),
            random: Randomness::default(),
            head: LogHead::default(),
        })
    }

    /// Works until nobody can send jobs any more.
    pub fn run(mut self, queue: Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(job) = queue.recv() {
            batch.push(job);
            while batch.len() < BATCH {
                let Ok(job) = queue.try_recv() else { break };
                batch.push(job);
            }
            self.run_batch(&mut batch);
        }
    }

    fn run_batch(&mut self, batch: &mut Vec<Job>) {
        let mut completions = Vec::with_capacity(batch.len());
        let mut told = Told::default();
        // A defect in one command must not end the ledger: its batch fails, and the next one begins afresh.
        let transact = AssertUnwindSafe(|| self.transact(batch, &mut completions, &mut told));
        let outcome = match catch_unwind(transact) {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("a command broke".to_owned()),
        };
        // Jobs that were never run are told too: dropping one closes its answer's channel.
        batch.clear();
        if let Ok(mut failure) = self.signals.failure.lock() {
            *failure = outcome.as_ref().err().cloned();
        }
        if let Err(error) = &outcome {
            tracing::error!(%error, "the ledger could not commit");
            // A fresh connection for the next batch: this one may hold a broken transaction.
            self.connection = None;
            self.head = LogHead::default();
            self.gate.forget();
        }
        for completion in completions {
            completion(outcome.as_ref().copied().map_err(String::as_str));
        }
        if outcome.is_ok() && told.mail {
            self.signals.mail.notify_one();
        }
        if outcome.is_ok() && told.revoked {
            self.signals.revoked.send_modify(|count| *count += 1);
        }
    }

    fn transact(
        &mut self,
        batch: &mut Vec<Job>,
        completions: &mut Vec<Completion>,
        told: &mut Told,
    ) -> store::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.open()?),
        };
        connection.batch_execute(match connection {
            AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
            AnyConnection::Postgres(_) => "BEGIN",
        })?;
        let head = &mut self.head;
        store::log::lock_head(connection, head)?;
        // Log order is time order: a clock that was set back stands still until it has caught up.
        let now = Instant::now().max(head.last_at);
        self.gate.begin(head.gate_version);
        let mut entries: Vec<Entry> = Vec::with_capacity(batch.len());
        let alone = batch.len() == 1;
        for job in batch.drain(..) {
            let Job { run, undo, .. } = job;
            let savepoint = !alone && undo == Undo::Itself;
            if savepoint {
                connection.batch_execute("SAVEPOINT job")?;
            }
            let kept_entries = entries.len();
            let kept_told = *told;
            let kept_gate = self.gate.version();
            let mut tx = Tx {
                conn: connection,
                now,
                size_before: head.size(),
                gate: &mut self.gate,
                entries: &mut entries,
                told,
                random: &mut self.random,
            };
            let (end, completion) = run(&mut tx);
            completions.push(completion);
            match end {
                JobEnd::Keep if !savepoint => {}
                JobEnd::Keep => connection.batch_execute("RELEASE SAVEPOINT job")?,
                JobEnd::Undo => {
                    entries.truncate(kept_entries);
                    *told = kept_told;
                    self.gate.undo(kept_gate);
                    if alone {
                        connection.batch_execute("ROLLBACK")?;
                        return Ok(());
                    }
                    if !savepoint {
                        return Err(store::Error::Connection("a note could not be made".into()));
                    }
                    connection.batch_execute("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")?;
                }
            }
        }
        head.gate_version = self.gate.version();
        store::log::append(connection, head, &entries, &self.key)?;
        connection.batch_execute("COMMIT")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Error, Ledger};

    #[test]
    fn a_command_that_panics_takes_nothing_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("x.db").display().to_string());
        database.migrate().unwrap();
        let key = Arc::new(LogKey::from_seed("test/log", &[1; 32]).unwrap());
        let ledger = Ledger::start(database, key).unwrap();
        let broken =
            ledger.run_blocking(|_| -> Result<(), crate::ledger::Refused> { panic!("a defect, for the test") });
        assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");
        assert_eq!(ledger.run_blocking(|_| Ok(7)).unwrap(), 7);
        assert_eq!(ledger.failure(), None);
    }
}
