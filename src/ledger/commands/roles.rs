//! Roles, and suspending accounts: an administrator's steps.

use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::person::{Person, Role};
use crate::ledger::{Refused, Tx};
use crate::store::{people, sessions};

use super::accounts::Powers;

/// The administrator who acts, checked inside the transaction: a role that was just taken away is gone.
pub(super) fn administrator(tx: &mut Tx<'_>, id: PersonId) -> Result<Person, Refused> {
    let person = people::by_id(tx.conn, id)?.ok_or(Refusal::NotAllowed)?;
    if person.administrator && person.suspended_at.is_none() { Ok(person) } else { Err(Refusal::NotAllowed.into()) }
}

/// The event that says which roles a person has.
pub(super) fn roles_event(person: &Person, by: Actor) -> Event {
    Event::new(Action::AccountRolesChanged, by)
        .subject(person.id)
        .with("administrator", person.administrator)
        .with("auditor", person.auditor)
}

/// Keeps the last administrator who can act from going.
fn not_the_last(tx: &mut Tx<'_>, person: &Person) -> Result<(), Refused> {
    let acts = person.administrator && person.suspended_at.is_none();
    if acts && people::count_administrators(tx.conn)? <= 1 {
        return Err(Refusal::LastAdministrator.into());
    }
    Ok(())
}

/// Changes a person's roles.
///
/// # Errors
/// [`Refusal::NotAllowed`], [`Refusal::NotFound`], [`Refusal::LastAdministrator`], or when the store fails.
pub fn set_roles(tx: &mut Tx<'_>, by: PersonId, target: PersonId, powers: Powers) -> Result<(), Refused> {
    administrator(tx, by)?;
    let mut person = people::by_id(tx.conn, target)?.ok_or(Refusal::NotFound)?;
    if !powers.administrator {
        not_the_last(tx, &person)?;
    }
    if (person.administrator, person.auditor) == (powers.administrator, powers.auditor) {
        return Ok(());
    }
    // An address that nobody proved may be anybody's account.
    let gains = (powers.administrator && !person.administrator) || (powers.auditor && !person.auditor);
    if gains && person.email_verified_at.is_none() {
        return Err(Refusal::TargetUnverified.into());
    }
    person.administrator = powers.administrator;
    person.auditor = powers.auditor;
    people::update(tx.conn, &person)?;
    tx.record(roles_event(&person, Actor::person(by, Role::Administrator)));
    Ok(())
}

/// Suspends an account: its sessions end, and the gate lets nothing of its pass.
///
/// # Errors
/// [`Refusal::NotAllowed`], [`Refusal::NotFound`], [`Refusal::CommentNeeded`], [`Refusal::LastAdministrator`], or when the
/// store fails.
pub fn suspend(tx: &mut Tx<'_>, by: PersonId, target: PersonId, reason: &str) -> Result<(), Refused> {
    administrator(tx, by)?;
    let mut person = people::by_id(tx.conn, target)?.ok_or(Refusal::NotFound)?;
    if person.suspended_at.is_some() {
        return Ok(());
    }
    if reason.trim().is_empty() {
        return Err(Refusal::CommentNeeded.into());
    }
    not_the_last(tx, &person)?;
    person.suspended_at = Some(tx.now);
    people::update(tx.conn, &person)?;
    sessions::delete_of_person(tx.conn, target, None)?;
    tx.revoked_something();
    let event = Event::new(Action::AccountSuspended, Actor::person(by, Role::Administrator)).subject(target);
    tx.record(event.private("reason", reason));
    Ok(())
}

/// Lets a suspended account act again.
///
/// # Errors
/// [`Refusal::NotAllowed`], [`Refusal::NotFound`], or when the store fails.
pub fn restore(tx: &mut Tx<'_>, by: PersonId, target: PersonId) -> Result<(), Refused> {
    administrator(tx, by)?;
    let mut person = people::by_id(tx.conn, target)?.ok_or(Refusal::NotFound)?;
    if person.suspended_at.take().is_some() {
        people::update(tx.conn, &person)?;
        tx.record(Event::new(Action::AccountRestored, Actor::person(by, Role::Administrator)).subject(target));
    }
    Ok(())
}
