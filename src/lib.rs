//! Countersign: a data-use agreement gateway.
//!
//! Data goes one way: web → ledger → domain, with the store and the log under the ledger, and delivery as the fast path
//! through the same door. ARCHITECTURE.md describes the rooms, and `tests/suite/house_order.rs` checks who may import whom.

pub mod app;
pub mod background;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod identity;
pub mod l10n;
pub mod ledger;
pub mod log;
pub mod mail;
pub mod private_files;
pub mod store;
pub mod views;
pub mod web;
