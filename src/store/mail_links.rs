//! Links that mails carry, each good for one purpose. Only hashes of their secrets are stored.

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::mail_links;
use crate::domain::Timestamp;
use crate::domain::ids::PersonId;
use crate::domain::text::{Email, Sha256};

/// The purpose of a mailed link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkPurpose {
    /// To verify an account's address.
    VerifyEmail,
    /// To choose a new password.
    ResetPassword,
    /// To verify the address that is to become the account's.
    ChangeEmail,
}

impl LinkPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify-email",
            Self::ResetPassword => "reset-password",
            Self::ChangeEmail => "change-email",
        }
    }
}

/// What a link is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailLink {
    /// The account.
    pub person: PersonId,
    /// The address that is to become the account's, when that is the purpose.
    pub new_email: Option<Email>,
}

/// What has become of a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// It works.
    Live(MailLink),
    /// It was used, or ended by another one or a change to the account.
    Used(MailLink),
    /// It has ended, or never was.
    Gone,
}

/// Adds a link. Older ones of the same purpose go on working: anybody may ask for a new one, and must not make the one that
/// its owner is about to open useless.
///
/// # Errors
/// When the database fails.
pub fn insert(
    conn: &mut AnyConnection,
    token_hash: Sha256,
    purpose: LinkPurpose,
    link: &MailLink,
    expires_at: Timestamp,
) -> Result<()> {
    diesel::insert_into(mail_links::table)
        .values((
            mail_links::token_hash.eq(token_hash.to_string()),
            mail_links::person_id.eq(link.person.to_string()),
            mail_links::purpose.eq(purpose.as_str()),
            mail_links::new_email.eq(link.new_email.as_ref().map(Email::as_str)),
            mail_links::used_at.eq(None::<i64>),
            mail_links::expires_at.eq(expires_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// What has become of a link.
///
/// # Errors
/// When the database fails.
pub fn look_up(
    conn: &mut AnyConnection,
    token_hash: Sha256,
    purpose: LinkPurpose,
    now: Timestamp,
) -> Result<LinkState> {
    let row: Option<(String, Option<String>, Option<i64>)> = mail_links::table
        .find(token_hash.to_string())
        .filter(mail_links::purpose.eq(purpose.as_str()))
        .filter(mail_links::expires_at.gt(now.0))
        .select((mail_links::person_id, mail_links::new_email, mail_links::used_at))
        .first(conn)
        .optional()?;
    let Some((person, new_email, used_at)) = row else { return Ok(LinkState::Gone) };
    let new_email = new_email.map(|email| parse("e-mail address", &email)).transpose()?;
    let link = MailLink { person: parse("person id", &person)?, new_email };
    Ok(if used_at.is_some() { LinkState::Used(link) } else { LinkState::Live(link) })
}

/// Ends a person's links of one purpose: one of them was used, or a change to the account has made them void.
///
/// # Errors
/// When the database fails.
pub fn end(conn: &mut AnyConnection, person: PersonId, purpose: LinkPurpose, at: Timestamp) -> Result<()> {
    let live = mail_links::table
        .filter(mail_links::person_id.eq(person.to_string()))
        .filter(mail_links::purpose.eq(purpose.as_str()))
        .filter(mail_links::used_at.is_null());
    diesel::update(live).set(mail_links::used_at.eq(at.0)).execute(conn)?;
    Ok(())
}

/// Forgets links that have ended.
///
/// # Errors
/// When the database fails.
pub fn forget_ended(conn: &mut AnyConnection, now: Timestamp) -> Result<()> {
    diesel::delete(mail_links::table.filter(mail_links::expires_at.le(now.0))).execute(conn)?;
    Ok(())
}
