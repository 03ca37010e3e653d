//! Projects.

use std::collections::HashMap;

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::schema::{access_requests, project_members, projects};
use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::day::Day;
use crate::domain::ids::{PersonId, ProjectId, RequestId};
use crate::domain::membership::MemberState;
use crate::domain::person::Person;
use crate::domain::project::{Project, ProjectDescription};
use crate::domain::search::fold;

#[derive(Queryable, Selectable)]
#[diesel(table_name = projects)]
pub(super) struct ProjectRow {
    id: String,
    title: String,
    purpose: String,
    lay_summary: Option<String>,
    institution: String,
    from_day: Option<String>,
    until_day: Option<String>,
    lead_id: String,
    ended_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<ProjectRow> for Project {
    type Error = super::error::Error;
    fn try_from(row: ProjectRow) -> Result<Self> {
        let day = |text: Option<String>| text.map(|text| parse("day of a project", &text)).transpose();
        Ok(Self {
            id: parse("project id", &row.id)?,
            description: ProjectDescription {
                title: row.title,
                purpose: row.purpose,
                lay_summary: row.lay_summary,
                institution: row.institution,
                from: day(row.from_day)?,
                until: day(row.until_day)?,
            },
            lead: parse("person id", &row.lead_id)?,
            ended_at: row.ended_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

fn search_text(description: &ProjectDescription) -> String {
    let ProjectDescription { title, purpose, lay_summary, institution, .. } = description;
    fold(&[title, purpose, lay_summary.as_deref().unwrap_or_default(), institution].join("\n"))
}

/// The columns of what a project says.
macro_rules! description {
    ($description:expr) => {{
        let description = $description;
        (
            projects::title.eq(&description.title),
            projects::purpose.eq(&description.purpose),
            projects::lay_summary.eq(description.lay_summary.as_deref()),
            projects::institution.eq(&description.institution),
            projects::search.eq(search_text(description)),
            projects::from_day.eq(description.from.map(|day| day.to_string())),
            projects::until_day.eq(description.until.map(|day| day.to_string())),
        )
    }};
}

/// Adds a project.
///
/// # Errors
/// When the database fails.
pub fn insert(conn: &mut AnyConnection, project: &Project) -> Result<()> {
    diesel::insert_into(projects::table)
        .values((
            projects::id.eq(project.id.to_string()),
            description!(&project.description),
            projects::lead_id.eq(project.lead.to_string()),
            projects::ended_at.eq(project.ended_at.map(|at| at.0)),
            projects::created_at.eq(project.created_at.0),
            projects::updated_at.eq(project.updated_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// One project.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: ProjectId) -> Result<Option<Project>> {
    let row = projects::table.find(id.to_string()).select(ProjectRow::as_select()).first(conn).optional()?;
    row.map(Project::try_from).transpose()
}

/// Changes what a project says.
///
/// # Errors
/// When the database fails.
pub fn describe(
    conn: &mut AnyConnection,
    id: ProjectId,
    description: &ProjectDescription,
    now: Timestamp,
) -> Result<()> {
    diesel::update(projects::table.find(id.to_string()))
        .set((description!(description), projects::updated_at.eq(now.0)))
        .execute(conn)?;
    Ok(())
}

/// Ends a project.
///
/// # Errors
/// When the database fails.
pub fn end(conn: &mut AnyConnection, id: ProjectId, now: Timestamp) -> Result<()> {
    diesel::update(projects::table.find(id.to_string()))
        .set((projects::ended_at.eq(now.0), projects::updated_at.eq(now.0)))
        .execute(conn)?;
    Ok(())
}

/// The projects that somebody leads, is a member of, or is invited to, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_person(conn: &mut AnyConnection, person: &Person, after: &Cursor) -> Result<PageOf<Project>> {
    let joined = project_members::person_id
        .eq(person.id.to_string())
        .and(project_members::state.eq(MemberState::Joined.as_str()));
    // An address that was not proved may be somebody else's.
    let own_key = person.email_verified_at.map(|_| person.email.key());
    let invited = project_members::email_key
        .nullable()
        .eq(own_key)
        .and(project_members::state.eq(MemberState::Invited.as_str()).nullable());
    let member = project_members::table.filter(joined.nullable().or(invited)).select(project_members::project_id);
    let older = projects::created_at
        .lt(after.key)
        .or(projects::created_at.eq(after.key).and(projects::id.lt(after.id.clone())));
    let rows: Vec<ProjectRow> = projects::table
        .filter(projects::lead_id.eq(person.id.to_string()).or(projects::id.eq_any(member)))
        .filter(older)
        .order((projects::created_at.desc(), projects::id.desc()))
        .limit(READ)
        .select(ProjectRow::as_select())
        .load(conn)?;
    let found = rows.into_iter().map(Project::try_from).collect::<Result<_>>()?;
    Ok(PageOf::cut(found, |project: &Project| Cursor::after(project.created_at, project.id)))
}

/// The ids of the projects that somebody leads or is a member of, as they are stored.
///
/// # Errors
/// When the database fails.
pub(super) fn ids_of_person(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<String>> {
    let mut ids: Vec<String> =
        projects::table.filter(projects::lead_id.eq(person.to_string())).select(projects::id).load(conn)?;
    let joined: Vec<String> = project_members::table
        .filter(project_members::person_id.eq(person.to_string()))
        .filter(project_members::state.eq(MemberState::Joined.as_str()))
        .select(project_members::project_id)
        .load(conn)?;
    ids.extend(joined);
    Ok(ids)
}

/// The projects of a lead that were not ended.
///
/// # Errors
/// When the database fails.
pub fn not_ended(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<Project>> {
    projects::table
        .filter(projects::lead_id.eq(person.to_string()))
        .filter(projects::ended_at.is_null())
        .order(projects::id)
        .select(ProjectRow::as_select())
        .load(conn)?
        .into_iter()
        .map(Project::try_from)
        .collect()
}

/// The running projects that somebody leads, newest first, as many as a page offers.
///
/// # Errors
/// When the database fails.
pub fn running_of_lead(conn: &mut AnyConnection, person: PersonId, now: Timestamp) -> Result<Vec<Project>> {
    let rows: Vec<ProjectRow> = projects::table
        .filter(projects::lead_id.eq(person.to_string()))
        .filter(projects::ended_at.is_null())
        .filter(projects::until_day.is_null().or(projects::until_day.ge(Day::of(now).to_string())))
        .order((projects::created_at.desc(), projects::id.desc()))
        .limit(READ)
        .select(ProjectRow::as_select())
        .load(conn)?;
    let found: Vec<Project> = rows.into_iter().map(Project::try_from).collect::<Result<_>>()?;
    Ok(found.into_iter().filter(|project| project.is_running(now)).collect())
}

/// Whether what a project says is settled: a committee reads it, or has approved it.
///
/// # Errors
/// When the database fails.
pub fn is_settled(conn: &mut AnyConnection, id: ProjectId) -> Result<bool> {
    let settling = Stage::ALL.into_iter().filter(|stage| stage.settles_project()).map(Stage::as_str);
    let settled: i64 = access_requests::table
        .filter(access_requests::project_id.eq(id.to_string()))
        .filter(access_requests::stage.eq_any(settling))
        .count()
        .get_result(conn)?;
    Ok(settled > 0)
}

/// The requests of a project with their stages, newest first.
///
/// # Errors
/// When the database fails.
pub fn requests(conn: &mut AnyConnection, id: ProjectId) -> Result<Vec<(RequestId, Stage)>> {
    let rows: Vec<(String, String)> = access_requests::table
        .filter(access_requests::project_id.eq(id.to_string()))
        .order((access_requests::created_at.desc(), access_requests::id.desc()))
        .select((access_requests::id, access_requests::stage))
        .load(conn)?;
    rows.iter().map(|(id, stage)| Ok((parse("request id", id)?, parse("stage", stage)?))).collect()
}

/// What projects are called, by their numbers.
///
/// # Errors
/// When the database fails.
pub fn titles(conn: &mut AnyConnection, ids: &[String]) -> Result<HashMap<String, String>> {
    let rows = projects::table.filter(projects::id.eq_any(ids)).select((projects::id, projects::title));
    Ok(rows.load::<(String, String)>(conn)?.into_iter().collect())
}
