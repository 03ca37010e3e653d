//! What waits for whoever asks, and what of theirs ends soon.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::read_json;
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::api_token::Scope;
use crate::store::grants::GrantWithNames;
use crate::store::request_lists::count_waiting;
use crate::views::today::{Task, Today, today};
use crate::web::auth::{ApiClient, ScopedClient, scope};
use crate::web::error::WebError;

/// What somebody's day begins with.
#[derive(Serialize, ToSchema)]
pub struct TodayDetail {
    /// What waits for them, the most urgent first: with a token, only what its scopes let it read.
    pub tasks: Vec<TaskDetail>,
    /// How many requests wait for their decision, where not all of them are among the tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviews: Option<u64>,
    /// The ids of their requests that wait for others.
    pub waiting: Vec<String>,
    /// Their grants that end within fourteen days.
    pub ending_grants: Vec<EndingGrant>,
    /// Their tokens that end within a day.
    pub ending_tokens: Vec<EndingToken>,
}

/// Something that waits for somebody.
#[derive(Serialize, ToSchema)]
pub struct TaskDetail {
    /// What is to be done: `prove-email`, `join-project`, `run-organisation`, `take-dataset`, `sign-as-member`,
    /// `sign-new-versions`, `answer`, `finish-draft` or `review`.
    pub kind: &'static str,
    /// The request that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The dataset that the request is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Since when it waits (RFC 3339), where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The page where it is done.
    pub page: String,
}

/// A grant that ends soon.
#[derive(Serialize, ToSchema)]
pub struct EndingGrant {
    /// Its id.
    pub id: String,
    /// The dataset.
    pub dataset: String,
    /// When it ends (RFC 3339).
    pub ends_at: String,
}

/// A token that ends soon.
#[derive(Serialize, ToSchema)]
pub struct EndingToken {
    /// What its owner called it.
    pub name: String,
    /// When it ends (RFC 3339).
    pub ends_at: String,
}

impl TaskDetail {
    fn of(task: &Task, base: &str) -> Self {
        Self {
            kind: task.kind(),
            request: task.request_and_dataset().map(|(id, _)| id.to_string()),
            dataset: task.request_and_dataset().map(|(_, dataset)| dataset.to_string()),
            since: task.since().map(|at| at.to_string()),
            page: format!("{base}{}", task.address()),
        }
    }
}

/// Whether a token's scopes let it read of a task.
fn may_read(client: &ApiClient, task: &Task) -> bool {
    let scope = match task {
        Task::Review(_) => Scope::Review,
        Task::TakeDataset(_) => Scope::Steward,
        _ => Scope::Read,
    };
    client.require(scope).is_ok()
}

/// Lists what waits for you, and what of yours ends soon.
#[utoipa::path(
    get, path = "/api/v1/today", tag = "account", security(("token" = ["read"])),
    responses((status = 200, description = "What waits and what ends.", body = TodayDetail)),
)]
pub async fn read(app: web::Data<App>, client: ScopedClient<scope::Read>) -> Result<HttpResponse, WebError> {
    let (reader, now) = (client.reader.clone(), clock::now());
    let reviews = client.is_reviewer && client.require(Scope::Review).is_ok();
    let read = move |conn: &mut _| {
        let reviews = if reviews { count_waiting(conn, reader.person.id)? } else { 0 };
        today(conn, &reader, reviews, now)
    };
    let Today { tasks, more_reviews, waiting, grants, tokens, .. } = app.reads.read(read).await?;
    let tasks = tasks.iter().filter(|task| may_read(&client, task));
    Ok(read_json(&TodayDetail {
        tasks: tasks.map(|task| TaskDetail::of(task, app.config.base())).collect(),
        reviews: more_reviews,
        waiting: waiting.iter().map(|line| line.id.to_string()).collect(),
        ending_grants: grants.iter().map(EndingGrant::from).collect(),
        ending_tokens: tokens.into_iter().map(EndingToken::from).collect(),
    }))
}

impl From<&GrantWithNames> for EndingGrant {
    fn from(line: &GrantWithNames) -> Self {
        let (id, ends_at) = (line.grant.id.to_string(), line.grant.ends_at.to_string());
        Self { id, dataset: line.dataset.to_string(), ends_at }
    }
}

impl From<(String, Timestamp)> for EndingToken {
    fn from((name, ends_at): (String, Timestamp)) -> Self {
        Self { name, ends_at: ends_at.to_string() }
    }
}
