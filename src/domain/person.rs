//! People: accounts, their roles, and what a password must be.

use serde::{Deserialize, Serialize};

use super::ids::PersonId;
use super::text::{Email, Language, PersonName, TextError, one_line};
use super::{Refusal, TimeSpan, Timestamp};
use crate::domain::words::words;

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// The e-mail address; unique regardless of case.
    pub email: Email,
    /// Full name.
    pub name: PersonName,
    /// Institution, if given.
    pub affiliation: Option<String>,
    /// The language that mail is written in.
    pub language: Language,
    /// When the address was proved to be theirs.
    pub email_verified_at: Option<Timestamp>,
    /// When the account was suspended, if it is.
    pub suspended_at: Option<Timestamp>,
    /// Whether they administer this gateway.
    pub administrator: bool,
    /// Whether they may read everything, and change nothing.
    pub auditor: bool,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// The end of the addresses that erased accounts have instead of their own: nobody receives mail there (RFC 2606).
pub const ERASED_DOMAIN: &str = "@erased.invalid";

impl Person {
    /// Whether all that said who they are was erased.
    pub fn is_erased(&self) -> bool {
        self.email.as_str().ends_with(ERASED_DOMAIN)
    }

    /// The address, if it was proved to be theirs.
    pub fn proved_email(&self) -> Option<&Email> {
        self.email_verified_at.map(|_| &self.email)
    }

    /// Their site roles.
    pub const fn roles(&self) -> Roles {
        Roles { administrator: self.administrator, auditor: self.auditor }
    }

    /// Whether they may administer the gateway now: administrators whose account is not suspended.
    pub const fn may_administer(&self) -> bool {
        self.administrator && self.suspended_at.is_none()
    }

    /// Whether they may see how the gateway fares, and who has an account: administrators and auditors whose accounts are not
    /// suspended.
    pub const fn may_oversee(&self) -> bool {
        (self.administrator || self.auditor) && self.suspended_at.is_none()
    }

    /// Whether they may read everything that organisations hold, and the log: auditors whose accounts are not suspended.
    pub const fn may_audit(&self) -> bool {
        self.auditor && self.suspended_at.is_none()
    }

    /// Whether they may read the mail that the gateway sends.
    pub const fn may_read_mail(&self) -> bool {
        self.may_administer()
    }

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

/// The role in which somebody acted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Anyone with an account.
    Applicant,
    /// A reviewer of the dataset in question.
    Reviewer,
    /// A steward of the organisation in question.
    Steward,
    /// An owner of the organisation in question.
    Owner,
    /// An administrator.
    Administrator,
    /// An auditor.
    Auditor,
    /// Someone at the command line of the machine.
    Operator,
    /// Countersign itself.
    System,
    /// An unknown client.
    Anonymous,
}

words! {
    Role {
        Applicant = "applicant",
        Reviewer = "reviewer",
        Steward = "steward",
        Owner = "owner",
        Administrator = "administrator",
        Auditor = "auditor",
        Operator = "operator",
        System = "system",
        Anonymous = "anonymous",
    }
}

/// How somebody proved who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// With their password.
    Password,
    /// With a link that was mailed to their address.
    MailedLink,
}

words! {
    AuthMethod {
        Password = "password",
        MailedLink = "mailed-link",
    }
}

/// Why somebody could not sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignInFailure {
    /// There is no account with this address, or the password is wrong.
    WrongCredentials,
    /// The account is suspended.
    AccountSuspended,
}

words! {
    SignInFailure {
        WrongCredentials = "wrong-credentials",
        AccountSuspended = "account-suspended",
    }
}

/// The roles that an administrator can give an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Roles {
    /// The account administers the gateway.
    pub administrator: bool,
    /// The account may read everything and change nothing.
    pub auditor: bool,
}

/// The name of a person's institution: at most 200 characters on one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Affiliation(String);

impl Affiliation {
    /// The maximum length of the name, in characters.
    pub const MAX: usize = 200;

