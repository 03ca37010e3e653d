//! Countersign: a data-use agreement gateway.
//!
//! Data goes one way: web → ledger → domain, with the store and the log under the ledger, and delivery as the fast
//! corridor through the same door. ARCHITECTURE.md tells the whole.

pub mod domain;
pub mod ledger;
pub mod log;
pub mod store;
