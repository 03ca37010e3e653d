//! Publishing agreements.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::organisation;
use crate::app::App;
use crate::clock;
use crate::domain::agreement::{AgreementDescription, NewAgreementVersion};
use crate::domain::localised::Localised;
use crate::domain::text::{Language, Slug, TextError};
use crate::ledger::Tx;
use crate::ledger::commands::agreements;
use crate::store::new_versions::Concerned;
use crate::views::agreements::{InForce, in_force};
use crate::web::api::answer::{Created, read_json};
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::ApiRequest;
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::WebError;
use crate::web::pages::manage::place_of_agreement_error;
use crate::web::pages::parse_id;

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
    /// The last day (UTC), such as `2027-06-30`, on which those can sign it who signed an earlier version, if they have to: after
    /// it their access stops until they have.
    sign_by: Option<String>,
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
    let sign_by = errors.take("/sign_by", body.sign_by.as_deref().map(str::parse).transpose());
    let checked = slug.zip(kind).zip(binding.zip(sign_by));
    let parsed = checked.map(|((slug, kind), (binding, sign_by))| AgreementDescription {
        organisation: None,
        slug,
        title: body.title.clone(),
        statement: body.statement.clone(),
        consent: body.consent.clone(),
        kind,
        binding,
        texts: body.texts.0.clone(),
        sign_by,
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

/// By when the version in force has to be signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LastDayBody {
    /// The number of the version in force.
    version: u32,
    /// The last day (UTC), such as `2027-06-30`, on which those can sign it who signed an earlier version; absent where they need
    /// not.
    sign_by: Option<String>,
}

/// Sets by when those have to sign the version in force who signed an earlier one, or that they need not.
#[utoipa::path(
    put, path = "/api/v1/manage/organisations/{organisation}/agreements/{agreement}/sign-by", tag = "manage",
    security(("token" = ["steward"])),
    params(
        ("organisation" = String, Path, description = "The organisation's name"),
        ("agreement" = String, Path, description = "The agreement's name"),
    ),
    request_body = LastDayBody, responses((status = 204, description = "It is set.")),
)]
pub async fn set_last_day(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    sent: ApiRequest<scope::Steward, LastDayBody>,
) -> Result<HttpResponse, WebError> {
    let (id, by) = (organisation(&app, &sent.client, &path.0).await?.id, sent.client.person().id);
    let (slug, mut errors) = (parse_id::<Slug>(&path.1)?, FieldErrors::default());
    let day = errors.take("/sign_by", sent.body.sign_by.as_deref().map(str::parse).transpose());
    let (day, version) = (errors.check(day)?, sent.body.version);
    sent.act(&app, move |tx| agreements::set_last_day(tx, by, id, (&slug, version), day)).await
}

/// How many are concerned by a new version, and by the one in force.
#[derive(Serialize, ToSchema)]
pub struct ConcernedDetail {
    /// Whose access rests on the agreement, in whichever version: who would have to sign a new one.
    pub resting: ConcernedCount,
    /// Of them, those who have not signed the version in force.
    pub not_signed: ConcernedCount,
}

/// How many are concerned.
#[derive(Serialize, ToSchema)]
pub struct ConcernedCount {
    /// People.
    pub people: u64,
    /// Projects.
    pub projects: u64,
    /// Grants.
    pub grants: u64,
}

impl From<Concerned> for ConcernedCount {
    fn from(Concerned { people, projects, grants }: Concerned) -> Self {
        Self { people, projects, grants }
    }
}

/// Counts whose access rests on an agreement.
#[utoipa::path(
    get, path = "/api/v1/manage/organisations/{organisation}/agreements/{agreement}/concerned", tag = "manage",
    security(("token" = ["steward"])),
    params(
        ("organisation" = String, Path, description = "The organisation's name"),
        ("agreement" = String, Path, description = "The agreement's name"),
    ),
    responses((status = 200, description = "How many there are.", body = ConcernedDetail)),
)]
pub async fn concerned(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let id = organisation(&app, &client, &path.0).await?.id;
    let slug = parse_id::<Slug>(&path.1)?;
    let read = move |conn: &mut _| in_force(conn, id, &slug, clock::now());
    let InForce { resting, not_signed, .. } = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    Ok(read_json(&ConcernedDetail { resting: resting.into(), not_signed: not_signed.into() }))
}
