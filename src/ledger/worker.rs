//! The ledger's thread: batches, savepoints, one commit, then the answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use super::access_cache::AccessCache;
use super::completed_transfers::CompletedTransfers;
use super::denial_counts::DenialCounts;
use super::error::Failure;
use super::job::{AwaitedJob, Completion, DeferredRecord, Job, JobEnd, UndoScope};
use super::kept_head::KeptHead;
use super::known_clients::KnownClients;
use super::signals::Signals;
use super::transaction::{AfterCommit, Randomness, Tx};
use super::wal_checkpointer::WalCheckpointer;
use crate::clock;
use crate::domain::{TimeSpan, Timestamp};
use crate::log::LogKey;
use crate::log::checkpoint::Checkpoint;
use crate::store::log::{Entry, LogHead};
use crate::store::{self, AnyConnection, Database, DatabaseFiles, Durability};

/// Delay before retrying the records of a failed batch.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// How long records wait for a command whose batch they can join.
const RECORDS_WAIT: Duration = Duration::from_millis(5);
/// How far the clock may be set back before the ledger refuses to record.
const CLOCK_SLACK: TimeSpan = TimeSpan::minutes(5);
/// Jobs taken from the queue for one batch. Larger batches add latency without throughput. Records that overflowed the
/// queue or are being retried come on top.
const MAX_BATCH_JOBS: usize = 512;

/// Owns the only connection that writes.
pub(super) struct Worker {
    database: Database,
    connection: Option<AnyConnection>,
    /// The files of the connection's database, from its first commit on.
    files: Option<DatabaseFiles>,
    key: Arc<LogKey>,
    signals: Arc<Signals>,
    access: AccessCache,
    denials: DenialCounts,
    clients: KnownClients,
    random: Randomness,
    head: LogHead,
    /// The newest head that was committed or accepted; unlike `head` it outlives a batch that fails.
    kept_head: KeptHead,
    wal_checkpointer: WalCheckpointer,
    /// Records of batches that could not be committed.
    records_to_retry: Vec<DeferredRecord>,
    clock: ClockPolicy,
}

/// What to do when the clock is behind the last event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockPolicy {
    /// Wait until it has caught up.
    NeverBack,
    /// Go on from the present time: an operator says that the clock had run ahead.
    AcceptPresent,
}

impl Worker {
    /// Opens the connection.
    pub fn new(
        database: Database,
        key: Arc<LogKey>,
        kept_head: Option<PathBuf>,
        signals: Arc<Signals>,
        clock: ClockPolicy,
    ) -> store::Result<Self> {
        let kept_head = KeptHead::open(kept_head, key.verifier())?;
        let connection = Some(database.open()?);
        let wal_checkpointer = WalCheckpointer::start(&database);
        Ok(Self {
            database,
            connection,
            files: None,
            key,
            signals,
            access: AccessCache::default(),
            denials: DenialCounts::default(),
            clients: KnownClients::default(),
            random: Randomness::default(),
            head: LogHead::default(),
            kept_head,
            wal_checkpointer,
            records_to_retry: Vec::new(),
            clock,
        })
    }

    /// Runs until every [`Ledger`](super::Ledger) handle is dropped.
    pub fn run(mut self, queue: &Receiver<Job>) {
        self.random.fetch();
        let mut batch = Vec::with_capacity(MAX_BATCH_JOBS);
        let mut more = true;
        while more {
            more = self.gather(queue, &mut batch);
            let records = std::mem::take(&mut *self.signals.overflow());
            batch.extend(records.into_iter().map(Job::Record));
            if !batch.is_empty() || !self.records_to_retry.is_empty() {
                self.run_batch(&mut batch);
            }
        }
        if !self.records_to_retry.is_empty() {
            tracing::error!(records = self.records_to_retry.len(), "events that had happened could not be recorded");
        }
    }

