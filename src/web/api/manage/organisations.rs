//! An organisation as those see it who run it.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::domain::localised::Localised;
use crate::domain::organisation::{DescriptionError, OrganisationDescription};
use crate::domain::text::Slug;
use crate::ledger::commands::organisations as commands;
use crate::ledger::commands::organisations::members::join as join_organisation;
use crate::views::manage::{Choices, choices};
use crate::views::organisations::seen;
use crate::web::api::answer::read_tagged;
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::{ApiRequest, EmptyBody};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// What an organisation says about itself.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationBody {
    /// Its name.
    name: Localised,
    /// Markdown.
    #[serde(default)]
    about: Localised,
}

/// An organisation, with the names that its datasets and imports can use.
#[derive(Serialize, ToSchema)]
pub struct RunOrganisation {
    /// What it says about itself: sent back as it is, it changes nothing.
    pub organisation: OrganisationBody,
    /// Its agreements.
    pub agreements: Vec<String>,
    /// Its forms.
    pub forms: Vec<String>,
    /// Its committees.
    pub committees: Vec<String>,
    /// The sources that it may import files from.
    pub sources: Vec<String>,
}

/// Reads an organisation that you run.
#[utoipa::path(
    get, path = "/api/v1/manage/organisations/{organisation}", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")),
    responses((status = 200, description = "Its ETag is what an edit names.", body = RunOrganisation)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (slug, scope) = (parse_id::<Slug>(&slug)?, client.manage_scope()?);
    let read = move |conn: &mut _| match seen(conn, &slug, &scope)? {
        Some(found) => Ok(Some((choices(conn, found.id)?, found))),
        None => Ok(None),
    };
    let (Choices { agreements, forms, committees }, found) = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    let names = |all: Vec<(Slug, Localised)>| all.into_iter().map(|(slug, _)| slug.to_string()).collect();
    let sources = app.config.sources.iter().filter(|source| source.is_open_to(&found.slug));
    let detail = RunOrganisation {
        agreements: names(agreements),
        forms: names(forms),
        committees: names(committees),
        sources: sources.map(|source| source.name.to_string()).collect(),
        organisation: OrganisationBody { name: found.name, about: found.about },
    };
    Ok(read_tagged(&detail, &found.updated_at.to_string()))
}

/// Changes what an organisation says about itself.
#[utoipa::path(
    put, path = "/api/v1/manage/organisations/{organisation}", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name"), ("If-Match" = String, Header, description = "The ETag of what was read")),
    request_body = OrganisationBody, responses((status = 204, description = "Organisation saved.")),
)]
pub async fn describe(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, OrganisationBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, seen) = (sent.client.person().id, parse_id::<Slug>(&slug)?, sent.edited_at()?);
    let description =
        OrganisationDescription::parse(&sent.body.name, &sent.body.about).map_err(|error| match error {
            DescriptionError::Name(error) => FieldErrors::localised("/name", error),
            DescriptionError::About(error) => FieldErrors::localised("/about", error),
        })?;
    sent.act(&app, move |tx| commands::describe(tx, by, (&slug, seen), description)).await
}

/// Takes up an invitation to run an organisation.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/join", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")),
    responses((status = 204, description = "Invitation accepted.")),
)]
pub async fn join(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    sent.act(&app, move |tx| join_organisation(tx, by, &slug)).await
}
