//! Lists of access requests: a person's, a project's, and what waits for whom.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::access_requests::RequestRow;
use super::columns::{from_json, number, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::people::PersonRow;
use super::projects;
use super::schema::{
    access_requests, committee_members, datasets, organisation_members, people, projects as projects_table, recusals,
    reviews,
};
use crate::domain::Timestamp;
use crate::domain::access_request::reading::ReviewScope;
use crate::domain::access_request::{AccessRequest, Stage};
use crate::domain::ids::{DatasetId, PersonId, ProjectId, RequestId};
use crate::domain::localised::Localised;
use crate::domain::membership::MemberState;
use crate::domain::organisation::OrganisationRole;
use crate::domain::person::Person;
use crate::domain::text::Slug;

/// A line of a list of requests.
#[derive(Clone, Debug)]
pub struct RequestLine {
    /// Its id.
    pub id: RequestId,
    /// Where it stands.
    pub stage: Stage,
    /// How often it was submitted.
    pub round: u32,
    /// The dataset that is asked for.
    pub dataset_id: DatasetId,
    /// The dataset's address.
    pub dataset: Slug,
    /// The dataset's title.
    pub title: Localised,
    /// The project that it is for: its id and title.
    pub project: Option<(ProjectId, String)>,
    /// Who asks.
    pub applicant: Person,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was last submitted.
    pub submitted_at: Option<Timestamp>,
    /// When the decision was due, or is, if the committee has so many days.
    pub due_at: Option<Timestamp>,
}

/// The columns of a line.
pub(super) type LineRow = (RequestRow, String, String, PersonRow, Option<String>);

/// A line of what was read.
pub(super) fn line((row, slug, title, person, project): LineRow) -> Result<RequestLine> {
    let project = row.project_id.as_deref().zip(project);
    Ok(RequestLine {
        id: parse("request id", &row.id)?,
        stage: parse("stage", &row.stage)?,
        round: number(row.round),
        dataset_id: parse("dataset id", &row.dataset_id)?,
        dataset: parse("slug", &slug)?,
        title: from_json("title", &title)?,
        project: match project {
            Some((id, title)) => Some((parse("project id", id)?, title)),
            None => None,
        },
        applicant: person.try_into()?,
        created_at: Timestamp(row.created_at),
        submitted_at: row.submitted_at.map(Timestamp),
        due_at: row.due_at.map(Timestamp),
    })
}

/// That somebody decides about requests for the dataset, as a reviewer or as an owner of its organisation.
macro_rules! is_decided_by {
    ($person:expr) => {
        datasets::committee_id
            .eq_any(committees_of($person))
            .or(datasets::organisation_id.eq_any(organisations_owned_by($person)).nullable())
    };
}

macro_rules! lines {
    () => {
        access_requests::table
            .inner_join(datasets::table.on(datasets::id.eq(access_requests::dataset_id)))
            .inner_join(people::table.on(people::id.eq(access_requests::person_id)))
            .left_join(projects_table::table.on(projects_table::id.nullable().eq(access_requests::project_id)))
            .select((
                RequestRow::as_select(),
                datasets::slug,
                datasets::title,
                PersonRow::as_select(),
                projects_table::title.nullable(),
            ))
    };
}

pub(super) use {is_decided_by, lines};

fn newest_first(rows: Vec<LineRow>) -> Result<PageOf<RequestLine>> {
    let lines = rows.into_iter().map(line).collect::<Result<_>>()?;
    Ok(PageOf::cut(lines, |line: &RequestLine| Cursor::after(line.created_at, line.id)))
}

/// A person's requests, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_person(conn: &mut AnyConnection, person: PersonId, after: &Cursor) -> Result<PageOf<RequestLine>> {
    let rows = lines!()
        .filter(access_requests::person_id.eq(person.to_string()))
        .filter(older_than(after))
        .order((access_requests::created_at.desc(), access_requests::id.desc()))
        .limit(READ)
        .load(conn)?;
    newest_first(rows)
}

