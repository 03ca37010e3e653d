//! Agreements and forms of an organisation.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::organisation;
use crate::app::App;
use crate::domain::agreement::{AgreementDescription, NewAgreementVersion};
use crate::domain::form::{FormDescription, FormError, NewFormVersion, Section};
use crate::domain::localised::Localised;
use crate::domain::text::{Language, TextError};
use crate::ledger::commands::{agreements, forms};
use crate::web::api::catalogue::Texts;
use crate::web::api::exchange::{Faults, Made, Sent};
use crate::web::error::{Fault, WebError};
use crate::web::pages::manage::{form_error_key, place_of_agreement_error};

/// A version of an agreement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementBody {
    /// The agreement's name.
    slug: String,
    /// The number of the version that it replaces; absent for a new agreement.
    replaces: Option<u32>,
    /// Its title.
    #[schema(value_type = Texts)]
    title: Localised,
    /// The exact words the signer agrees to, in each language that has a text.
    #[schema(value_type = Texts)]
    statement: Localised,
    /// The exact words by which the signer consents to sign electronically.
    #[schema(value_type = Texts)]
    consent: Localised,
    /// What it is about: `data-use`, `code-of-conduct`, `confidentiality` or `other`.
    kind: String,
    /// The language of the text that binds.
    binding: Option<String>,
    /// The text in each language, Markdown.
    #[schema(value_type = Texts)]
    texts: BTreeMap<Language, String>,
}

/// Publishes an agreement, or a new version of one. A published version never changes.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/agreements", tag = "manage",
    security(("token" = ["steward"])), params(("organisation" = String, Path, description = "The organisation's name")),
    request_body = AgreementBody, responses((status = 201, description = "It is in force.", body = Made)),
)]
pub async fn publish_agreement(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<AgreementBody>,
) -> Result<HttpResponse, WebError> {
    let (id, by) = (organisation(&app, &sent.client, &slug).await?.id, sent.client.person().id);
    let (body, mut faults) = (&sent.body, Faults::default());
    let slug = faults.take("/slug", body.slug.parse());
    let kind = faults.choose("/kind", &body.kind);
    let binding = body.binding.as_deref().map(|tag| Language::from_tag(tag).ok_or(TextError::Form)).transpose();
    let binding = faults.take("/binding", binding);
    let parsed = slug.zip(kind).zip(binding).map(|((slug, kind), binding)| AgreementDescription {
        organisation: None,
        slug,
        title: body.title.clone(),
        statement: body.statement.clone(),
        consent: body.consent.clone(),
        kind,
        binding,
        texts: body.texts.clone(),
    });
    let new = NewAgreementVersion::parse(faults.check(parsed)?).map_err(|error| {
        let (field, fault) = place_of_agreement_error(&error);
        Faults::one(&format!("/{}", field.replacen('.', "/", 1)), fault)
    })?;
    let seen = body.replaces;
    let publish = move |tx: &mut crate::ledger::Tx<'_>| {
        let (version, _) = agreements::publish_as_steward(tx, by, (id, seen), new)?.told();
        Ok(format!("/api/v1/agreements/{}/versions/{}", version.slug, version.number))
    };
    sent.make(&app, publish).await
}

/// A version of a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormBody {
    /// The form's name.
    slug: String,
    /// The number of the version that it replaces; absent for a new form.
    replaces: Option<u32>,
    /// Its title.
    #[schema(value_type = Texts)]
    title: Localised,
    /// Its sections, each with `id`, `title` and `questions`, as in a description file.
    #[schema(value_type = Vec<Object>)]
    sections: Vec<Section>,
}

/// Publishes a form, or a new version of one.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/forms", tag = "manage",
    security(("token" = ["steward"])), params(("organisation" = String, Path, description = "The organisation's name")),
    request_body = FormBody, responses((status = 201, description = "It is in force.", body = Made)),
)]
pub async fn publish_form(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<FormBody>,
) -> Result<HttpResponse, WebError> {
    let (id, by) = (organisation(&app, &sent.client, &slug).await?.id, sent.client.person().id);
    let (body, mut faults) = (&sent.body, Faults::default());
    let slug = faults.take("/slug", body.slug.parse());
    let (title, sections) = (body.title.clone(), body.sections.clone());
    let description = faults.check(slug.map(|slug| FormDescription { organisation: None, slug, title, sections }))?;
    let new = NewFormVersion::parse(description).map_err(|error| {
        let pointer = if error == FormError::NoTitle { "/title" } else { "/sections" };
        Faults::one(pointer, Fault::Message(form_error_key(&error)))
    })?;
    let seen = body.replaces;
    let publish = move |tx: &mut crate::ledger::Tx<'_>| {
        let (version, _) = forms::publish_as_steward(tx, by, (id, seen), new)?.told();
        Ok(format!("/api/v1/forms/{}/versions/{}", version.slug, version.number))
    };
    sent.make(&app, publish).await
}
