//! Members of projects.

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{project_members, projects};
use crate::domain::Timestamp;
use crate::domain::ids::{PersonId, ProjectId};
use crate::domain::member::Member;
use crate::domain::membership::MemberState;
use crate::domain::text::Email;

type MemberRow = (String, Option<String>, String, i64);

fn member((email, person, state, invited_at): MemberRow) -> Result<Member> {
    Ok(Member {
        email: parse("address of a member", &email)?,
        person: person.map(|id| parse("person id", &id)).transpose()?,
        state: parse("state of a member", &state)?,
        invited_at: Timestamp(invited_at),
    })
}

macro_rules! rows {
    () => {
        project_members::table.select((
            project_members::email,
            project_members::person_id,
            project_members::state,
            project_members::invited_at,
        ))
    };
}

/// Everybody who was invited to a project, in that order.
///
/// # Errors
/// When the database fails.
pub fn of_project(conn: &mut AnyConnection, project: ProjectId) -> Result<Vec<Member>> {
    let found: Vec<MemberRow> = rows!()
        .filter(project_members::project_id.eq(project.to_string()))
        .order((project_members::invited_at, project_members::email_key))
        .load(conn)?;
    found.into_iter().map(member).collect()
}

/// The member whom an invitation to this address made.
///
/// # Errors
/// When the database fails.
pub fn by_email(conn: &mut AnyConnection, project: ProjectId, email: &Email) -> Result<Option<Member>> {
    let found: Option<MemberRow> = rows!()
        .filter(project_members::project_id.eq(project.to_string()))
        .filter(project_members::email_key.eq(email.key()))
        .first(conn)
        .optional()?;
    found.map(member).transpose()
}

/// The member that an account is.
///
/// # Errors
/// When the database fails.
pub fn by_person(conn: &mut AnyConnection, project: ProjectId, person: PersonId) -> Result<Option<Member>> {
    let found: Option<MemberRow> = rows!()
        .filter(project_members::project_id.eq(project.to_string()))
        .filter(project_members::person_id.eq(person.to_string()))
        .filter(project_members::state.eq(MemberState::Joined.as_str()))
        .first(conn)
        .optional()?;
    found.map(member).transpose()
}

/// The people of a project: its lead first, and its members.
///
/// # Errors
/// When the database fails.
pub fn people(conn: &mut AnyConnection, project: ProjectId) -> Result<Vec<PersonId>> {
    let lead: Option<String> =
        projects::table.find(project.to_string()).select(projects::lead_id).first(conn).optional()?;
    let joined: Vec<Option<String>> = project_members::table
        .filter(project_members::project_id.eq(project.to_string()))
        .filter(project_members::state.eq(MemberState::Joined.as_str()))
        .order((project_members::invited_at, project_members::email_key))
        .select(project_members::person_id)
        .load(conn)?;
    lead.into_iter().chain(joined.into_iter().flatten()).map(|id| parse("person id", &id)).collect()
}

/// Those of some people who are, or were, in a project that somebody is or was in.
///
/// # Errors
/// When the database fails.
pub fn sharing_a_project(conn: &mut AnyConnection, person: PersonId, others: &[PersonId]) -> Result<Vec<PersonId>> {
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    let led = projects::table.filter(projects::lead_id.eq(person.to_string())).select(projects::id);
    let mut own: Vec<String> = led.load(conn)?;
    let in_others = project_members::table.filter(project_members::person_id.eq(person.to_string()));
    own.extend(in_others.select(project_members::project_id).load::<String>(conn)?);
    let leads = projects::table.filter(projects::id.eq_any(&own)).filter(projects::lead_id.eq_any(&others));
    let mut sharing: Vec<String> = leads.select(projects::lead_id).load(conn)?;
    let members = project_members::table
        .filter(project_members::project_id.eq_any(&own))
        .filter(project_members::person_id.eq_any(&others));
    let members: Vec<Option<String>> = members.select(project_members::person_id).load(conn)?;
    sharing.extend(members.into_iter().flatten());
    sharing.sort_unstable();
    sharing.dedup();
    sharing.iter().map(|id| parse("person id", id)).collect()
}

/// How many people somebody has invited to projects of theirs since a time.
///
/// # Errors
/// When the database fails.
pub fn invited_by(conn: &mut AnyConnection, lead: PersonId, since: Timestamp) -> Result<u64> {
    let count: i64 = project_members::table
        .inner_join(projects::table.on(projects::id.eq(project_members::project_id)))
        .filter(projects::lead_id.eq(lead.to_string()))
        .filter(project_members::invited_at.gt(since.0))
        .count()
        .get_result(conn)?;
    Ok(count.unsigned_abs())
}

/// Invites somebody, for the first time or again.
///
/// # Errors
/// When the database fails.
pub fn invite(conn: &mut AnyConnection, project: ProjectId, email: &Email, now: Timestamp) -> Result<()> {
    let key = (project.to_string(), email.key());
    diesel::delete(project_members::table.find(key.clone())).execute(conn)?;
    diesel::insert_into(project_members::table)
        .values((
            project_members::project_id.eq(key.0),
            project_members::email_key.eq(key.1),
            project_members::email.eq(email.as_str()),
            project_members::person_id.eq(None::<String>),
            project_members::state.eq(MemberState::Invited.as_str()),
            project_members::invited_at.eq(now.0),
            project_members::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes how far somebody has come.
///
/// # Errors
/// When the database fails.
pub fn set_state(
    conn: &mut AnyConnection,
    project: ProjectId,
    (email, person): (&Email, Option<PersonId>),
    state: MemberState,
    now: Timestamp,
) -> Result<()> {
    diesel::update(project_members::table.find((project.to_string(), email.key())))
        .set((
            project_members::person_id.eq(person.map(|id| id.to_string())),
            project_members::state.eq(state.as_str()),
            project_members::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}
