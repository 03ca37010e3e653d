//! A setting that can't be used.

use std::path::PathBuf;

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the configuration file {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is not TOML, or has a key that is not known.
    #[error("the configuration is wrong: {0}")]
    Form(String),
    /// A key's value can't be used.
    #[error("{key}: {why}")]
    Key {
        /// The key; its environment variable is `COUNTERSIGN_` and the key in capitals with `_` for dots.
        key: &'static str,
        /// What to do.
        why: String,
    },
}

/// A key's value can't be used.
pub(super) fn key(key: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Key { key, why: why.into() }
}
