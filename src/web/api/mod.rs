//! The JSON API: the same commands and views as the pages, for programs. `openapi` describes it from the code here.

mod account;
mod audit;
mod catalogue;
mod exchange;
mod manage;
pub mod openapi;
mod project_body;
mod projects;
mod requests;
mod review;

use actix_web::web::{self, ServiceConfig};

/// Adds the operations. Each is written as `utoipa::path` on its handler says; a test compares the two.
pub fn configure(api: &mut ServiceConfig) {
    api.route("/datasets", web::get().to(catalogue::list_datasets))
        .route("/datasets/{slug}", web::get().to(catalogue::read_dataset))
        .route("/datasets/{slug}/releases", web::get().to(catalogue::list_releases))
        .route("/datasets/{slug}/releases/{number}", web::get().to(catalogue::read_release))
        .route("/datasets/{slug}/terms", web::get().to(requests::terms))
        .route("/datasets/{slug}/requests", web::post().to(requests::sign))
        .route("/agreements/{slug}", web::get().to(catalogue::read_agreement))
        .route("/agreements/{slug}/versions/{number}", web::get().to(catalogue::read_agreement_version))
        .route("/forms/{slug}", web::get().to(catalogue::read_form))
        .route("/forms/{slug}/versions/{number}", web::get().to(catalogue::read_form_version))
        .route("/organisations/{slug}", web::get().to(catalogue::read_organisation))
        .route("/me", web::get().to(account::me))
        .route("/tokens", web::get().to(account::list_tokens))
        .route("/tokens", web::post().to(account::make_token))
        .route("/tokens/{id}", web::delete().to(account::revoke_token))
        .route("/projects", web::get().to(projects::list))
        .route("/projects", web::post().to(projects::begin))
        .route("/projects/{id}", web::get().to(projects::read))
        .route("/projects/{id}", web::put().to(projects::edit))
        .route("/projects/{id}/end", web::post().to(projects::end))
        .route("/projects/{id}/members", web::post().to(projects::invite))
        .route("/projects/{id}/members/{email}", web::delete().to(projects::remove))
        .route("/projects/{id}/join", web::post().to(projects::join))
        .route("/projects/{id}/leave", web::post().to(projects::leave))
        .route("/requests", web::get().to(requests::list))
        .route("/requests/{id}", web::get().to(requests::read))
        .route("/requests/{id}/signatures", web::post().to(requests::sign_as_member))
        .route("/requests/{id}/withdraw", web::post().to(requests::withdraw))
        .route("/review", web::get().to(review::queue))
        .route("/review/{id}", web::get().to(review::read))
        .route("/review/{id}/decisions", web::post().to(review::decide))
        .route("/review/{id}/exclusions", web::post().to(review::exclude))
        .route("/audit", web::get().to(audit::list))
        .configure(manage::configure);
}
