//! Organisations: who holds data. Datasets, agreements, forms and committees each belong to one, which is run by its owners
//! and stewards. An installation begins with one.

use super::ids::{OrganisationId, PersonId};
use super::localised::{Localised, LocalisedError};
use super::member::{INVITATION_DAY, INVITATIONS_PER_DAY};
use super::membership::{MemberState, is_invited};
use super::person::{Person, Role};
use super::text::{Email, Slug, many_lines, one_line};
use super::words::words;
use super::{Refusal, Timestamp};

/// An organisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// Its name in addresses.
    pub slug: Slug,
    /// What it is called.
    pub name: Localised,
    /// About it, for everybody to read; Markdown.
    pub about: Localised,
    /// When it was suspended, if it is: nothing of it is delivered then.
    pub suspended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what it says of itself last changed.
    pub updated_at: Timestamp,
}

/// What a member of an organisation may do in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OrganisationRole {
    /// Publishes datasets, agreements and forms, and revokes grants.
    Steward,
    /// That, and names the other members, committees and what the organisation says of itself.
    Owner,
}

words! {
    OrganisationRole {
        Steward = "steward",
        Owner = "owner",
    }
}

/// Somebody who was invited to run an organisation, or does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganisationMember {
    /// The address to which the invitation went.
    pub email: Email,
    /// The account, once they have joined.
    pub person: Option<PersonId>,
    /// What they may do.
    pub role: OrganisationRole,
    /// How far they have come.
    pub state: MemberState,
    /// When they were invited.
    pub invited_at: Timestamp,
    /// Whether their account is suspended.
    pub is_suspended: bool,
}

impl OrganisationMember {
    /// Whether they have joined as an owner.
    pub fn is_joined_owner(&self) -> bool {
        self.role == OrganisationRole::Owner && self.state == MemberState::Joined
    }

    /// Whether they can act as an owner.
    fn is_acting_owner(&self) -> bool {
        self.is_joined_owner() && !self.is_suspended
    }
}

/// Whether nobody has joined an organisation as an owner. One whose account is suspended counts: who suspends accounts could
/// otherwise take organisations over.
pub fn lacks_owner(members: &[OrganisationMember]) -> bool {
    !members.iter().any(OrganisationMember::is_joined_owner)
}

/// Somebody, with their role in the organisation that something belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Officer<'a> {
    /// Who it is.
    pub person: &'a Person,
    /// Their role there, if they have one.
    pub role: Option<OrganisationRole>,
}

impl Officer<'_> {
    /// The role in which they act there.
    pub const fn acts_as(&self) -> Role {
        match self.role {
            Some(OrganisationRole::Owner) => Role::Owner,
            Some(OrganisationRole::Steward) => Role::Steward,
            None => self.person.role(),
        }
    }

    /// Whether they may publish and revoke.
    pub fn may_steward(&self) -> bool {
        self.role.is_some() && self.person.suspended_at.is_none()
    }

    /// Whether they may name members and committees, and decide in place of a committee.
    pub fn may_own(&self) -> bool {
        self.role == Some(OrganisationRole::Owner) && self.may_steward()
    }

    /// That they may publish and revoke.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for anybody who has no part in the organisation, [`Refusal::AccountSuspended`].
    pub fn check_steward(&self) -> Result<(), Refusal> {
        match self.role {
            None => Err(Refusal::NotFound),
            Some(_) if self.person.suspended_at.is_some() => Err(Refusal::AccountSuspended),
            Some(_) => Ok(()),
        }
    }

    /// That they may name members and committees.
    ///
    /// # Errors
    /// As [`Self::check_steward`]; [`Refusal::NotAllowed`] for stewards.
    pub fn check_owner(&self) -> Result<(), Refusal> {
        self.check_steward()?;
        if self.may_own() { Ok(()) } else { Err(Refusal::NotAllowed) }
    }
}

/// What an organisation says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganisationDescription {
    name: Localised,
    about: Localised,
}

/// What is wrong with a description.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DescriptionError {
    /// A name that can't be taken.
    #[error("name: {0}")]
    Name(LocalisedError),
    /// A text about it that can't be taken.
    #[error("about: {0}")]
    About(LocalisedError),
}

impl OrganisationDescription {
    /// The longest name, in characters.
    pub const NAME_MAX: usize = 200;
    /// The longest text about it, in characters.
    pub const ABOUT_MAX: usize = 20_000;

