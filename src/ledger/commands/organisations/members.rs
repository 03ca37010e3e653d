//! Inviting, joining, leaving and removing owners and stewards of organisations.

use super::{NewOrganisation, event, find, found, officer};
use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::PersonId;
use crate::domain::membership::MemberState;
use crate::domain::organisation::{
    Organisation, OrganisationMember, OrganisationRole, check_administers, check_appoint, check_invite, check_join,
    check_keeps_owner, check_remove, decide_role,
};
use crate::domain::person::Role;
use crate::domain::text::{Email, Slug};
use crate::ledger::commands::people::actor;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{organisation_members as members, organisations, people};

/// Makes an organisation as an administrator, and invites its first owner.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn found_with_owner(
    tx: &mut Tx<'_>,
    by: PersonId,
    new: NewOrganisation,
    owner: &Email,
) -> Result<Organisation, CommandError> {
    let person = actor(tx, by)?;
    check_administers(&person)?;
    let organisation = found(tx, Actor::person(by, Role::Administrator), new)?;
    invite(tx, by, &organisation.slug, (owner, OrganisationRole::Owner))?;
    Ok(organisation)
}

/// Invites somebody by mail to run an organisation. Says whether mail goes out: an address gets few invitations in an hour.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn invite(
    tx: &mut Tx<'_>,
    by: PersonId,
    slug: &Slug,
    (email, role): (&Email, OrganisationRole),
) -> Result<bool, CommandError> {
    let (person, organisation) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, organisation.id)?;
    let everybody = members::of_organisation(tx.conn, organisation.id)?;
    check_invite(officer, &everybody, Some((email, role)), tx.now)?;
    let acts_as = officer.acts_as();
    if !officer.may_own() {
        take_back_owners(tx, Actor::person(by, acts_as), &organisation, &everybody)?;
    }
    let state = MemberState::Invited;
    let member =
        OrganisationMember { email: email.clone(), person: None, role, state, invited_at: tx.now, is_suspended: false };
    members::save(tx.conn, organisation.id, &member)?;
    let by = Actor::person(by, acts_as);
    let mut event = of_member(Action::OrganisationMemberInvited, by, (&organisation, &member));
    // The address of somebody without an account could not be found again to be erased.
    if let Some((account, _)) = people::by_email(tx.conn, email)? {
        event = event.person(account.id).private("email", email.as_str());
    }
    tx.record(event);
    Ok(reactions::mail::organisation_invitation(tx, &person, email, (&organisation, role))?)
}

/// Takes back the invitations of owners who have not joined: an administrator names another in their place.
fn take_back_owners(
    tx: &mut Tx<'_>,
    by: Actor,
    organisation: &Organisation,
    everybody: &[OrganisationMember],
) -> Result<(), CommandError> {
    let is_waiting =
        |member: &&OrganisationMember| member.role == OrganisationRole::Owner && member.state == MemberState::Invited;
    for member in everybody.iter().filter(is_waiting) {
        let gone = OrganisationMember { state: MemberState::Removed, ..member.clone() };
        members::save(tx.conn, organisation.id, &gone)?;
        tx.record(of_member(Action::OrganisationMemberRemoved, by, (organisation, &gone)));
    }
    Ok(())
}

/// Takes up an invitation.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn join(tx: &mut Tx<'_>, by: PersonId, slug: &Slug) -> Result<(), CommandError> {
    let (person, organisation) = (actor(tx, by)?, find(tx, slug)?);
    let everybody = members::of_organisation(tx.conn, organisation.id)?;
    let is_meant = |member: &&OrganisationMember| member.email.key() == person.email.key();
    let invitation = everybody.iter().find(is_meant).ok_or(Refusal::NotFound)?;
    check_join(&person, invitation, &everybody)?;
    let joined = OrganisationMember { person: Some(by), state: MemberState::Joined, ..invitation.clone() };
    members::save(tx.conn, organisation.id, &joined)?;
    let by = Actor::person(by, Role::Applicant);
    tx.record(of_member(Action::OrganisationMemberJoined, by, (&organisation, &joined)));
    Ok(())
}

