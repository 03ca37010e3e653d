//! Organisations: what everybody reads about one, who runs it, and who decides there.

use crate::domain::Timestamp;
use crate::domain::committee::Committee;
use crate::domain::ids::{OrganisationId, PersonId};
use crate::domain::organisation::{
    ManageScope, Officer, Organisation, OrganisationMember, OrganisationRole, check_invite, check_remove, decide_role,
    lacks_owner,
};
use crate::domain::person::Person;
use crate::domain::text::Slug;
use crate::domain::working_days::Holidays;
use crate::store::{AnyConnection, Result, committees, organisation_members, organisations, people};

/// A member of an organisation, with what the reader may do.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// The member.
    pub member: OrganisationMember,
    /// Their name, once they have joined.
    pub name: Option<String>,
    /// Whether it is the reader.
    pub is_reader: bool,
    /// Whether the reader may end their part: their own, or as an owner.
    pub may_remove: bool,
    /// The other role, if the reader may give it to them.
    pub other_role: Option<OrganisationRole>,
}

/// Who runs an organisation.
#[derive(Clone, Debug)]
pub struct MembersView {
    /// The organisation.
    pub organisation: Organisation,
    /// Its members, and who is invited.
    pub rows: Vec<MemberRow>,
    /// Whether the reader may invite others.
    pub may_invite: bool,
    /// Whether nobody can act as an owner.
    pub is_ownerless: bool,
}

/// Who runs an organisation; `None` where the reader sees nothing of it.
///
/// # Errors
/// When the database fails.
pub fn members(
    conn: &mut AnyConnection,
    (slug, scope): (&Slug, &ManageScope),
    reader: &Person,
    now: Timestamp,
) -> Result<Option<MembersView>> {
    let Some(organisation) = seen(conn, slug, scope)? else { return Ok(None) };
    members_of(conn, organisation, reader, now).map(Some)
}

/// Who runs an organisation that the reader may see.
///
/// # Errors
/// When the database fails.
pub fn members_of(
    conn: &mut AnyConnection,
    organisation: Organisation,
    reader: &Person,
    now: Timestamp,
) -> Result<MembersView> {
    let everybody = organisation_members::of_organisation(conn, organisation.id)?;
    let role = organisation_members::role_of(conn, organisation.id, reader.id)?;
    let officer = Officer { person: reader, role };
    let ids: Vec<PersonId> = everybody.iter().filter_map(|member| member.person).collect();
    let accounts = people::by_ids(conn, &ids)?;
    let open = everybody.iter().filter(|member| member.state.is_open());
    let rows: Vec<MemberRow> = open
        .map(|member| {
            let account = accounts.iter().find(|person| Some(person.id) == member.person);
            let other = match member.role {
                OrganisationRole::Owner => OrganisationRole::Steward,
                OrganisationRole::Steward => OrganisationRole::Owner,
            };
            MemberRow {
                name: account.map(|person| person.name.to_string()),
                is_reader: member.person == Some(reader.id),
                may_remove: check_remove(officer, member, &everybody).is_ok(),
                other_role: Some(other).filter(|role| decide_role(officer, member, &everybody, *role) == Ok(true)),
                member: member.clone(),
            }
        })
        .collect();
    let may_invite = check_invite(officer, &everybody, None, now).is_ok();
    Ok(MembersView { organisation, rows, may_invite, is_ownerless: lacks_owner(&everybody) })
}

/// An organisation, and the days on which it does not work; `None` where the reader sees nothing of it.
///
/// # Errors
/// When the database fails.
pub fn holidays(
    conn: &mut AnyConnection,
    slug: &Slug,
    scope: &ManageScope,
) -> Result<Option<(Organisation, Holidays)>> {
    let Some(organisation) = seen(conn, slug, scope)? else { return Ok(None) };
    let holidays = organisations::holidays(conn, organisation.id)?;
    Ok(Some((organisation, holidays)))
}

/// A committee with the names of its members.
#[derive(Clone, Debug)]
pub struct CommitteeRow {
    /// The committee.
    pub committee: Committee,
    /// Its members' accounts.
    pub members: Vec<Person>,
    /// How many datasets it decides about.
    pub datasets: usize,
}

/// The committees of an organisation.
#[derive(Clone, Debug)]
pub struct CommitteesView {
    /// The organisation.
    pub organisation: Organisation,
    /// Its committees.
    pub rows: Vec<CommitteeRow>,
    /// Whether the reader may set up committees.
    pub may_change: bool,
}

/// The committees of an organisation; `None` where the reader sees nothing of it.
///
/// # Errors
/// When the database fails.
pub fn committees(
    conn: &mut AnyConnection,
    (slug, scope): (&Slug, &ManageScope),
    reader: &Person,
) -> Result<Option<CommitteesView>> {
    let Some(organisation) = seen(conn, slug, scope)? else { return Ok(None) };
    let mut rows = Vec::new();
    for committee in committees::of_organisation(conn, organisation.id)? {
        let members = people::by_ids(conn, &committee.members)?;
        let datasets = committees::datasets_of(conn, committee.id)?.len();
        rows.push(CommitteeRow { committee, members, datasets });
    }
    let role = organisation_members::role_of(conn, organisation.id, reader.id)?;
    let may_change = Officer { person: reader, role }.check_owner().is_ok();
    Ok(Some(CommitteesView { organisation, rows, may_change }))
}

/// An organisation, if the reader sees something of it.
///
/// # Errors
/// When the database fails.
pub fn seen(conn: &mut AnyConnection, slug: &Slug, scope: &ManageScope) -> Result<Option<Organisation>> {
    Ok(organisations::by_slug(conn, slug)?.filter(|organisation| scope.covers(organisation.id)))
}

/// The organisations to which an account is invited, with the role that it is to have.
///
/// # Errors
/// When the database fails.
pub fn invitations(conn: &mut AnyConnection, person: &Person) -> Result<Vec<(Organisation, OrganisationRole)>> {
    let Some(email) = person.proved_email() else { return Ok(Vec::new()) };
    let invited = organisation_members::invitations_of(conn, email)?;
    let ids: Vec<OrganisationId> = invited.iter().map(|(organisation, _)| *organisation).collect();
    let found = organisations::by_ids(conn, &ids)?.into_iter().filter_map(|organisation| {
        let (_, role) = invited.iter().find(|(id, _)| *id == organisation.id)?;
        Some((organisation, *role))
    });
    Ok(found.collect())
}
