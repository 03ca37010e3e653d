//! What holds for every token, whether it downloads or speaks the API.

use super::Refusal;
use super::person::Person;

/// The maximum validity of a token, in days.
pub const MAX_LIFE_DAYS: i64 = 90;
/// The maximum length of a token's name, in characters.
pub const TOKEN_NAME_MAX: usize = 100;
/// The maximum number of live tokens for one person.
pub const LIVE_TOKENS_MAX: i64 = 100;

/// Whether a person may have another token, given how many of theirs work.
///
/// # Errors
/// [`Refusal::AccountSuspended`], [`Refusal::EmailUnverified`], [`Refusal::TooMany`].
pub fn check_may_have(person: &Person, live_tokens: i64) -> Result<(), Refusal> {
    if person.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    if person.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified);
    }
    if live_tokens >= LIVE_TOKENS_MAX { Err(Refusal::TooMany) } else { Ok(()) }
}
