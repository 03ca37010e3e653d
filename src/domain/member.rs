//! Members of a project, beside its lead: invited by mail, each with an account, each signing for themselves.

use super::access_request::quorum::may_decide;
use super::access_request::{AccessRequest, Stage};
use super::ids::PersonId;
use super::membership::{MemberState, is_invited};
use super::person::Person;
use super::project::Project;
use super::text::Email;
use super::{Refusal, TimeSpan, Timestamp};

/// Somebody who was invited to a project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The address to which the invitation went.
    pub email: Email,
    /// The account, once they have joined.
    pub person: Option<PersonId>,
    /// How far they have come.
    pub state: MemberState,
    /// When they were invited.
    pub invited_at: Timestamp,
}

/// How many members a project may have, beside its lead.
pub const MEMBERS_MAX: usize = 100;

/// How many people a lead may invite within [`INVITATION_DAY`], over all projects: mail goes out to strangers in this
/// gateway's name.
pub const INVITATIONS_PER_DAY: u64 = 100;
/// What counts as a day there.
pub const INVITATION_DAY: TimeSpan = TimeSpan::days(1);

/// Who was invited before.
#[derive(Clone, Copy, Debug)]
pub struct Invitations<'a> {
    /// Everybody who was invited to this project.
    pub members: &'a [Member],
    /// How many people its lead has invited within [`INVITATION_DAY`].
    pub sent_today: u64,
}

/// Whether somebody may invite another to a project; without an address, whether they may invite anybody.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn check_invite(
    actor: &Person,
    project: &Project,
    (before, email): (Invitations<'_>, Option<&Email>),
    now: Timestamp,
) -> Result<(), Refusal> {
    if project.lead != actor.id {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    if !project.is_running(now) {
        return Err(Refusal::ProjectEnded);
    }
    // Mail goes out in their name.
    if actor.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified);
    }
    if let Some(email) = email {
        let earlier = before.members.iter().find(|member| member.email.key() == email.key()).map(|member| member.state);
        if email.key() == actor.email.key() || earlier.is_some_and(MemberState::is_open) {
            return Err(Refusal::AlreadyMember);
        }
        if earlier == Some(MemberState::Excluded) {
            return Err(Refusal::MemberExcluded);
        }
    }
    if before.sent_today >= INVITATIONS_PER_DAY {
        return Err(Refusal::TooManyInvitations);
    }
    let open = before.members.iter().filter(|member| member.state.is_open()).count();
    if open >= MEMBERS_MAX { Err(Refusal::TooManyMembers) } else { Ok(()) }
}

