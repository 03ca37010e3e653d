//! The rules, and nothing else: no I/O, no clock, no randomness, no database, no web.
//!
//! Functions named `decide` look at a state and a wish and answer with what happens or why not; time and
//! fresh ids come in as arguments, so that every rule can be tested by property.

pub mod access_request;
pub mod admission;
pub mod agreement;
pub mod dataset;
pub mod event;
pub mod grant;
pub mod ids;
pub mod instant;
pub mod notice;
pub mod path;
pub mod person;
pub mod refusal;
pub mod signature;
pub mod text;
pub mod token;

pub use instant::{Instant, Span};
pub use refusal::Refusal;
