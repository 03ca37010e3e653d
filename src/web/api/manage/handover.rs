//! Handing a dataset to another organisation.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::domain::text::Slug;
use crate::ledger::commands::handover as commands;
use crate::views::manage::offered;
use crate::web::api::answer::{ListBody, read_json};
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::{ApiRequest, EmptyBody};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
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
    sent: ApiRequest<scope::Steward, OfferBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, mut errors) = (sent.client.person().id, parse_id::<Slug>(&slug)?, FieldErrors::default());
    let to = errors.take("/to", sent.body.to.parse::<Slug>());
    let to = errors.check(to)?;
    sent.act(&app, move |tx| commands::offer(tx, by, (&slug, &to))).await
}

/// Takes an offer back, or declines it.
#[utoipa::path(
    delete, path = "/api/v1/manage/datasets/{slug}/offer", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name")),
    responses((status = 204, description = "The offer is withdrawn.")),
)]
pub async fn end_offer(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, EmptyBody>,
) -> Result<HttpResponse, WebError> {
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
    sent: ApiRequest<scope::Steward, AcceptBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, mut errors) = (sent.client.person().id, parse_id::<Slug>(&slug)?, FieldErrors::default());
    let committee = sent.body.committee.as_deref().map(str::parse::<Slug>).transpose();
    let committee = errors.take("/committee", committee);
    let committee = errors.check(committee)?;
    sent.act(&app, move |tx| commands::accept(tx, by, (&slug, committee.as_ref()))).await
}

/// A dataset that is offered to an organisation that the account owns.
#[derive(Serialize, ToSchema)]
pub struct OfferDetail {
    /// The dataset's name.
    pub dataset: String,
    /// The organisation that it is offered to.
    pub to: String,
    /// The committees of that one, of which one is to decide about it.
    pub committees: Vec<String>,
}

/// Lists the datasets that are offered to the organisations that you own.
#[utoipa::path(
    get, path = "/api/v1/manage/offers", tag = "manage", security(("token" = ["steward"])),
    responses((status = 200, description = "All of them.", body = ListBody<OfferDetail>)),
)]
pub async fn list(app: web::Data<App>, client: ScopedClient<scope::Steward>) -> Result<HttpResponse, WebError> {
    let reader = client.reader.clone();
    let offers = app.reads.read(move |conn| offered(conn, &reader)).await?;
    let items = offers.into_iter().map(|offer| OfferDetail {
        dataset: offer.dataset.slug.to_string(),
        to: offer.to.slug.to_string(),
        committees: offer.committees.iter().map(|committee| committee.slug.to_string()).collect(),
    });
    Ok(read_json(&ListBody { items: items.collect(), next: None }))
}
