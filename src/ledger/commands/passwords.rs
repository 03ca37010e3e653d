//! Passwords: a mailed link to choose a new one, and changing it.

use super::people::Link;
use super::sessions::check_password_unchanged;
use super::tokens as token_commands;
use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::{AuthMethod, RESET_LINK_LIFE, Role, decide_sign_in};
use crate::domain::text::{Email, Secret, Sha256};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::mail_links::{self, LinkPurpose, LinkState, MailLink};
use crate::store::{people, sessions};

/// Mails a link to choose a new password, if the address has an account. Nobody is told whether it has.
///
/// # Errors
/// When the store fails.
pub fn request_reset(tx: &mut Tx<'_>, email: &Email, link: &Link, origin: &Origin) -> Result<(), CommandError> {
    let asked = Event::new(Action::AccountPasswordResetAsked, Actor::ANONYMOUS);
    let Some((person, _)) = people::by_email(tx.conn, email)? else {
        // It takes as long, down to the disk, as for an address that has an account.
        tx.record(origin.add_to(asked.private("email", email.as_str()).outcome(Outcome::Refused)));
        return Ok(());
    };
    tx.record(origin.add_to(asked.subject(person.id)));
    if reactions::mail::password_link(tx, &person, &link.path)? {
        let target = MailLink { person: person.id, new_email: None };
        mail_links::insert(tx.conn, link.hash, LinkPurpose::ResetPassword, &target, tx.now + RESET_LINK_LIFE)?;
    }
    Ok(())
}

/// Stores a new password by a mailed link, and ends every session and token: whoever forgot a password may have lost more.
/// Having the mail also proves the address.
///
/// # Errors
/// [`Refusal::LinkInvalid`], [`Refusal::LinkUsed`], or when the store fails.
pub fn reset(tx: &mut Tx<'_>, link: Sha256, hash: &Secret, origin: &Origin) -> Result<(), CommandError> {
    let id = match mail_links::look_up(tx.conn, link, LinkPurpose::ResetPassword, tx.now)? {
        LinkState::Live(link) => link.person,
        LinkState::Used(_) => return Err(Refusal::LinkUsed.into()),
        LinkState::Gone => return Err(Refusal::LinkInvalid.into()),
    };
    let mut person = people::by_id(tx.conn, id)?.ok_or(Refusal::LinkInvalid)?;
    if person.email_verified_at.is_none() {
        person.email_verified_at = Some(tx.now);
        people::update(tx.conn, &person)?;
        let event = Event::new(Action::AccountVerified, Actor::person(id, Role::Applicant)).subject(id);
        tx.record(origin.add_to(event));
    }
    people::set_password(tx.conn, id, hash.expose())?;
    // Also a change of address that somebody who had the password has asked for.
    for purpose in [LinkPurpose::ResetPassword, LinkPurpose::VerifyEmail, LinkPurpose::ChangeEmail] {
        mail_links::end(tx.conn, id, purpose, tx.now)?;
    }
    let ended = sessions::delete_of_person(tx.conn, id, None)?;
    let actor = Actor::person(id, person.role());
    let event = Event::new(Action::AccountPasswordChanged, actor)
        .subject(id)
        .with("by", AuthMethod::MailedLink.as_str())
        .with("sessions_ended", ended);
    tx.record(origin.add_to(event));
    token_commands::revoke_all(tx, actor, id)?;
    Ok(())
}

/// Whether somebody who changes their password wants to keep their tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tokens {
    /// They go on working.
    Keep,
    /// They are revoked.
    Revoke,
}

/// Stores a new password and ends the other sessions. The caller has checked the old one against the hash `verified`.
///
/// # Errors
/// [`Refusal::PasswordChanged`], or when the store fails.
pub fn change(
    tx: &mut Tx<'_>,
    person: PersonId,
    verified: &Secret,
    hash: &Secret,
    (keep, tokens): (Sha256, Tokens),
    origin: &Origin,
) -> Result<(), CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    decide_sign_in(&person)?;
    check_password_unchanged(tx, person.id, verified)??;
    people::set_password(tx.conn, person.id, hash.expose())?;
    for purpose in [LinkPurpose::ResetPassword, LinkPurpose::ChangeEmail] {
        mail_links::end(tx.conn, person.id, purpose, tx.now)?;
    }
    let ended = sessions::delete_of_person(tx.conn, person.id, Some(keep))?;
    let actor = Actor::person(person.id, person.role());
    let event = Event::new(Action::AccountPasswordChanged, actor)
        .subject(person.id)
        .with("by", AuthMethod::Password.as_str())
        .with("sessions_ended", ended);
    tx.record(origin.add_to(event));
    match tokens {
        Tokens::Keep => Ok(()),
        Tokens::Revoke => token_commands::revoke_all(tx, actor, person.id),
    }
}
