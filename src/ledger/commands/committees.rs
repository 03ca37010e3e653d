//! Setting up committees.

use super::organisations::officer;
use super::people::actor;
use crate::domain::Refusal;
use crate::domain::committee::{Committee, NewCommittee, check_reviewer};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{OrganisationId, PersonId};
use crate::domain::text::Sha256;
use crate::ledger::commands::Published;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::reactions::deciding::DecidingAccounts;
use crate::ledger::transaction::Tx;
use crate::store::{committees, datasets, organisations, people};

/// The accounts of a committee's members, in ascending order.
///
/// # Errors
/// [`Refusal::ReviewerUnknown`] or [`Refusal::ReviewerUnverified`](crate::domain::Refusal::ReviewerUnverified), or when the
/// store fails.
pub fn members(tx: &mut Tx<'_>, new: &NewCommittee) -> Result<Vec<PersonId>, CommandError> {
    let mut members = Vec::new();
    for (place, email) in new.members().iter().enumerate() {
        let found = people::by_email(tx.conn, email)?;
        members.push(check_reviewer(place, found.as_ref().map(|(person, _)| person))?);
    }
    members.sort_unstable();
    Ok(members)
}

/// Sets up a committee of an organisation, or changes the one of this name; the same again changes nothing. Those who can
/// decide now about waiting requests and could not before are asked.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn set_up(
    tx: &mut Tx<'_>,
    by: Actor,
    organisation: OrganisationId,
    new: &NewCommittee,
) -> Result<Published<Committee>, CommandError> {
    let members = members(tx, new)?;
    let present = committees::by_slug(tx.conn, organisation, new.slug())?;
    let id = present.as_ref().map_or_else(|| tx.id(), |present| present.id);
    let committee = new.set_up((id, organisation), members, present.as_ref());
    if present.as_ref() == Some(&committee) {
        return Ok(Published::Unchanged(committee));
    }
    let mut concerned = Vec::new();
    for dataset in committees::datasets_of(tx.conn, id)? {
        let Some(dataset) = datasets::by_id(tx.conn, dataset)? else { continue };
        let before = DecidingAccounts::of(tx, &dataset)?;
        concerned.push((dataset, before));
    }
    committees::save(tx.conn, &committee)?;
    let owner = organisations::by_id(tx.conn, organisation)?.ok_or(Refusal::NotFound)?;
    let ids: Vec<_> = committee.members.iter().map(ToString::to_string).collect();
    let mut event = Event::new(Action::CommitteeSetUp, by)
        .organisation(&owner.slug)
        .subject(id)
        .with("committee", committee.slug.as_str())
        .with("quorum", committee.quorum);
    if let Some(days) = committee.deadlines.remind_after() {
        event.details.set("remind_after", days);
    }
    if let Some(days) = committee.deadlines.decide_within() {
        event.details.set("decide_within", days);
    }
    event.details.set("members", ids);
    tx.record(event);
    for (dataset, before) in concerned {
        reactions::deciding::committee_changed(tx, &dataset, &before)?;
    }
    Ok(Published::New(committee))
}

/// Sets up a committee as an owner of the organisation; with what the owner saw, one that is there.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn set_up_as_owner(
    tx: &mut Tx<'_>,
    by: PersonId,
    (organisation, seen): (OrganisationId, Option<Sha256>),
    new: &NewCommittee,
) -> Result<Published<Committee>, CommandError> {
    let person = actor(tx, by)?;
    let officer = officer(tx, &person, organisation)?;
    officer.check_owner()?;
    match (committees::by_slug(tx.conn, organisation, new.slug())?, seen) {
        (Some(_), None) => return Err(Refusal::NameTaken.into()),
        (Some(present), Some(seen)) if present.fingerprint() != seen => return Err(Refusal::EditedMeanwhile.into()),
        _ => {}
    }
    set_up(tx, Actor::person(by, officer.acts_as()), organisation, new)
}
