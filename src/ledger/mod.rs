//! The one door: everything that changes state, admissions included, is a job for the ledger's thread.
//!
//! The thread takes as many jobs as are waiting, runs them in one transaction, appends their events to the log, commits
//! once, and only then answers. A job that is refused undoes only itself; if the commit fails, every job of the batch is
//! answered with the failure and nothing has happened.

pub mod access_cache;
pub mod commands;
mod completed_transfers;
mod denial_counts;
mod error;
mod handle;
pub mod importing;
mod job;
pub mod kept_head;
mod known_clients;
mod reactions;
mod signals;
mod transaction;
mod wal_checkpointer;
mod worker;

pub use error::{CommandError, Error, Failure};
pub use handle::{Ledger, QUEUE_LENGTH};
pub use signals::Signals;
pub use transaction::Tx;
pub use worker::ClockPolicy;
