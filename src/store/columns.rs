//! Conversion between values and columns that both databases have.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Result, corrupt};

/// Reads text that some type wrote.
pub(super) fn parse<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| corrupt(what, error))
}

/// Reads JSON that [`to_json`] wrote.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| corrupt(what, error))
}

/// A value as a text column holds it.
pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("the domain's types always serialise")
}

/// A number that both databases store signed.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A number of something, or a small count, that both databases store signed.
pub(super) fn number(column: i32) -> u32 {
    u32::try_from(column).unwrap_or(0)
}

/// A number for a signed column; no size or count here comes near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A pattern for `LIKE … ESCAPE '\'` that matches the text anywhere.
pub(super) fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
