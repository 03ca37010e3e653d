//! Access requests and their reviews.

use diesel::prelude::*;

use super::columns::{from_json, parse, to_json, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::people::PersonRow;
use super::projects;
use super::schema::{
    access_requests, committee_members, datasets, organisation_members, people, projects as projects_table, reviews,
};
use crate::domain::Timestamp;
use crate::domain::access_request::rules::ReviewScope;
use crate::domain::access_request::{AccessRequest, Stage, Verdict, Vote};
use crate::domain::form::Answers;
use crate::domain::ids::{DatasetId, PersonId, ProjectId, RequestId};
use crate::domain::localised::Localised;
use crate::domain::membership::MemberState;
use crate::domain::organisation::OrganisationRole;
use crate::domain::person::Person;
use crate::domain::text::Slug;

/// A request with what its pages show beside its state.
#[derive(Clone, Debug)]
pub struct StoredRequest {
    /// Its state.
    pub request: AccessRequest,
    /// The answers so far.
    pub answers: Answers,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was last submitted.
    pub submitted_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = access_requests)]
struct RequestRow {
    id: String,
    dataset_id: String,
    project_id: Option<String>,
    person_id: String,
    stage: String,
    round: i32,
    answers: String,
    created_at: i64,
    updated_at: i64,
    submitted_at: Option<i64>,
}

impl RequestRow {
    fn with_votes(self, votes: Vec<Vote>) -> Result<StoredRequest> {
        Ok(StoredRequest {
            request: AccessRequest {
                id: parse("request id", &self.id)?,
                dataset: parse("dataset id", &self.dataset_id)?,
                project: self.project_id.map(|id| parse("project id", &id)).transpose()?,
                applicant: parse("person id", &self.person_id)?,
                stage: parse("stage", &self.stage)?,
                round: u32::try_from(self.round).unwrap_or(0),
                votes,
            },
            answers: from_json("answers", &self.answers)?,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            submitted_at: self.submitted_at.map(Timestamp),
        })
    }
}

fn round_column(round: u32) -> i32 {
    i32::try_from(round).unwrap_or(i32::MAX)
}

/// Adds a request.
///
/// # Errors
/// When the database fails, or the person has an open request for the dataset.
pub fn insert(conn: &mut AnyConnection, request: &AccessRequest, answers: &Answers, now: Timestamp) -> Result<()> {
    diesel::insert_into(access_requests::table)
        .values((
            access_requests::id.eq(request.id.to_string()),
            access_requests::dataset_id.eq(request.dataset.to_string()),
            access_requests::project_id.eq(request.project.map(|id| id.to_string())),
            access_requests::person_id.eq(request.applicant.to_string()),
            access_requests::stage.eq(request.stage.as_str()),
            access_requests::round.eq(round_column(request.round)),
            access_requests::answers.eq(to_json(answers)),
            access_requests::created_at.eq(now.0),
            access_requests::updated_at.eq(now.0),
            access_requests::submitted_at.eq(None::<i64>),
        ))
        .execute(conn)?;
    Ok(())
}

/// A request with the votes of its present round.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: RequestId) -> Result<Option<StoredRequest>> {
    let row = access_requests::table.find(id.to_string()).select(RequestRow::as_select()).first(conn).optional()?;
    let Some(row) = row else { return Ok(None) };
    let votes: Vec<(String, String)> = reviews::table
        .filter(reviews::request_id.eq(&row.id))
        .filter(reviews::round.eq(row.round))
        .order(reviews::at)
        .select((reviews::reviewer_id, reviews::verdict))
        .load(conn)?;
    let votes = votes
        .iter()
        .map(|(reviewer, verdict)| {
            Ok(Vote { reviewer: parse("person id", reviewer)?, verdict: parse::<Verdict>("verdict", verdict)? })
        })
        .collect::<Result<_>>()?;
    row.with_votes(votes).map(Some)
}

