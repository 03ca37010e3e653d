//! How requests, decisions, grants and downloads go.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::clock;
use crate::domain::TimeSpan;
use crate::domain::overview::{AGES, Week};
use crate::views::overview::{OverviewOfScope, of_scope};
use crate::web::api::answer::read_json;
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;

/// How requests, decisions, grants and downloads go in what the account runs. Requests are those that people decide about.
#[derive(Serialize, ToSchema)]
pub struct OverviewDetail {
    /// The last twelve weeks, the oldest first; the last one ends with today (UTC).
    pub weeks: Vec<WeekDetail>,
    /// Within how many seconds half of the requests that were decided in these weeks were, from when they were last sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_within: Option<i64>,
    /// How many requests wait for a decision, by age.
    pub waiting: Vec<WaitingDetail>,
    /// For how many seconds the oldest has waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<i64>,
    /// How many active grants end in each of the next fourteen weeks; the first one begins now.
    pub endings: Vec<u64>,
    /// How many people have an active grant.
    pub people: u64,
    /// The datasets that were downloaded most in these weeks, five at most.
    pub most_downloaded: Vec<DownloadedDetail>,
}

/// Downloads of a dataset.
#[derive(Serialize, ToSchema)]
pub struct DownloadedDetail {
    /// The dataset's name.
    pub dataset: String,
    /// How many downloads were admitted.
    pub downloads: u64,
}

/// Seven days.
#[derive(Serialize, ToSchema)]
pub struct WeekDetail {
    /// When they began (RFC 3339).
    pub begins: String,
    /// How many requests were sent in them.
    pub sent: u64,
    /// How many were decided.
    pub decided: u64,
    /// Within how many seconds half of those were decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_within: Option<i64>,
    /// Within how many seconds nine of ten were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_within: Option<i64>,
    /// How many downloads were admitted, counted from the log a few seconds later. A file that is fetched in parts is
    /// several.
    pub downloads: u64,
    /// How many bytes were sent.
    pub bytes: u64,
}

/// Requests of an age.
#[derive(Serialize, ToSchema)]
pub struct WaitingDetail {
    /// From how many days on; up to the next one's.
    pub from_days: i64,
    /// How many.
    pub requests: u64,
}

impl From<&Week> for WeekDetail {
    fn from(week: &Week) -> Self {
        Self {
            begins: week.begins.to_string(),
            sent: week.sent,
            decided: week.decided,
            half_within: week.half_within.map(TimeSpan::whole_seconds),
            most_within: week.most_within.map(TimeSpan::whole_seconds),
            downloads: week.downloads.admitted,
            bytes: week.downloads.bytes,
        }
    }
}

impl From<OverviewOfScope> for OverviewDetail {
    fn from(OverviewOfScope { figures: view, most_downloaded }: OverviewOfScope) -> Self {
        let ages = AGES.into_iter().zip(view.waiting);
        Self {
            weeks: view.weeks.iter().map(WeekDetail::from).collect(),
            half_within: view.half_within.map(TimeSpan::whole_seconds),
            waiting: ages.map(|(from_days, requests)| WaitingDetail { from_days, requests }).collect(),
            oldest: view.oldest.map(TimeSpan::whole_seconds),
            endings: view.endings,
            people: view.people,
            most_downloaded: most_downloaded
                .into_iter()
                .map(|(slug, _, downloads)| DownloadedDetail { dataset: slug.to_string(), downloads })
                .collect(),
        }
    }
}

/// Reads how requests, decisions, grants and downloads go in the organisations that the account runs.
#[utoipa::path(
    get, path = "/api/v1/manage/overview", tag = "manage", security(("token" = ["steward"])),
    responses((status = 200, description = "The figures.", body = OverviewDetail)),
)]
pub async fn read(app: web::Data<App>, client: ScopedClient<scope::Steward>) -> Result<HttpResponse, WebError> {
    let (scope, now) = (client.manage_scope()?, clock::now());
    let view = app.reads.read(move |conn| of_scope(conn, &scope, now)).await?;
    Ok(read_json(&OverviewDetail::from(view)))
}