/// Makes an account an owner or steward of an organisation at the operator's word, without an invitation.
///
/// # Errors
/// [`Refusal::OrganisationUnknown`]; [`Refusal::NotFound`] where there is no such account; [`Refusal::TargetUnverified`];
/// [`Refusal::AlreadyMember`] where another account joined with this address; [`Refusal::LastOwner`]; or when the store fails.
pub fn appoint(tx: &mut Tx<'_>, slug: &Slug, (email, role): (&Email, OrganisationRole)) -> Result<(), CommandError> {
    let organisation = organisations::by_slug(tx.conn, slug)?.ok_or(Refusal::OrganisationUnknown)?;
    let (person, _) = people::by_email(tx.conn, email)?.ok_or(Refusal::NotFound)?;
    let everybody = members::of_organisation(tx.conn, organisation.id)?;
    // Who joined with another address keeps that row.
    let joined =
        everybody.iter().find(|member| member.state == MemberState::Joined && member.person == Some(person.id));
    let present = joined.or_else(|| everybody.iter().find(|member| member.email.key() == email.key()));
    check_appoint(&person, present, &everybody, role)?;
    let member = OrganisationMember {
        email: present.map_or(email, |member| &member.email).clone(),
        person: Some(person.id),
        role,
        state: MemberState::Joined,
        invited_at: present.map_or(tx.now, |member| member.invited_at),
        is_suspended: person.suspended_at.is_some(),
    };
    if present == Some(&member) {
        return Ok(());
    }
    members::save(tx.conn, organisation.id, &member)?;
    let event = of_member(Action::OrganisationMemberJoined, Actor::OPERATOR, (&organisation, &member));
    tx.record(event);
    Ok(())
}

/// Gives a member another role.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn set_role(
    tx: &mut Tx<'_>,
    by: PersonId,
    slug: &Slug,
    (email, role): (&Email, OrganisationRole),
) -> Result<(), CommandError> {
    let (person, organisation) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, organisation.id)?;
    let everybody = members::of_organisation(tx.conn, organisation.id)?;
    let member = named(&everybody, email)?;
    if decide_role(officer, member, &everybody, role)? {
        let changed = OrganisationMember { role, ..member.clone() };
        members::save(tx.conn, organisation.id, &changed)?;
        let by = Actor::person(by, officer.acts_as());
        let event = of_member(Action::OrganisationRoleChanged, by, (&organisation, &changed));
        tx.record(event);
    }
    Ok(())
}

/// Ends a member's part in an organisation, or takes an invitation back; somebody's own when they leave. Says which of the two:
/// [`MemberState::Left`] or [`MemberState::Removed`].
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn remove(tx: &mut Tx<'_>, by: PersonId, slug: &Slug, email: &Email) -> Result<MemberState, CommandError> {
    let (person, organisation) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, organisation.id)?;
    let everybody = members::of_organisation(tx.conn, organisation.id)?;
    let member = named(&everybody, email)?;
    check_remove(officer, member, &everybody)?;
    let leaves = member.person == Some(by);
    let (state, action) = if leaves {
        (MemberState::Left, Action::OrganisationMemberLeft)
    } else {
        (MemberState::Removed, Action::OrganisationMemberRemoved)
    };
    let gone = OrganisationMember { state, ..member.clone() };
    members::save(tx.conn, organisation.id, &gone)?;
    let event = of_member(action, Actor::person(by, officer.acts_as()), (&organisation, &gone));
    tx.record(event);
    if !leaves && let Some(person) = gone.person {
        reactions::mail::organisation_left(tx, person, &organisation)?;
    }
    Ok(state)
}

/// Whether an account may be erased as far as organisations go: each keeps an owner.
///
/// # Errors
/// [`Refusal::LastOwner`], or when the store fails.
pub fn check_erased_owner(tx: &mut Tx<'_>, person: PersonId) -> Result<(), CommandError> {
    for (organisation, _) in members::roles_of(tx.conn, person)? {
        let everybody = members::of_organisation(tx.conn, organisation)?;
        for member in everybody.iter().filter(|member| member.person == Some(person)) {
            check_keeps_owner(member, &everybody)?;
        }
    }
    Ok(())
}

fn named<'a>(everybody: &'a [OrganisationMember], email: &Email) -> Result<&'a OrganisationMember, CommandError> {
    Ok(everybody.iter().find(|member| member.email.key() == email.key()).ok_or(Refusal::NotFound)?)
}

fn of_member(action: Action, by: Actor, (organisation, member): (&Organisation, &OrganisationMember)) -> Event {
    let event = event(action, by, organisation).with("role", member.role.as_str());
    if let Some(person) = member.person { event.person(person) } else { event }
}
