//! The JSON API: the same commands and views as the pages, for programs. `openapi` describes it from the code here.

mod account;
mod agreements;
mod answer;
mod audit;
mod datasets;
mod field_errors;
mod forms;
mod manage;
mod new_versions;
pub mod openapi;
mod organisations;
mod project_body;
mod projects;
mod releases;
mod request;
mod requests;
mod review;
mod signing;
mod texts;
mod today;
mod uploads;

use actix_web::Resource;
use actix_web::web::{self, ServiceConfig};

use super::methods::{only, read};

/// Adds the operations. Each is written as `utoipa::path` on its handler says; a test compares the two.
pub fn configure(api: &mut ServiceConfig) {
    api.service(at("/datasets", "GET, HEAD").route(read(datasets::list)))
        .service(at("/datasets/{slug}", "GET, HEAD").route(read(datasets::read)))
        .service(at("/datasets/{slug}/releases", "GET, HEAD").route(read(releases::list)))
        .service(at("/datasets/{slug}/releases/{number}", "GET, HEAD").route(read(releases::read)))
        .service(at("/datasets/{slug}/releases/{number}/tables", "GET, HEAD").route(read(releases::tables)))
        .service(at("/datasets/{slug}/releases/{number}/readmes", "GET, HEAD").route(read(releases::readmes)))
        .service(at("/datasets/{slug}/releases/{number}/pictures", "GET, HEAD").route(read(releases::pictures)))
        .service(at("/datasets/{slug}/terms", "GET, HEAD").route(read(signing::terms)))
        .service(at("/datasets/{slug}/requests", "POST").route(web::post().to(signing::sign)))
        .service(at("/agreements/{slug}", "GET, HEAD").route(read(agreements::read_in_force)))
        .service(at("/agreements/{slug}/versions/{number}", "GET, HEAD").route(read(agreements::read_version)))
        .service(at("/forms/{slug}", "GET, HEAD").route(read(forms::read_in_force)))
        .service(at("/forms/{slug}/versions/{number}", "GET, HEAD").route(read(forms::read_version)))
        .service(at("/organisations/{slug}", "GET, HEAD").route(read(organisations::read)))
        .service(at("/me", "GET, HEAD").route(read(account::me)))
        .service(at("/today", "GET, HEAD").route(read(today::read)))
        .service(
            at("/tokens", "GET, HEAD, POST")
                .route(read(account::list_tokens))
                .route(web::post().to(account::make_token)),
        )
        .service(at("/tokens/{id}", "DELETE").route(web::delete().to(account::revoke_token)))
        .service(at("/projects", "GET, HEAD, POST").route(read(projects::list)).route(web::post().to(projects::begin)))
        .service(
            at("/projects/{id}", "GET, HEAD, PUT").route(read(projects::read)).route(web::put().to(projects::edit)),
        )
        .service(at("/projects/{id}/end", "POST").route(web::post().to(projects::end)))
        .service(at("/projects/{id}/members", "POST").route(web::post().to(projects::invite)))
        .service(at("/projects/{id}/members/{email}", "DELETE").route(web::delete().to(projects::remove)))
        .service(at("/projects/{id}/join", "POST").route(web::post().to(projects::join)))
        .service(at("/projects/{id}/leave", "POST").route(web::post().to(projects::leave)))
        .service(at("/requests", "GET, HEAD").route(read(requests::list)))
        .service(at("/requests/{id}", "GET, HEAD").route(read(requests::read)))
        .service(at("/uploads", "POST").route(web::post().to(uploads::hand_in)))
        .service(at("/requests/{id}/files/{file}", "GET, HEAD").route(read(uploads::read)))
        .service(at("/review/{id}/files/{file}", "GET, HEAD").route(read(uploads::read_as_reviewer)))
        .service(at("/requests/{id}/signatures", "POST").route(web::post().to(signing::sign_as_member)))
        .service(
            at("/requests/{id}/new-versions", "GET, HEAD, POST")
                .route(read(new_versions::read))
                .route(web::post().to(new_versions::sign)),
        )
        .service(at("/requests/{id}/withdraw", "POST").route(web::post().to(requests::withdraw)))
        .service(at("/review", "GET, HEAD").route(read(review::queue)))
        .service(at("/review/decisions", "POST").route(web::post().to(review::decide_several)))
        .service(at("/review/{id}", "GET, HEAD").route(read(review::read)))
        .service(at("/review/{id}/decisions", "POST").route(web::post().to(review::decide)))
        .service(at("/review/{id}/exclusions", "POST").route(web::post().to(review::exclude)))
        .service(at("/review/{id}/recusals", "POST").route(web::post().to(review::recuse)))
        .service(at("/review/{id}/recusals/lift", "POST").route(web::post().to(review::lift_recusal)))
        .service(at("/audit", "GET, HEAD").route(read(audit::list)))
        .configure(manage::configure);
}

/// An address with these methods.
fn at(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(only(methods))
}
