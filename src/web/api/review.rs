//! The requests that you decide about.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{BatchDetail, ListBody, read_json};
use super::field_errors::FieldErrors;
use super::project_body::ProjectBody;
use super::request::{ApiRequest, ReasonBody, chosen_or_default};
use super::requests::{RequestSummary, StepDetail};
use crate::app::App;
use crate::clock;
use crate::domain::access_request::Verdict;
use crate::domain::access_request::queue::RequestAsRead;
use crate::domain::access_request::quorum::QuorumReach;
use crate::domain::access_request::reading::review_scope;
use crate::domain::comment::{Comment, Reason};
use crate::domain::ids::RequestId;
use crate::domain::text::Email;
use crate::ledger::commands::access_requests::{self as commands, Decision};
use crate::ledger::commands::projects::members;
use crate::store::Cursor;
use crate::store::review_queue::{self, QueueQuery};
use crate::views::review::{ReviewCase, case};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::{parse_id, tidy};

/// A request as those see it who decide.
#[derive(Serialize, ToSchema)]
pub struct CaseDetail {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub stage: String,
    /// How often it was submitted. A decision names the round that it is about.
    pub round: u32,
    /// The dataset that is asked for.
    pub dataset: String,
    /// Who asks.
    pub applicant: String,
    /// Their address.
    pub applicant_email: String,
    /// Where they work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applicant_affiliation: Option<String>,
    /// What the data is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectBody>,
    /// The other members of the project.
    pub members: Vec<String>,
    /// The answers, by the id of the question; several values stand one a line.
    pub answers: BTreeMap<String, String>,
    /// Approvals that count.
    pub approvals: u32,
    /// Approvals that are needed.
    pub quorum: u32,
    /// Whether the reader may vote.
    pub may_vote: bool,
    /// Whether the reader may decide in place of the committee.
    pub may_override: bool,
    /// Whether the reader may step aside.
    pub may_recuse: bool,
    /// Whether the reader may let somebody decide again who has stepped aside.
    pub may_lift_recusals: bool,
    /// The addresses of those who have stepped aside.
    pub recused: Vec<String>,
    /// What may be a conflict of interest of the reader: `same-institution`, `same-mail-domain`, `shared-project`.
    pub possible_conflicts: Vec<String>,
    /// Whether access of the applicant to the dataset is suspended: an approval does not change that.
    pub access_suspended: bool,
    /// Whether those who can still vote are too few for the approvals that are needed.
    pub quorum_out_of_reach: bool,
    /// What was done about it.
    pub history: Vec<StepDetail>,
}

impl CaseDetail {
    fn of(case: &ReviewCase) -> Self {
        let request = &case.stored.request;
        Self {
            id: request.id.to_string(),
            stage: request.stage.to_string(),
            round: request.round,
            dataset: case.dataset.slug.to_string(),
            applicant: case.applicant.name.to_string(),
            applicant_email: case.applicant.email.to_string(),
            applicant_affiliation: case.applicant.affiliation.clone(),
            project: case.project.as_ref().map(|project| ProjectBody::of(&project.description)),
            members: case.members.iter().map(|member| member.row.member.email.to_string()).collect(),
            answers: case.answers.iter().map(|one| (one.question.id.to_string(), one.answer.clone())).collect(),
            approvals: case.approvals,
            quorum: case.dataset.quorum,
            may_vote: case.may_vote(),
            may_override: case.may_override(),
            may_recuse: case.may_recuse(),
            may_lift_recusals: case.may_lift_recusals(),
            recused: case.deciding.recused.iter().map(|person| person.email.to_string()).collect(),
            access_suspended: case.is_access_suspended,
            possible_conflicts: case.deciding.conflicts.iter().map(ToString::to_string).collect(),
            quorum_out_of_reach: matches!(case.deciding.reach, Some(QuorumReach::Owners | QuorumReach::Nobody)),
            history: case.timeline.iter().map(StepDetail::of).collect(),
        }
    }
}

/// A search of requests.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QueueParams {
    /// Words, each of which the applicant's name, address or institution, the project, the dataset or an answer has.
    #[serde(default)]
    q: String,
    /// The name of a dataset, of which alone requests are listed.
    #[param(value_type = Option<String>)]
    dataset: Option<String>,
    /// `waiting`, `voted`, `returned` or `decided`; those that wait without it.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    state: String,
    /// `usual` or `reversed`, by when they were last sent. Usual is the longest waiting first, and of those that do not wait the
    /// newest.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    order: String,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
}

/// Lists the requests that you may read to decide, or have decided: of those that wait, those that wait for your vote.
#[utoipa::path(
    get, path = "/api/v1/review", tag = "review", params(QueueParams), security(("token" = ["review"])),
    responses((status = 200, description = "A page of requests.", body = ListBody<RequestSummary>)),
)]
pub async fn queue(
    app: web::Data<App>,
    client: ScopedClient<scope::Review>,
    params: web::Query<QueueParams>,
) -> Result<HttpResponse, WebError> {
    let scope = review_scope(client.person(), client.decides()).ok_or(WebError::NotFound)?;
    let QueueParams { q, dataset, state, order, after } = params.into_inner();
    let wanted = QueueQuery {
        reader: client.person().id,
        scope,
        text: tidy(Some(&q)),
        dataset: dataset.as_deref().map(parse_id).transpose()?,
        selection: chosen_or_default(&state)?,
        order: chosen_or_default(&order)?,
        now: clock::now(),
    };
    let found = app.reads.read(move |conn| review_queue::search(conn, &wanted, after.as_ref())).await?;
    Ok(read_json(&ListBody::of(found, |line| RequestSummary::of(&line))))
}

