//! Tokens for the JSON API: what they may be used for, beside what their owner may do.

use super::person::Person;
use super::text::{TextError, one_line};
use super::token_rules::{MAX_LIFE_DAYS, TOKEN_NAME_MAX, check_may_have};
use super::words::words;
use super::{Refusal, TimeSpan, Timestamp};

/// What a token may be used for. It never allows what its owner may not do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Read what its owner sees: projects, requests, tokens.
    Read,
    /// Run projects, ask for access, make and revoke download tokens.
    Apply,
    /// Read and decide the requests that its owner decides about.
    Review,
    /// Publish, and run the organisations that its owner runs.
    Steward,
    /// Read the audit log.
    Audit,
}

words! {
    Scope {
        Read = "read",
        Apply = "apply",
        Review = "review",
        Steward = "steward",
        Audit = "audit",
    }
}

/// Scopes with spaces between, as a token has them (RFC 6749 section 3.3).
pub fn scope_words(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// The form for a new token for the API, as it was filled in.
#[derive(Clone, Debug, Default)]
pub struct NewApiTokenForm {
    /// The token's name.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// The number of days that it is to be valid.
    pub days: Option<i64>,
}

/// The errors in the form for a new token for the API, field by field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewApiTokenErrors {
    /// The error in the name.
    pub name: Option<TextError>,
    /// Nothing is chosen that it may be used for, or something that there is not.
    pub scopes: bool,
    /// The number of days is not from 1 to [`MAX_LIFE_DAYS`].
    pub days: bool,
}

/// A checked form for a new token for the API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewApiToken {
    name: String,
    scopes: Vec<Scope>,
    life: TimeSpan,
}

impl NewApiToken {
    /// Checks what was typed.
    ///
    /// # Errors
    /// All errors in it.
    pub fn parse(form: &NewApiTokenForm) -> Result<Self, NewApiTokenErrors> {
        let name = one_line(&form.name, TOKEN_NAME_MAX);
        let scopes: Result<Vec<Scope>, _> = form.scopes.iter().map(|word| word.parse()).collect();
        let scopes = scopes.ok().filter(|scopes| !scopes.is_empty());
        let days = form.days.filter(|days| (1..=MAX_LIFE_DAYS).contains(days));
        match (name, scopes, days) {
            (Ok(name), Some(mut scopes), Some(days)) => {
                scopes.sort_unstable();
                scopes.dedup();
                Ok(Self { name, scopes, life: TimeSpan::days(days) })
            }
            (name, scopes, days) => {
                Err(NewApiTokenErrors { name: name.err(), scopes: scopes.is_none(), days: days.is_none() })
            }
        }
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it may be used for, each once.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Whether a person may have it, given how many tokens of theirs work; says when it ends.
    ///
    /// # Errors
    /// The [`Refusal`] of the first rule that forbids it.
    pub fn decide_issue(&self, person: &Person, live_tokens: i64, now: Timestamp) -> Result<Timestamp, Refusal> {
        check_may_have(person, live_tokens)?;
        Ok(now + self.life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> NewApiTokenForm {
        NewApiTokenForm { name: "script".into(), scopes: vec!["steward".into(), "read".into()], days: Some(30) }
    }

    #[test]
    fn each_scope_is_there_once() {
        let again = NewApiTokenForm { scopes: vec!["steward".into(), "read".into(), "read".into()], ..form() };
        assert_eq!(NewApiToken::parse(&again).unwrap().scopes(), [Scope::Read, Scope::Steward]);
        assert_eq!(NewApiToken::parse(&again), NewApiToken::parse(&form()));
    }

    #[test]
    fn each_wrong_field_is_named() {
        for scopes in [vec![], vec!["download".into()], vec!["read".into(), "all".into()]] {
            let wrong = NewApiToken::parse(&NewApiTokenForm { name: " ".into(), scopes, days: Some(91) }).unwrap_err();
            assert!(wrong.name.is_some() && wrong.scopes && wrong.days);
        }
        for days in [None, Some(0), Some(91)] {
            let wrong = NewApiToken::parse(&NewApiTokenForm { days, ..form() }).unwrap_err();
            assert_eq!(wrong, NewApiTokenErrors { days: true, ..NewApiTokenErrors::default() });
        }
    }
}
