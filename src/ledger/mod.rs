//! The one door: everything that changes state, admissions included, is a job for the ledger's thread.
//!
//! It takes as many jobs as are waiting, runs them in one transaction, appends their events to the log, commits once,
//! and only then answers. A job that is refused undoes only itself; if the commit fails, every job of the batch is told
//! so and nothing has happened.

mod checkpointer;
pub mod commands;
pub mod gate;
mod mailbox;
mod transaction;
mod worker;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll};

use tokio::sync::{Notify, oneshot, watch};

pub use mailbox::attend;
pub use transaction::{Refused, Tx};

use crate::domain::Refusal;
use crate::log::LogKey;
use crate::store::{self, Database};
use worker::{Command, Completion, Job, JobEnd, Note, Undo, Worker};

/// Jobs that may wait; one more is answered with [`Error::Busy`].
pub const QUEUE_LENGTH: usize = 4096;

/// Why a job brought nothing about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule said no.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// Too much is waiting.
    #[error("the ledger is busy")]
    Busy,
    /// It could not be recorded, so it did not happen.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
}

/// The way to the ledger's thread; clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Ledger {
    jobs: mpsc::SyncSender<Job>,
    signals: Arc<Signals>,
}

/// What the ledger tells the rest of the program after a commit.
pub struct Signals {
    /// Mail was queued.
    pub mail: Notify,
    /// Something was revoked; running transfers look again whether they may go on.
    pub revoked: watch::Sender<u64>,
    /// Why the last batch failed, if it did.
    failure: Mutex<Option<String>>,
    /// Notes for which the queue had no room.
    overflow: Mutex<Vec<Note>>,
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signals").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl Signals {
    fn overflow(&self) -> MutexGuard<'_, Vec<Note>> {
        self.overflow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Opens the database for writing and starts the ledger's thread.
    ///
    /// # Errors
    /// When the database can't be opened or the thread not be started.
    pub fn start(database: Database, key: Arc<LogKey>) -> store::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE_LENGTH);
        let signals = Arc::new(Signals {
            mail: Notify::new(),
            revoked: watch::Sender::new(0),
            failure: Mutex::new(None),
            overflow: Mutex::new(Vec::new()),
        });
        let worker = Worker::new(database, key, signals.clone())?;
        std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || worker.run(queue))
            .map_err(|error| store::Error::Connection(format!("starting the ledger's thread: {error}")))?;
        Ok(Self { jobs, signals })
    }

    /// What is told after commits.
    pub const fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    /// Why the last batch failed, if it did.
    pub fn failure(&self) -> Option<String> {
        self.signals.failure.lock().ok().and_then(|failure| failure.clone())
    }

    /// Runs a command and answers when it is durable.
    ///
    /// # Errors
    /// When it was refused, the queue is full, or it could not be recorded.
    pub async fn run<T, F>(&self, command: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Refused> + Send + 'static,
    {
        Awaited { answer: self.submit(command, Undo::Itself, drop)?, lost: drop }.await
    }

    /// The same for a command that fails only when the database does: cheaper, and its failure fails its batch. `lost`
    /// gets what it brought about when nobody waits for the answer any more.
    ///
    /// # Errors
    /// As [`Self::run`], but never that it was refused.
    pub async fn ask<T, F, L>(&self, command: F, lost: L) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
        L: Fn(T) + Clone + Send + Unpin + 'static,
    {
        let answer = self.submit(|tx| Ok(command(tx)?), Undo::Batch, lost.clone())?;
        Awaited { answer, lost }.await
    }

    /// The same for threads that may block.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_blocking<T, F>(&self, command: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Refused> + Send + 'static,
    {
        self.submit(command, Undo::Itself, drop)?.blocking_recv().unwrap_or_else(|_| Err(unanswered()))
    }

    /// Notes what has happened and can't be undone, such as the end of a transfer: nobody waits for it, and it is tried
    /// again until it is recorded. It must fail only when the database does.
    pub fn post<F>(&self, note: F)
    where
        F: Fn(&mut Tx<'_>) -> store::Result<()> + Send + 'static,
    {
        let failed = match self.jobs.try_send(Job::Note(Box::new(note))) {
            Ok(()) => return,
            Err(mpsc::TrySendError::Full(job) | mpsc::TrySendError::Disconnected(job)) => job,
        };
        if let Job::Note(note) = failed {
            // The ledger's thread takes these up with its next batch.
            self.signals.overflow().push(note);
        }
    }

    fn submit<T, F, L>(&self, command: F, undo: Undo, lost: L) -> Result<Answer<T>, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Refused> + Send + 'static,
        L: FnOnce(T) + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let run = Box::new(move |tx: &mut Tx<'_>| {
            let result = command(tx);
            let end = match &result {
                Ok(_) => JobEnd::Keep,
                // A row that can't be read is this job's trouble alone.
                Err(Refused::Store(store::Error::Corrupt(_))) => JobEnd::Undo { database_failed: false },
                Err(Refused::Store(_)) => JobEnd::Undo { database_failed: true },
                Err(Refused::Refusal(_)) => JobEnd::Undo { database_failed: false },
            };
            let completion: Completion = Box::new(move |committed| {
                let told = match (result, committed) {
                    // Refused whatever became of the batch.
                    (Err(Refused::Refusal(refusal)), _) => Err(Error::Refused(refusal)),
                    (Err(Refused::Store(error)), _) => {
                        tracing::error!(%error, "a command failed");
                        Err(Error::Unavailable(error.to_string()))
                    }
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(why)) => Err(Error::Unavailable(why.to_owned())),
                };
                // Nobody may be waiting any more; what was done stays done.
                if let Err(Ok(value)) = reply.send(told) {
                    lost(value);
                }
            });
            (end, completion)
        });
        self.jobs.try_send(Job::Command(Command { run, undo, to: mailbox::own() })).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => Error::Busy,
            mpsc::TrySendError::Disconnected(_) => Error::Unavailable("the ledger has stopped".into()),
        })?;
        Ok(answer)
    }
}

/// The answer to come.
type Answer<T> = oneshot::Receiver<Result<T, Error>>;

fn unanswered() -> Error {
    Error::Unavailable("it was not recorded".into())
}

/// Waits for an answer. When it is dropped before, as a client's disconnection does, what the answer held goes to `lost`.
struct Awaited<T, L: Fn(T)> {
    answer: Answer<T>,
    lost: L,
}

impl<T, L: Fn(T) + Unpin> Future for Awaited<T, L> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(unanswered())))
    }
}

impl<T, L: Fn(T)> Drop for Awaited<T, L> {
    fn drop(&mut self) {
        // Closed first: from here on the ledger's thread finds that nobody waits.
        self.answer.close();
        if let Ok(Ok(value)) = self.answer.try_recv() {
            (self.lost)(value);
        }
    }
}
