//! The days on which an organisation does not work.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::domain::text::{Sha256, Slug};
use crate::domain::working_days::{Holidays, HolidaysError};
use crate::ledger::commands::organisations::holidays::set_holidays_as_owner;
use crate::views::organisations::holidays as read_holidays;
use crate::web::api::answer::read_tagged;
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::ApiRequest;
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::{Fault, WebError};
use crate::web::pages::parse_id;

/// A day on which an organisation does not work.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayBody {
    /// Such as `2027-01-01`.
    day: String,
    /// What it is called; may be empty.
    #[serde(default)]
    name: String,
}

/// The days on which an organisation does not work, beside Saturdays and Sundays.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidaysBody {
    /// In order.
    days: Vec<HolidayBody>,
}

impl HolidaysBody {
    fn of(holidays: &Holidays) -> Self {
        let days = holidays.iter().map(|(day, name)| HolidayBody { day: day.to_string(), name: name.to_owned() });
        Self { days: days.collect() }
    }

    fn checked(&self) -> Result<Holidays, WebError> {
        let pairs = self.days.iter().map(|holiday| (holiday.day.as_str(), holiday.name.as_str()));
        Holidays::of(pairs).map_err(|error| match error {
            HolidaysError::NoDay(n) => wrong(n, "day", "error-holiday-no-day"),
            HolidaysError::BadName(n) => wrong(n, "name", "error-holiday-bad-name"),
            HolidaysError::Twice(n) => wrong(n, "day", "error-holiday-there-twice"),
            HolidaysError::TooMany => FieldErrors::one("/days", Fault::Message("error-holidays-many")),
        })
    }
}

/// What is wrong with one of the days, counted from 1.
fn wrong(n: usize, field: &str, message: &'static str) -> WebError {
    FieldErrors::one(&format!("/days/{}/{field}", n.saturating_sub(1)), Fault::Message(message))
}

/// Lists the days on which an organisation does not work.
#[utoipa::path(
    get, path = "/api/v1/manage/organisations/{organisation}/holidays", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")),
    responses((status = 200, description = "All of them. The ETag is what an edit names.", body = HolidaysBody)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (slug, scope) = (parse_id::<Slug>(&slug)?, client.manage_scope()?);
    let found = app.reads.read(move |conn| read_holidays(conn, &slug, &scope)).await?;
    let (_, holidays) = found.ok_or(WebError::NotFound)?;
    Ok(read_tagged(&HolidaysBody::of(&holidays), &holidays.fingerprint().to_string()))
}

/// Replaces the days on which an organisation does not work. Decisions that are due then are due later.
#[utoipa::path(
    put, path = "/api/v1/manage/organisations/{organisation}/holidays", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name"), ("If-Match" = String, Header, description = "The ETag of what was read")),
    request_body = HolidaysBody, responses((status = 204, description = "Holidays saved.")),
)]
pub async fn change(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, HolidaysBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    let seen: Sha256 = sent.edited()?.parse().unwrap_or_else(|_| Sha256::of(b"of no list"));
    let holidays = sent.body.checked()?;
    sent.act(&app, move |tx| set_holidays_as_owner(tx, by, (&slug, seen), &holidays)).await
}
