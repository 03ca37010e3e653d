//! What organisations hold, for those who run them.

pub mod agreements;
pub mod committees;
mod dataset_body;
pub mod datasets;
pub mod forms;
pub mod grants;
pub mod handover;
pub mod holidays;
pub mod imports;
pub mod members;
pub mod organisations;
pub mod overview;

use actix_web::web::{self, ServiceConfig};

use super::at;
use crate::app::App;
use crate::domain::organisation::Organisation;
use crate::domain::text::Slug;
use crate::views::organisations::seen;
use crate::web::auth::ApiClient;
use crate::web::error::WebError;
use crate::web::methods::read;
use crate::web::pages::parse_id;

/// Adds the operations.
pub fn configure(api: &mut ServiceConfig) {
    api.service(at("/manage/overview", "GET, HEAD").route(read(overview::read)))
        .service(at("/manage/datasets", "GET, HEAD").route(read(datasets::list)))
        .service(at("/manage/suspensions", "POST").route(web::post().to(datasets::suspend_several)))
        .service(
            at("/manage/datasets/{slug}", "GET, HEAD, PUT")
                .route(read(datasets::read))
                .route(web::put().to(datasets::edit)),
        )
        .service(at("/manage/datasets/{slug}/publish", "POST").route(web::post().to(datasets::publish)))
        .service(at("/manage/datasets/{slug}/suspension", "POST").route(web::post().to(datasets::change_suspension)))
        .service(at("/manage/datasets/{slug}/retirement", "POST").route(web::post().to(datasets::change_retirement)))
        .service(
            at("/manage/datasets/{slug}/releases/{number}", "POST").route(web::post().to(datasets::change_release)),
        )
        .service(
            at("/manage/datasets/{slug}/imports", "GET, HEAD, POST")
                .route(read(imports::list))
                .route(web::post().to(imports::request)),
        )
        .service(at("/manage/datasets/{slug}/imports/{id}", "GET, HEAD").route(read(imports::read)))
        .service(at("/manage/datasets/{slug}/imports/{id}/cancel", "POST").route(web::post().to(imports::cancel)))
        .service(at("/manage/organisations/{organisation}/datasets", "POST").route(web::post().to(datasets::make)))
        .service(
            at("/manage/organisations/{organisation}/agreements", "POST").route(web::post().to(agreements::publish)),
        )
        .service(at("/manage/organisations/{organisation}/forms", "POST").route(web::post().to(forms::publish)))
        .service(
            at("/manage/organisations/{organisation}/holidays", "GET, HEAD, PUT")
                .route(read(holidays::read))
                .route(web::put().to(holidays::change)),
        )
        .service(
            at("/manage/organisations/{organisation}/committees", "GET, HEAD, POST")
                .route(read(committees::list))
                .route(web::post().to(committees::set_up)),
        )
        .service(
            at("/manage/organisations/{organisation}/agreements/{agreement}/sign-by", "PUT")
                .route(web::put().to(agreements::set_last_day)),
        )
        .service(
            at("/manage/organisations/{organisation}/agreements/{agreement}/concerned", "GET, HEAD")
                .route(read(agreements::concerned)),
        )
        .service(
            at("/manage/organisations/{organisation}/committees/{committee}", "GET, HEAD, PUT")
                .route(read(committees::read))
                .route(web::put().to(committees::change)),
        )
        .service(
            at("/manage/organisations/{organisation}/members", "GET, HEAD, POST")
                .route(read(members::list))
                .route(web::post().to(members::invite)),
        )
        .service(
            at("/manage/organisations/{organisation}/members/{email}", "PUT, DELETE")
                .route(web::put().to(members::set_role))
                .route(web::delete().to(members::remove)),
        )
        .service(
            at("/manage/datasets/{slug}/offer", "POST, DELETE")
                .route(web::post().to(handover::offer))
                .route(web::delete().to(handover::end_offer)),
        )
        .service(at("/manage/datasets/{slug}/accept", "POST").route(web::post().to(handover::accept)))
        .service(
            at("/manage/organisations/{organisation}", "GET, HEAD, PUT")
                .route(read(organisations::read))
                .route(web::put().to(organisations::describe)),
        )
        .service(at("/manage/organisations/{organisation}/join", "POST").route(web::post().to(organisations::join)))
        .service(at("/manage/offers", "GET, HEAD").route(read(handover::list)))
        .service(at("/manage/grants", "GET, HEAD").route(read(grants::list)))
        .service(at("/manage/grants/revoke", "POST").route(web::post().to(grants::revoke_several)))
        .service(at("/manage/grants/{id}/end", "POST").route(web::post().to(grants::change_end)))
        .service(at("/manage/grants/{id}/suspension", "POST").route(web::post().to(grants::change_suspension)))
        .service(at("/manage/grants/{id}/revoke", "POST").route(web::post().to(grants::revoke)));
}

/// An organisation that the client runs.
async fn organisation(app: &App, client: &ApiClient, slug: &str) -> Result<Organisation, WebError> {
    let (slug, scope) = (parse_id::<Slug>(slug)?, client.manage_scope()?);
    let found = app.reads.read(move |conn| seen(conn, &slug, &scope)).await?;
    found.filter(|organisation| client.officer(organisation.id).may_steward()).ok_or(WebError::NotFound)
}
