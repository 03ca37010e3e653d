//! The audit log's mathematics: events to leaves, leaves to a Merkle tree (RFC 6962), heads to signed checkpoints
//! (C2SP `tlog-checkpoint`), and checking all of it. No database here: that is `store::log`'s.

pub mod canonical;
pub mod checkpoint;
pub mod download_count;
pub mod download_fact;
pub mod export;
pub mod head_fault;
pub mod holdings;
pub mod index_ranges;
pub mod indexed_fields;
pub mod merkle;
pub mod receipt;
pub mod recorded;
pub mod verify;

pub use checkpoint::{Checkpoint, LogKey, VerifierKey};
pub use recorded::{DamagedEvent, RecordedEvent};
