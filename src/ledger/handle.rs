//! The way to the ledger's thread. Every change of state, admissions included, goes through here.

use std::any::Any;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::error::{CommandError, Error, Failure};
use super::job::{AwaitedJob, Completion, Job, JobEnd, UndoScope};
use super::signals::Signals;
use super::transaction::Tx;
use super::worker::{ClockPolicy, Worker};
use crate::log::LogKey;
use crate::store::{self, Database, Durability};

/// Jobs that may wait; one more is answered with [`Error::Busy`].
pub const QUEUE_LENGTH: usize = 4096;

/// The way to the ledger's thread; clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Ledger {
    // Dropped before the thread is waited for: the thread ends when the last sender has gone.
    jobs: mpsc::SyncSender<Job>,
    signals: Arc<Signals>,
    _thread: Arc<LedgerThread>,
}

/// The ledger's thread. The last handle that is dropped waits for its end, so that what was handed over is recorded, and the
/// head of the log kept, before the process ends.
#[derive(Debug)]
struct LedgerThread(Option<JoinHandle<()>>);

impl Drop for LedgerThread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

impl Ledger {
    /// Opens the database for writing and starts the ledger's thread. The newest head of the log is kept in the file
    /// `kept_head`, if one is given.
    ///
    /// # Errors
    /// When the database can't be opened, the kept head not be read, or the thread not be started.
    pub fn start(
        database: Database,
        key: Arc<LogKey>,
        kept_head: Option<PathBuf>,
        clock: ClockPolicy,
    ) -> store::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE_LENGTH);
        let signals = Arc::new(Signals::default());
        let worker = Worker::new(database, key, kept_head, signals.clone(), clock)?;
        let thread = std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || worker.run(&queue))
            .map_err(|error| store::Error::Thread(error.to_string()))?;
        Ok(Self { jobs, signals, _thread: Arc::new(LedgerThread(Some(thread))) })
    }

    /// What is announced after commits.
    pub const fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    /// Waits until everything that was handed over is recorded, and the head of the log kept. Blocks. For the end of the
    /// process: other threads may hold handles then, whose end nobody waits for.
    pub fn settle(&self) {
        let (sender, kept) = mpsc::channel();
        if self.jobs.send(Job::Settle(sender)).is_ok() {
            // Nothing is sent; it ends when the sender is dropped.
            let _ = kept.recv();
        }
    }

    /// Why the last batch that wrote something failed, if it did.
    pub fn failure(&self) -> Option<Failure> {
        self.signals.failure()
    }

    /// Runs a command and answers when it is durable.
    ///
    /// # Errors
    /// When it was refused, the queue is full, or it could not be recorded.
    pub async fn run<T, F>(&self, command: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, CommandError> + Send + 'static,
    {
        Awaited { answer: self.submit(erased(command), Kind::COMMAND, None)?, lost: None }.await.map(typed)
    }

    /// Runs an admission. It fails only when the database does, so it has no savepoint and its failure fails its
    /// batch. `lost` gets the answer when nobody waits for it any more.
    ///
    /// # Errors
    /// As [`Self::run`], but never that it was refused.
    pub async fn admit<T, F, L>(&self, command: F, lost: L) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
        L: Fn(T) + Send + Sync + 'static,
    {
        let lost: LostAnswerHandler = Arc::new(move |answer| lost(typed(answer)));
        let answer = self.submit(erased(|tx| Ok(command(tx)?)), Kind::ADMISSION, Some(lost.clone()))?;
        Awaited { answer, lost: Some(lost) }.await.map(typed)
    }

    /// Like [`Self::run`], for threads that may block.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_blocking<T, F>(&self, command: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, CommandError> + Send + 'static,
    {
        self.run_and_wait(command, Kind::COMMAND)
    }

    /// Like [`Self::run_blocking`], for what nobody sees until a later command makes it count, and what records no event.
    /// The answer may come before it is durable; that later command's answer says that both are.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn prepare_blocking<T, F>(&self, command: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, CommandError> + Send + 'static,
    {
        self.run_and_wait(command, Kind::PREPARATION)
    }

    fn run_and_wait<T, F>(&self, command: F, kind: Kind) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, CommandError> + Send + 'static,
    {
        let answer = self.submit(erased(command), kind, None)?;
        answer.blocking_recv().unwrap_or_else(|_| Err(unanswered())).map(typed)
    }

    /// Records what has happened and can't be undone, such as the end of a transfer. Nobody waits for it, and it is tried
    /// again until it is recorded; it must fail only when the database does.
    pub fn record_later<F>(&self, record: F)
    where
        F: Fn(&mut Tx<'_>) -> store::Result<()> + Send + 'static,
    {
        let failed = match self.jobs.try_send(Job::Record(Box::new(record))) {
            Ok(()) => return,
            Err(mpsc::TrySendError::Full(job) | mpsc::TrySendError::Disconnected(job)) => job,
        };
        if let Job::Record(record) = failed {
            self.signals.overflow().push(record);
        }
    }

    /// Not generic: compiled once, and not for each of hundreds of commands.
    fn submit(&self, command: ErasedCommand, kind: Kind, lost: Option<LostAnswerHandler>) -> Result<Reply, Error> {
        let (reply, answer) = oneshot::channel();
        let run = Box::new(move |tx: &mut Tx<'_>| {
            let result = command(tx);
            let end = match &result {
                Ok(_) => JobEnd::Keep,
                // A row that can't be read concerns this job alone.
                Err(CommandError::Store(store::Error::Corrupt(_))) => JobEnd::Undo { database_failed: false },
                Err(CommandError::Store(_)) => JobEnd::Undo { database_failed: true },
                Err(CommandError::Refusal(_)) => JobEnd::Undo { database_failed: false },
            };
            let completion: Completion = Box::new(move |committed| {
                let answer = match (result, committed) {
                    // A refusal is final, also when the batch fails.
                    (Err(CommandError::Refusal(refusal)), _) => Err(Error::Refused(refusal)),
                    (Err(CommandError::Store(error)), _) => {
                        tracing::error!(%error, "a command failed");
                        Err(Error::Unavailable(Failure::from(&error)))
                    }
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(failure)) => Err(Error::Unavailable(failure.clone())),
                };
                // Nobody may be waiting any more; what was done stays done.
                if let Err(Ok(value)) = reply.send(answer)
                    && let Some(lost) = lost
                {
                    lost(value);
                }
            });
            (end, completion)
        });
        let Kind { undo, durability } = kind;
        self.jobs.try_send(Job::Awaited(AwaitedJob { run, undo, durability })).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => Error::Busy,
            mpsc::TrySendError::Disconnected(_) => Error::Unavailable(Failure::other("the ledger has stopped")),
        })?;
        Ok(answer)
    }
}

