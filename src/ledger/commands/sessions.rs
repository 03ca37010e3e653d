//! Signing in and out.

use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::{AuthMethod, Person, Role, SESSION_LIFE, SignInFailure, decide_sign_in};
use crate::domain::text::{Email, Sha256};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::people;
use crate::store::sessions::{self, Session};

/// Starts a session. The caller has checked the password; a suspended account is refused, and that is recorded.
///
/// # Errors
/// When the store fails.
pub fn start(
    tx: &mut Tx<'_>,
    person: PersonId,
    secret_hash: Sha256,
    origin: &Origin,
) -> Result<Result<(), Refusal>, CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    let actor = Actor::person(person.id, person.role());
    if let Err(refusal) = decide_sign_in(&person) {
        let event = Event::new(Action::SessionRefused, actor).with("reason", SignInFailure::AccountSuspended.as_str());
        tx.record(origin.on(event.outcome(Outcome::Refused)));
        return Ok(Err(refusal));
    }
    sessions::forget_ended(tx.conn, tx.now)?;
    let session = Session {
        token_hash: secret_hash,
        person: person.id,
        created_at: tx.now,
        proved_at: tx.now,
        expires_at: tx.now + SESSION_LIFE,
        ip: origin.ip.clone(),
        user_agent: origin.user_agent.clone(),
    };
    sessions::insert(tx.conn, &session)?;
    tx.record(origin.on(Event::new(Action::SessionStarted, actor).with("by", AuthMethod::Password.as_str())));
    Ok(Ok(()))
}

/// Records that somebody failed to sign in.
///
/// # Errors
/// When the store fails.
pub fn record_failed_sign_in(tx: &mut Tx<'_>, email: Option<&Email>, origin: &Origin) -> Result<(), CommandError> {
    let mut event = Event::new(Action::SessionRefused, Actor::ANONYMOUS)
        .with("reason", SignInFailure::WrongCredentials.as_str())
        .outcome(Outcome::Refused);
    // Input that is not an e-mail address is not recorded: it may be a password typed into the wrong field.
    if let Some(email) = email {
        event = event.private("email", email.as_str());
        if let Some((person, _)) = people::by_email(tx.conn, email)? {
            event = event.person(person.id);
        }
    }
    tx.record(origin.on(event));
    Ok(())
}

/// Records that somebody proved their identity again. The caller has checked the password.
///
/// # Errors
/// When the store fails.
pub fn record_reauthentication(
    tx: &mut Tx<'_>,
    person: PersonId,
    session: Sha256,
    origin: &Origin,
) -> Result<(), CommandError> {
    sessions::prove(tx.conn, session, tx.now)?;
    tx.record(origin.on(Event::new(Action::SessionProved, Actor::person(person, Role::Applicant))));
    Ok(())
}

/// Ends a session of this person's.
///
/// # Errors
/// When the store fails.
pub fn end(tx: &mut Tx<'_>, person: &Person, session: Sha256) -> Result<(), CommandError> {
    let own = sessions::live(tx.conn, session, tx.now)?.is_some_and(|(_, owner)| owner.id == person.id);
    if own && sessions::delete(tx.conn, session)? {
        tx.record(Event::new(Action::SessionEnded, Actor::person(person.id, person.role())));
    }
    Ok(())
}

/// Ends all sessions of a person but the present one.
///
/// # Errors
/// When the store fails.
pub fn end_others(tx: &mut Tx<'_>, person: PersonId, keep: Sha256) -> Result<(), CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    let ended = sessions::delete_of_person(tx.conn, person.id, Some(keep))?;
    let event = Event::new(Action::SessionEnded, Actor::person(person.id, person.role())).with("others", ended);
    tx.record(event);
    Ok(())
}
