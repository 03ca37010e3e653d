//! Members of a project, beside its lead: invited by mail, each with an account, each signing for themselves.

use super::ids::PersonId;
use super::person::Person;
use super::project::Project;
use super::text::Email;
use super::words::words;
use super::{Refusal, Timestamp};

/// How far somebody has come in a project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// They were invited by mail.
    Invited,
    /// They are a member.
    Joined,
    /// They left.
    Left,
    /// The lead or a committee has removed them.
    Removed,
}

words! {
    MemberState {
        Invited = "invited",
        Joined = "joined",
        Left = "left",
        Removed = "removed",
    }
}

impl MemberState {
    /// Whether they are a member, or may become one.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Invited | Self::Joined)
    }
}

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

/// Whether somebody may invite another to a project.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn check_invite(
    actor: &Person,
    project: &Project,
    (members, email): (&[Member], Option<&Email>),
    lead: &Email,
) -> Result<(), Refusal> {
    check_lead(actor, project)?;
    // Mail goes out in their name.
    if actor.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified);
    }
    let open = || members.iter().filter(|member| member.state.is_open());
    let is_there = |email: &Email| email.key() == lead.key() || open().any(|member| member.email.key() == email.key());
    if email.is_some_and(is_there) {
        return Err(Refusal::AlreadyMember);
    }
    if open().count() >= MEMBERS_MAX { Err(Refusal::TooManyMembers) } else { Ok(()) }
}

fn check_lead(actor: &Person, project: &Project) -> Result<(), Refusal> {
    if project.lead != actor.id {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    if project.ended_at.is_some() { Err(Refusal::ProjectEnded) } else { Ok(()) }
}

/// Whether the account is the one that was invited: its address is the invited one, and was proved to be theirs.
pub fn is_invited(actor: &Person, member: &Member) -> bool {
    member.state == MemberState::Invited && actor.email_verified_at.is_some() && actor.email.key() == member.email.key()
}

/// Whether somebody may join a project.
///
/// # Errors
/// [`Refusal::NotFound`] for anybody who was not invited, [`Refusal::AccountSuspended`], [`Refusal::ProjectEnded`].
pub fn check_join(actor: &Person, project: &Project, member: &Member) -> Result<(), Refusal> {
    if !is_invited(actor, member) {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    if project.ended_at.is_some() { Err(Refusal::ProjectEnded) } else { Ok(()) }
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

/// Whether somebody may remove another from a project: its lead, or one who may decide about a request of it.
///
/// # Errors
/// [`Refusal::NotFound`] for anybody else, and when the other is no member; [`Refusal::AccountSuspended`].
pub fn check_remove(actor: &Person, project: &Project, member: &Member, is_decider: bool) -> Result<(), Refusal> {
    if project.lead != actor.id && !is_decider || !member.state.is_open() {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() { Err(Refusal::AccountSuspended) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ProjectId;
    use crate::domain::project::ProjectDescription;
    use uuid::Uuid;

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
        ];
        let invite = |actor: &Person, project: &Project, email: &str| {
            check_invite(actor, project, (&members, Some(&email.parse().unwrap())), &lead.email)
        };
        assert_eq!(invite(&lead, &running, "new@demo.example"), Ok(()));
        assert_eq!(invite(&lead, &running, "left@demo.example"), Ok(()));
        assert_eq!(invite(&lead, &running, "JOINED@demo.example"), Err(Refusal::AlreadyMember));
        assert_eq!(invite(&lead, &running, "Lead@demo.example"), Err(Refusal::AlreadyMember));
        assert_eq!(invite(&other, &running, "new@demo.example"), Err(Refusal::NotFound));
        assert_eq!(invite(&lead, &project(&lead, Some(Timestamp(1))), "new@demo.example"), Err(Refusal::ProjectEnded));
        let unverified = Person { email_verified_at: None, ..lead.clone() };
        assert_eq!(invite(&unverified, &running, "new@demo.example"), Err(Refusal::EmailUnverified));
        let many: Vec<_> =
            (0..MEMBERS_MAX).map(|n| member(&format!("m{n}@demo.example"), None, MemberState::Invited)).collect();
        assert_eq!(check_invite(&lead, &running, (&many, None), &lead.email), Err(Refusal::TooManyMembers));
    }

    #[test]
    fn only_who_was_invited_joins_and_only_members_leave() {
        let (lead, invited) = (person(1, "lead@demo.example"), person(2, "invited@demo.example"));
        let running = project(&lead, None);
        let invitation = member("Invited@demo.example", None, MemberState::Invited);
        assert_eq!(check_join(&invited, &running, &invitation), Ok(()));
        assert_eq!(check_join(&lead, &running, &invitation), Err(Refusal::NotFound));
        let unproved = Person { email_verified_at: None, ..invited.clone() };
        assert_eq!(check_join(&unproved, &running, &invitation), Err(Refusal::NotFound));
        let joined = Member { person: Some(invited.id), state: MemberState::Joined, ..invitation.clone() };
        assert_eq!(check_join(&invited, &running, &joined), Err(Refusal::NotFound));
        assert_eq!(check_leave(&invited, &joined), Ok(()));
        assert_eq!(check_leave(&lead, &joined), Err(Refusal::NotFound));
        assert_eq!(check_leave(&invited, &invitation), Err(Refusal::NotFound));
        for (actor, is_decider, expected) in
            [(&lead, false, Ok(())), (&invited, false, Err(Refusal::NotFound)), (&invited, true, Ok(()))]
        {
            assert_eq!(check_remove(actor, &running, &joined, is_decider), expected);
        }
        let removed = Member { state: MemberState::Removed, ..joined };
        assert_eq!(check_remove(&lead, &running, &removed, false), Err(Refusal::NotFound));
    }
}
