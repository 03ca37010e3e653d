//! The database: one file per feature, each with its queries, in and out as domain types. Nothing else speaks SQL.
//!
//! Everything here blocks; callers are the ledger's thread, [`ReadPool::read`], and the command line.

pub mod access_requests;
pub mod admissions;
pub mod agreements;
pub mod catalogue;
mod columns;
pub mod committees;
#[expect(missing_docs, reason = "diesel's derive makes public items that it does not document")]
pub mod connection;
pub mod cursor;
pub mod dataset_lists;
pub mod datasets;
pub mod deadlines;
pub mod download_counts;
pub mod erasure;
mod error;
pub mod files;
pub mod forms;
pub mod grants;
pub mod idempotency;
pub mod import_jobs;
pub mod imports;
pub mod log;
pub mod mail;
pub mod mail_links;
pub mod members;
pub mod new_versions;
pub mod offers;
pub mod organisation_members;
pub mod organisations;
pub mod overview;
pub mod people;
mod pooler;
pub mod projects;
pub mod read_pool;
pub mod releases;
mod request_facts;
pub mod request_lists;
pub mod review_queue;
mod schema;
pub mod sessions;
pub mod signatures;
mod snapshot;
mod tls_relay;
pub mod tokens;
pub mod uploads;
pub mod verification;

pub use connection::{AnyConnection, Database, DatabaseFiles, Durability};
pub use cursor::{Cursor, PageOf};
pub use error::{Error, FailureCause, Result};
pub use read_pool::{Priority, ReadPool};
pub use request_facts::RequestFacts;
