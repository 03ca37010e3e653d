//! Grants on what organisations hold.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::clock;
use crate::domain::comment::Reason;
use crate::domain::day::Day;
use crate::domain::ids::GrantId;
use crate::ledger::commands::grants as commands;
use crate::store::Cursor;
use crate::store::grants::GrantQuery;
use crate::views::grants::{GrantRow, page};
use crate::web::api::answer::{BatchDetail, ListBody, read_json};
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::manage::datasets::SuspensionBody;
use crate::web::api::request::{ApiRequest, ReasonBody, chosen_or_default};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::{parse_id, tidy};

/// A grant.
#[derive(Serialize, ToSchema)]
pub struct GrantDetail {
    /// Its id.
    pub id: String,
    /// The dataset that the holder may download.
    pub dataset: String,
    /// The holder's name.
    pub holder: String,
    /// The holder's address.
    pub holder_email: String,
    /// The title of the project that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// `active`, `suspended`, `to-sign` where it has stopped until its holder signs a newer version of an agreement, `inactive` or
    /// `revoked`.
    pub state: String,
    /// From when it is valid (RFC 3339).
    pub starts_at: String,
    /// When it ends.
    pub ends_at: String,
    /// When it stops, or has stopped, because its holder has a newer version of an agreement to sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_by: Option<String>,
    /// Whether the reader may revoke it, suspend it or set another end.
    pub may_revoke: bool,
    /// Whether the reader may let it be used again.
    pub may_resume: bool,
}

impl GrantDetail {
    fn of(row: &GrantRow) -> Self {
        Self {
            id: row.line.grant.id.to_string(),
            dataset: row.line.dataset.to_string(),
            holder: row.line.person_name.clone(),
            holder_email: row.line.person_email.clone(),
            project: row.line.project_title.clone(),
            state: row.state.to_string(),
            starts_at: row.line.grant.starts_at.to_string(),
            ends_at: row.line.grant.ends_at.to_string(),
            sign_by: row.sign_by().map(ToString::to_string),
            may_revoke: row.may_revoke,
            may_resume: row.may_resume,
        }
    }
}

/// A search of grants.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GrantParams {
    /// A part of the holder's name or address, or of the dataset.
    #[serde(default)]
    q: String,
    /// `active`, `ending-soon`, `suspended`, `to-sign`, `inactive` or `revoked`; all of them without it.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    state: String,
    /// `newest` or `ending-first`; the newest first without it.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    order: String,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
}

/// Lists the grants on what the account's organisations hold, the newest first.
#[utoipa::path(
    get, path = "/api/v1/manage/grants", tag = "manage", params(GrantParams), security(("token" = ["steward"])),
    responses((status = 200, description = "A page of grants.", body = ListBody<GrantDetail>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    params: web::Query<GrantParams>,
) -> Result<HttpResponse, WebError> {
    let (scope, reader) = (client.manage_scope()?, client.reader.clone());
    let GrantParams { q, state, order, after } = params.into_inner();
    let (selection, order) = (chosen_or_default(&state)?, chosen_or_default(&order)?);
    let wanted = GrantQuery { scope, text: tidy(Some(&q)), selection, order, now: clock::now() };
    let read = move |conn: &mut _| page(conn, &wanted, after.as_ref(), (&reader.person, &reader.roles));
    let found = app.reads.read(read).await?;
    Ok(read_json(&ListBody::of(found, |row| GrantDetail::of(&row))))
}

/// Another end, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndBody {
    /// The last day of access (UTC), such as `2027-06-30`.
    until: String,
    /// The reason, for the holder to read.
    reason: String,
}

/// Sets another end for a grant, sooner or later than it was, but not after its project's.
#[utoipa::path(
    post, path = "/api/v1/manage/grants/{id}/end", tag = "manage", security(("token" = ["steward"])),
    params(("id" = String, Path, description = "Its id")), request_body = EndBody,
    responses((status = 204, description = "It ends then.")),
)]
pub async fn change_end(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Steward, EndBody>,
) -> Result<HttpResponse, WebError> {
    let (by, id, mut errors) = (sent.client.person().id, parse_id::<GrantId>(&id)?, FieldErrors::default());
    let reason = errors.take("/reason", Reason::parse(&sent.body.reason));
    let day = errors.take("/until", sent.body.until.parse::<Day>());
    let (day, reason) = errors.check(day.zip(reason))?;
    sent.act(&app, move |tx| commands::change_end(tx, by, id, (day, &reason))).await
}

/// Suspends a grant, or lets it be used again: the gate goes by it at the next request.
#[utoipa::path(
    post, path = "/api/v1/manage/grants/{id}/suspension", tag = "manage", security(("token" = ["steward"])),
    params(("id" = String, Path, description = "Its id")), request_body = SuspensionBody,
    responses((status = 204, description = "It is changed.")),
)]
pub async fn change_suspension(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Steward, SuspensionBody>,
) -> Result<HttpResponse, WebError> {
    let (by, id, change) = (sent.client.person().id, parse_id::<GrantId>(&id)?, sent.body.checked()?);
    sent.act(&app, move |tx| commands::change_suspension(tx, by, id, &change).map(drop)).await
}

/// Revokes a grant: the gate refuses at the next request.
#[utoipa::path(
    post, path = "/api/v1/manage/grants/{id}/revoke", tag = "manage", security(("token" = ["steward"])),
    params(("id" = String, Path, description = "Its id")), request_body = ReasonBody,
    responses((status = 204, description = "It is revoked.")),
)]
pub async fn revoke(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Steward, ReasonBody>,
) -> Result<HttpResponse, WebError> {
    let (by, id) = (sent.client.person().id, parse_id::<GrantId>(&id)?);
    let reason = sent.body.checked()?;
    sent.act(&app, move |tx| commands::revoke(tx, by, id, &reason)).await
}

/// Grants that are revoked together, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationBody {
    /// Their ids, fifty at most.
    grants: Vec<String>,
    /// The reason, for the holders to read.
    reason: String,
}

/// Revokes several grants, each as if it were alone.
#[utoipa::path(
    post, path = "/api/v1/manage/grants/revoke", tag = "manage", security(("token" = ["steward"])),
    request_body = RevocationBody,
    responses((status = 200, description = "What became of each.", body = BatchDetail)),
)]
pub async fn revoke_several(
    app: web::Data<App>,
    sent: ApiRequest<scope::Steward, RevocationBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.manage_scope()?;
    let (by, mut errors) = (sent.client.person().id, FieldErrors::default());
    let reason = errors.take("/reason", Reason::parse(&sent.body.reason));
    let ids = errors.several::<GrantId>("/grants", &sent.body.grants);
    let (reason, ids) = errors.check(reason.zip(ids))?;
    sent.act_on_batch(&app, move |tx| commands::revoke_several(tx, by, &ids, &reason)).await
}