    /// Checks and trims what was typed; a text in a language may be missing, the name not in all.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(name: &Localised, about: &Localised) -> Result<Self, DescriptionError> {
        let name =
            name.parsed(|text| one_line(text, Self::NAME_MAX)).map_err(|error| DescriptionError::Name(error.into()))?;
        if name.is_empty() {
            return Err(DescriptionError::Name(LocalisedError::EMPTY));
        }
        let about = about
            .parsed(|text| many_lines(text, Self::ABOUT_MAX))
            .map_err(|error| DescriptionError::About(error.into()))?;
        Ok(Self { name, about })
    }

    /// What it is called.
    pub const fn name(&self) -> &Localised {
        &self.name
    }

    /// The organisation that this makes.
    pub fn found(self, id: OrganisationId, slug: Slug, now: Timestamp) -> Organisation {
        let Self { name, about } = self;
        Organisation { id, slug, name, about, suspended_at: None, created_at: now, updated_at: now }
    }

    /// The organisation as this describes it.
    #[must_use]
    pub fn apply(self, organisation: &Organisation, now: Timestamp) -> Organisation {
        let Self { name, about } = self;
        if organisation.name == name && organisation.about == about {
            return organisation.clone();
        }
        Organisation { name, about, updated_at: now, ..organisation.clone() }
    }
}

/// Whether somebody may make, suspend and restore organisations.
///
/// # Errors
/// [`Refusal::NotAllowed`].
pub fn check_administers(by: &Person) -> Result<(), Refusal> {
    if by.may_administer() { Ok(()) } else { Err(Refusal::NotAllowed) }
}

/// How many members an organisation may have.
pub const MEMBERS_MAX: usize = 500;

/// Whether somebody may invite another to an organisation; without an address, whether they may invite anybody. An administrator
/// may name an owner while nobody has joined as one.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn check_invite(
    by: Officer<'_>,
    members: &[OrganisationMember],
    wanted: Option<(&Email, OrganisationRole)>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let wants_owner = wanted.is_none_or(|(_, role)| role == OrganisationRole::Owner);
    if !(lacks_owner(members) && wants_owner && by.person.may_administer()) {
        by.check_owner()?;
    }
    if let Some((email, _)) = wanted
        && members.iter().any(|member| member.email.key() == email.key() && member.state.is_open())
    {
        return Err(Refusal::AlreadyMember);
    }
    let today = members.iter().filter(|member| member.invited_at + INVITATION_DAY > now).count();
    if today as u64 >= INVITATIONS_PER_DAY {
        return Err(Refusal::TooManyInvitations);
    }
    let open = members.iter().filter(|member| member.state.is_open()).count();
    if open >= MEMBERS_MAX { Err(Refusal::TooManyMembers) } else { Ok(()) }
}

/// Whether somebody may join an organisation by an invitation, given everybody who was invited.
///
/// # Errors
/// [`Refusal::NotFound`] for anybody who was not invited, [`Refusal::AccountSuspended`], [`Refusal::AlreadyMember`].
pub fn check_join(by: &Person, invitation: &OrganisationMember, members: &[OrganisationMember]) -> Result<(), Refusal> {
    if !is_invited(by, &invitation.email, invitation.state) {
        return Err(Refusal::NotFound);
    }
    if by.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    let joined = |member: &OrganisationMember| member.person == Some(by.id) && member.state == MemberState::Joined;
    if members.iter().any(joined) { Err(Refusal::AlreadyMember) } else { Ok(()) }
}

/// Whether somebody may end a membership: their own, or as an owner another's or an invitation. The last owner can't be removed.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn check_remove(
    by: Officer<'_>,
    member: &OrganisationMember,
    members: &[OrganisationMember],
) -> Result<(), Refusal> {
    if !member.state.is_open() {
        return Err(Refusal::NotFound);
    }
    if member.person != Some(by.person.id) {
        by.check_owner()?;
    } else if by.person.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    check_keeps_owner(member, members)
}

/// Whether an owner may give a member another role. `false` if that would change nothing.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn decide_role(
    by: Officer<'_>,
    member: &OrganisationMember,
    members: &[OrganisationMember],
    wanted: OrganisationRole,
) -> Result<bool, Refusal> {
    by.check_owner()?;
    if !member.state.is_open() {
        return Err(Refusal::NotFound);
    }
    if wanted < member.role {
        check_keeps_owner(member, members)?;
    }
    Ok(wanted != member.role)
}

