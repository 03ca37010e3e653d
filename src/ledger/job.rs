//! The jobs of the ledger's thread.

use std::sync::mpsc::Sender;

use super::error::Failure;
use super::transaction::Tx;
use crate::store::{self, Durability};

/// Whether a job's changes are kept.
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

/// A job for the ledger's thread.
pub(super) enum Job {
    /// Somebody waits for the answer.
    Awaited(AwaitedJob),
    /// It has happened and is to be recorded; nobody waits.
    Record(DeferredRecord),
    /// The process ends: the head of the log is to be kept as it is after everything before, and the sender dropped then.
    Settle(Sender<()>),
}

/// A job that somebody waits for.
pub(super) struct AwaitedJob {
    pub run: Run,
    pub undo: UndoScope,
    pub durability: Durability,
}

/// How a job that failed is undone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UndoScope {
    /// A savepoint of its own.
    Savepoint,
    /// The whole batch: the job fails only when the database does, and a savepoint would cost more than it.
    Batch,
}
