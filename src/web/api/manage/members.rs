//! Who runs an organisation.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::clock;
use crate::domain::organisation::OrganisationRole;
use crate::domain::text::{Email, Slug};
use crate::ledger::commands::organisations::members as commands;
use crate::views::organisations::members;
use crate::web::api::answer::{ListBody, read_json};
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::{ApiRequest, EmptyBody};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// Somebody who runs an organisation, or is invited to.
#[derive(Serialize, ToSchema)]
pub struct OfficerDetail {
    /// The address to which the invitation went.
    pub email: String,
    /// The account's name, once they have joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `owner` or `steward`.
    pub role: String,
    /// `invited` or `joined`.
    pub state: String,
}

/// Lists who runs an organisation.
#[utoipa::path(
    get, path = "/api/v1/manage/organisations/{organisation}/members", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")),
    responses((status = 200, description = "All of them.", body = ListBody<OfficerDetail>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (slug, scope, reader) = (parse_id::<Slug>(&slug)?, client.manage_scope()?, client.person().clone());
    let found = app.reads.read(move |conn| members(conn, (&slug, &scope), &reader, clock::now())).await?;
    let rows = found.ok_or(WebError::NotFound)?.rows;
    let items = rows.into_iter().map(|row| OfficerDetail {
        email: row.member.email.to_string(),
        name: row.name,
        role: row.member.role.to_string(),
        state: row.member.state.to_string(),
    });
    Ok(read_json(&ListBody { items: items.collect(), next: None }))
}

/// Somebody to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationBody {
    /// Their address.
    email: String,
    /// `owner` or `steward`.
    role: String,
}

/// Invites somebody to run an organisation.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/members", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")), request_body = InvitationBody,
    responses((status = 204, description = "They are invited.")),
)]
pub async fn invite(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, InvitationBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, mut errors) = (sent.client.person().id, parse_id::<Slug>(&slug)?, FieldErrors::default());
    let email = errors.take("/email", sent.body.email.parse::<Email>());
    let role = errors.choose::<OrganisationRole>("/role", &sent.body.role);
    let (email, role) = errors.check(email.zip(role))?;
    sent.act(&app, move |tx| commands::invite(tx, by, &slug, (&email, role)).map(drop)).await
}

/// The role of a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// `owner` or `steward`.
    role: String,
}

/// Gives a member another role.
#[utoipa::path(
    put, path = "/api/v1/manage/organisations/{organisation}/members/{email}", tag = "manage",
    security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name"), ("email" = String, Path, description = "Their address")),
    request_body = RoleBody, responses((status = 204, description = "They have it.")),
)]
pub async fn set_role(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    sent: ApiRequest<scope::Steward, RoleBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, email) = (sent.client.person().id, parse_id::<Slug>(&path.0)?, parse_id::<Email>(&path.1)?);
    let mut errors = FieldErrors::default();
    let role = errors.choose::<OrganisationRole>("/role", &sent.body.role);
    let role = errors.check(role)?;
    sent.act(&app, move |tx| commands::set_role(tx, by, &slug, (&email, role)).map(drop)).await
}

/// Removes a member, takes an invitation back, or leaves.
#[utoipa::path(
    delete, path = "/api/v1/manage/organisations/{organisation}/members/{email}", tag = "manage",
    security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name"), ("email" = String, Path, description = "Their address")),
    responses((status = 204, description = "They are no member any more.")),
)]
pub async fn remove(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    sent: ApiRequest<scope::Steward, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, email) = (sent.client.person().id, parse_id::<Slug>(&path.0)?, parse_id::<Email>(&path.1)?);
    sent.act(&app, move |tx| commands::remove(tx, by, &slug, &email).map(drop)).await
}
