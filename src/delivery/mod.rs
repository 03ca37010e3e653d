//! Delivery: what is asked for (ranges, conditions), where it is (the file table, then the storage), and sending it.

pub mod archive;
pub mod body;
mod buffers;
pub mod conditions;
pub mod file;
pub mod import;
pub mod limits;
pub mod outlet;
pub mod range;
pub mod storage;
pub mod stream;
pub mod transfer;
pub mod wire;
pub mod zip;