/// Whether somebody may join a project by an invitation, given everybody who was invited: an account's address can change, so
/// the same person may be among them under another one.
///
/// # Errors
/// [`Refusal::NotFound`] for anybody who was not invited, [`Refusal::AccountSuspended`], [`Refusal::ProjectEnded`],
/// [`Refusal::AlreadyMember`], [`Refusal::MemberExcluded`].
pub fn check_join(
    actor: &Person,
    project: &Project,
    (invitation, members): (&Member, &[Member]),
    now: Timestamp,
) -> Result<(), Refusal> {
    if !is_invited(actor, &invitation.email, invitation.state) {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    if !project.is_running(now) {
        return Err(Refusal::ProjectEnded);
    }
    let was = |state| members.iter().any(|member| member.person == Some(actor.id) && member.state == state);
    if project.lead == actor.id || was(MemberState::Joined) {
        return Err(Refusal::AlreadyMember);
    }
    if was(MemberState::Excluded) { Err(Refusal::MemberExcluded) } else { Ok(()) }
}

/// Whether somebody may leave a project.
///
/// # Errors
/// [`Refusal::NotFound`] for anybody who is no member, [`Refusal::AccountSuspended`].
pub fn check_leave(actor: &Person, member: &Member) -> Result<(), Refusal> {
    if member.state != MemberState::Joined || member.person != Some(actor.id) {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() { Err(Refusal::AccountSuspended) } else { Ok(()) }
}

/// Whether somebody may remove another from a project as its lead.
///
/// # Errors
/// [`Refusal::NotFound`] for anybody else, and when the other is no member; [`Refusal::AccountSuspended`].
pub fn check_remove(actor: &Person, project: &Project, member: &Member) -> Result<(), Refusal> {
    if project.lead != actor.id || !member.state.is_open() {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() { Err(Refusal::AccountSuspended) } else { Ok(()) }
}

/// Those who decide about a project's request.
#[derive(Clone, Copy, Debug)]
pub struct RequestCommittee<'a> {
    /// The request.
    pub request: &'a AccessRequest,
    /// The dataset's reviewers.
    pub reviewers: &'a [PersonId],
    /// The project's people.
    pub people: &'a [PersonId],
}

/// Whether somebody may remove another from a project as one who decides about a request of it, which waits or was approved.
///
/// # Errors
/// [`Refusal::NotFound`] for anybody else, and when the other is no member; [`Refusal::OwnRequest`] for the project's people.
pub fn check_exclude(actor: &Person, committee: RequestCommittee<'_>, member: &Member) -> Result<(), Refusal> {
    let RequestCommittee { request, reviewers, people } = committee;
    let is_decided_on = matches!(request.stage, Stage::Submitted | Stage::Approved);
    let is_out = !reviewers.contains(&actor.id) || request.recused.contains(&actor.id) || !may_decide(actor);
    if is_out || !is_decided_on || !member.state.is_open() {
        return Err(Refusal::NotFound);
    }
    if people.contains(&actor.id) { Err(Refusal::OwnRequest) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ProjectId;
    use crate::domain::project::ProjectDescription;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(10);

    fn person(number: u128, address: &str) -> Person {
        let fixture = Person::fixture(PersonId(Uuid::from_u128(number)));
        Person { email: address.parse().unwrap(), email_verified_at: Some(Timestamp(0)), ..fixture }
    }

    fn member(address: &str, person: Option<PersonId>, state: MemberState) -> Member {
        Member { email: address.parse().unwrap(), person, state, invited_at: Timestamp(0) }
    }

    fn project(lead: &Person, ended_at: Option<Timestamp>) -> Project {
        let text = String::new;
        let description = ProjectDescription {
            title: text(),
            purpose: text(),
            lay_summary: None,
            institution: text(),
            from: None,
            until: None,
        };
        let id = ProjectId(Uuid::nil());
        Project { id, description, lead: lead.id, ended_at, created_at: Timestamp(0), updated_at: Timestamp(0) }
    }

    #[test]
    fn only_the_lead_invites_and_nobody_twice() {
        let (lead, other) = (person(1, "lead@demo.example"), person(2, "other@demo.example"));
        let running = project(&lead, None);
        let members = [
            member("joined@demo.example", Some(other.id), MemberState::Joined),
            member("left@demo.example", None, MemberState::Left),
            member("excluded@demo.example", None, MemberState::Excluded),
        ];
        let before = |members, sent_today| Invitations { members, sent_today };
        let invite = |actor: &Person, project: &Project, email: &str| {
            check_invite(actor, project, (before(&members, 0), Some(&email.parse().unwrap())), NOW)
        };
        assert_eq!(invite(&lead, &running, "new@demo.example"), Ok(()));
        assert_eq!(invite(&lead, &running, "left@demo.example"), Ok(()));
        assert_eq!(invite(&lead, &running, "JOINED@demo.example"), Err(Refusal::AlreadyMember));
        assert_eq!(invite(&lead, &running, "Lead@demo.example"), Err(Refusal::AlreadyMember));
        assert_eq!(invite(&lead, &running, "Excluded@demo.example"), Err(Refusal::MemberExcluded));
        assert_eq!(invite(&other, &running, "new@demo.example"), Err(Refusal::NotFound));
        assert_eq!(invite(&lead, &project(&lead, Some(Timestamp(1))), "new@demo.example"), Err(Refusal::ProjectEnded));
        let unverified = Person { email_verified_at: None, ..lead.clone() };
        assert_eq!(invite(&unverified, &running, "new@demo.example"), Err(Refusal::EmailUnverified));
        let many: Vec<_> =
            (0..MEMBERS_MAX).map(|n| member(&format!("m{n}@demo.example"), None, MemberState::Invited)).collect();
        assert_eq!(check_invite(&lead, &running, (before(&many, 0), None), NOW), Err(Refusal::TooManyMembers));
        let often = before(&members, INVITATIONS_PER_DAY);
        assert_eq!(check_invite(&lead, &running, (often, None), NOW), Err(Refusal::TooManyInvitations));
    }

    #[test]
    fn only_who_was_invited_joins_and_only_members_leave() {
        let (lead, invited) = (person(1, "lead@demo.example"), person(2, "invited@demo.example"));
        let running = project(&lead, None);
        let invitation = member("Invited@demo.example", None, MemberState::Invited);
        let join = |actor: &Person, invitation: &Member, others: &[Member]| {
            check_join(actor, &running, (invitation, others), NOW)
        };
        assert_eq!(join(&invited, &invitation, &[]), Ok(()));
        assert_eq!(join(&lead, &invitation, &[]), Err(Refusal::NotFound));
        // The same account under an address that it had before.
        for (state, expected) in [
            (MemberState::Joined, Err(Refusal::AlreadyMember)),
            (MemberState::Excluded, Err(Refusal::MemberExcluded)),
            (MemberState::Left, Ok(())),
        ] {
            assert_eq!(join(&invited, &invitation, &[member("old@demo.example", Some(invited.id), state)]), expected);
        }
        let moved = Person { email: invitation.email.clone(), ..lead.clone() };
        assert_eq!(join(&moved, &invitation, &[]), Err(Refusal::AlreadyMember), "the lead, at an invited address");
        let over = project(&lead, Some(Timestamp(1)));
        assert_eq!(check_join(&invited, &over, (&invitation, &[]), NOW), Err(Refusal::ProjectEnded));
        let unproved = Person { email_verified_at: None, ..invited.clone() };
        assert_eq!(join(&unproved, &invitation, &[]), Err(Refusal::NotFound));
        let joined = Member { person: Some(invited.id), state: MemberState::Joined, ..invitation.clone() };
        assert_eq!(join(&invited, &joined, &[]), Err(Refusal::NotFound));
        assert_eq!(check_leave(&invited, &joined), Ok(()));
        assert_eq!(check_leave(&lead, &joined), Err(Refusal::NotFound));
        assert_eq!(check_leave(&invited, &invitation), Err(Refusal::NotFound));
        assert_eq!(check_remove(&lead, &running, &joined), Ok(()));
        assert_eq!(check_remove(&invited, &running, &joined), Err(Refusal::NotFound));
        let removed = Member { state: MemberState::Removed, ..joined };
        assert_eq!(check_remove(&lead, &running, &removed), Err(Refusal::NotFound));
    }

    #[test]
    fn only_reviewers_outside_the_project_exclude_and_only_while_they_have_a_say() {
        let (lead, reviewer) = (person(1, "lead@demo.example"), person(2, "reviewer@demo.example"));
        let joined = member("joined@demo.example", Some(PersonId(Uuid::from_u128(3))), MemberState::Joined);
        let draft = AccessRequest::draft(Uuid::nil().into(), Uuid::nil().into(), None, lead.id);
        let (reviewers, outside, inside) = ([reviewer.id], [lead.id], [lead.id, reviewer.id]);
        let exclude = |actor: &Person, stage, people: &[PersonId], member: &Member| {
            let request = AccessRequest { stage, ..draft.clone() };
            check_exclude(actor, RequestCommittee { request: &request, reviewers: &reviewers, people }, member)
        };
        for stage in Stage::ALL {
            let expected = matches!(stage, Stage::Submitted | Stage::Approved).then_some(()).ok_or(Refusal::NotFound);
            assert_eq!(exclude(&reviewer, stage, &outside, &joined), expected, "{stage}");
        }
        assert_eq!(exclude(&reviewer, Stage::Approved, &inside, &joined), Err(Refusal::OwnRequest));
        assert_eq!(exclude(&lead, Stage::Approved, &outside, &joined), Err(Refusal::NotFound));
        let unproved = Person { email_verified_at: None, ..reviewer.clone() };
        assert_eq!(exclude(&unproved, Stage::Approved, &outside, &joined), Err(Refusal::NotFound));
        let left = Member { state: MemberState::Left, ..joined.clone() };
        assert_eq!(exclude(&reviewer, Stage::Approved, &outside, &left), Err(Refusal::NotFound));
    }
}
