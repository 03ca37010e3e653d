//! Delivery: what is asked for (ranges, conditions), where it is (the file table, then the storage), and sending it.

pub mod body;
pub mod conditions;
pub mod connection;
pub mod direct_body;
pub mod file_body;
mod file_reads;
pub mod import;
pub mod import_root;
pub mod limits;
pub mod memory;
pub mod plan;
pub mod ranges;
pub mod storage;
pub mod stream_body;
pub mod transfers;
pub mod zip;
