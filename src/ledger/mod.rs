//! The one door: everything that changes state, admissions included, is a job for the ledger's thread.
//!
//! It takes as many jobs as are waiting, runs them in one transaction, appends their events to the log, commits once,
//! and only then answers. A job that is refused undoes only itself; if the commit fails, every job of the batch is told
//! so and nothing has happened.

pub mod commands;
pub mod gate;
mod transaction;
mod worker;

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

pub use transaction::{Refused, Tx};

use crate::domain::Refusal;
use crate::log::LogKey;
use crate::store::{self, Database};
use worker::{Completion, Job, JobEnd, Undo, Worker};

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
#[derive(Debug)]
pub struct Signals {
    /// Mail was queued.
    pub mail: Notify,
    /// Something was revoked; running transfers look again whether they may go on.
    pub revoked: watch::Sender<u64>,
    /// Why the last batch failed, if it did.
    failure: Mutex<Option<String>>,
}

impl Ledger {
    /// Opens the database for writing and starts the ledger's thread.
    ///
    /// # Errors
    /// When the database can't be opened or the thread not be started.
    pub fn start(database: Database, key: Arc<LogKey>) -> store::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE_LENGTH);
        let signals =
            Arc::new(Signals { mail: Notify::new(), revoked: watch::Sender::new(0), failure: Mutex::new(None) });
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
        Self::answered(self.submit(command, Undo::Itself)?).await
    }

    /// The same for a command that fails only when the database does: cheaper, and its failure fails its batch.
    ///
    /// # Errors
    /// As [`Self::run`], but never that it was refused.
    pub async fn note<T, F>(&self, command: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
    {
        Self::answered(self.submit(|tx| Ok(command(tx)?), Undo::Batch)?).await
    }

    async fn answered<T>(answer: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("the ledger has stopped".into())))
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
        self.submit(command, Undo::Itself)?
            .blocking_recv()
            .unwrap_or_else(|_| Err(Error::Unavailable("the ledger has stopped".into())))
    }

    /// Queues a command that fails only when the database does, and whose answer nobody waits for. When the queue is full it is queued as soon as there is room.
    pub fn post_surely<F>(&self, command: F)
    where
        F: FnOnce(&mut Tx<'_>) -> store::Result<()> + Send + 'static,
    {
        let run = Box::new(move |tx: &mut Tx<'_>| {
            let result = command(tx);
            let end = if result.is_ok() { JobEnd::Keep } else { JobEnd::Undo };
            let completion: Completion = Box::new(move |committed| {
                if let Err(why) = committed {
                    tracing::error!(why, "what was to be noted could not be recorded");
                }
            });
            (end, completion)
        });
        let job = Job { run, undo: Undo::Batch };
        let Err(mpsc::TrySendError::Full(job)) = self.jobs.try_send(job) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let jobs = self.jobs.clone();
        runtime.spawn(async move {
            let mut waiting = job;
            while let Err(mpsc::TrySendError::Full(job)) = jobs.try_send(waiting) {
                waiting = job;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }

    fn submit<T, F>(&self, command: F, undo: Undo) -> Result<oneshot::Receiver<Result<T, Error>>, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Refused> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let run = Box::new(move |tx: &mut Tx<'_>| {
            let result = command(tx);
            let end = match &result {
                Ok(_) => JobEnd::Keep,
                Err(_) => JobEnd::Undo,
            };
            let completion: Completion = Box::new(move |committed| {
                let told = match (result, committed) {
                    // Refused whatever became of the batch.
                    (Err(Refused::Refusal(refusal)), _) => Err(Error::Refused(refusal)),
                    (Err(Refused::Store(error)), _) => Err(Error::Unavailable(error.to_string())),
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(why)) => Err(Error::Unavailable(why.to_owned())),
                };
                // Nobody may be waiting any more; what was done stays done.
                let _ = reply.send(told);
            });
            (end, completion)
        });
        self.jobs.try_send(Job { run, undo }).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => Error::Busy,
            mpsc::TrySendError::Disconnected(_) => Error::Unavailable("the ledger has stopped".into()),
        })?;
        Ok(answer)
    }
}