    /// Checks and trims the input; `None` if it is empty.
    ///
    /// # Errors
    /// [`TextError::TooLong`] or [`TextError::Control`].
    pub fn parse(typed: &str) -> Result<Option<Self>, TextError> {
        match one_line(typed, Self::MAX) {
            Err(TextError::Empty) => Ok(None),
            parsed => parsed.map(|text| Some(Self(text))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Affiliation> for String {
    fn from(affiliation: Affiliation) -> Self {
        affiliation.0
    }
}

/// Whether an administrator may give a person these roles. `None` when they have them already.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it. `acting_administrators` counts those who may administer now.
pub fn decide_roles(
    by: &Person,
    target: &Person,
    wanted: Roles,
    acting_administrators: i64,
) -> Result<Option<Roles>, Refusal> {
    if !by.may_administer() {
        return Err(Refusal::NotAllowed);
    }
    if !wanted.administrator {
        keep_one_administrator(target, acting_administrators)?;
    }
    if target.roles() == wanted {
        return Ok(None);
    }
    // Whoever runs the gateway reads nothing of what organisations hold.
    if wanted.auditor && (wanted.administrator || by.id == target.id) {
        return Err(Refusal::BothRoles);
    }
    // An address that nobody proved may be anybody's account.
    let gains = (wanted.administrator && !target.administrator) || (wanted.auditor && !target.auditor);
    if gains && target.email_verified_at.is_none() {
        return Err(Refusal::TargetUnverified);
    }
    Ok(Some(wanted))
}

/// Whether an administrator may suspend a person. `false` when they are suspended already.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn decide_suspension(by: &Person, target: &Person, acting_administrators: i64) -> Result<bool, Refusal> {
    if !by.may_administer() {
        return Err(Refusal::NotAllowed);
    }
    if target.suspended_at.is_some() {
        return Ok(false);
    }
    keep_one_administrator(target, acting_administrators)?;
    Ok(true)
}

/// Whether an administrator may let a suspended person act again. `false` when they are not suspended.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn decide_restoration(by: &Person, target: &Person) -> Result<bool, Refusal> {
    if by.may_administer() { Ok(target.suspended_at.is_some()) } else { Err(Refusal::NotAllowed) }
}

fn keep_one_administrator(target: &Person, acting_administrators: i64) -> Result<(), Refusal> {
    if target.may_administer() && acting_administrators <= 1 { Err(Refusal::LastAdministrator) } else { Ok(()) }
}

/// Whether an account may start a session.
///
/// # Errors
/// [`Refusal::AccountSuspended`].
pub const fn decide_sign_in(person: &Person) -> Result<(), Refusal> {
    if person.suspended_at.is_some() { Err(Refusal::AccountSuspended) } else { Ok(()) }
}

/// Whether somebody proved who they are recently enough to sign.
pub fn proof_is_fresh(proved_at: Timestamp, now: Timestamp) -> bool {
    now - proved_at <= SIGNING_PROOF_AGE
}

/// Shortest password, in characters (NIST SP 800-63B-4 asks for 15 where it is the only factor, at least 8 ever).
pub const PASSWORD_MIN: usize = 12;
/// Longest password, in characters: long enough for any phrase, short enough that hashing can't be abused.
pub const PASSWORD_MAX: usize = 256;
/// How long the link in the verification mail works.
pub const VERIFY_LINK_LIFE: TimeSpan = TimeSpan::days(3);
/// How long the link to choose a new password works.
pub const RESET_LINK_LIFE: TimeSpan = TimeSpan::hours(1);
/// How long a session lasts at most.
pub const SESSION_LIFE: TimeSpan = TimeSpan::days(14);
/// How long a session lasts when it is not used.
pub const SESSION_IDLE: TimeSpan = TimeSpan::days(1);
/// How often the end of a session in use is put off.
const SESSION_EXTENDED_EVERY: TimeSpan = TimeSpan::minutes(30);
/// How old the last proof of identity may be when an agreement is signed.
pub const SIGNING_PROOF_AGE: TimeSpan = TimeSpan::minutes(15);

/// Checks a new password: its length, and that it is not among those that are guessed first, as NIST SP 800-63B advises.
/// Common words, keyboard patterns, dates and what is known of the person (`about`: address, name) count for little. It can take
/// a tenth of a second: not for threads on which others wait.
///
/// # Errors
/// [`TextError::TooShort`], [`TextError::TooLong`], or [`TextError::Guessable`].
pub fn check_password(password: &str, about: &[&str]) -> Result<(), TextError> {
    check_password_length(password)?;
    if is_guessable(password, about) { Err(TextError::Guessable) } else { Ok(()) }
}

/// The part of [`check_password`] that takes no time.
///
/// # Errors
/// [`TextError::TooShort`] or [`TextError::TooLong`].
pub fn check_password_length(password: &str) -> Result<(), TextError> {
    match password.chars().count() {
        length if length < PASSWORD_MIN => Err(TextError::TooShort(PASSWORD_MIN)),
        length if length > PASSWORD_MAX => Err(TextError::TooLong(PASSWORD_MAX)),
        _ => Ok(()),
    }
}

/// Whether a password is among those that are guessed first, by its beginning: looking takes much longer for long ones, and
/// what is hard to guess there is hard to guess whatever follows.
fn is_guessable(password: &str, about: &[&str]) -> bool {
    const LOOKED_AT: usize = 24;
    let cut = |text: &str| -> String { text.chars().take(LOOKED_AT).collect() };
    let (beginning, known) = (cut(password), known_words(about));
    let cut_words: Vec<String> = known.iter().map(|word| cut(word)).collect();
    let known: Vec<&str> = known.into_iter().chain(cut_words.iter().map(String::as_str)).collect();
    about.iter().any(|text| text.eq_ignore_ascii_case(password))
        || zxcvbn::zxcvbn(&beginning, &known).score() < zxcvbn::Score::Three
}

/// What is known of a person, whole and word by word.
fn known_words<'a>(about: &[&'a str]) -> Vec<&'a str> {
    about.iter().flat_map(|text| std::iter::once(*text).chain(text.split(|c: char| !c.is_alphanumeric()))).collect()
}

