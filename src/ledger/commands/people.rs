//! Accounts: registering, proving an address, profiles, roles, suspending.

use super::batch::{BatchOutcome, act_on_each};
use crate::domain::comment::Reason;
use crate::domain::dataset::Dataset;
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::origin::Origin;
use crate::domain::person::{
    Affiliation, Person, Role, Roles, VERIFY_LINK_LIFE, decide_restoration, decide_roles, decide_sign_in,
    decide_suspension,
};
use crate::domain::text::{Email, Language, PersonName, Secret, Sha256};
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::reactions::deciding::DecidingAccounts;
use crate::ledger::transaction::Tx;
use crate::store::mail_links::{self, LinkPurpose, LinkState, MailLink};
use crate::store::{committees, datasets, people, sessions};

/// A link to be mailed: the hash of its secret, and the path that holds the secret.
#[derive(Clone, Debug)]
pub struct Link {
    /// The hash that is stored.
    pub hash: Sha256,
    /// The path that is mailed.
    pub path: Secret,
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its address.
    pub email: Email,
    /// Full name.
    pub name: PersonName,
    /// Institution.
    pub affiliation: Option<Affiliation>,
    /// Language for mail.
    pub language: Language,
    /// The password's hash.
    pub password_hash: Secret,
}

impl NewAccount {
    fn person(&self, id: PersonId, now: Timestamp) -> Person {
        Person {
            id,
            email: self.email.clone(),
            name: self.name.clone(),
            affiliation: self.affiliation.clone().map(String::from),
            language: self.language,
            email_verified_at: None,
            suspended_at: None,
            administrator: false,
            auditor: false,
            created_at: now,
        }
    }
}

/// Registers an account and mails a link to prove the address. Whether the address has an account already is told only to
/// that address, by mail.
///
/// # Errors
/// When the store fails.
pub fn register(tx: &mut Tx<'_>, account: &NewAccount, link: &Link, origin: &Origin) -> Result<(), CommandError> {
    if let Some((person, _)) = people::by_email(tx.conn, &account.email)? {
        let event = Event::new(Action::AccountRegistered, Actor::ANONYMOUS).subject(person.id);
        tx.record(origin.add_to(event.outcome(Outcome::Refused)));
        reactions::mail::registered_again(tx, &person)?;
        return Ok(());
    }
    let person = account.person(tx.id(), tx.now);
    insert(tx, &person, account, Actor::person(person.id, Role::Applicant), origin)?;
    send_verification(tx, &person, link)
}

fn insert(
    tx: &mut Tx<'_>,
    person: &Person,
    account: &NewAccount,
    by: Actor,
    origin: &Origin,
) -> Result<(), CommandError> {
    people::insert(tx.conn, person, account.password_hash.expose())?;
    let event = Event::new(Action::AccountRegistered, by)
        .subject(person.id)
        .private("name", person.name.as_str())
        .private("email", person.email.as_str());
    tx.record(origin.add_to(event));
    Ok(())
}

fn send_verification(tx: &mut Tx<'_>, person: &Person, link: &Link) -> Result<(), CommandError> {
    if reactions::mail::verification_link(tx, person, &link.path)? {
        let target = MailLink { person: person.id, new_email: None };
        mail_links::insert(tx.conn, link.hash, LinkPurpose::VerifyEmail, &target, tx.now + VERIFY_LINK_LIFE)?;
    }
    Ok(())
}

/// Makes an account whose address counts as proved: the operator vouches for it.
///
/// # Errors
/// [`Refusal::EmailTaken`], or when the store fails.
pub fn create(tx: &mut Tx<'_>, account: &NewAccount, roles: Roles) -> Result<PersonId, CommandError> {
    if people::by_email(tx.conn, &account.email)?.is_some() {
        return Err(Refusal::EmailTaken.into());
    }
    let mut person = account.person(tx.id(), tx.now);
    person.email_verified_at = Some(tx.now);
    person.administrator = roles.administrator;
    person.auditor = roles.auditor;
    insert(tx, &person, account, Actor::OPERATOR, &Origin::default())?;
    if roles != Roles::default() {
        tx.record(roles_event(&person, Actor::OPERATOR));
    }
    Ok(person.id)
}

/// Mails a new link to prove the address.
///
/// # Errors
/// [`Refusal::NotFound`], or when the store fails.
pub fn resend_verification(tx: &mut Tx<'_>, person: PersonId, link: &Link) -> Result<(), CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    if person.email_verified_at.is_some() {
        return Ok(());
    }
    send_verification(tx, &person, link)
}

/// Verifies an account's address by a mailed link. Safe to repeat: somebody whose address is verified already needs no link
/// that works.
///
/// # Errors
/// [`Refusal::LinkInvalid`], [`Refusal::LinkUsed`], [`Refusal::LinkOfAnother`], or when the store fails.
pub fn verify_email(tx: &mut Tx<'_>, by: PersonId, link: Sha256, origin: &Origin) -> Result<(), CommandError> {
    let mut person = people::by_id(tx.conn, by)?.ok_or(Refusal::LinkInvalid)?;
    match mail_links::look_up(tx.conn, link, LinkPurpose::VerifyEmail, tx.now)? {
        LinkState::Live(link) | LinkState::Used(link) if link.person != by => return Err(Refusal::LinkOfAnother.into()),
        _ if person.email_verified_at.is_some() => return Ok(()),
        LinkState::Live(_) => {}
        LinkState::Used(_) => return Err(Refusal::LinkUsed.into()),
        LinkState::Gone => return Err(Refusal::LinkInvalid.into()),
    }
    person.email_verified_at = Some(tx.now);
    people::update(tx.conn, &person)?;
    mail_links::end(tx.conn, by, LinkPurpose::VerifyEmail, tx.now)?;
    let event = Event::new(Action::AccountVerified, Actor::person(by, Role::Applicant)).subject(by);
    tx.record(origin.add_to(event));
    Ok(())
}

