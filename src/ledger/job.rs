//! What the ledger's thread is given to do.

use super::error::Failure;
use super::transaction::Tx;
use crate::store;

/// Whether what a job did stays.
pub(super) enum JobEnd {
    Keep,
    Undo {
        /// Whether the transaction may be broken by it.
        database_failed: bool,
    },
}

/// Answers a job once its batch is durable, or has failed.
pub(super) type Completion = Box<dyn FnOnce(Result<(), &Failure>) + Send>;

/// Does a job's work; says whether it stays, and how it is answered.
pub(super) type Run = Box<dyn FnOnce(&mut Tx<'_>) -> (JobEnd, Completion) + Send>;

/// Records what has happened already; may be run again after a failure.
pub(super) type DeferredRecord = Box<dyn Fn(&mut Tx<'_>) -> store::Result<()> + Send>;

/// What is to be done in a transaction.
pub(super) enum Job {
    /// Somebody waits for the answer.
    Command(Command),
    /// It has happened and is to be recorded; nobody waits.
    Record(DeferredRecord),
}

/// A job that somebody waits for.
pub(super) struct Command {
    pub run: Run,
    pub undo: Undo,
}

/// What undoes a job that was not carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// A savepoint of its own.
    Savepoint,
    /// The whole batch: the job fails only when the database does, and a savepoint would cost more than it.
    Batch,
}
