//! Registering, proving an address, passwords and profiles.

use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::PersonId;
use crate::domain::notice::Notice;
use crate::domain::person::{Person, RESET_LINK_LIFE, Role, VERIFY_LINK_LIFE};
use crate::domain::text::{Email, Language, PersonName, Secret, Sha256};
use crate::ledger::{Refused, Tx};
use crate::store::sessions::LinkPurpose;
use crate::store::{people, sessions};

/// From where a step was taken.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// IP address.
    pub ip: String,
    /// User agent.
    pub user_agent: String,
}

impl Origin {
    /// Adds it to an event as personal facts.
    pub fn on(&self, event: Event) -> Event {
        event.private("ip", self.ip.as_str()).private("user_agent", self.user_agent.as_str())
    }
}

/// A link to be mailed: the hash of its secret, and the path that holds the secret.
#[derive(Clone, Debug)]
pub struct Link {
    /// What is stored.
    pub hash: Sha256,
    /// What is mailed.
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
    pub affiliation: Option<String>,
    /// Language for mail.
    pub language: Language,
    /// The password's hash.
    pub password_hash: Secret,
}

impl NewAccount {
    fn person(&self, id: PersonId, now: crate::domain::Instant) -> Person {
        Person {
            id,
            email: self.email.clone(),
            name: self.name.clone(),
            affiliation: self.affiliation.clone(),
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
pub fn register(tx: &mut Tx<'_>, account: &NewAccount, link: &Link, origin: &Origin) -> Result<(), Refused> {
    if let Some((person, _)) = people::by_email(tx.conn, &account.email)? {
        let event = Event::new(Action::AccountRegistered, Actor::ANONYMOUS).subject(person.id);
        tx.record(origin.on(event.outcome(Outcome::Refused)));
        tx.tell(&person, &Notice::AlreadyRegistered { name: person.name.to_string() })?;
        return Ok(());
    }
    let person = account.person(tx.id(), tx.now);
    insert(tx, &person, account, Actor::person(person.id, Role::Applicant), origin)?;
    send_verification(tx, &person, link)
}

fn insert(tx: &mut Tx<'_>, person: &Person, account: &NewAccount, by: Actor, origin: &Origin) -> Result<(), Refused> {
    people::insert(tx.conn, person, account.password_hash.expose())?;
    let event = Event::new(Action::AccountRegistered, by)
        .subject(person.id)
        .private("name", person.name.as_str())
        .private("email", person.email.as_str());
    tx.record(origin.on(event));
    Ok(())
}

fn send_verification(tx: &mut Tx<'_>, person: &Person, link: &Link) -> Result<(), Refused> {
    let ends = tx.now + VERIFY_LINK_LIFE;
    sessions::insert_link(tx.conn, link.hash, person.id, LinkPurpose::VerifyEmail, ends)?;
    let notice = Notice::VerifyEmail { name: person.name.to_string(), path: link.path.expose().to_owned() };
    Ok(tx.tell(person, &notice)?)
}

/// The powers of an account that an operator makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Powers {
    /// Administrator.
    pub administrator: bool,
    /// Auditor.
    pub auditor: bool,
}

/// Makes an account whose address counts as proved: the operator vouches for it.
///
/// # Errors
/// [`Refusal::EmailTaken`], or when the store fails.
pub fn create(tx: &mut Tx<'_>, account: &NewAccount, powers: Powers) -> Result<PersonId, Refused> {
    if people::by_email(tx.conn, &account.email)?.is_some() {
        return Err(Refusal::EmailTaken.into());
    }
    let mut person = account.person(tx.id(), tx.now);
    person.email_verified_at = Some(tx.now);
    person.administrator = powers.administrator;
    person.auditor = powers.auditor;
    insert(tx, &person, account, Actor::OPERATOR, &Origin::default())?;
    if powers != Powers::default() {
        tx.record(super::roles::roles_event(&person, Actor::OPERATOR));
    }
    Ok(person.id)
}

/// Mails a new link to prove the address.
///
/// # Errors
/// [`Refusal::NotFound`], or when the store fails.
pub fn resend_verification(tx: &mut Tx<'_>, person: PersonId, link: &Link) -> Result<(), Refused> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    if person.email_verified_at.is_some() {
        return Ok(());
    }
    send_verification(tx, &person, link)
}

/// Takes the proof that an address is its account's.
///
/// # Errors
/// [`Refusal::LinkInvalid`], [`Refusal::LinkOfAnother`], or when the store fails.
pub fn verify_email(tx: &mut Tx<'_>, by: PersonId, link: Sha256, origin: &Origin) -> Result<(), Refused> {
    let id = sessions::link(tx.conn, link, LinkPurpose::VerifyEmail, tx.now)?.ok_or(Refusal::LinkInvalid)?;
    if id != by {
        return Err(Refusal::LinkOfAnother.into());
    }
    let mut person = people::by_id(tx.conn, id)?.ok_or(Refusal::LinkInvalid)?;
    person.email_verified_at = Some(tx.now);
    people::update(tx.conn, &person)?;
    sessions::delete_links(tx.conn, id, LinkPurpose::VerifyEmail)?;
    let event = Event::new(Action::AccountVerified, Actor::person(id, Role::Applicant)).subject(id);
    tx.record(origin.on(event));
    Ok(())
}

/// Mails a link to choose a new password, if the address has an account. Nobody is told whether it has.
///
/// # Errors
/// When the store fails.
pub fn ask_password_reset(tx: &mut Tx<'_>, email: &Email, link: &Link, origin: &Origin) -> Result<(), Refused> {
    let Some((person, _)) = people::by_email(tx.conn, email)? else { return Ok(()) };
    let ends = tx.now + RESET_LINK_LIFE;
    sessions::insert_link(tx.conn, link.hash, person.id, LinkPurpose::ResetPassword, ends)?;
    tx.record(origin.on(Event::new(Action::AccountPasswordResetAsked, Actor::ANONYMOUS).subject(person.id)));
    let notice = Notice::ResetPassword { name: person.name.to_string(), path: link.path.expose().to_owned() };
    Ok(tx.tell(&person, &notice)?)
}

/// Stores a new password by a mailed link, and ends every session. Having the mail also proves the address.
///
/// # Errors
/// [`Refusal::LinkInvalid`], or when the store fails.
pub fn reset_password(tx: &mut Tx<'_>, link: Sha256, hash: &Secret, origin: &Origin) -> Result<PersonId, Refused> {
    let id = sessions::link(tx.conn, link, LinkPurpose::ResetPassword, tx.now)?.ok_or(Refusal::LinkInvalid)?;
    let mut person = people::by_id(tx.conn, id)?.ok_or(Refusal::LinkInvalid)?;
    if person.email_verified_at.is_none() {
        person.email_verified_at = Some(tx.now);
        people::update(tx.conn, &person)?;
        let event = Event::new(Action::AccountVerified, Actor::person(id, Role::Applicant)).subject(id);
        tx.record(origin.on(event));
    }
    people::set_password(tx.conn, id, hash.expose())?;
    sessions::delete_links(tx.conn, id, LinkPurpose::ResetPassword)?;
    let ended = sessions::delete_of_person(tx.conn, id, None)?;
    tx.revoked_something();
    let event = Event::new(Action::AccountPasswordChanged, Actor::person(id, person.role()))
        .subject(id)
        .with("by", "mailed link")
        .with("sessions_ended", ended);
    tx.record(origin.on(event));
    Ok(id)
}

/// Stores a new password and ends the other sessions. The caller has checked the old one.
///
/// # Errors
/// When the store fails.
pub fn change_password(
    tx: &mut Tx<'_>,
    person: &Person,
    hash: &Secret,
    keep: Sha256,
    origin: &Origin,
) -> Result<(), Refused> {
    people::set_password(tx.conn, person.id, hash.expose())?;
    let ended = sessions::delete_of_person(tx.conn, person.id, Some(keep))?;
    tx.revoked_something();
    let event = Event::new(Action::AccountPasswordChanged, Actor::person(person.id, person.role()))
        .subject(person.id)
        .with("by", "old password")
        .with("sessions_ended", ended);
    tx.record(origin.on(event));
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
    affiliation: Option<String>,
    language: Language,
) -> Result<(), Refused> {
    let mut person = people::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    person.name = name;
    person.affiliation = affiliation;
    person.language = language;
    people::update(tx.conn, &person)?;
    let event = Event::new(Action::AccountUpdated, Actor::person(id, person.role()))
        .subject(id)
        .private("name", person.name.as_str())
        .private("affiliation", person.affiliation);
    tx.record(event);
    Ok(())
}
