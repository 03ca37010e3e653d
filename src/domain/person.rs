//! People: accounts, their roles, and what a password must be.

use std::fmt;

use super::ids::PersonId;
use super::text::{Email, Language, PersonName, TextError};
use super::{Instant, Span};

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// Where mail goes; unique whatever the case.
    pub email: Email,
    /// Full name.
    pub name: PersonName,
    /// Institution, if given.
    pub affiliation: Option<String>,
    /// The language that mail is written in.
    pub language: Language,
    /// When the address was proved to be theirs.
    pub email_verified_at: Option<Instant>,
    /// When the account was suspended, if it is.
    pub suspended_at: Option<Instant>,
    /// Whether they administer this gateway.
    pub administrator: bool,
    /// Whether they may read everything, and change nothing.
    pub auditor: bool,
    /// When the account was made.
    pub created_at: Instant,
}

impl Person {
    /// The role under which an event of theirs is recorded when nothing narrower applies.
    pub const fn role(&self) -> Role {
        if self.administrator {
            Role::Administrator
        } else if self.auditor {
            Role::Auditor
        } else {
            Role::Applicant
        }
    }
}

/// In what capacity somebody acted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Anyone with an account.
    Applicant,
    /// A reviewer of the dataset in question.
    Reviewer,
    /// An administrator.
    Administrator,
    /// An auditor.
    Auditor,
    /// Someone at the command line of the machine.
    Operator,
    /// Countersign itself.
    System,
    /// Nobody who is known.
    Anonymous,
}

impl Role {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applicant => "applicant",
            Self::Reviewer => "reviewer",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Shortest password, in characters (NIST SP 800-63B-4 asks for 15 where it is the only factor, at least 8 ever).
pub const PASSWORD_MIN: usize = 12;
/// Longest password, in characters: long enough for any phrase, short enough that hashing can't be abused.
pub const PASSWORD_MAX: usize = 256;
/// How long the link in the verification mail works.
pub const VERIFY_LINK_LIFE: Span = Span::days(3);
/// How long the link to choose a new password works.
pub const RESET_LINK_LIFE: Span = Span::hours(1);
/// How long a session lasts at most.
pub const SESSION_LIFE: Span = Span::days(14);
/// How fresh the last proof of identity must be to sign an agreement.
pub const SIGNING_PROOF_AGE: Span = Span::minutes(15);

/// Checks a new password: length only, and that it is not the person's own address, as NIST SP 800-63B advises.
///
/// # Errors
/// [`TextError::TooShort`], [`TextError::TooLong`], or [`TextError::Form`] when it is the address.
pub fn check_password(password: &str, email: &str) -> Result<(), TextError> {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        Err(TextError::TooShort(PASSWORD_MIN))
    } else if length > PASSWORD_MAX {
        Err(TextError::TooLong(PASSWORD_MAX))
    } else if password.eq_ignore_ascii_case(email) {
        Err(TextError::Form)
    } else {
        Ok(())
    }
}