    /// Waits for a command and takes what else is waiting; returns false once the queue is disconnected. Records that nobody
    /// waits for join the next command, or form a batch of their own after a moment.
    fn gather(&self, queue: &Receiver<Job>, batch: &mut Vec<Job>) -> bool {
        let mut deadline = (!self.records_to_retry.is_empty()).then(|| Instant::now() + RETRY_AFTER);
        while batch.len() < MAX_BATCH_JOBS {
            let next = match deadline {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => queue.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            };
            match next {
                Ok(record @ Job::Record(_)) => {
                    batch.push(record);
                    deadline.get_or_insert_with(|| Instant::now() + RECORDS_WAIT);
                }
                Ok(command) => {
                    batch.push(command);
                    break;
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        while batch.len() < MAX_BATCH_JOBS {
            let Ok(job) = queue.try_recv() else { break };
            batch.push(job);
        }
        true
    }

    fn run_batch(&mut self, batch: &mut Vec<Job>) {
        let mut state = BatchState::default();
        let mut commands = Vec::with_capacity(batch.len());
        let mut settled = Vec::new();
        state.records.append(&mut self.records_to_retry);
        for job in batch.drain(..) {
            match job {
                Job::Awaited(command) => commands.push(command),
                Job::Record(record) => state.records.push(record),
                Job::Settle(waiting) => settled.push(waiting),
            }
        }
        // A panic in a command must not stop the ledger: its batch fails and the next one starts cleanly.
        let transact = AssertUnwindSafe(|| self.transact(commands, &mut state));
        let outcome = match catch_unwind(transact) {
            Ok(outcome) => outcome.map_err(|error| Failure::from(&error)),
            Err(_) => Err(Failure::other("a command panicked")),
        };
        if let Err(error) = &outcome {
            tracing::error!(%error, "the ledger could not commit");
            // A fresh connection for the next batch: this one may hold a broken transaction.
            self.connection = None;
            self.files = None;
            self.head = LogHead::default();
            self.access.clear();
            // Some of them may have been recorded in it.
            self.clients.clear();
            self.records_to_retry = state.records;
        }
        // A batch that wrote nothing proves nothing about writing, so it must not clear the failure.
        if state.after_commit.wrote || outcome.is_err() {
            self.signals.set_failure(outcome.as_ref().err().cloned());
        }
        for completion in state.completions {
            completion(outcome.as_ref().copied());
        }
        if outcome.is_ok() && state.after_commit.mail {
            self.signals.mail.notify_one();
        }
        if outcome.is_ok() && state.after_commit.access_changed {
            self.signals.access_changed.send_modify(|count| *count += 1);
        }
        if !settled.is_empty() {
            self.kept_head.settle();
        }
    }

    fn transact(&mut self, commands: Vec<AwaitedJob>, state: &mut BatchState) -> store::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.open()?),
        };
        let is_prepared_alone = state.records.is_empty()
            && commands.iter().all(|command| command.durability == Durability::WithLaterCommit);
        let durability = if is_prepared_alone { Durability::WithLaterCommit } else { Durability::AtCommit };
        connection.begin_writing(durability)?;
        let head = &mut self.head;
        store::log::lock_head(connection, head, self.kept_head.checkpoint(), self.key.verifier())?;
        let now = match self.clock {
            ClockPolicy::NeverBack => time_after(head.last_at)?,
            ClockPolicy::AcceptPresent => {
                let now = clock::now();
                head.last_at = head.last_at.min(now);
                now
            }
        };
        let now_text = now.to_string();
        self.access.begin(head.access_epoch);
        let mut entries: Vec<Entry> = Vec::with_capacity(commands.len() + state.records.len());
        let mut completed = CompletedTransfers::default();
        let alone = commands.len() == 1 && state.records.is_empty();
        macro_rules! tx {
            () => {
                Tx {
                    conn: connection,
                    now,
                    now_text: &now_text,
                    size_before: head.size(),
                    access: &mut self.access,
                    denials: &mut self.denials,
                    clients: &mut self.clients,
                    completed: &mut completed,
                    entries: &mut entries,
                    after_commit: &mut state.after_commit,
                    random: &mut self.random,
                }
            };
        }
        for record in &state.records {
            record(&mut tx!())?;
        }
        for AwaitedJob { run, undo, .. } in commands {
            let savepoint = !alone && undo == UndoScope::Savepoint;
            if savepoint {
                connection.batch_execute("SAVEPOINT job")?;
            }
            let entries_before = entries.len();
            let after_commit_before = state.after_commit;
            let epoch_before = self.access.epoch();
            let (end, completion) = run(&mut tx!());
            state.completions.push(completion);
            match end {
                JobEnd::Keep if !savepoint => {}
                JobEnd::Keep => connection.batch_execute("RELEASE SAVEPOINT job")?,
                JobEnd::Undo { database_failed } => {
                    let wrote = entries.len() != entries_before;
                    entries.truncate(entries_before);
                    if wrote {
                        self.clients.forget_from(head.size() + entries_before as u64);
                    }
                    state.after_commit = after_commit_before;
                    self.access.undo(epoch_before);
                    if alone {
                        connection.batch_execute("ROLLBACK")?;
                        return Ok(());
                    }
                    if savepoint {
                        connection.batch_execute("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")?;
                    } else if database_failed || wrote {
                        return Err(store::Error::BatchFailed);
                    }
                }
            }
        }
        for event in completed.take_events() {
            tx!().record(event);
        }
        if is_prepared_alone && !entries.is_empty() {
            // What is recorded is durable when it is answered: whoever prepares records nothing.
            return Err(store::Error::BatchFailed);
        }
        head.access_epoch = self.access.epoch();
        store::log::append(connection, head, &entries, &self.key)?;
        // The first transaction has made the write-ahead log, if there was none.
        self.files.get_or_insert_with(|| DatabaseFiles::of(&self.database)).check()?;
        connection.batch_execute("COMMIT")?;
        if head.size() > 0 && self.kept_head.checkpoint().is_none_or(|kept| kept.size != head.size()) {
            let checkpoint =
                Checkpoint { origin: self.key.verifier().name().to_owned(), size: head.size(), root: head.root() };
            self.kept_head.advance(checkpoint, &head.checkpoint);
        }
        state.after_commit.wrote |= !entries.is_empty();
        if self.wal_checkpointer.take_nearly_done() {
            // The commit stands whatever happens here: what is not copied now will be later.
            if let Err(error) = connection.checkpoint_wal() {
                tracing::warn!(%error, "the write-ahead log could not be copied into the database");
            }
        }
        self.wal_checkpointer.note_commit(connection);
        Ok(())
    }
}

