//! The rules, and nothing else: no I/O, no clock, no randomness, no database, no web.
//!
//! A function named `decide` takes a state and a command, and returns the changes that follow or the refusal. Time and
//! new ids are arguments, so that every rule can be checked by property tests.

pub mod access_request;
pub mod admission;
pub mod agreement;
pub mod api_token;
pub mod attempt;
pub mod catalogue;
pub mod citation;
pub mod comment;
pub mod committee;
pub mod dataset;
pub mod day;
pub mod event;
pub mod exclusions;
pub mod expectations;
pub mod form;
pub mod gateway_state;
pub mod grant;
pub mod handover;
pub mod ids;
pub mod import_job;
pub mod localised;
pub mod member;
pub mod membership;
pub mod new_version;
pub mod notice;
pub mod orcid;
pub mod organisation;
pub mod origin;
pub mod overview;
pub mod path;
pub mod person;
pub mod person_list;
pub mod preview;
pub mod project;
pub mod refusal;
pub mod release;
pub mod search;
pub mod signature;
pub mod text;
pub mod timestamp;
pub mod token;
pub mod token_rules;
pub mod transfer;
pub mod upload;
pub(crate) mod words;
pub mod working_days;

pub use refusal::{AccessRefusal, Refusal};
pub use timestamp::{TimeSpan, Timestamp};