/// Whether an account may be erased, when so many administrators can act.
///
/// # Errors
/// [`Refusal::LastAdministrator`].
pub fn decide_erasure(account: &Person, acting_administrators: i64) -> Result<(), Refusal> {
    keep_one_administrator(account, acting_administrators)
}

/// When a session that is in use now ends, unless it is used again.
pub fn session_end(created_at: Timestamp, now: Timestamp) -> Timestamp {
    (now + SESSION_IDLE).min(created_at + SESSION_LIFE)
}

/// The new end of a session that is in use now; `None` while the present one is good enough.
pub fn extended_session_end(created_at: Timestamp, ends_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    Some(session_end(created_at, now)).filter(|end| *end - ends_at >= SESSION_EXTENDED_EVERY)
}

#[cfg(test)]
impl Person {
    /// An account without roles or a verified address, for tests.
    pub fn fixture(id: PersonId) -> Self {
        Self {
            id,
            email: "somebody@demo.example".parse().expect("it is an address"),
            name: "Somebody".parse().expect("it is a name"),
            affiliation: None,
            language: Language::English,
            email_verified_at: None,
            suspended_at: None,
            administrator: false,
            auditor: false,
            created_at: Timestamp(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_guessed_first_are_refused() {
        let about = ["mei.ling.chen@ntu.example", "Mei-Ling Chen"];
        for soon in [
            "password1234",
            "123456789012",
            "qwertyuiop[]",
            "iloveyou1234",
            "aaaaaaaaaaaaaaaa",
            "密碼密碼密碼密碼密碼密碼",
            "mei.ling.chen@ntu.example",
            "mei-ling chen 1",
        ] {
            assert_eq!(check_password(soon, &about), Err(TextError::Guessable), "{soon}");
        }
        for late in ["correct-horse-battery", "a long enough password", "資料使用協議先簽再下載喔"] {
            assert_eq!(check_password(late, &about), Ok(()), "{late}");
        }
        assert_eq!(check_password("short", &[]), Err(TextError::TooShort(PASSWORD_MIN)));
        assert_eq!(check_password(&"word ".repeat(60), &[]), Err(TextError::TooLong(PASSWORD_MAX)));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_checked(password in "\\PC{12,120}", name in "\\PC{0,40}") {
            // That it ends, without a panic, is enough.
            let _ = check_password(&password, &[&name]);
        }
    }
}