/// The state of a batch that outlives its transaction.
#[derive(Default)]
struct BatchState {
    after_commit: AfterCommit,
    completions: Vec<Completion>,
    records: Vec<DeferredRecord>,
}

/// The time of a batch. Log order is time order: if the clock was set back slightly, the last event's time is used until it
/// has caught up.
///
/// # Errors
/// [`store::Error::ClockBehind`] when it was set back so far that it can't be relied on to decide what has ended.
fn time_after(last: Timestamp) -> store::Result<Timestamp> {
    let now = clock::now();
    if last - now > CLOCK_SLACK { Err(store::Error::ClockBehind { now, last }) } else { Ok(now.max(last)) }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::domain::event::{Action, Actor, Event};
    use crate::ledger::{Error, Ledger};

    fn fresh() -> (tempfile::TempDir, Ledger, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("x.db").display().to_string());
        database.migrate().unwrap();
        let key = Arc::new(LogKey::from_seed("test/log", &[1; 32]).unwrap());
        let ledger = Ledger::start(database.clone(), key, None, ClockPolicy::NeverBack).unwrap();
        (folder, ledger, database)
    }

    #[test]
    fn a_command_that_panics_takes_nothing_with_it() {
        let (_folder, ledger, _) = fresh();
        let broken =
            ledger.run_blocking(|_| -> Result<(), crate::ledger::CommandError> { panic!("a defect, for the test") });
        assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");
        assert_eq!(ledger.run_blocking(|_| Ok(7)).unwrap(), 7);
        assert!(ledger.failure().is_some(), "only what is written shows that writing works");
        ledger.run_blocking(|tx| Ok(tx.probe()?)).unwrap();
        assert!(ledger.failure().is_none());
    }

    #[test]
    fn records_outlive_a_batch_that_fails() {
        let (_folder, ledger, database) = fresh();
        // The first command holds the ledger until the record and the command that panics are both waiting.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let first = ledger.run(move |_| {
                wait.recv().unwrap();
                Ok(())
            });
            let second =
                ledger.run(|_| -> Result<(), crate::ledger::CommandError> { panic!("a defect, for the test") });
            let (mut first, mut second) = (Box::pin(first), Box::pin(second));
            assert!((&mut first).now_or_never().is_none());
            ledger.record_later(|tx| {
                tx.record(Event::new(Action::LogStarted, Actor::OPERATOR));
                Ok(())
            });
            assert!((&mut second).now_or_never().is_none());
            go.send(()).unwrap();
            assert!(second.await.is_err());
            for _ in 0..600 {
                if store::log::size(&mut database.open().unwrap()).unwrap() == 1 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("the record is lost");
        });
    }
}
