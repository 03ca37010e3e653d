//! The ledger's thread: batches, savepoints, one commit, then the answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use super::Signals;
use super::checkpointer::Checkpointer;
use super::gate::GateState;
use super::mailbox::{Mailbox, Outcome, Post};
use super::transaction::{Randomness, Told, Tx};
use crate::domain::{self, Span};
use crate::log::LogKey;
use crate::store::log::{Entry, LogHead};
use crate::store::{self, AnyConnection, Database, Ground};

/// How long notes that could not be recorded wait for the next try.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// How long notes wait for a command that they can ride along with.
const NOTES_REST: Duration = Duration::from_millis(5);
/// How far the clock may have been set back.
const CLOCK_SLACK: Span = Span::minutes(5);
/// Jobs a transaction. More would make the first of them wait for no gain.
const BATCH: usize = 512;

/// Whether what a job did stays.
pub(super) enum JobEnd {
    Keep,
    Undo {
        /// Whether the transaction may be broken by it.
        database_failed: bool,
    },
}

/// Answers a job, told whether the batch is durable, or why not.
pub(super) type Completion = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// Does a job's work and says whether it stays, and who is told.
pub(super) type Run = Box<dyn FnOnce(&mut Tx<'_>) -> (JobEnd, Completion) + Send>;

/// Records what has happened; may be run again.
pub(super) type Note = Box<dyn Fn(&mut Tx<'_>) -> store::Result<()> + Send>;

/// What is to be done in a transaction.
pub(super) enum Job {
    /// Somebody waits for it.
    Command(Command),
    /// It has happened, and will be recorded.
    Note(Note),
}

/// Something that somebody waits for.
pub(super) struct Command {
    pub run: Run,
    pub undo: Undo,
    /// The thread that waits, if it takes its answers together.
    pub to: Option<Arc<Mailbox>>,
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
    /// Of the connection, once it is known.
    ground: Option<Ground>,
    key: Arc<LogKey>,
    signals: Arc<Signals>,
    gate: GateState,
    random: Randomness,
    head: LogHead,
    checkpointer: Checkpointer,
    /// Notes of batches that could not be committed.
    unrecorded: Vec<Note>,
}

impl Worker {
    pub fn new(database: Database, key: Arc<LogKey>, signals: Arc<Signals>) -> store::Result<Self> {
        let connection = Some(database.open()?);
        let checkpointer = Checkpointer::start(&database);
        Ok(Self {
            database,
            connection,
            ground: None,
            key,
            signals,
            gate: GateState::default(),
            random: Randomness::default(),
            head: LogHead::default(),
            checkpointer,
            unrecorded: Vec::new(),
        })
    }

    /// Works until nobody can send jobs any more.
    pub fn run(mut self, queue: Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut more = true;
        while more {
            more = self.gather(&queue, &mut batch);
            let notes = std::mem::take(&mut *self.signals.overflow());
            batch.extend(notes.into_iter().map(Job::Note));
            if !batch.is_empty() || !self.unrecorded.is_empty() {
                self.run_batch(&mut batch);
            }
        }
        if !self.unrecorded.is_empty() {
            tracing::error!(notes = self.unrecorded.len(), "ends of transfers could not be recorded");
        }
    }

    /// Waits for a command and takes what else is waiting; says whether more may come. Notes, which nobody waits for, ride
    /// along with the next command, or go by themselves after a moment.
    fn gather(&self, queue: &Receiver<Job>, batch: &mut Vec<Job>) -> bool {
        let mut until = (!self.unrecorded.is_empty()).then(|| Instant::now() + TRY_AGAIN);
        while batch.len() < BATCH {
            let next = match until {
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => queue.recv_timeout(until.saturating_duration_since(Instant::now())),
            };
            match next {
                Ok(note @ Job::Note(_)) => {
                    batch.push(note);
                    until.get_or_insert_with(|| Instant::now() + NOTES_REST);
                }
                Ok(command) => {
                    batch.push(command);
                    break;
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        while batch.len() < BATCH {
            let Ok(job) = queue.try_recv() else { break };
            batch.push(job);
        }
        true
    }

    fn run_batch(&mut self, batch: &mut Vec<Job>) {
        let mut work = Work::default();
        let mut commands = Vec::with_capacity(batch.len());
        work.notes.append(&mut self.unrecorded);
        for job in batch.drain(..) {
            match job {
                Job::Command(command) => commands.push(command),
                Job::Note(note) => work.notes.push(note),
            }
        }
        // A defect in one command must not end the ledger: its batch fails, and the next one begins afresh.
        let transact = AssertUnwindSafe(|| self.transact(commands, &mut work));
        let outcome: Outcome = match catch_unwind(transact) {
            Ok(outcome) => outcome.map_err(|error| error.to_string().into()),
            Err(_) => Err("a command broke".into()),
        };
        if let Err(error) = &outcome {
            tracing::error!(%error, "the ledger could not commit");
            // A fresh connection for the next batch: this one may hold a broken transaction.
            self.connection = None;
            self.ground = None;
            self.head = LogHead::default();
            self.gate.forget();
            self.unrecorded = work.notes;
        }
        // Only what was written shows that writing works.
        if let Ok(mut failure) = self.signals.failure.lock()
            && (work.told.wrote || outcome.is_err())
        {
            *failure = outcome.as_ref().err().map(ToString::to_string);
        }
        work.post.deliver(&outcome);
        if outcome.is_ok() && work.told.mail {
            self.signals.mail.notify_one();
        }
        if outcome.is_ok() && work.told.revoked {
            self.signals.revoked.send_modify(|count| *count += 1);
        }
    }

    fn transact(&mut self, commands: Vec<Command>, work: &mut Work) -> store::Result<()> {
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
        let now = time_after(head.last_at)?;
        let now_text = now.to_string();
        self.gate.begin(head.gate_version);
        let mut entries: Vec<Entry> = Vec::with_capacity(commands.len() + work.notes.len());
        let alone = commands.len() == 1 && work.notes.is_empty();
        macro_rules! tx {
            () => {
                Tx {
                    conn: connection,
                    now,
                    now_text: &now_text,
                    size_before: head.size(),
                    gate: &mut self.gate,
                    entries: &mut entries,
                    told: &mut work.told,
                    random: &mut self.random,
                }
            };
        }
        for note in &work.notes {
            note(&mut tx!())?;
        }
        for Command { run, undo, to } in commands {
            let savepoint = !alone && undo == Undo::Itself;
            if savepoint {
                connection.batch_execute("SAVEPOINT job")?;
            }
            let kept_entries = entries.len();
            let kept_told = work.told;
            let kept_gate = self.gate.version();
            let (end, completion) = run(&mut tx!());
            work.post.add(to, completion);
            match end {
                JobEnd::Keep if !savepoint => {}
                JobEnd::Keep => connection.batch_execute("RELEASE SAVEPOINT job")?,
                JobEnd::Undo { database_failed } => {
                    let wrote = entries.len() != kept_entries;
                    entries.truncate(kept_entries);
                    work.told = kept_told;
                    self.gate.undo(kept_gate);
                    if alone {
                        connection.batch_execute("ROLLBACK")?;
                        return Ok(());
                    }
                    if savepoint {
                        connection.batch_execute("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")?;
                    } else if database_failed || wrote {
                        return Err(store::Error::Connection("a command of the batch failed".into()));
                    }
                }
            }
        }
        head.gate_version = self.gate.version();
        store::log::append(connection, head, &entries, &self.key)?;
        // The first transaction has made the write-ahead log, if there was none.
        self.ground.get_or_insert_with(|| Ground::of(&self.database)).check()?;
        connection.batch_execute("COMMIT")?;
        work.told.wrote |= !entries.is_empty();
        if self.checkpointer.is_nearly_done() {
            // Committed is committed: what is not copied now will be later.
            if let Err(error) = connection.copy_log() {
                tracing::warn!(%error, "the write-ahead log could not be copied");
            }
        }
        self.checkpointer.recorded(entries.iter().map(|entry| entry.sealed.body.len()).sum());
        Ok(())
    }
}

/// What a batch brings about beside its transaction.
#[derive(Default)]
struct Work {
    told: Told,
    post: Post,
    notes: Vec<Note>,
}

/// The time of a batch. Log order is time order: a clock that was set back a little stands still until it has caught up.
///
/// # Errors
/// When it was set back so far that what it says can't be relied on to decide what has ended.
fn time_after(last: domain::Instant) -> store::Result<domain::Instant> {
    let now = domain::Instant::now();
    if last - now > CLOCK_SLACK {
        return Err(store::Error::Connection(format!("the clock says {now}, before the log's last event at {last}")));
    }
    Ok(now.max(last))
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
        let ledger = Ledger::start(database.clone(), key).unwrap();
        (folder, ledger, database)
    }

    #[test]
    fn a_command_that_panics_takes_nothing_with_it() {
        let (_folder, ledger, _) = fresh();
        let broken =
            ledger.run_blocking(|_| -> Result<(), crate::ledger::Refused> { panic!("a defect, for the test") });
        assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");
        assert_eq!(ledger.run_blocking(|_| Ok(7)).unwrap(), 7);
        assert!(ledger.failure().is_some(), "only what is written shows that writing works");
        ledger.run_blocking(|tx| Ok(tx.probe()?)).unwrap();
        assert_eq!(ledger.failure(), None);
    }

    #[test]
    fn notes_outlive_a_batch_that_fails() {
        let (_folder, ledger, database) = fresh();
        // The first command holds the ledger until the note and the command that breaks are both waiting.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let first = ledger.run(move |_| {
                wait.recv().unwrap();
                Ok(())
            });
            let second = ledger.run(|_| -> Result<(), crate::ledger::Refused> { panic!("a defect, for the test") });
            let (mut first, mut second) = (Box::pin(first), Box::pin(second));
            assert!((&mut first).now_or_never().is_none());
            ledger.post(|tx| {
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
            panic!("the note is lost");
        });
    }
}