/// Whether the operator may give somebody a role; `present` is the membership that they have, or that their address has. The
/// last owner stays one.
///
/// # Errors
/// [`Refusal::TargetUnverified`]; [`Refusal::AlreadyMember`] where another account joined with this address;
/// [`Refusal::LastOwner`].
pub fn check_appoint(
    person: &Person,
    present: Option<&OrganisationMember>,
    members: &[OrganisationMember],
    wanted: OrganisationRole,
) -> Result<(), Refusal> {
    if person.email_verified_at.is_none() {
        return Err(Refusal::TargetUnverified);
    }
    match present {
        Some(member) if member.state == MemberState::Joined && member.person != Some(person.id) => {
            Err(Refusal::AlreadyMember)
        }
        Some(member) if wanted < member.role => check_keeps_owner(member, members),
        _ => Ok(()),
    }
}

/// Whether an organisation has an owner without this member, if they are one.
///
/// # Errors
/// [`Refusal::LastOwner`].
pub fn check_keeps_owner(member: &OrganisationMember, members: &[OrganisationMember]) -> Result<(), Refusal> {
    let is_other = |other: &OrganisationMember| other.email.key() != member.email.key() && other.is_acting_owner();
    if member.is_joined_owner() && !members.iter().any(is_other) { Err(Refusal::LastOwner) } else { Ok(()) }
}

/// What somebody may see of what organisations hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ManageScope {
    /// What these organisations hold.
    Of(Vec<OrganisationId>),
    /// What all hold, for auditors.
    Everything,
}

impl ManageScope {
    /// Whether something of an organisation may be seen.
    pub fn covers(&self, organisation: OrganisationId) -> bool {
        match self {
            Self::Of(organisations) => organisations.contains(&organisation),
            Self::Everything => true,
        }
    }
}

