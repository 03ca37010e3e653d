//! Authentication: keys, passwords, secrets of sessions and links, tokens.

mod fair_queue;
pub mod keys;
pub mod passwords;
pub mod secrets;
pub mod throttle;
pub mod tokens;
