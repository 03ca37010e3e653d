//! Organisations, as everybody sees them.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::read_json;
use crate::app::App;
use crate::domain::localised::Localised;
use crate::domain::organisation::Organisation;
use crate::domain::text::Slug;
use crate::store::organisations;
use crate::web::auth::ApiVisitor;
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// An organisation.
#[derive(Serialize, ToSchema)]
pub struct OrganisationDetail {
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: Localised,
    /// What it says about itself, Markdown.
    pub about: Localised,
}

impl OrganisationDetail {
    /// An organisation as the API shows it.
    pub fn of(organisation: &Organisation) -> Self {
        Self { slug: organisation.slug.to_string(), name: organisation.name.clone(), about: organisation.about.clone() }
    }
}

/// Reads an organisation, where there are several.
#[utoipa::path(
    get, path = "/api/v1/organisations/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The organisation.", body = OrganisationDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(&slug)?;
    let look = move |conn: &mut _| {
        if !organisations::are_several(conn)? {
            return Ok(None);
        }
        organisations::by_slug(conn, &slug)
    };
    let found = app.reads.read(look).await?.ok_or(WebError::NotFound)?;
    Ok(read_json(&OrganisationDetail::of(&found)))
}
