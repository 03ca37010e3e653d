//! Passwords: a mailed link to choose a new one, and changing it.

use super::people::Link;
use super::sessions::check_password_unchanged;
use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::{AuthMethod, RESET_LINK_LIFE, Role, decide_sign_in};
use crate::domain::text::{Email, Secret, Sha256};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::sessions::LinkPurpose;
use crate::store::{people, sessions};

/// Mails a link to choose a new password, if the address has an account. Nobody is told whether it has.
///
/// # Errors
/// When the store fails.
pub fn request_reset(tx: &mut Tx<'_>, email: &Email, link: &Link, origin: &Origin) -> Result<(), CommandError> {
    let Some((person, _)) = people::by_email(tx.conn, email)? else { return Ok(()) };
    let ends = tx.now + RESET_LINK_LIFE;
    tx.record(origin.add_to(Event::new(Action::AccountPasswordResetAsked, Actor::ANONYMOUS).subject(person.id)));
    if reactions::mail::password_link(tx, &person, &link.path)? {
        sessions::insert_link(tx.conn, link.hash, person.id, LinkPurpose::ResetPassword, ends)?;
    }
    Ok(())
}

/// Stores a new password by a mailed link, and ends every session. Having the mail also proves the address.
///
/// # Errors
/// [`Refusal::LinkInvalid`], or when the store fails.
pub fn reset(tx: &mut Tx<'_>, link: Sha256, hash: &Secret, origin: &Origin) -> Result<(), CommandError> {
    let id = sessions::link(tx.conn, link, LinkPurpose::ResetPassword, tx.now)?.ok_or(Refusal::LinkInvalid)?;
    let mut person = people::by_id(tx.conn, id)?.ok_or(Refusal::LinkInvalid)?;
    if person.email_verified_at.is_none() {
        person.email_verified_at = Some(tx.now);
        people::update(tx.conn, &person)?;
        let event = Event::new(Action::AccountVerified, Actor::person(id, Role::Applicant)).subject(id);
        tx.record(origin.add_to(event));
    }
    people::set_password(tx.conn, id, hash.expose())?;
    for purpose in [LinkPurpose::ResetPassword, LinkPurpose::VerifyEmail] {
        sessions::delete_links(tx.conn, id, purpose)?;
    }
    let ended = sessions::delete_of_person(tx.conn, id, None)?;
    let event = Event::new(Action::AccountPasswordChanged, Actor::person(id, person.role()))
        .subject(id)
        .with("by", AuthMethod::MailedLink.as_str())
        .with("sessions_ended", ended);
    tx.record(origin.add_to(event));
    Ok(())
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
    keep: Sha256,
    origin: &Origin,
) -> Result<(), CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    decide_sign_in(&person)?;
    check_password_unchanged(tx, person.id, verified)??;
    people::set_password(tx.conn, person.id, hash.expose())?;
    let ended = sessions::delete_of_person(tx.conn, person.id, Some(keep))?;
    let event = Event::new(Action::AccountPasswordChanged, Actor::person(person.id, person.role()))
        .subject(person.id)
        .with("by", AuthMethod::Password.as_str())
        .with("sessions_ended", ended);
    tx.record(origin.add_to(event));
    Ok(())
}
