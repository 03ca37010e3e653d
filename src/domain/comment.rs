//! The comments and reasons that people give with a decision.

use serde::{Deserialize, Serialize};

use crate::domain::text::{TextError, many_lines, one_line};

/// A comment on a decision for the person it concerns: at most 5,000 characters; may be empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Comment(String);

impl Comment {
    /// The maximum length of a comment, in characters.
    pub const MAX: usize = 5_000;

    /// Checks and trims what was typed.
    ///
    /// # Errors
    /// [`TextError::TooLong`] or [`TextError::Control`].
    pub fn parse(typed: &str) -> Result<Self, TextError> {
        match many_lines(typed, Self::MAX) {
            Err(TextError::Empty) => Ok(Self::default()),
            parsed => parsed.map(Self),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why access, a dataset, a release, an organisation or an account was suspended, revoked or withdrawn: one line of 1 to 1,000 characters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl TryFrom<String> for Reason {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

impl From<&Reason> for Comment {
    fn from(reason: &Reason) -> Self {
        Self(reason.0.clone())
    }
}

impl Reason {
    /// The maximum length of a reason, in characters.
    pub const MAX: usize = 1_000;

    /// Checks and trims what was typed.
    ///
    /// # Errors
    /// [`TextError::Empty`], [`TextError::TooLong`] or [`TextError::Control`].
    pub fn parse(typed: &str) -> Result<Self, TextError> {
        one_line(typed, Self::MAX).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
