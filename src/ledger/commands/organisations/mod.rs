//! Making organisations, what they say of themselves, suspending them.

pub mod holidays;
pub mod members;

use super::people::actor;
use crate::domain::dataset::SuspensionChange;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{OrganisationId, PersonId};
use crate::domain::organisation::{Officer, Organisation, OrganisationDescription, check_administers};
use crate::domain::person::{Person, Role};
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{organisation_members, organisations};

/// The name in addresses of the organisation with which an installation begins.
pub const FIRST: &str = "main";

/// An organisation that is to be made.
#[derive(Clone, Debug)]
pub struct NewOrganisation {
    /// Its name in addresses.
    pub slug: Slug,
    /// What it says of itself.
    pub description: OrganisationDescription,
}

/// Makes the organisation with which an installation begins, unless there is one.
///
/// # Errors
/// When the store fails.
pub fn found_first(tx: &mut Tx<'_>, new: NewOrganisation) -> Result<(), CommandError> {
    if organisations::are_any(tx.conn)? {
        return Ok(());
    }
    found(tx, Actor::OPERATOR, new).map(|_| ())
}

/// Makes an organisation.
///
/// # Errors
/// [`Refusal::NameTaken`], or when the store fails.
pub fn found(tx: &mut Tx<'_>, by: Actor, new: NewOrganisation) -> Result<Organisation, CommandError> {
    if organisations::by_slug(tx.conn, &new.slug)?.is_some() {
        return Err(Refusal::NameTaken.into());
    }
    let organisation = new.description.found(tx.id(), new.slug, tx.now);
    organisations::insert(tx.conn, &organisation)?;
    tx.record(event(Action::OrganisationFounded, by, &organisation));
    Ok(organisation)
}

/// Changes what an organisation says of itself, if it has not changed since `seen_at`.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn describe(
    tx: &mut Tx<'_>,
    by: PersonId,
    (slug, seen_at): (&Slug, Timestamp),
    description: OrganisationDescription,
) -> Result<(), CommandError> {
    let (person, organisation) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, organisation.id)?;
    officer.check_owner()?;
    if organisation.updated_at != seen_at {
        return Err(Refusal::EditedMeanwhile.into());
    }
    let changed = description.apply(&organisation, tx.now);
    if changed != organisation {
        organisations::update(tx.conn, &changed)?;
        tx.record(event(Action::OrganisationChanged, Actor::person(by, officer.acts_as()), &changed));
    }
    Ok(())
}

/// Stops everything that an organisation holds from being delivered, or starts again.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn change_suspension(
    tx: &mut Tx<'_>,
    by: PersonId,
    slug: &Slug,
    change: &SuspensionChange,
) -> Result<(), CommandError> {
    let organisation = find(tx, slug)?;
    check_administers(&actor(tx, by)?)?;
    let by = Actor::person(by, Role::Administrator);
    let (at, event) = match change {
        SuspensionChange::Suspend(reason) => {
            let event = event(Action::OrganisationSuspended, by, &organisation);
            (Some(tx.now), event.with("reason", reason.as_str()))
        }
        SuspensionChange::Restore => (None, event(Action::OrganisationRestored, by, &organisation)),
    };
    if organisation.suspended_at.is_some() != at.is_some() {
        organisations::set_suspended(tx.conn, organisation.id, at)?;
        tx.record(event);
    }
    Ok(())
}

/// The organisation to which something belongs, or is to belong that is published now: the one that was named, or else the one
/// it belongs to already, or the only one there is.
///
/// # Errors
/// [`Refusal::OrganisationUnknown`], [`Refusal::OrganisationNeeded`], [`Refusal::OtherOrganisation`], or when the store fails.
pub fn owner_of(
    tx: &mut Tx<'_>,
    named: Option<&Slug>,
    present: Option<OrganisationId>,
) -> Result<OrganisationId, CommandError> {
    let named = match named {
        Some(slug) => Some(organisations::by_slug(tx.conn, slug)?.ok_or(Refusal::OrganisationUnknown)?.id),
        None => None,
    };
    match (named, present) {
        (Some(named), Some(present)) if named != present => Err(Refusal::OtherOrganisation.into()),
        (Some(id), _) | (None, Some(id)) => Ok(id),
        (None, None) => Ok(organisations::only(tx.conn)?.ok_or(Refusal::OrganisationNeeded)?.id),
    }
}

/// Whether something of an organisation may be published: under a fresh name, or as what somebody saw there.
pub(super) fn check_basis(
    present: Option<OrganisationId>,
    organisation: OrganisationId,
    was_seen: bool,
) -> Result<(), Refusal> {
    match (present, was_seen) {
        (Some(_), false) => Err(Refusal::NameTaken),
        (Some(owner), true) if owner != organisation => Err(Refusal::NotFound),
        (None, true) => Err(Refusal::NotFound),
        _ => Ok(()),
    }
}

/// Somebody, with their role in an organisation.
pub(in crate::ledger) fn officer<'a>(
    tx: &mut Tx<'_>,
    person: &'a Person,
    organisation: OrganisationId,
) -> Result<Officer<'a>, CommandError> {
    Ok(Officer { person, role: organisation_members::role_of(tx.conn, organisation, person.id)? })
}

fn find(tx: &mut Tx<'_>, slug: &Slug) -> Result<Organisation, CommandError> {
    Ok(organisations::by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?)
}

fn event(action: Action, by: Actor, organisation: &Organisation) -> Event {
    Event::new(action, by).organisation(&organisation.slug).subject(organisation.id)
}
