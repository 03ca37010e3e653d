//! Inviting, joining, leaving and removing members of projects.

use super::ending::end_grants;
use crate::domain::Refusal;
use crate::domain::comment::Reason;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::grant::GrantEnd;
use crate::domain::ids::{PersonId, ProjectId, RequestId};
use crate::domain::member::{
    INVITATION_DAY, Invitations, Member, RequestCommittee, check_exclude, check_invite, check_join, check_leave,
    check_remove,
};
use crate::domain::membership::MemberState;
use crate::domain::person::{Person, Role};
use crate::domain::project::Project;
use crate::domain::text::Email;
use crate::ledger::commands::access_requests::withdraw_of_member;
use crate::ledger::commands::people::actor;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{RequestFacts, members, people, projects};

/// Invites somebody by mail. Says whether mail goes out: an address gets few invitations in an hour.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn invite(tx: &mut Tx<'_>, by: PersonId, id: ProjectId, email: &Email) -> Result<bool, CommandError> {
    let (by, project) = (actor(tx, by)?, find(tx, id)?);
    let members = members::of_project(tx.conn, id)?;
    let sent_today = members::invited_by(tx.conn, by.id, tx.now - INVITATION_DAY)?;
    check_invite(&by, &project, (Invitations { members: &members, sent_today }, Some(email)), tx.now)?;
    members::invite(tx.conn, id, email, tx.now)?;
    let mut event = event(Action::ProjectMemberInvited, &by, &project);
    // The address of somebody without an account could not be found again to be erased.
    if let Some((account, _)) = people::by_email(tx.conn, email)? {
        event = event.person(account.id).private("email", email.as_str());
    }
    tx.record(event);
    Ok(reactions::mail::project_invitation(tx, &by, email, &project)?)
}

/// Takes up an invitation.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn join(tx: &mut Tx<'_>, by: PersonId, id: ProjectId) -> Result<(), CommandError> {
    let (by, project) = (actor(tx, by)?, find(tx, id)?);
    let everybody = members::of_project(tx.conn, id)?;
    let invitation = everybody.iter().find(|member| member.email.key() == by.email.key()).ok_or(Refusal::NotFound)?;
    check_join(&by, &project, (invitation, &everybody), tx.now)?;
    members::set_state(tx.conn, id, (&invitation.email, Some(by.id)), MemberState::Joined, tx.now)?;
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

/// Removes a member as the lead, or takes an invitation back: access for the project ends at the next request.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn remove(tx: &mut Tx<'_>, by: PersonId, id: ProjectId, email: &Email) -> Result<(), CommandError> {
    let (by, project) = (actor(tx, by)?, find(tx, id)?);
    let member = members::by_email(tx.conn, id, email)?.ok_or(Refusal::NotFound)?;
    check_remove(&by, &project, &member)?;
    let event = event(Action::ProjectMemberRemoved, &by, &project);
    end_and_tell(tx, (&project, &member), MemberState::Removed, event, None)
}

/// Removes a member as one who decides about a request of the project: they can't be invited again.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn exclude(
    tx: &mut Tx<'_>,
    by: PersonId,
    request: RequestId,
    (email, reason): (&Email, &Reason),
) -> Result<(), CommandError> {
    let facts = RequestFacts::of_request(tx.conn, request, by)?.ok_or(Refusal::NotFound)?;
    let (Some(request), Some((project, _))) = (facts.request(), &facts.project) else {
        return Err(Refusal::NotFound.into());
    };
    let member = members::by_email(tx.conn, project.id, email)?.ok_or(Refusal::NotFound)?;
    let committee = RequestCommittee { request, reviewers: &facts.reviewers, people: &facts.members };
    check_exclude(&facts.actor, committee, &member)?;
    let mut event = event(Action::ProjectMemberRemoved, &facts.actor, project)
        .dataset(&facts.dataset.slug)
        .with("request", request.id.to_string())
        .private("reason", reason.as_str());
    event.actor.role = Role::Reviewer;
    end_and_tell(tx, (project, &member), MemberState::Excluded, event, Some(reason))
}

/// Ends a membership at somebody else's word, and tells the member.
fn end_and_tell(
    tx: &mut Tx<'_>,
    (project, member): (&Project, &Member),
    state: MemberState,
    event: Event,
    reason: Option<&Reason>,
) -> Result<(), CommandError> {
    let event = if let Some(person) = member.person { event.person(person) } else { event };
    end_membership(tx, (project, member), state, event)?;
    if let Some(person) = member.person {
        reactions::mail::member_removed(tx, person, project, reason.map_or("", Reason::as_str))?;
    }
    Ok(())
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
    withdraw_of_member(tx, by, project.id, person)?;
    let because = match state {
        MemberState::Left => GrantEnd::MemberLeft,
        MemberState::Excluded => GrantEnd::MemberExcluded,
        _ => GrantEnd::MemberRemoved,
    };
    end_grants(tx, by, project.id, (Some(person), because))
}

fn find(tx: &mut Tx<'_>, id: ProjectId) -> Result<Project, CommandError> {
    Ok(projects::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?)
}

fn event(action: Action, by: &Person, project: &Project) -> Event {
    Event::new(action, Actor::person(by.id, Role::Applicant)).project(Some(project.id)).subject(project.id)
}
