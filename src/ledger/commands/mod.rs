//! What can be asked of the ledger: each command reads the state it needs, lets the domain decide, stores what follows
//! and records it, all in one transaction.

pub mod accounts;
pub mod admission;
pub mod audit;
pub mod catalogue;
pub mod grants;
pub mod mail;
pub mod requests;
pub mod roles;
pub mod sessions;
pub mod tokens;
