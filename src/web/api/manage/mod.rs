//! What organisations hold, for those who run them.

pub mod datasets;
pub mod grants;
pub mod handover;
pub mod imports;
pub mod members;
pub mod terms;

use actix_web::web::{self, ServiceConfig};

use crate::app::App;
use crate::domain::api_token::Scope;
use crate::domain::organisation::Organisation;
use crate::domain::text::Slug;
use crate::views::organisations::seen;
use crate::web::auth::ApiClient;
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// Adds the operations.
pub fn configure(api: &mut ServiceConfig) {
    api.route("/manage/datasets", web::get().to(datasets::list))
        .route("/manage/datasets/{slug}", web::get().to(datasets::read))
        .route("/manage/datasets/{slug}", web::put().to(datasets::edit))
        .route("/manage/datasets/{slug}/publish", web::post().to(datasets::publish))
        .route("/manage/datasets/{slug}/suspension", web::post().to(datasets::change_suspension))
        .route("/manage/datasets/{slug}/releases/{number}", web::post().to(datasets::change_release))
        .route("/manage/datasets/{slug}/imports", web::get().to(imports::list))
        .route("/manage/datasets/{slug}/imports", web::post().to(imports::request))
        .route("/manage/datasets/{slug}/imports/{id}/cancel", web::post().to(imports::cancel))
        .route("/manage/organisations/{organisation}/datasets", web::post().to(datasets::make))
        .route("/manage/organisations/{organisation}/agreements", web::post().to(terms::publish_agreement))
        .route("/manage/organisations/{organisation}/forms", web::post().to(terms::publish_form))
        .route("/manage/organisations/{organisation}/committees", web::post().to(terms::set_committee))
        .route("/manage/organisations/{organisation}/members", web::get().to(members::list))
        .route("/manage/organisations/{organisation}/members", web::post().to(members::invite))
        .route("/manage/organisations/{organisation}/members/{email}", web::put().to(members::set_role))
        .route("/manage/organisations/{organisation}/members/{email}", web::delete().to(members::remove))
        .route("/manage/datasets/{slug}/offer", web::post().to(handover::offer))
        .route("/manage/datasets/{slug}/offer", web::delete().to(handover::end_offer))
        .route("/manage/datasets/{slug}/accept", web::post().to(handover::accept))
        .route("/manage/organisations/{organisation}", web::get().to(handover::read_about))
        .route("/manage/organisations/{organisation}", web::put().to(handover::change_about))
        .route("/manage/organisations/{organisation}/join", web::post().to(handover::join))
        .route("/manage/grants", web::get().to(grants::list))
        .route("/manage/grants/{id}/revoke", web::post().to(grants::revoke));
}

/// An organisation that the client runs.
async fn organisation(app: &App, client: &ApiClient, slug: &str) -> Result<Organisation, WebError> {
    client.require(Scope::Steward)?;
    let (slug, scope) = (parse_id::<Slug>(slug)?, client.manage_scope()?);
    let found = app.reads.read(move |conn| seen(conn, &slug, &scope)).await?;
    found.filter(|organisation| client.officer(organisation.id).may_steward()).ok_or(WebError::NotFound)
}
