//! The web: everything that people and download clients see. Handlers parse, ask the ledger or the store, and show.

mod assets;
mod data;
mod failure;
mod form;
mod headers;
mod listing;
mod markdown;
mod operations;
mod page;
mod pages;
mod public_log;
mod routes;
mod server;
mod shelf;
mod state;
pub mod tls;
mod viewer;

pub use server::{Running, start};
pub use state::App;
