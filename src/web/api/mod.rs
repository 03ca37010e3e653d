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

use actix_web::Resource;
use actix_web::web::{self, ServiceConfig};

use super::methods::{only, read};

/// Adds the operations. Each is written as `utoipa::path` on its handler says; a test compares the two.
pub fn configure(api: &mut ServiceConfig) {
    api.service(at("/datasets", "GET, HEAD").route(read(catalogue::list_datasets)))
        .service(at("/datasets/{slug}", "GET, HEAD").route(read(catalogue::read_dataset)))
        .service(at("/datasets/{slug}/releases", "GET, HEAD").route(read(catalogue::list_releases)))
        .service(at("/datasets/{slug}/releases/{number}", "GET, HEAD").route(read(catalogue::read_release)))
        .service(at("/datasets/{slug}/terms", "GET, HEAD").route(read(requests::terms)))
        .service(at("/datasets/{slug}/requests", "POST").route(web::post().to(requests::sign)))
        .service(at("/agreements/{slug}", "GET, HEAD").route(read(catalogue::read_agreement)))
        .service(at("/agreements/{slug}/versions/{number}", "GET, HEAD").route(read(catalogue::read_agreement_version)))
        .service(at("/forms/{slug}", "GET, HEAD").route(read(catalogue::read_form)))
        .service(at("/forms/{slug}/versions/{number}", "GET, HEAD").route(read(catalogue::read_form_version)))
        .service(at("/organisations/{slug}", "GET, HEAD").route(read(catalogue::read_organisation)))
        .service(at("/me", "GET, HEAD").route(read(account::me)))
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
        .service(at("/requests/{id}/signatures", "POST").route(web::post().to(requests::sign_as_member)))
        .service(at("/requests/{id}/withdraw", "POST").route(web::post().to(requests::withdraw)))
        .service(at("/review", "GET, HEAD").route(read(review::queue)))
        .service(at("/review/{id}", "GET, HEAD").route(read(review::read)))
        .service(at("/review/{id}/decisions", "POST").route(web::post().to(review::decide)))
        .service(at("/review/{id}/exclusions", "POST").route(web::post().to(review::exclude)))
        .service(at("/audit", "GET, HEAD").route(read(audit::list)))
        .configure(manage::configure);
}

/// An address with these methods.
fn at(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(only(methods))
}
