//! Published agreements.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::read_json;
use crate::app::App;
use crate::domain::agreement::AgreementVersion;
use crate::domain::localised::Localised;
use crate::domain::text::Slug;
use crate::views::agreements;
use crate::web::auth::ApiVisitor;
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// A published version of an agreement.
#[derive(Serialize, ToSchema)]
pub struct AgreementDetail {
    /// The id of this version, by which it is signed.
    pub id: String,
    /// The agreement's name.
    pub slug: String,
    /// The number of this version.
    pub version: u32,
    /// Its title.
    pub title: Localised,
    /// The exact words the signer agrees to.
    pub statement: Localised,
    /// The exact words by which the signer consents to sign electronically.
    pub consent: Localised,
    /// What it is about.
    pub kind: String,
    /// The language of the text that binds.
    pub binding: String,
    /// The text, Markdown, in each language.
    pub texts: Localised,
    /// The SHA-256 of each text.
    pub sha256: Localised,
    /// When it was published (RFC 3339).
    pub published_at: String,
    /// The last day (UTC) on which those can sign it who signed an earlier version, if they have to: after it their access stops
    /// until they have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_by: Option<String>,
}

impl AgreementDetail {
    /// A version as the API shows it.
    pub fn of(version: &AgreementVersion) -> Self {
        let all = version.texts.iter();
        Self {
            id: version.id.to_string(),
            slug: version.slug.to_string(),
            version: version.number,
            title: version.title.clone(),
            statement: version.statement.clone(),
            consent: version.consent.clone(),
            kind: version.kind.to_string(),
            binding: version.binding.tag().to_owned(),
            sha256: Localised(all.clone().map(|text| (text.language, text.sha256.to_string())).collect()),
            texts: Localised(all.map(|text| (text.language, text.body.clone())).collect()),
            published_at: version.published_at.to_string(),
            sign_by: version.last_day().map(|day| day.to_string()),
        }
    }
}

async fn agreement(app: &App, slug: &str, number: Option<&str>) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(slug)?;
    let number = number.map(parse_id::<u32>).transpose()?;
    let found = app.reads.read(move |conn| agreements::agreement(conn, &slug, number)).await?;
    Ok(read_json(&AgreementDetail::of(&found.ok_or(WebError::NotFound)?.version)))
}

/// Reads the version of an agreement that is in force.
#[utoipa::path(
    get, path = "/api/v1/agreements/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The version in force.", body = AgreementDetail)),
)]
pub async fn read_in_force(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    agreement(&app, &slug, None).await
}

/// Reads a version of an agreement.
#[utoipa::path(
    get, path = "/api/v1/agreements/{slug}/versions/{number}", tag = "catalogue",
    params(("slug" = String, Path, description = "Its name"), ("number" = u32, Path, description = "The version's number")),
    responses((status = 200, description = "The version.", body = AgreementDetail)),
)]
pub async fn read_version(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    agreement(&app, &path.0, Some(&path.1)).await
}
