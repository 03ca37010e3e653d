//! Handing a dataset to another organisation, taking up an invitation, and what an organisation says about itself.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::api_token::Scope;
use crate::domain::localised::Localised;
use crate::domain::organisation::{DescriptionError, OrganisationDescription};
use crate::domain::text::Slug;
use crate::ledger::commands::handover as commands;
use crate::ledger::commands::organisations::describe;
use crate::ledger::commands::organisations::members::join as join_organisation;
use crate::views::organisations::seen;
use crate::web::api::catalogue::Texts;
use crate::web::api::exchange::{Faults, Nothing, Sent, read_tagged};
use crate::web::auth::ApiClient;
use crate::web::error::{Fault, WebError};
use crate::web::pages::parse_id;

/// To whom a dataset is offered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferBody {
    /// The name of the other organisation.
    to: String,
}

/// Offers a dataset to another organisation.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/offer", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name")), request_body = OfferBody,
    responses((status = 204, description = "It is offered.")),
)]
pub async fn offer(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<OfferBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug, mut faults) = (sent.client.person().id, parse_id::<Slug>(&slug)?, Faults::default());
    let to = faults.take("/to", sent.body.to.parse::<Slug>());
    let to = faults.check(to)?;
    sent.act(&app, move |tx| commands::offer(tx, by, (&slug, &to))).await
}

/// Takes an offer back, or declines it.
#[utoipa::path(
    delete, path = "/api/v1/manage/datasets/{slug}/offer", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name")),
    responses((status = 204, description = "It is offered no more.")),
)]
pub async fn end_offer(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<Nothing>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    sent.act(&app, move |tx| commands::end_offer(tx, by, &slug)).await
}

/// How an offered dataset is taken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptBody {
    /// The committee that decides about it from then on, where one does.
    committee: Option<String>,
}

/// Takes a dataset that was offered.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/accept", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name")), request_body = AcceptBody,
    responses((status = 204, description = "It is theirs.")),
)]
pub async fn accept(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<AcceptBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug, mut faults) = (sent.client.person().id, parse_id::<Slug>(&slug)?, Faults::default());
    let committee = sent.body.committee.as_deref().map(str::parse::<Slug>).transpose();
    let committee = faults.take("/committee", committee);
    let committee = faults.check(committee)?;
    sent.act(&app, move |tx| commands::accept(tx, by, (&slug, committee.as_ref()))).await
}

/// Takes up an invitation to run an organisation.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/join", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")),
    responses((status = 204, description = "They have joined.")),
)]
pub async fn join(app: web::Data<App>, slug: web::Path<String>, sent: Sent<Nothing>) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    sent.act(&app, move |tx| join_organisation(tx, by, &slug)).await
}

/// What an organisation says about itself.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AboutBody {
    /// Its name.
    #[schema(value_type = Texts)]
    name: Localised,
    /// Markdown.
    #[serde(default)]
    #[schema(value_type = Texts)]
    about: Localised,
}

/// Reads what an organisation says about itself.
#[utoipa::path(
    get, path = "/api/v1/manage/organisations/{organisation}", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")),
    responses((status = 200, description = "Its ETag is what an edit names.", body = AboutBody)),
)]
pub async fn read_about(
    app: web::Data<App>,
    client: ApiClient,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    client.require(Scope::Steward)?;
    let (slug, scope) = (parse_id::<Slug>(&slug)?, client.manage_scope()?);
    let found = app.reads.read(move |conn| seen(conn, &slug, &scope)).await?.ok_or(WebError::NotFound)?;
    Ok(read_tagged(&AboutBody { name: found.name, about: found.about }, &found.updated_at.to_string()))
}

/// Changes what an organisation says about itself.
#[utoipa::path(
    put, path = "/api/v1/manage/organisations/{organisation}", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name"), ("If-Match" = String, Header, description = "The ETag of what was read")),
    request_body = AboutBody, responses((status = 204, description = "It is changed.")),
)]
pub async fn change_about(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<AboutBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    let description =
        OrganisationDescription::parse(&sent.body.name, &sent.body.about).map_err(|error| match error {
            DescriptionError::Name(error) => Faults::one("/name", Fault::Text(error)),
            DescriptionError::About(error) => Faults::one("/about", Fault::Text(error)),
        })?;
    let seen = Timestamp::parse(sent.edited()?).unwrap_or_default();
    sent.act(&app, move |tx| describe(tx, by, (&slug, seen), description)).await
}