/// Changes the profile.
///
/// # Errors
/// [`Refusal::NotFound`], or when the store fails.
pub fn update_profile(
    tx: &mut Tx<'_>,
    id: PersonId,
    name: PersonName,
    affiliation: Option<Affiliation>,
    language: Language,
) -> Result<(), CommandError> {
    let before = people::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    decide_sign_in(&before)?;
    let affiliation = affiliation.map(String::from);
    let person = Person { name, affiliation, language, ..before.clone() };
    if person == before {
        return Ok(());
    }
    people::update(tx.conn, &person)?;
    let event = Event::new(Action::AccountUpdated, Actor::person(id, person.role()))
        .subject(id)
        .private("name", person.name.as_str())
        .private("affiliation", person.affiliation);
    tx.record(event);
    Ok(())
}

/// The event that says which roles a person has.
fn roles_event(person: &Person, by: Actor) -> Event {
    Event::new(Action::AccountRolesChanged, by)
        .subject(person.id)
        .with("administrator", person.administrator)
        .with("auditor", person.auditor)
}

/// The person who acts, read inside the transaction, so that a role that was just taken away is gone.
pub(super) fn actor(tx: &mut Tx<'_>, id: PersonId) -> Result<Person, CommandError> {
    Ok(people::by_id(tx.conn, id)?.ok_or(Refusal::NotAllowed)?)
}

/// Changes a person's roles.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn set_roles(tx: &mut Tx<'_>, by: PersonId, target: PersonId, wanted: Roles) -> Result<(), CommandError> {
    let by = actor(tx, by)?;
    let mut person = people::by_id(tx.conn, target)?.ok_or(Refusal::NotFound)?;
    let acting = people::count_administrators(tx.conn)?;
    let Some(roles) = decide_roles(&by, &person, wanted, acting)? else { return Ok(()) };
    person.administrator = roles.administrator;
    person.auditor = roles.auditor;
    people::update(tx.conn, &person)?;
    tx.record(roles_event(&person, Actor::person(by.id, Role::Administrator)));
    Ok(())
}

/// Suspends an account: its sessions end, and the gate admits none of its downloads.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn suspend(tx: &mut Tx<'_>, by: PersonId, target: PersonId, reason: &Reason) -> Result<(), CommandError> {
    let by = actor(tx, by)?;
    let mut person = people::by_id(tx.conn, target)?.ok_or(Refusal::NotFound)?;
    let acting = people::count_administrators(tx.conn)?;
    if !decide_suspension(&by, &person, acting)? {
        return Ok(());
    }
    let committees = committees_of(tx, target)?;
    person.suspended_at = Some(tx.now);
    people::update(tx.conn, &person)?;
    sessions::delete_of_person(tx.conn, target, None)?;
    let event = Event::new(Action::AccountSuspended, Actor::person(by.id, Role::Administrator)).subject(target);
    tx.record(event.private("reason", reason.as_str()));
    for (dataset, before) in committees {
        reactions::deciding::committee_changed(tx, &dataset, &before)?;
    }
    Ok(())
}

/// Suspends several accounts, each as if it were alone; one's own last, for nothing can be done after that.
///
/// # Errors
/// When the store fails. What a rule refuses is in the outcome.
pub fn suspend_several(
    tx: &mut Tx<'_>,
    by: PersonId,
    ids: &[PersonId],
    reason: &Reason,
) -> Result<BatchOutcome<PersonId>, CommandError> {
    let (own, others): (Vec<_>, Vec<_>) = ids.iter().partition(|id| **id == by);
    let ids: Vec<PersonId> = others.into_iter().chain(own).copied().collect();
    act_on_each(tx, &ids, |tx, id| suspend(tx, by, *id, reason))
}

/// The datasets that somebody reviews, with who can decide about them now.
pub(super) fn committees_of(
    tx: &mut Tx<'_>,
    person: PersonId,
) -> Result<Vec<(Dataset, DecidingAccounts)>, CommandError> {
    let mut found = Vec::new();
    for id in committees::reviewed_by(tx.conn, person)? {
        let Some(dataset) = datasets::by_id(tx.conn, id)? else { continue };
        let deciding = DecidingAccounts::of(tx, &dataset)?;
        found.push((dataset, deciding));
    }
    Ok(found)
}

/// Lets a suspended account act again.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn restore(tx: &mut Tx<'_>, by: PersonId, target: PersonId) -> Result<(), CommandError> {
    let by = actor(tx, by)?;
    let mut person = people::by_id(tx.conn, target)?.ok_or(Refusal::NotFound)?;
    if decide_restoration(&by, &person)? {
        person.suspended_at = None;
        people::update(tx.conn, &person)?;
        tx.record(Event::new(Action::AccountRestored, Actor::person(by.id, Role::Administrator)).subject(target));
    }
    Ok(())
}
