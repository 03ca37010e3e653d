//! Newer versions of agreements that have to be signed, so that access goes on.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::agreements::AgreementDetail;
use super::answer::{done, read_json};
use super::request::ApiRequest;
use super::signing::{SignatureBody, own_signature};
use crate::app::App;
use crate::clock;
use crate::domain::ids::RequestId;
use crate::ledger::commands::access_requests as commands;
use crate::views::signing::{self, SigningContext};
use crate::web::auth::{ApiClient, ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// Newer versions of agreements that have to be signed, so that access goes on.
#[derive(Serialize, ToSchema)]
pub struct NewVersionsDetail {
    /// The agreements, each to be accepted in the version given here.
    pub agreements: Vec<AgreementDetail>,
    /// When access stops, or has stopped (RFC 3339).
    pub stops_at: String,
    /// Whether it has.
    pub has_stopped: bool,
    /// The ids of the other requests that the same signature is for.
    pub others: Vec<String>,
    /// Whether it can be signed now.
    pub may_sign: bool,
}

/// Reads the newer versions that you have to sign, so that access by a request goes on.
#[utoipa::path(
    get, path = "/api/v1/requests/{id}/new-versions", tag = "requests", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "What is to be signed.", body = NewVersionsDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Apply>,
    id: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let context = renewal_context(&app, &client, parse_id(&id)?).await?;
    let renewal = context.renewal.as_ref().ok_or(WebError::NotFound)?;
    Ok(read_json(&NewVersionsDetail {
        agreements: context.terms.agreements.iter().map(AgreementDetail::of).collect(),
        stops_at: renewal.stops_at.to_string(),
        has_stopped: renewal.has_stopped,
        others: renewal.others.iter().map(|line| line.grant.request.to_string()).collect(),
        may_sign: context.may_sign(),
    }))
}

async fn renewal_context(app: &App, client: &ApiClient, id: RequestId) -> Result<SigningContext, WebError> {
    let person = client.person().id;
    let read = move |conn: &mut _| signing::renewal_context(conn, id, person, clock::now());
    app.reads.read(read).await?.ok_or(WebError::NotFound)
}

/// Signs the newer versions that access by a request rests on, and those of other requests for which no other is needed.
#[utoipa::path(
    post, path = "/api/v1/requests/{id}/new-versions", tag = "requests", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), request_body = SignatureBody,
    responses((status = 204, description = "It is signed.")),
)]
pub async fn sign(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, SignatureBody>,
) -> Result<HttpResponse, WebError> {
    let id = parse_id::<RequestId>(&id)?;
    if sent.answered_before(&app).await?.is_some() {
        return Ok(done());
    }
    let context = renewal_context(&app, &sent.client, id).await?;
    let signature = own_signature(&app, (id, context), &sent).await?;
    sent.act(&app, move |tx| commands::sign_new_versions(tx, &signature)).await
}
