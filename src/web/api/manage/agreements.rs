//! Publishing agreements.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::organisation;
use crate::app::App;
use crate::domain::agreement::{AgreementDescription, NewAgreementVersion};
use crate::domain::localised::Localised;
use crate::domain::text::{Language, TextError};
use crate::ledger::Tx;
use crate::ledger::commands::agreements;
use crate::web::api::answer::Created;
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::ApiRequest;
use crate::web::auth::scope;
use crate::web::error::WebError;
use crate::web::pages::manage::place_of_agreement_error;

/// A version of an agreement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementBody {
    /// The agreement's name.
    slug: String,
    /// The number of the version that it replaces; absent for a new agreement.
    replaces: Option<u32>,
    /// Its title.
    title: Localised,
    /// The exact words the signer agrees to, in each language that has a text.
    statement: Localised,
    /// The exact words by which the signer consents to sign electronically.
    consent: Localised,
    /// What it is about: `data-use`, `code-of-conduct`, `confidentiality` or `other`.
    kind: String,
    /// The language of the text that binds.
    binding: Option<String>,
    /// The text in each language, Markdown.
    texts: Localised,
}

/// Publishes an agreement, or a new version of one. A published version never changes.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/agreements", tag = "manage",
    security(("token" = ["steward"])), params(("organisation" = String, Path, description = "The organisation's name")),
    request_body = AgreementBody, responses((status = 201, description = "It is in force.", body = Created)),
)]
pub async fn publish(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, AgreementBody>,
) -> Result<HttpResponse, WebError> {
    let (id, by) = (organisation(&app, &sent.client, &slug).await?.id, sent.client.person().id);
    let (body, mut errors) = (&sent.body, FieldErrors::default());
    let slug = errors.take("/slug", body.slug.parse());
    let kind = errors.choose("/kind", &body.kind);
    let binding = body.binding.as_deref().map(|tag| Language::from_tag(tag).ok_or(TextError::Form)).transpose();
    let binding = errors.take("/binding", binding);
    let parsed = slug.zip(kind).zip(binding).map(|((slug, kind), binding)| AgreementDescription {
        organisation: None,
        slug,
        title: body.title.clone(),
        statement: body.statement.clone(),
        consent: body.consent.clone(),
        kind,
        binding,
        texts: body.texts.0.clone(),
    });
    let new = NewAgreementVersion::parse(errors.check(parsed)?).map_err(|error| {
        let (field, fault) = place_of_agreement_error(&error);
        FieldErrors::one(&format!("/{}", field.replacen('.', "/", 1)), fault)
    })?;
    let seen = body.replaces;
    let publish = move |tx: &mut Tx<'_>| {
        let (version, _) = agreements::publish_as_steward(tx, by, (id, seen), new)?.told();
        Ok(format!("/api/v1/agreements/{}/versions/{}", version.slug, version.number))
    };
    sent.make(&app, publish).await
}
