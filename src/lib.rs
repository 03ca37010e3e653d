//! Countersign: a data-use agreement gateway.
//!
//! Calls go one way: web → ledger → domain. The ledger uses the store and the log; delivery sends bytes and reports to
//! the ledger. ARCHITECTURE.md describes the rooms, and `tests/suite/house_order.rs` checks which room may import which.

pub mod app;
pub mod background;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod escape;
pub mod identity;
pub mod l10n;
pub mod ledger;
pub mod log;
pub mod mail;
pub mod private_files;
pub mod store;
pub mod trusted_roots;
pub mod views;
pub mod web;
