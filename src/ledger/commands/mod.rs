//! The commands of the ledger: each reads the state it needs, lets the domain decide, stores the changes that follow
//! and records it, all in one transaction.

pub mod access_requests;
pub mod admissions;
pub mod agreements;
pub mod audit;
pub mod datasets;
pub mod emails;
pub mod forms;
pub mod grants;
pub mod mail;
pub mod passwords;
pub mod people;
pub mod projects;
pub mod releases;
pub mod sessions;
pub mod tokens;
pub mod transfers;
