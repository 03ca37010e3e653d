//! Signing in and out.

use crate::domain::attempt::{AttemptKind, CountedBy};
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::{AuthMethod, Person, Role, SignInFailure, decide_sign_in, session_end};
use crate::domain::text::{Email, Secret, Sha256, Slug};
use crate::domain::{AccessRefusal, Refusal};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store;
use crate::store::sessions::{self, Session};
use crate::store::{datasets, mail_links, people};

/// Starts a session. The caller has checked the password against the hash `verified`, which must still be the account's. A
/// suspended account is refused, and that is recorded.
///
/// # Errors
/// When the store fails.
pub fn start(
    tx: &mut Tx<'_>,
    person: PersonId,
    verified: &Secret,
    secret_hash: Sha256,
    origin: &Origin,
) -> Result<Result<(), Refusal>, CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    if let Err(refusal) = check_password_unchanged(tx, person.id, verified)? {
        return Ok(Err(refusal));
    }
    let actor = Actor::person(person.id, person.role());
    if let Err(refusal) = decide_sign_in(&person) {
        let event = Event::new(Action::SessionRefused, actor).with("reason", SignInFailure::AccountSuspended.as_str());
        tx.record(origin.add_to(event.outcome(Outcome::Refused)));
        return Ok(Err(refusal));
    }
    sessions::forget_ended(tx.conn, tx.now)?;
    mail_links::forget_ended(tx.conn, tx.now)?;
    let session = Session {
        token_hash: secret_hash,
        person: person.id,
        created_at: tx.now,
        proved_at: tx.now,
        expires_at: session_end(tx.now, tx.now),
        ip: origin.ip.clone(),
        user_agent: origin.user_agent.clone(),
    };
    sessions::insert(tx.conn, &session)?;
    tx.record(origin.add_to(Event::new(Action::SessionStarted, actor).with("by", AuthMethod::Password.as_str())));
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
    tx.record(origin.add_to(event));
    Ok(())
}

/// Records that tries of one kind, counted by account or network, are no longer let through for a while.
pub fn record_throttled(tx: &mut Tx<'_>, kind: AttemptKind, counted_by: CountedBy, actor: Actor, origin: &Origin) {
    let event = Event::new(Action::AttemptsThrottled, actor)
        .with("attempt", kind.as_str())
        .with("counted_by", counted_by.as_str());
    tx.record(origin.add_to(event.outcome(Outcome::Refused)));
}

/// A request that was refused, because it was for what is not the client's.
#[derive(Clone, Debug)]
pub struct RefusedRequest {
    /// The method.
    pub method: String,
    /// The pattern of the address: names in braces stand where the client's words stood.
    pub address: String,
    /// Those words, where they are names or ids.
    pub named: Vec<String>,
    /// The dataset among them, if the address has one.
    pub dataset: Option<Slug>,
    /// Why.
    pub reason: AccessRefusal,
}

/// Records that somebody was refused what is not theirs, or not there. What the client named is kept in the personal part, for
/// anything may be typed there; a dataset that is there is named in the event, so that it is found by it.
///
/// # Errors
/// When the store fails.
pub fn record_refused_access(
    tx: &mut Tx<'_>,
    (person, origin): (&Person, &Origin),
    refused: &RefusedRequest,
) -> store::Result<()> {
    let mut event = Event::new(Action::AccessRefused, Actor::person(person.id, person.role()))
        .with("method", refused.method.as_str())
        .with("address", refused.address.as_str())
        .with("reason", refused.reason.as_str());
    if let Some(slug) = &refused.dataset
        && datasets::any_by_slug(tx.conn, slug)?.is_some()
    {
        event = event.dataset(slug);
    }
    if !refused.named.is_empty() {
        event = event.private("named", refused.named.clone());
    }
    tx.record(origin.add_to(event.outcome(Outcome::Refused)));
    Ok(())
}

/// Records that somebody proved their identity again. The caller has checked the password against the hash `verified`.
///
/// # Errors
/// [`Refusal::PasswordChanged`], or when the store fails.
pub fn record_reauthentication(
    tx: &mut Tx<'_>,
    person: PersonId,
    verified: &Secret,
    session: Sha256,
    origin: &Origin,
) -> Result<(), CommandError> {
    sessions::prove(tx.conn, session, tx.now)?;
    record_proof(tx, person, verified, origin)
}

/// Records that somebody proved their identity for one request, without a session. The caller has checked the password against
/// the hash `verified`.
///
/// # Errors
/// [`Refusal::PasswordChanged`], or when the store fails.
pub fn record_proof(tx: &mut Tx<'_>, person: PersonId, verified: &Secret, origin: &Origin) -> Result<(), CommandError> {
    check_password_unchanged(tx, person, verified)??;
    tx.record(origin.add_to(Event::new(Action::SessionProved, Actor::person(person, Role::Applicant))));
    Ok(())
}

/// Whether the account's password is still the one that was checked: a reset that came in between is not undone.
pub(super) fn check_password_unchanged(
    tx: &mut Tx<'_>,
    person: PersonId,
    verified: &Secret,
) -> Result<Result<(), Refusal>, CommandError> {
    let same = people::password_hash(tx.conn, person)? == *verified;
    Ok(if same { Ok(()) } else { Err(Refusal::PasswordChanged) })
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
    if ended == 0 {
        return Ok(());
    }
    let event = Event::new(Action::SessionEnded, Actor::person(person.id, person.role())).with("others", ended);
    tx.record(event);
    Ok(())
}
