//! Published forms.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::read_json;
use crate::app::App;
use crate::domain::form::{FormVersion, Section};
use crate::domain::localised::Localised;
use crate::domain::text::Slug;
use crate::views::forms;
use crate::web::auth::ApiVisitor;
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// A published version of a form.
#[derive(Serialize, ToSchema)]
pub struct FormDetail {
    /// The id of this version, by which it is filled in.
    pub id: String,
    /// The form's name.
    pub slug: String,
    /// The number of this version.
    pub version: u32,
    /// Its title.
    pub title: Localised,
    /// Its sections with their questions, as they are published: what is needed to answer them, and to publish a new version.
    #[schema(value_type = Vec<Object>)]
    pub sections: Vec<Section>,
    /// When it was published (RFC 3339).
    pub published_at: String,
}

impl FormDetail {
    /// A version as the API shows it.
    pub fn of(version: &FormVersion) -> Self {
        Self {
            id: version.id.to_string(),
            slug: version.slug.to_string(),
            version: version.number,
            title: version.title.clone(),
            sections: version.sections.clone(),
            published_at: version.published_at.to_string(),
        }
    }
}

async fn form(app: &App, slug: &str, number: Option<&str>) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(slug)?;
    let number = number.map(parse_id::<u32>).transpose()?;
    let found = app.reads.read(move |conn| forms::form(conn, &slug, number)).await?;
    Ok(read_json(&FormDetail::of(&found.ok_or(WebError::NotFound)?.version)))
}

/// Reads the version of a form that is in force.
#[utoipa::path(
    get, path = "/api/v1/forms/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The version in force.", body = FormDetail)),
)]
pub async fn read_in_force(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    form(&app, &slug, None).await
}

/// Reads a version of a form.
#[utoipa::path(
    get, path = "/api/v1/forms/{slug}/versions/{number}", tag = "catalogue",
    params(("slug" = String, Path, description = "Its name"), ("number" = u32, Path, description = "The version's number")),
    responses((status = 200, description = "The version.", body = FormDetail)),
)]
pub async fn read_version(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    form(&app, &path.0, Some(&path.1)).await
}