/// The requests of a project, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_project(conn: &mut AnyConnection, project: ProjectId, after: &Cursor) -> Result<PageOf<RequestLine>> {
    let rows = lines!()
        .filter(access_requests::project_id.eq(project.to_string()))
        .filter(older_than(after))
        .order((access_requests::created_at.desc(), access_requests::id.desc()))
        .limit(READ)
        .load(conn)?;
    newest_first(rows)
}

/// The other requests of an applicant that were submitted at some time, newest first, as far as `scope` shows them.
///
/// # Errors
/// When the database fails.
pub fn others_of_applicant(
    conn: &mut AnyConnection,
    request: &AccessRequest,
    scope: ReviewScope,
    after: &Cursor,
) -> Result<PageOf<RequestLine>> {
    let query = lines!()
        .filter(access_requests::person_id.eq(request.applicant.to_string()))
        .filter(access_requests::id.ne(request.id.to_string()))
        .filter(access_requests::round.gt(0))
        .filter(older_than(after))
        .order((access_requests::created_at.desc(), access_requests::id.desc()))
        .limit(READ);
    let rows = match scope {
        ReviewScope::Everything => query.load(conn)?,
        ReviewScope::Decider(person) => {
            query.filter(is_decided_by!(person)).filter(not(exists(own_recusals(person)))).load(conn)?
        }
    };
    newest_first(rows)
}

/// How many requests wait for this reviewer.
///
/// # Errors
/// When the database fails.
pub fn count_waiting(conn: &mut AnyConnection, person: PersonId) -> Result<u64> {
    let own = projects::ids_of_person(conn, person)?;
    let waiting: i64 =
        access_requests::table
            .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
            .filter(access_requests::person_id.ne(person.to_string()))
            .filter(for_others(&own))
            .filter(access_requests::dataset_id.eq_any(
                datasets::table.filter(datasets::committee_id.eq_any(committees_of(person))).select(datasets::id),
            ))
            .filter(not(exists(own_votes(person))))
            .filter(not(exists(own_recusals(person))))
            .count()
            .get_result(conn)?;
    Ok(unsigned(waiting))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn older_than(after: &Cursor) -> _ {
    let (key, id): (i64, String) = (after.key, after.id.clone());
    access_requests::created_at.lt(key).or(access_requests::created_at.eq(key).and(access_requests::id.lt(id)))
}

/// That the request is for none of these projects.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn for_others(own: &[String]) -> _ {
    let own: Vec<String> = own.to_vec();
    access_requests::project_id.is_null().or(access_requests::project_id.assume_not_null().ne_all(own))
}

/// A reviewer's votes on a request in its present round.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn own_votes(person: PersonId) -> _ {
    let id: String = person.to_string();
    reviews::table
        .filter(reviews::request_id.eq(access_requests::id))
        .filter(reviews::round.eq(access_requests::round))
        .filter(reviews::reviewer_id.eq(id))
}

/// That somebody has stepped aside from deciding on a request.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn own_recusals(person: PersonId) -> _ {
    let id: String = person.to_string();
    recusals::table.filter(recusals::request_id.eq(access_requests::id)).filter(recusals::person_id.eq(id))
}

/// The committees that somebody is a member of.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn committees_of(person: PersonId) -> _ {
    let id: String = person.to_string();
    committee_members::table
        .filter(committee_members::person_id.eq(id))
        .select(committee_members::committee_id.nullable())
}

/// The organisations that somebody owns.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn organisations_owned_by(person: PersonId) -> _ {
    let id: String = person.to_string();
    let owner: &'static str = OrganisationRole::Owner.as_str();
    let joined: &'static str = MemberState::Joined.as_str();
    organisation_members::table
        .filter(organisation_members::person_id.eq(id))
        .filter(organisation_members::role.eq(owner))
        .filter(organisation_members::state.eq(joined))
        .select(organisation_members::organisation_id)
}
