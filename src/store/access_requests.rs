//! Access requests and their reviews, one at a time; [`super::request_lists`] has the lists that pages show.

use diesel::prelude::*;

use super::columns::{from_json, number, parse, to_json};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{access_requests, recusals, reviews};
use crate::domain::Timestamp;
use crate::domain::access_request::{AccessRequest, Stage, Verdict, Vote};
use crate::domain::expectations::{DECISIONS_MAX, Decided};
use crate::domain::form::Answers;
use crate::domain::ids::{DatasetId, PersonId, ProjectId, RequestId};
use crate::domain::search::fold;

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
    /// When the decision was due, or is, if the committee has so many days.
    pub due_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = access_requests)]
pub(super) struct RequestRow {
    pub(super) id: String,
    pub(super) dataset_id: String,
    pub(super) project_id: Option<String>,
    person_id: String,
    pub(super) stage: String,
    pub(super) round: i32,
    answers: String,
    pub(super) created_at: i64,
    updated_at: i64,
    pub(super) submitted_at: Option<i64>,
    pub(super) due_at: Option<i64>,
}

impl RequestRow {
    fn with_deciders(self, votes: Vec<Vote>, recused: Vec<PersonId>) -> Result<StoredRequest> {
        Ok(StoredRequest {
            request: AccessRequest {
                id: parse("request id", &self.id)?,
                dataset: parse("dataset id", &self.dataset_id)?,
                project: self.project_id.map(|id| parse("project id", &id)).transpose()?,
                applicant: parse("person id", &self.person_id)?,
                stage: parse("stage", &self.stage)?,
                round: number(self.round),
                votes,
                recused,
            },
            answers: from_json("answers", &self.answers)?,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            submitted_at: self.submitted_at.map(Timestamp),
            due_at: self.due_at.map(Timestamp),
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
            access_requests::search.eq(""),
            access_requests::created_at.eq(now.0),
            access_requests::updated_at.eq(now.0),
            access_requests::submitted_at.eq(None::<i64>),
        ))
        .execute(conn)?;
    Ok(())
}

/// A request with the votes of its present round, and who has stepped aside.
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
    let recused: Vec<String> = recusals::table
        .filter(recusals::request_id.eq(&row.id))
        .order((recusals::at, recusals::person_id))
        .select(recusals::person_id)
        .load(conn)?;
    let recused = recused.iter().map(|person| parse("person id", person)).collect::<Result<_>>()?;
    row.with_deciders(votes, recused).map(Some)
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

/// The datasets that a person has asked for, with the stage of each request that was not withdrawn.
///
/// # Errors
/// When the database fails.
pub fn stages_of(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<(DatasetId, Stage)>> {
    let rows: Vec<(String, String)> = access_requests::table
        .filter(access_requests::person_id.eq(person.to_string()))
        .filter(access_requests::stage.ne(Stage::Withdrawn.as_str()))
        .select((access_requests::dataset_id, access_requests::stage))
        .load(conn)?;
    rows.iter().map(|(id, stage)| Ok((parse("dataset id", id)?, parse("stage", stage)?))).collect()
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
        .set((access_requests::submitted_at.eq(now.0), access_requests::decided_at.eq(None::<i64>)))
        .execute(conn)?;
    Ok(())
}

/// Notes when people decided on a request.
///
/// # Errors
/// When the database fails.
pub fn set_decided(conn: &mut AnyConnection, id: RequestId, now: Timestamp) -> Result<()> {
    let target = access_requests::table.find(id.to_string());
    diesel::update(target).set(access_requests::decided_at.eq(now.0)).execute(conn)?;
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

/// Stores the answers that were signed. Those who decide find the request by them, and by no others: a draft is its applicant's
/// alone.
///
/// # Errors
/// When the database fails.
pub fn set_signed_answers(conn: &mut AnyConnection, id: RequestId, answers: &Answers, now: Timestamp) -> Result<()> {
    set_answers(conn, id, answers, now)?;
    let words = fold(&answers.values().map(String::as_str).collect::<Vec<_>>().join("\n"));
    diesel::update(access_requests::table.find(id.to_string())).set(access_requests::search.eq(words)).execute(conn)?;
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

/// Somebody steps aside from deciding on a request.
///
/// # Errors
/// When the database fails.
pub fn insert_recusal(conn: &mut AnyConnection, id: RequestId, person: PersonId, now: Timestamp) -> Result<()> {
    let keys = (recusals::request_id.eq(id.to_string()), recusals::person_id.eq(person.to_string()));
    diesel::insert_into(recusals::table).values((keys, recusals::at.eq(now.0))).execute(conn)?;
    Ok(())
}

/// Somebody who had stepped aside from deciding on a request may decide again.
///
/// # Errors
/// When the database fails.
pub fn delete_recusal(conn: &mut AnyConnection, id: RequestId, person: PersonId) -> Result<()> {
    diesel::delete(recusals::table.find((id.to_string(), person.to_string()))).execute(conn)?;
    Ok(())
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

/// The last requests on a dataset on which people decided, the newest decision first.
///
/// # Errors
/// When the database fails.
pub fn last_decided(conn: &mut AnyConnection, dataset: DatasetId) -> Result<Vec<Decided>> {
    let rows: Vec<(Option<i64>, Option<i64>, String)> = access_requests::table
        .filter(access_requests::dataset_id.eq(dataset.to_string()).and(access_requests::decided_at.is_not_null()))
        .filter(access_requests::stage.eq_any([Stage::Approved.as_str(), Stage::Rejected.as_str()]))
        .order((access_requests::decided_at.desc(), access_requests::submitted_at.desc()))
        .limit(DECISIONS_MAX)
        .select((access_requests::submitted_at, access_requests::decided_at, access_requests::stage))
        .load(conn)?;
    let decided = |(sent, decided, stage): (Option<i64>, Option<i64>, String)| {
        Some(Decided {
            sent: Timestamp(sent?),
            decided: Timestamp(decided?),
            approved: stage == Stage::Approved.as_str(),
        })
    };
    Ok(rows.into_iter().filter_map(decided).collect())
}
