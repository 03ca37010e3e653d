//! Requests of your account.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{After, ListBody, read_json};
use super::request::{ApiRequest, EmptyBody};
use crate::app::App;
use crate::clock;
use crate::domain::form::Answers;
use crate::domain::ids::RequestId;
use crate::ledger::commands::access_requests as commands;
use crate::store::Cursor;
use crate::store::request_lists::{self, RequestLine};
use crate::views::access_requests::{OwnRequest, own};
use crate::views::timeline::TimelineEntry;
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// A request in a list.
#[derive(Serialize, ToSchema)]
pub struct RequestSummary {
    /// Its id.
    pub id: String,
    /// Where it stands: `draft`, `submitted`, `returned`, `approved`, `rejected`, `withdrawn`.
    pub stage: String,
    /// How often it was submitted. A decision names the round that it is about.
    pub round: u32,
    /// The dataset that is asked for.
    pub dataset: String,
    /// The project that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Who asks.
    pub applicant: String,
    /// When it was begun (RFC 3339).
    pub created_at: String,
    /// When it was last submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<String>,
    /// When it is overdue while it waits for a decision: the first moment after the committee's last day for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
}

impl RequestSummary {
    /// A request as the API lists it.
    pub fn of(line: &RequestLine) -> Self {
        Self {
            id: line.id.to_string(),
            stage: line.stage.to_string(),
            round: line.round,
            dataset: line.dataset.to_string(),
            project: line.project.as_ref().map(|(id, _)| id.to_string()),
            applicant: line.applicant.name.to_string(),
            created_at: line.created_at.to_string(),
            submitted_at: line.submitted_at.map(|at| at.to_string()),
            due_at: line.due_at.map(|at| at.to_string()),
        }
    }
}

/// A step in the history of a request.
#[derive(Serialize, ToSchema)]
pub struct StepDetail {
    /// What was done, such as `submitted` or `vote-approve`.
    pub step: String,
    /// Who did it; empty for the gateway itself.
    pub by: String,
    /// When (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What they said.
    pub comment: String,
    /// Where the event is in the log.
    pub log_index: u64,
}

impl StepDetail {
    /// A step as the API shows it.
    pub fn of(entry: &TimelineEntry) -> Self {
        Self {
            step: entry.step.to_string(),
            by: entry.actor.clone(),
            at: entry.at.map(|at| at.to_string()),
            comment: entry.comment.clone(),
            log_index: entry.index,
        }
    }
}

/// A request of your account, or of its project.
#[derive(Serialize, ToSchema)]
pub struct RequestDetail {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub stage: String,
    /// How often it was submitted.
    pub round: u32,
    /// The dataset that is asked for.
    pub dataset: String,
    /// The project that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Your answers so far, by the id of the question; several values stand one a line.
    pub answers: BTreeMap<String, String>,
    /// Whether it can be withdrawn.
    pub may_withdraw: bool,
    /// The signatures of the reader; `/signatures/ID/receipt.json` is the receipt of each.
    pub signatures: Vec<String>,
    /// Whether the reader may download now.
    pub is_granted: bool,
    /// When the reader's access ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What was done about it.
    pub history: Vec<StepDetail>,
}

impl RequestDetail {
    fn of(request: &OwnRequest) -> Self {
        let own = &request.stored.request;
        Self {
            id: own.id.to_string(),
            stage: own.stage.to_string(),
            round: own.round,
            dataset: request.dataset.slug.to_string(),
            project: own.project.map(|id| id.to_string()),
            answers: if request.is_applicant { request.stored.answers.clone() } else { Answers::new() },
            may_withdraw: request.may_withdraw(),
            signatures: request.signatures.iter().map(|(signature, _)| signature.record.id.to_string()).collect(),
            is_granted: request.grant_is_active,
            until: request.grant.as_ref().map(|grant| grant.ends_at.to_string()),
            history: request.timeline.iter().map(StepDetail::of).collect(),
        }
    }
}

/// Lists the requests of your account, the newest first.
#[utoipa::path(
    get, path = "/api/v1/requests", tag = "requests", params(After), security(("token" = ["read"])),
    responses((status = 200, description = "A page of requests.", body = ListBody<RequestSummary>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Read>,
    params: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let (person, after) = (client.person().id, params.into_inner().after.unwrap_or(Cursor::newest()));
    let page = app.reads.read(move |conn| request_lists::of_person(conn, person, &after)).await?;
    Ok(read_json(&ListBody::of(page, |line| RequestSummary::of(&line))))
}

/// Reads a request of your account, or of its project.
#[utoipa::path(
    get, path = "/api/v1/requests/{id}", tag = "requests", security(("token" = ["read"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The request.", body = RequestDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Read>,
    id: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (client.person().id, parse_id::<RequestId>(&id)?);
    let archive = app.log_archive.clone();
    let found = app.reads.read(move |conn| own(conn, &archive, id, person, clock::now())).await?;
    Ok(read_json(&RequestDetail::of(&found.ok_or(WebError::NotFound)?)))
}

/// Takes a request back.
#[utoipa::path(
    post, path = "/api/v1/requests/{id}/withdraw", tag = "requests", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), responses((status = 204, description = "It is withdrawn.")),
)]
pub async fn withdraw(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    sent.act(&app, move |tx| commands::withdraw(tx, person, id)).await
}