/// What is special about a job.
#[derive(Clone, Copy)]
struct Kind {
    undo: UndoScope,
    durability: Durability,
}

impl Kind {
    const COMMAND: Self = Self { undo: UndoScope::Savepoint, durability: Durability::AtCommit };
    const ADMISSION: Self = Self { undo: UndoScope::Batch, durability: Durability::AtCommit };
    const PREPARATION: Self = Self { undo: UndoScope::Savepoint, durability: Durability::WithLaterCommit };
}

/// The answer of a command, without its type.
type ErasedAnswer = Box<dyn Any + Send>;
type ErasedCommand = Box<dyn FnOnce(&mut Tx<'_>) -> Result<ErasedAnswer, CommandError> + Send>;
/// Called with an answer that nobody waits for any more.
type LostAnswerHandler = Arc<dyn Fn(ErasedAnswer) + Send + Sync>;
/// The answer to come.
type Reply = oneshot::Receiver<Result<ErasedAnswer, Error>>;

/// Takes the type off a command's answer.
fn erased<T, F>(command: F) -> ErasedCommand
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T, CommandError> + Send + 'static,
{
    Box::new(move |tx| Ok(Box::new(command(tx)?)))
}

/// Gives an answer its type back.
fn typed<T: 'static>(answer: ErasedAnswer) -> T {
    *answer.downcast().expect("a command's own answer")
}

fn unanswered() -> Error {
    Error::Unavailable(Failure::other("it was not recorded"))
}

/// Waits for an answer. If it is dropped first, as when a client disconnects, the answer's value goes to `lost`.
struct Awaited {
    answer: Reply,
    lost: Option<LostAnswerHandler>,
}

impl Future for Awaited {
    type Output = Result<ErasedAnswer, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(unanswered())))
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // Closed first: from here on the ledger's thread finds that nobody waits.
        self.answer.close();
        if let Ok(Ok(answer)) = self.answer.try_recv()
            && let Some(lost) = &self.lost
        {
            lost(answer);
        }
    }
}
