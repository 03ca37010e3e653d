//! Publishing forms.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::organisation;
use crate::app::App;
use crate::domain::form::{FormDescription, FormError, NewFormVersion, Section};
use crate::domain::localised::Localised;
use crate::ledger::Tx;
use crate::ledger::commands::forms;
use crate::web::api::answer::Created;
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::ApiRequest;
use crate::web::auth::scope;
use crate::web::error::{Fault, WebError};
use crate::web::pages::manage::form_error_key;

/// A version of a form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormBody {
    /// The form's name.
    slug: String,
    /// The number of the version that it replaces; absent for a new form.
    replaces: Option<u32>,
    /// Its title.
    title: Localised,
    /// Its sections, each with `id`, `title` and `questions`, as in a description file.
    #[schema(value_type = Vec<Object>)]
    sections: Vec<Section>,
}

/// Publishes a form, or a new version of one.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/forms", tag = "manage",
    security(("token" = ["steward"])), params(("organisation" = String, Path, description = "The organisation's name")),
    request_body = FormBody, responses((status = 201, description = "It is in force.", body = Created)),
)]
pub async fn publish(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, FormBody>,
) -> Result<HttpResponse, WebError> {
    let (id, by) = (organisation(&app, &sent.client, &slug).await?.id, sent.client.person().id);
    let (body, mut errors) = (&sent.body, FieldErrors::default());
    let slug = errors.take("/slug", body.slug.parse());
    let (title, sections) = (body.title.clone(), body.sections.clone());
    let description = errors.check(slug.map(|slug| FormDescription { organisation: None, slug, title, sections }))?;
    let new = NewFormVersion::parse(description).map_err(|error| {
        let pointer = if error == FormError::NoTitle { "/title" } else { "/sections" };
        FieldErrors::one(pointer, Fault::Message(form_error_key(&error)))
    })?;
    let seen = body.replaces;
    let publish = move |tx: &mut Tx<'_>| {
        let (version, _) = forms::publish_as_steward(tx, by, (id, seen), new)?.told();
        Ok(format!("/api/v1/forms/{}/versions/{}", version.slug, version.number))
    };
    sent.make(&app, publish).await
}
