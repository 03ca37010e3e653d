//! The audit log: events in blocks, personal parts, hash tiles, and the one row that is its head, in the database; old
//! events in the archive beside it.
//!
//! The head row holds the frontier of the tree and the signed checkpoint, written in the transaction that appends.

mod archive_files;
mod blocks;
mod download_counts;
mod erasure;
mod head;
mod head_row;
mod holdings;
mod locking;
mod move_to_archive;
pub mod packing;
mod proofs;
mod search;
mod transfers;
mod tree;
mod verification;

pub use archive_files::{ArchiveFile, ContiguityCheck, Location, LogArchive, WrittenFile};
pub use blocks::Entry;
pub use download_counts::{CountedPart, download_counts};
pub use erasure::Erasure;
pub use head::{LogHead, append, head};
pub use head_row::{access_epoch, last_at, rewrite_head, size, stored_head};
pub use holdings::holdings;
pub use locking::{lock_head, signed_head};
pub use move_to_archive::{ArchiveMove, sweep};
pub use proofs::TreeReader;
pub use search::{Filter, Walk, select};
pub use transfers::{at_indexes, ends_of};
pub use tree::{TILE_WIDTH, first_mismatch, tile};
pub use verification::{Page, next_block, orphans};