/// What somebody may see of what organisations hold, with these roles in them; `None` for somebody who has none.
pub fn manage_scope(reader: &Person, roles: &[(OrganisationId, OrganisationRole)]) -> Option<ManageScope> {
    if reader.suspended_at.is_some() {
        return None;
    }
    if reader.may_audit() {
        return Some(ManageScope::Everything);
    }
    (!roles.is_empty()).then(|| ManageScope::Of(roles.iter().map(|(organisation, _)| *organisation).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn person(number: u128, address: &str) -> Person {
        let fixture = Person::fixture(PersonId(Uuid::from_u128(number)));
        Person { email: address.parse().unwrap(), email_verified_at: Some(Timestamp(0)), ..fixture }
    }

    fn member(person: &Person, role: OrganisationRole, state: MemberState) -> OrganisationMember {
        let id = (state == MemberState::Joined).then_some(person.id);
        let (email, invited_at) = (person.email.clone(), Timestamp(0));
        OrganisationMember { email, person: id, role, state, invited_at, is_suspended: person.suspended_at.is_some() }
    }

    const OWNER: OrganisationRole = OrganisationRole::Owner;
    const STEWARD: OrganisationRole = OrganisationRole::Steward;
    const NOW: Timestamp = Timestamp(1_000_000_000_000_000);

    #[test]
    fn owners_invite_and_an_administrator_only_where_there_is_none() {
        let (owner, steward) = (person(1, "owner@demo.example"), person(2, "steward@demo.example"));
        let administrator = Person { administrator: true, ..person(3, "administrator@demo.example") };
        let everybody = [member(&owner, OWNER, MemberState::Joined), member(&steward, STEWARD, MemberState::Joined)];
        let new: Email = "new@demo.example".parse().unwrap();
        let invite = |person, role, members: &[_], email: &Email, wanted| {
            check_invite(Officer { person, role }, members, Some((email, wanted)), NOW)
        };
        assert_eq!(invite(&owner, Some(OWNER), &everybody, &new, STEWARD), Ok(()));
        assert_eq!(invite(&owner, Some(OWNER), &everybody, &steward.email, OWNER), Err(Refusal::AlreadyMember));
        assert_eq!(invite(&steward, Some(STEWARD), &everybody, &new, STEWARD), Err(Refusal::NotAllowed));
        assert_eq!(invite(&administrator, None, &everybody, &new, OWNER), Err(Refusal::NotFound));
        assert_eq!(invite(&administrator, None, &everybody[1..], &new, OWNER), Ok(()));
        assert_eq!(invite(&administrator, None, &everybody[1..], &new, STEWARD), Err(Refusal::NotFound));
        let invited = [member(&owner, OWNER, MemberState::Invited)];
        assert_eq!(invite(&administrator, None, &invited, &new, OWNER), Ok(()), "nobody has joined");
        let suspended = Person { suspended_at: Some(Timestamp(1)), ..owner.clone() };
        assert_eq!(invite(&suspended, Some(OWNER), &everybody, &new, OWNER), Err(Refusal::AccountSuspended));
        let gone = [member(&suspended, OWNER, MemberState::Joined)];
        assert_eq!(
            invite(&administrator, None, &gone, &new, OWNER),
            Err(Refusal::NotFound),
            "the owner is only suspended"
        );
        let many: Vec<_> = (0..INVITATIONS_PER_DAY)
            .map(|n| OrganisationMember {
                email: format!("{n}@demo.example").parse().unwrap(),
                invited_at: NOW,
                state: MemberState::Removed,
                ..everybody[1].clone()
            })
            .collect();
        let many = [&everybody[..], &many].concat();
        assert_eq!(invite(&owner, Some(OWNER), &many, &new, STEWARD), Err(Refusal::TooManyInvitations));
    }

    #[test]
    fn an_organisation_keeps_an_owner() {
        let (owner, other) = (person(1, "owner@demo.example"), person(2, "other@demo.example"));
        let alone = [member(&owner, OWNER, MemberState::Joined), member(&other, OWNER, MemberState::Invited)];
        let by = Officer { person: &owner, role: Some(OWNER) };
        assert_eq!(check_remove(by, &alone[0], &alone), Err(Refusal::LastOwner));
        assert_eq!(decide_role(by, &alone[0], &alone, STEWARD), Err(Refusal::LastOwner));
        assert_eq!(check_remove(by, &alone[1], &alone), Ok(()), "an invitation is taken back");
        assert_eq!(check_appoint(&owner, Some(&alone[0]), &alone, STEWARD), Err(Refusal::LastOwner));
        assert_eq!(check_appoint(&owner, Some(&alone[0]), &alone, OWNER), Ok(()));
        assert_eq!(check_appoint(&other, None, &alone, STEWARD), Ok(()));
        let unproved = Person { email_verified_at: None, ..other.clone() };
        assert_eq!(check_appoint(&unproved, None, &alone, STEWARD), Err(Refusal::TargetUnverified));
        assert_eq!(check_appoint(&other, Some(&alone[0]), &alone, OWNER), Err(Refusal::AlreadyMember));
        let two = [alone[0].clone(), member(&other, OWNER, MemberState::Joined)];
        assert_eq!(check_appoint(&owner, Some(&two[0]), &two, STEWARD), Ok(()));
        assert_eq!(check_remove(by, &two[0], &two), Ok(()), "leaving");
        assert_eq!(decide_role(by, &two[1], &two, STEWARD), Ok(true));
        let suspended = Person { suspended_at: Some(Timestamp(1)), ..other.clone() };
        let alone = [alone[0].clone(), member(&suspended, OWNER, MemberState::Joined)];
        assert_eq!(check_remove(by, &alone[0], &alone), Err(Refusal::LastOwner), "the other can't act");
        assert_eq!(decide_role(by, &two[1], &two, OWNER), Ok(false));
        let stranger = Officer { person: &other, role: None };
        assert_eq!(check_remove(stranger, &two[0], &two), Err(Refusal::NotFound));
    }

    #[test]
    fn only_who_was_invited_joins() {
        let (owner, other) = (person(1, "owner@demo.example"), person(2, "Other@demo.example"));
        let invited = [member(&other, STEWARD, MemberState::Invited)];
        assert_eq!(check_join(&other, &invited[0], &invited), Ok(()));
        assert_eq!(check_join(&owner, &invited[0], &invited), Err(Refusal::NotFound));
        let unproved = Person { email_verified_at: None, ..other.clone() };
        assert_eq!(check_join(&unproved, &invited[0], &invited), Err(Refusal::NotFound));
        let before = OrganisationMember {
            email: "before@demo.example".parse().unwrap(),
            ..member(&other, OWNER, MemberState::Joined)
        };
        assert_eq!(check_join(&other, &invited[0], &[before, invited[0].clone()]), Err(Refusal::AlreadyMember));
    }
}