/// A person's newest request for a dataset and a project that was not withdrawn.
///
/// # Errors
/// When the database fails.
pub fn latest(
    conn: &mut AnyConnection,
    person: PersonId,
    dataset: DatasetId,
    project: Option<ProjectId>,
) -> Result<Option<StoredRequest>> {
    let own = access_requests::table
        .filter(access_requests::person_id.eq(person.to_string()))
        .filter(access_requests::dataset_id.eq(dataset.to_string()))
        .filter(access_requests::stage.ne(Stage::Withdrawn.as_str()))
        .order((access_requests::created_at.desc(), access_requests::id.desc()))
        .select(access_requests::id)
        .into_boxed();
    let of_project = match project {
        Some(project) => own.filter(access_requests::project_id.eq(project.to_string())),
        None => own.filter(access_requests::project_id.is_null()),
    };
    let id: Option<String> = of_project.first(conn).optional()?;
    id.map_or(Ok(None), |id| by_id(conn, parse("request id", &id)?))
}

/// The project of a person's newest request for a dataset that was not withdrawn; `None` as well where it has none.
///
/// # Errors
/// When the database fails.
pub fn latest_project(conn: &mut AnyConnection, person: PersonId, dataset: DatasetId) -> Result<Option<ProjectId>> {
    let id: Option<Option<String>> = access_requests::table
        .filter(access_requests::person_id.eq(person.to_string()))
        .filter(access_requests::dataset_id.eq(dataset.to_string()))
        .filter(access_requests::stage.ne(Stage::Withdrawn.as_str()))
        .order((access_requests::created_at.desc(), access_requests::id.desc()))
        .select(access_requests::project_id)
        .first(conn)
        .optional()?;
    id.flatten().map(|id| parse("project id", &id)).transpose()
}

