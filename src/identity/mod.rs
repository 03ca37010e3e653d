//! Authentication: keys, passwords, secrets of sessions and links, tokens.

pub mod keys;
pub mod passwords;
pub mod secrets;
pub mod throttle;
pub mod tokens;
