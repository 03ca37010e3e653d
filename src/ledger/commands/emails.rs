//! Changing an account's address: the new one is proved first, and the old one is told.

use super::people::Link;
use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::{VERIFY_LINK_LIFE, decide_sign_in};
use crate::domain::text::{Email, Secret, Sha256};
use crate::ledger::commands::sessions::check_password_unchanged;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::mail_links::{self, LinkPurpose, LinkState, MailLink};
use crate::store::people;

/// Mails a link to the new address. If that has an account, its owner is told instead, and nobody else. The caller has
/// checked the password against the hash `verified`.
///
/// # Errors
/// [`Refusal::PasswordChanged`], or when the store fails.
pub fn request_change(
    tx: &mut Tx<'_>,
    person: PersonId,
    verified: &Secret,
    new_email: &Email,
    link: &Link,
    origin: &Origin,
) -> Result<(), CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    decide_sign_in(&person)?;
    check_password_unchanged(tx, person.id, verified)??;
    let event = Event::new(Action::AccountEmailChangeAsked, Actor::person(person.id, person.role()))
        .subject(person.id)
        .private("new_email", new_email.as_str());
    tx.record(origin.add_to(event));
    if let Some((owner, _)) = people::by_email(tx.conn, new_email)? {
        if owner.id != person.id {
            reactions::mail::registered_again(tx, &owner)?;
        }
        return Ok(());
    }
    if reactions::mail::new_address_link(tx, &person, new_email, &link.path)? {
        let target = MailLink { person: person.id, new_email: Some(new_email.clone()) };
        mail_links::insert(tx.conn, link.hash, LinkPurpose::ChangeEmail, &target, tx.now + VERIFY_LINK_LIFE)?;
    }
    Ok(())
}

/// Makes the new address the account's, and tells the old one. Safe to repeat.
///
/// # Errors
/// [`Refusal::LinkInvalid`], [`Refusal::LinkUsed`], [`Refusal::LinkOfAnother`], [`Refusal::EmailTaken`], or when the store
/// fails.
pub fn confirm_change(tx: &mut Tx<'_>, by: PersonId, link: Sha256, origin: &Origin) -> Result<Email, CommandError> {
    let mut person = people::by_id(tx.conn, by)?.ok_or(Refusal::NotFound)?;
    decide_sign_in(&person)?;
    let target = match mail_links::look_up(tx.conn, link, LinkPurpose::ChangeEmail, tx.now)? {
        LinkState::Live(target) | LinkState::Used(target) if target.person != by => {
            return Err(Refusal::LinkOfAnother.into());
        }
        LinkState::Live(target) => target,
        LinkState::Used(target) if target.new_email.as_ref() == Some(&person.email) => return Ok(person.email),
        LinkState::Used(_) => return Err(Refusal::LinkUsed.into()),
        LinkState::Gone => return Err(Refusal::LinkInvalid.into()),
    };
    let new_email = target.new_email.ok_or(Refusal::LinkInvalid)?;
    if people::by_email(tx.conn, &new_email)?.is_some_and(|(owner, _)| owner.id != by) {
        return Err(Refusal::EmailTaken.into());
    }
    let before = person.clone();
    person.email = new_email.clone();
    person.email_verified_at = Some(tx.now);
    people::update(tx.conn, &person)?;
    // Links to the old address prove nothing any more, and must not choose the password.
    for purpose in [LinkPurpose::ChangeEmail, LinkPurpose::VerifyEmail, LinkPurpose::ResetPassword] {
        mail_links::end(tx.conn, by, purpose, tx.now)?;
    }
    let event = Event::new(Action::AccountEmailChanged, Actor::person(by, person.role()))
        .subject(by)
        .private("old_email", before.email.as_str())
        .private("new_email", new_email.as_str());
    tx.record(origin.add_to(event));
    // An address that was never proved may be a stranger's.
    if before.email_verified_at.is_some() {
        reactions::mail::address_changed(tx, &before, &new_email)?;
    }
    Ok(new_email)
}