/// Stores a request's state.
///
/// # Errors
/// When the database fails.
pub fn update(conn: &mut AnyConnection, request: &AccessRequest, now: Timestamp) -> Result<()> {
    let target = access_requests::table.find(request.id.to_string());
    diesel::update(target)
        .set((
            access_requests::project_id.eq(request.project.map(|id| id.to_string())),
            access_requests::stage.eq(request.stage.as_str()),
            access_requests::round.eq(round_column(request.round)),
            access_requests::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes when a request was submitted.
///
/// # Errors
/// When the database fails.
pub fn set_submitted(conn: &mut AnyConnection, id: RequestId, now: Timestamp) -> Result<()> {
    diesel::update(access_requests::table.find(id.to_string()))
        .set(access_requests::submitted_at.eq(now.0))
        .execute(conn)?;
    Ok(())
}

/// Stores the answers so far.
///
/// # Errors
/// When the database fails.
pub fn set_answers(conn: &mut AnyConnection, id: RequestId, answers: &Answers, now: Timestamp) -> Result<()> {
    diesel::update(access_requests::table.find(id.to_string()))
        .set((access_requests::answers.eq(to_json(answers)), access_requests::updated_at.eq(now.0)))
        .execute(conn)?;
    Ok(())
}

/// Adds a vote.
///
/// # Errors
/// When the database fails, or there is one by this reviewer in this round.
pub fn insert_vote(
    conn: &mut AnyConnection,
    request: &AccessRequest,
    vote: Vote,
    comment: &str,
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(reviews::table)
        .values((
            reviews::request_id.eq(request.id.to_string()),
            reviews::round.eq(round_column(request.round)),
            reviews::reviewer_id.eq(vote.reviewer.to_string()),
            reviews::verdict.eq(vote.verdict.as_str()),
            reviews::comment.eq(comment),
            reviews::at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes who has decided on a request in place of its reviewers.
///
/// # Errors
/// When the database fails.
pub fn set_overridden(conn: &mut AnyConnection, id: RequestId, by: PersonId) -> Result<()> {
    let target = access_requests::table.find(id.to_string());
    diesel::update(target).set(access_requests::overridden_by.eq(Some(by.to_string()))).execute(conn)?;
    Ok(())
}

/// Whether somebody has voted on a request, in any round, or decided it alone.
///
/// # Errors
/// When the database fails.
pub fn was_decided_by(conn: &mut AnyConnection, id: RequestId, person: PersonId) -> Result<bool> {
    let votes: i64 = reviews::table
        .filter(reviews::request_id.eq(id.to_string()))
        .filter(reviews::reviewer_id.eq(person.to_string()))
        .count()
        .get_result(conn)?;
    let overridden: i64 = access_requests::table
        .filter(access_requests::id.eq(id.to_string()))
        .filter(access_requests::overridden_by.eq(person.to_string()))
        .count()
        .get_result(conn)?;
    Ok(votes + overridden > 0)
}

/// A line of a list of requests.
#[derive(Clone, Debug)]
pub struct RequestLine {
    /// Its id.
    pub id: RequestId,
    /// Where it stands.
    pub stage: Stage,
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
}

type LineRow = (RequestRow, String, String, PersonRow, Option<String>);

fn line((row, slug, title, person, project): LineRow) -> Result<RequestLine> {
    let project = row.project_id.as_deref().zip(project);
    Ok(RequestLine {
        id: parse("request id", &row.id)?,
        stage: parse("stage", &row.stage)?,
        dataset: parse("slug", &slug)?,
        title: from_json("title", &title)?,
        project: match project {
            Some((id, title)) => Some((parse("project id", id)?, title)),
            None => None,
        },
        applicant: person.try_into()?,
        created_at: Timestamp(row.created_at),
        submitted_at: row.submitted_at.map(Timestamp),
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

/// The other requests of an applicant that were submitted at some time, newest first, as far as `queue` shows them.
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
        ReviewScope::Decider(person) => query.filter(is_decided_by!(person)).load(conn)?,
    };
    newest_first(rows)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn older_than(after: &Cursor) -> _ {
    let (key, id): (i64, String) = (after.key, after.id.clone());
    access_requests::created_at.lt(key).or(access_requests::created_at.eq(key).and(access_requests::id.lt(id)))
}

/// Requests that wait for a decision, the longest waiting first.
///
/// # Errors
/// When the database fails.
pub fn waiting(conn: &mut AnyConnection, scope: ReviewScope, after: &Cursor) -> Result<PageOf<RequestLine>> {
    let later = access_requests::submitted_at
        .gt(after.key)
        .or(access_requests::submitted_at.eq(after.key).and(access_requests::id.gt(after.id.clone()).nullable()));
    let query = lines!()
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
        .filter(later)
        .order((access_requests::submitted_at, access_requests::id))
        .limit(READ);
    let rows: Vec<LineRow> = match scope {
        ReviewScope::Everything => query.load(conn)?,
        ReviewScope::Decider(person) => {
            let own = projects::ids_of_person(conn, person)?;
            query
                .filter(access_requests::person_id.ne(person.to_string()))
                .filter(for_others(&own))
                .filter(is_decided_by!(person))
                .filter(diesel::dsl::not(diesel::dsl::exists(own_votes(person))))
                .load(conn)?
        }
    };
    let lines = rows.into_iter().map(line).collect::<Result<_>>()?;
    // Every waiting request has been submitted.
    let submitted = |line: &RequestLine| line.submitted_at.unwrap_or(line.created_at);
    Ok(PageOf::cut(lines, |line: &RequestLine| Cursor::after(submitted(line), line.id)))
}

/// That the request is for none of these projects.
#[diesel::dsl::auto_type(no_type_alias)]
fn for_others(own: &[String]) -> _ {
    let own: Vec<String> = own.to_vec();
    access_requests::project_id.is_null().or(access_requests::project_id.assume_not_null().ne_all(own))
}

/// The committees that somebody is a member of.
#[diesel::dsl::auto_type(no_type_alias)]
fn committees_of(person: PersonId) -> _ {
    let id: String = person.to_string();
    committee_members::table
        .filter(committee_members::person_id.eq(id))
        .select(committee_members::committee_id.nullable())
}

/// The datasets that somebody reviews.
#[diesel::dsl::auto_type(no_type_alias)]
fn datasets_of(person: PersonId) -> _ {
    let id: String = person.to_string();
    let committees = committee_members::table
        .filter(committee_members::person_id.eq(id))
        .select(committee_members::committee_id.nullable());
    datasets::table.filter(datasets::committee_id.eq_any(committees)).select(datasets::id)
}

/// The organisations that somebody owns.
#[diesel::dsl::auto_type(no_type_alias)]
fn organisations_owned_by(person: PersonId) -> _ {
    let id: String = person.to_string();
    let owner: &'static str = OrganisationRole::Owner.as_str();
    let joined: &'static str = MemberState::Joined.as_str();
    organisation_members::table
        .filter(organisation_members::person_id.eq(id))
        .filter(organisation_members::role.eq(owner))
        .filter(organisation_members::state.eq(joined))
        .select(organisation_members::organisation_id)
}

/// The requests for a dataset that wait for a decision.
///
/// # Errors
/// When the database fails.
pub fn waiting_for(conn: &mut AnyConnection, dataset: DatasetId) -> Result<Vec<StoredRequest>> {
    let ids: Vec<String> = access_requests::table
        .filter(access_requests::dataset_id.eq(dataset.to_string()))
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
        .order((access_requests::submitted_at, access_requests::id))
        .select(access_requests::id)
        .load(conn)?;
    let mut waiting = Vec::with_capacity(ids.len());
    for id in ids {
        waiting.extend(by_id(conn, parse("request id", &id)?)?);
    }
    Ok(waiting)
}

/// A person's requests that are not final.
///
/// # Errors
/// When the database fails.
pub fn open_of(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<RequestId>> {
    let open = Stage::ALL.into_iter().filter(|stage| !stage.is_final()).map(Stage::as_str);
    let ids: Vec<String> = access_requests::table
        .filter(access_requests::person_id.eq(person.to_string()))
        .filter(access_requests::stage.eq_any(open.collect::<Vec<_>>()))
        .order(access_requests::id)
        .select(access_requests::id)
        .load(conn)?;
    ids.iter().map(|id| parse("request id", id)).collect()
}

/// A reviewer's votes on a request in its present round.
#[diesel::dsl::auto_type(no_type_alias)]
fn own_votes(person: PersonId) -> _ {
    let id: String = person.to_string();
    reviews::table
        .filter(reviews::request_id.eq(access_requests::id))
        .filter(reviews::round.eq(access_requests::round))
        .filter(reviews::reviewer_id.eq(id))
}

/// Requests that a reviewer has voted on, in whatever round, the newest first.
///
/// # Errors
/// When the database fails.
pub fn voted_on(conn: &mut AnyConnection, person: PersonId, after: &Cursor) -> Result<PageOf<RequestLine>> {
    let voted = reviews::table.filter(reviews::reviewer_id.eq(person.to_string())).select(reviews::request_id);
    let rows: Vec<LineRow> = lines!()
        .filter(access_requests::id.eq_any(voted))
        .filter(is_decided_by!(person))
        .filter(older_than(after))
        .order((access_requests::created_at.desc(), access_requests::id.desc()))
        .limit(READ)
        .load(conn)?;
    newest_first(rows)
}

/// How many requests wait for this reviewer.
///
/// # Errors
/// When the database fails.
pub fn count_waiting(conn: &mut AnyConnection, person: PersonId) -> Result<u64> {
    let own = projects::ids_of_person(conn, person)?;
    let waiting: i64 = access_requests::table
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
        .filter(access_requests::person_id.ne(person.to_string()))
        .filter(for_others(&own))
        .filter(access_requests::dataset_id.eq_any(datasets_of(person)))
        .filter(diesel::dsl::not(diesel::dsl::exists(own_votes(person))))
        .count()
        .get_result(conn)?;
    Ok(unsigned(waiting))
}