/// Reads a request with what is needed to decide.
#[utoipa::path(
    get, path = "/api/v1/review/{id}", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The request.", body = CaseDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Review>,
    id: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (reader, id, archive) = (client.person().clone(), parse_id::<RequestId>(&id)?, app.log_archive.clone());
    let read = move |conn: &mut _| case(conn, &archive, id, &reader, &Cursor::newest(), clock::now());
    let found = app.reads.read(read).await?.map_err(WebError::Refused)?;
    Ok(read_json(&CaseDetail::of(&found)))
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    /// `approve`, `reject` or `return`.
    verdict: String,
    /// A comment for the applicant; needed unless it approves.
    #[serde(default)]
    comment: String,
    /// The round that was read.
    round: u32,
    /// Whether an owner of the organisation decides in place of the committee. The comment is the reason then.
    #[serde(default)]
    overrides: bool,
}

/// Where a request stands after a decision.
#[derive(Serialize, ToSchema)]
pub struct StageDetail {
    /// `submitted` while more votes are needed; else `approved`, `rejected` or `returned`.
    pub stage: String,
}

/// Votes on a request, or decides it as an owner.
#[utoipa::path(
    post, path = "/api/v1/review/{id}/decisions", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "Its id")), request_body = DecisionBody,
    responses((status = 200, description = "The vote counts.", body = StageDetail)),
)]
pub async fn decide(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Review, DecisionBody>,
) -> Result<HttpResponse, WebError> {
    let (by, request) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    let DecisionBody { verdict, comment, round, overrides } = &sent.body;
    let mut errors = FieldErrors::default();
    let comment = errors.take("/comment", Comment::parse(comment));
    let verdict: Option<Verdict> = errors.choose("/verdict", verdict);
    let (verdict, comment) = errors.check(verdict.zip(comment))?;
    let decision = Decision { by, request, verdict, comment, round: *round };
    let overrides = *overrides;
    let decide = move |tx: &mut crate::ledger::Tx<'_>| {
        let stage = if overrides { commands::override_review(tx, &decision)? } else { commands::vote(tx, &decision)? };
        Ok(stage.to_string())
    };
    let stage = sent.run(&app, decide).await?;
    Ok(read_json(&StageDetail { stage }))
}

/// The same decision on several requests.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VotesBody {
    /// The requests as they were read: the id, a full stop, and the round, such as
    /// `01995f2e-8f5b-7cc1-a0a5-3d5c1c5f0b11.1`; fifty at most.
    requests: Vec<String>,
    /// `approve`, `reject` or `return`.
    verdict: String,
    /// A comment for every applicant; needed unless it approves.
    #[serde(default)]
    comment: String,
}

/// Votes on several requests, on each as if it were alone.
#[utoipa::path(
    post, path = "/api/v1/review/decisions", tag = "review", security(("token" = ["review"])),
    request_body = VotesBody,
    responses((status = 200, description = "What became of each.", body = BatchDetail)),
)]
pub async fn decide_several(
    app: web::Data<App>,
    sent: ApiRequest<scope::Review, VotesBody>,
) -> Result<HttpResponse, WebError> {
    review_scope(sent.client.person(), sent.client.decides()).ok_or(WebError::NotFound)?;
    let (by, mut errors) = (sent.client.person().id, FieldErrors::default());
    let comment = errors.take("/comment", Comment::parse(&sent.body.comment));
    let verdict: Option<Verdict> = errors.choose("/verdict", &sent.body.verdict);
    let requests = errors.several::<RequestAsRead>("/requests", &sent.body.requests);
    let ((verdict, comment), requests) = errors.check(verdict.zip(comment).zip(requests))?;
    sent.act_on_batch(&app, move |tx| commands::vote_on_several(tx, by, &requests, (verdict, &comment))).await
}

/// Whom it concerns, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonAndReason {
    /// Their address.
    email: String,
    /// The reason, for those to read whom it concerns.
    reason: String,
}

impl PersonAndReason {
    fn checked(&self) -> Result<(Email, Reason), WebError> {
        let mut errors = FieldErrors::default();
        let email = errors.take("/email", self.email.parse::<Email>());
        let reason = errors.take("/reason", Reason::parse(&self.reason));
        errors.check(email.zip(reason))
    }
}

/// Removes a member from the project that a request is for: they can't be invited again.
#[utoipa::path(
    post, path = "/api/v1/review/{id}/exclusions", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "The request's id")), request_body = PersonAndReason,
    responses((status = 204, description = "They are removed.")),
)]
pub async fn exclude(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Review, PersonAndReason>,
) -> Result<HttpResponse, WebError> {
    let (by, request) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    let (email, reason) = sent.body.checked()?;
    sent.act(&app, move |tx| members::exclude(tx, by, request, (&email, &reason))).await
}

/// Steps aside from deciding on a request: you can neither vote on it nor read it any more.
#[utoipa::path(
    post, path = "/api/v1/review/{id}/recusals", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "The request's id")), request_body = ReasonBody,
    responses((status = 204, description = "You have stepped aside.")),
)]
pub async fn recuse(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Review, ReasonBody>,
) -> Result<HttpResponse, WebError> {
    let (by, request) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    let reason = sent.body.checked()?;
    sent.act(&app, move |tx| commands::recuse(tx, by, request, &reason)).await
}

/// Lets somebody decide again who has stepped aside, as an owner of the organisation.
#[utoipa::path(
    post, path = "/api/v1/review/{id}/recusals/lift", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "The request's id")), request_body = PersonAndReason,
    responses((status = 204, description = "They may decide again.")),
)]
pub async fn lift_recusal(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Review, PersonAndReason>,
) -> Result<HttpResponse, WebError> {
    let (by, request) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    let (email, reason) = sent.body.checked()?;
    sent.act(&app, move |tx| commands::lift_recusal(tx, by, request, (&email, &reason))).await
}
