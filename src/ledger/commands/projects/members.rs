//! Inviting, joining, leaving and removing members of projects.

use crate::domain::comment::Reason;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{PersonId, ProjectId};
use crate::domain::member::{Member, MemberState, check_invite, check_join, check_leave, check_remove};
use crate::domain::person::{Person, Role};
use crate::domain::project::Project;
use crate::domain::text::Email;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::commands::people::actor;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{access_requests, datasets, grants, members, people, projects};

/// Invites somebody by mail. Says whether mail goes out: an address gets few invitations in an hour.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn invite(tx: &mut Tx<'_>, by: PersonId, id: ProjectId, email: &Email) -> Result<bool, CommandError> {
    let (by, project) = (actor(tx, by)?, find(tx, id)?);
    let lead = people::by_id(tx.conn, project.lead)?.ok_or(Refusal::NotFound)?;
    let invited = members::of_project(tx.conn, id)?;
    check_invite(&by, &project, (&invited, Some(email)), &lead.email)?;
    members::invite(tx.conn, id, email, tx.now)?;
    tx.record(event(Action::ProjectMemberInvited, &by, &project).private("email", email.as_str()));
    Ok(reactions::mail::project_invitation(tx, &by, email, &project)?)
}

/// Takes up an invitation.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn join(tx: &mut Tx<'_>, by: PersonId, id: ProjectId) -> Result<(), CommandError> {
    let (by, project) = (actor(tx, by)?, find(tx, id)?);
    let member = members::by_email(tx.conn, id, &by.email)?.ok_or(Refusal::NotFound)?;
    check_join(&by, &project, &member)?;
    members::set_state(tx.conn, id, (&member.email, Some(by.id)), MemberState::Joined, tx.now)?;
    tx.record(event(Action::ProjectMemberJoined, &by, &project));
    Ok(reactions::mail::member_joined(tx, &by, &project)?)
}

/// Leaves a project: access for it ends at the next request.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn leave(tx: &mut Tx<'_>, by: PersonId, id: ProjectId) -> Result<(), CommandError> {
    let (by, project) = (actor(tx, by)?, find(tx, id)?);
    let member = members::by_person(tx.conn, id, by.id)?.ok_or(Refusal::NotFound)?;
    check_leave(&by, &member)?;
    let event = event(Action::ProjectMemberLeft, &by, &project);
    end_membership(tx, (&project, &member), MemberState::Left, event)
}

/// Removes a member, or takes an invitation back: access for the project ends at the next request.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn remove(
    tx: &mut Tx<'_>,
    by: PersonId,
    id: ProjectId,
    (email, reason): (&Email, Option<&Reason>),
) -> Result<(), CommandError> {
    let (by, project) = (actor(tx, by)?, find(tx, id)?);
    let member = members::by_email(tx.conn, id, email)?.ok_or(Refusal::NotFound)?;
    let is_decider = project.lead != by.id && may_decide_about(tx, by.id, id)?;
    check_remove(&by, &project, &member, is_decider)?;
    let reason = reason.map_or("", Reason::as_str);
    let mut event = event(Action::ProjectMemberRemoved, &by, &project);
    if is_decider {
        event.actor.role = Role::Reviewer;
    }
    if let Some(person) = member.person {
        event = event.person(person);
    }
    if !reason.is_empty() {
        event = event.private("reason", reason);
    }
    end_membership(tx, (&project, &member), MemberState::Removed, event)?;
    if let Some(person) = member.person {
        reactions::mail::member_removed(tx, person, &project, reason)?;
    }
    Ok(())
}

/// Whether somebody reviews a dataset for which the project has sent a request.
fn may_decide_about(tx: &mut Tx<'_>, person: PersonId, id: ProjectId) -> Result<bool, CommandError> {
    for (request, _) in projects::requests(tx.conn, id)? {
        let Some(stored) = access_requests::by_id(tx.conn, request)? else { continue };
        if stored.request.round > 0 && datasets::reviewers(tx.conn, stored.request.dataset)?.contains(&person) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ends a membership, with the requests and grants that the member has for the project.
fn end_membership(
    tx: &mut Tx<'_>,
    (project, member): (&Project, &Member),
    state: MemberState,
    event: Event,
) -> Result<(), CommandError> {
    let by = event.actor;
    members::set_state(tx.conn, project.id, (&member.email, member.person), state, tx.now)?;
    tx.record(event);
    let Some(person) = member.person else { return Ok(()) };
    super::super::access_requests::withdraw_of_member(tx, by, project.id, person)?;
    revoke_grants(tx, by, (project, person), state, tx.now)
}

fn revoke_grants(
    tx: &mut Tx<'_>,
    by: Actor,
    (project, person): (&Project, PersonId),
    state: MemberState,
    now: Timestamp,
) -> Result<(), CommandError> {
    let active = grants::active_of_project(tx.conn, project.id, now)?;
    for grant in active.into_iter().filter(|grant| grant.person == person) {
        grants::revoke(tx.conn, grant.id, now, "")?;
        let dataset = datasets::by_id(tx.conn, grant.dataset)?.ok_or(Refusal::NotFound)?;
        let event = Event::new(Action::GrantRevoked, by).dataset(&dataset.slug).project(Some(project.id));
        tx.record(event.subject(grant.id).person(person).with("because", format!("member-{state}")));
    }
    Ok(())
}

fn find(tx: &mut Tx<'_>, id: ProjectId) -> Result<Project, CommandError> {
    Ok(projects::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?)
}

fn event(action: Action, by: &Person, project: &Project) -> Event {
    Event::new(action, Actor::person(by.id, Role::Applicant)).project(Some(project.id)).subject(project.id)
}
