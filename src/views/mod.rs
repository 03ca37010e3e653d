//! Read models: what pages, the API and mail show, read from the store and the log, with the rules of the domain applied.
//! They say what somebody may do by asking the functions that decide it.

pub mod account;
pub mod audit;
pub mod datasets;
pub mod grants;
pub mod people;
pub mod receipt;
pub mod requests;
pub mod review;
pub mod signing;
pub mod timeline;
pub mod tokens;
