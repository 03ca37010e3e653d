//! Countersign: a data-use agreement gateway.
//!
//! Data goes one way: web → ledger → domain, with the store and the log under the ledger, and delivery as the fast
//! corridor through the same door. ARCHITECTURE.md tells the whole.

pub mod cli;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod folders;
pub mod identity;
pub mod ledger;
pub mod log;
pub mod mail;
pub mod store;
pub mod web;
pub mod words;
