//! The rules, and nothing else: no I/O, no clock, no randomness, no database, no web.
//!
//! Functions named `decide` take a state and a command and answer with what follows or why not; time and
//! fresh ids come in as arguments, so that every rule can be tested by property.

pub mod access_request;
pub mod admission;
pub mod agreement;
pub mod comment;
pub mod dataset;
pub mod event;
pub mod grant;
pub mod ids;
pub mod notice;
pub mod origin;
pub mod path;
pub mod person;
pub mod refusal;
pub mod signature;
pub mod text;
pub mod timestamp;
pub mod token;
pub mod transfer;

pub use refusal::Refusal;
pub use timestamp::{TimeSpan, Timestamp};
