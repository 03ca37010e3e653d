//! What can be asked of the ledger: each command reads the state it needs, lets the domain decide, stores what follows
//! and records it, all in one transaction.

pub mod access_requests;
pub mod admission;
pub mod agreements;
pub mod audit;
pub mod datasets;
pub mod grants;
pub mod mail;
pub mod passwords;
pub mod people;
pub mod sessions;
pub mod tokens;
