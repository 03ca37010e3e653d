//! Owners and stewards of organisations, and who was invited to be one.

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{organisation_members, people};
use crate::domain::Timestamp;
use crate::domain::ids::{OrganisationId, PersonId};
use crate::domain::membership::MemberState;
use crate::domain::organisation::{OrganisationMember, OrganisationRole};
use crate::domain::text::Email;

type MemberRow = (String, Option<String>, String, String, i64, Option<i64>);

fn member((email, person, role, state, invited_at, suspended_at): MemberRow) -> Result<OrganisationMember> {
    Ok(OrganisationMember {
        email: parse("address of a member", &email)?,
        person: person.map(|id| parse("person id", &id)).transpose()?,
        role: parse("role of a member", &role)?,
        state: parse("state of a member", &state)?,
        invited_at: Timestamp(invited_at),
        is_suspended: suspended_at.is_some(),
    })
}

/// Everybody who was invited to an organisation, in that order.
///
/// # Errors
/// When the database fails.
pub fn of_organisation(conn: &mut AnyConnection, organisation: OrganisationId) -> Result<Vec<OrganisationMember>> {
    let found: Vec<MemberRow> = organisation_members::table
        .left_join(people::table.on(people::id.nullable().eq(organisation_members::person_id)))
        .filter(organisation_members::organisation_id.eq(organisation.to_string()))
        .order((organisation_members::invited_at, organisation_members::email_key))
        .select((
            organisation_members::email,
            organisation_members::person_id,
            organisation_members::role,
            organisation_members::state,
            organisation_members::invited_at,
            people::suspended_at.nullable(),
        ))
        .load(conn)?;
    found.into_iter().map(member).collect()
}

/// The organisations that somebody has joined, with their role in each.
///
/// # Errors
/// When the database fails.
pub fn roles_of(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<(OrganisationId, OrganisationRole)>> {
    let rows: Vec<(String, String)> = organisation_members::table
        .filter(organisation_members::person_id.eq(person.to_string()))
        .filter(organisation_members::state.eq(MemberState::Joined.as_str()))
        .order(organisation_members::organisation_id)
        .select((organisation_members::organisation_id, organisation_members::role))
        .load(conn)?;
    rows.iter().map(roles).collect()
}

/// The roles that people have in organisations, each role once.
///
/// # Errors
/// When the database fails.
pub fn roles_of_several(conn: &mut AnyConnection, people: &[PersonId]) -> Result<Vec<(PersonId, OrganisationRole)>> {
    let people: Vec<String> = people.iter().map(ToString::to_string).collect();
    let rows: Vec<(Option<String>, String)> = organisation_members::table
        .filter(organisation_members::person_id.eq_any(people))
        .filter(organisation_members::state.eq(MemberState::Joined.as_str()))
        .order((organisation_members::person_id, organisation_members::role))
        .select((organisation_members::person_id, organisation_members::role))
        .distinct()
        .load(conn)?;
    let known = rows.into_iter().filter_map(|(person, role)| Some((person?, role)));
    known.map(|(person, role)| Ok((parse("person id", &person)?, parse("role of a member", &role)?))).collect()
}

/// The organisations to which an address is invited, with the role that it is to have.
///
/// # Errors
/// When the database fails.
pub fn invitations_of(conn: &mut AnyConnection, email: &Email) -> Result<Vec<(OrganisationId, OrganisationRole)>> {
    let rows: Vec<(String, String)> = organisation_members::table
        .filter(organisation_members::email_key.eq(email.key()))
        .filter(organisation_members::state.eq(MemberState::Invited.as_str()))
        .order(organisation_members::organisation_id)
        .select((organisation_members::organisation_id, organisation_members::role))
        .load(conn)?;
    rows.iter().map(roles).collect()
}

/// Whether an address is invited to some organisation.
///
/// # Errors
/// When the database fails.
pub fn is_invited(conn: &mut AnyConnection, email: &Email) -> Result<bool> {
    let invited = organisation_members::table
        .filter(organisation_members::email_key.eq(email.key()))
        .filter(organisation_members::state.eq(MemberState::Invited.as_str()));
    Ok(diesel::select(diesel::dsl::exists(invited)).get_result(conn)?)
}

fn roles((organisation, role): &(String, String)) -> Result<(OrganisationId, OrganisationRole)> {
    Ok((parse("organisation id", organisation)?, parse("role of a member", role)?))
}

/// Somebody's role in an organisation that they have joined.
///
/// # Errors
/// When the database fails.
pub fn role_of(
    conn: &mut AnyConnection,
    organisation: OrganisationId,
    person: PersonId,
) -> Result<Option<OrganisationRole>> {
    let role: Option<String> = organisation_members::table
        .filter(organisation_members::organisation_id.eq(organisation.to_string()))
        .filter(organisation_members::person_id.eq(person.to_string()))
        .filter(organisation_members::state.eq(MemberState::Joined.as_str()))
        .select(organisation_members::role)
        .first(conn)
        .optional()?;
    role.map(|role| parse("role of a member", &role)).transpose()
}

/// The accounts that own an organisation.
///
/// # Errors
/// When the database fails.
pub fn owners(conn: &mut AnyConnection, organisation: OrganisationId) -> Result<Vec<PersonId>> {
    let ids: Vec<Option<String>> = organisation_members::table
        .filter(organisation_members::organisation_id.eq(organisation.to_string()))
        .filter(organisation_members::role.eq(OrganisationRole::Owner.as_str()))
        .filter(organisation_members::state.eq(MemberState::Joined.as_str()))
        .order(organisation_members::person_id)
        .select(organisation_members::person_id)
        .load(conn)?;
    ids.into_iter().flatten().map(|id| parse("person id", &id)).collect()
}

/// Stores a member: somebody who is invited for the first time or again, or whose role or state changed.
///
/// # Errors
/// When the database fails.
pub fn save(conn: &mut AnyConnection, organisation: OrganisationId, member: &OrganisationMember) -> Result<()> {
    let key = (organisation.to_string(), member.email.key());
    let values = (
        organisation_members::email.eq(member.email.as_str()),
        organisation_members::person_id.eq(member.person.map(|id| id.to_string())),
        organisation_members::role.eq(member.role.as_str()),
        organisation_members::state.eq(member.state.as_str()),
        organisation_members::invited_at.eq(member.invited_at.0),
    );
    let present = organisation_members::table.find(key.clone());
    if diesel::update(present).set(values.clone()).execute(conn)? == 0 {
        let key = (organisation_members::organisation_id.eq(key.0), organisation_members::email_key.eq(key.1));
        diesel::insert_into(organisation_members::table).values((key, values)).execute(conn)?;
    }
    Ok(())
}
