//! The database: one file per feature, each with its queries, in and out as domain types.
//!
//! Everything here blocks; callers are the ledger's thread, `ReadPool::read`, and the command line.

pub mod admissions;
pub mod agreements;
#[expect(missing_docs, reason = "diesel's derive makes public items that it does not document")]
pub mod connection;
pub mod datasets;
pub mod files;
pub mod grants;
pub mod log;
pub mod mail;
pub mod people;
pub mod requests;
mod schema;
pub mod sessions;
pub mod signatures;
pub mod tokens;
pub mod verification;

pub use connection::{AnyConnection, Database, Ground, ReadPool};

use diesel::connection::SimpleConnection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::log::verify::Problem;

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database said so.
    #[error("the database: {0}")]
    Database(#[from] diesel::result::Error),
    /// There was no connection to be had.
    #[error("no connection to the database: {0}")]
    Connection(String),
    /// What is stored is not what was written.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
    /// A file of the log's archive can't be read or written.
    #[error("the log's archive, {0}: {1}")]
    Archive(String, std::io::Error),
    /// The log does not hold.
    #[error("the audit log does not verify: {0}")]
    Log(#[from] Problem),
}

/// A store's answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Reads as of one moment, whatever others write meanwhile.
fn at_one_moment<T>(conn: &mut AnyConnection, read: impl FnOnce(&mut AnyConnection) -> Result<T>) -> Result<T> {
    conn.batch_execute(match conn {
        AnyConnection::Sqlite(_) => "BEGIN",
        AnyConnection::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    })?;
    let found = read(conn);
    // An unfinished look changes nothing, and the connection goes back to its pool clean.
    let ended = conn.batch_execute("ROLLBACK");
    let found = found?;
    ended?;
    Ok(found)
}

fn corrupt(what: &str, error: impl std::fmt::Display) -> Error {
    Error::Corrupt(format!("{what}: {error}"))
}

/// Reads text that some type wrote.
fn parse<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| corrupt(what, error))
}

fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| corrupt(what, error))
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the domain's types always serialise")
}

/// A number that both databases store signed.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A number for a signed column; no size or count here comes near the limit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Text that `LIKE … ESCAPE '\'` matches anywhere.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
