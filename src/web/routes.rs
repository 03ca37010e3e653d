//! Every address, and who answers it.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, guard, middleware};

use super::failure::Failure;
use super::pages::{account, admin, audit, catalogue, identity, mail, people, requests, review, sign, tokens};
use super::{assets, data, operations, public_log};

/// Adds the routes.
pub fn configure(service: &mut ServiceConfig) {
    service
        // A scope finds its own by their beginning, without looking through patterns.
        .service(
            web::scope("/data").guard(guard::Any(guard::Get()).or(guard::Head())).default_service(web::to(data::get)),
        )
        .service(web::scope("/data").default_service(web::to(method_not_allowed)))
        .route("/healthz", web::get().to(operations::health))
        .route("/readyz", web::get().to(operations::ready))
        .route("/favicon.ico", web::get().to(assets::icon))
        .route("/assets/{hash}/{name}", web::get().to(assets::get))
        .route("/log/key", web::get().to(public_log::key))
        .route("/log/checkpoint", web::get().to(public_log::checkpoint))
        .route("/log/proof/inclusion", web::get().to(public_log::inclusion))
        .route("/log/proof/consistency", web::get().to(public_log::consistency))
        .route("/log/tile/{level}/{n:.*}", web::get().to(public_log::tile))
        .route("/.well-known/jwks.json", web::get().to(public_log::jwks))
        .service(web::scope("").wrap(middleware::Compress::default()).configure(pages));
}

fn pages(service: &mut ServiceConfig) {
    service
        .service(page("/").route(web::get().to(catalogue::index)))
        .service(page("/datasets/{slug}").route(web::get().to(catalogue::dataset)))
        .service(page("/datasets/{slug}/agreement").route(web::get().to(catalogue::agreement)))
        .service(page("/datasets/{slug}/request").route(web::get().to(sign::show)).route(web::post().to(sign::post)))
        .service(page("/requests").route(web::get().to(requests::list)))
        .service(page("/requests/{id}").route(web::get().to(requests::show)))
        .service(page("/requests/{id}/withdraw").route(web::post().to(requests::withdraw)))
        .service(page("/requests/{id}/receipt.json").route(web::get().to(requests::receipt)))
        .service(page("/review").route(web::get().to(review::queue)))
        .service(page("/review/{id}").route(web::get().to(review::show)).route(web::post().to(review::decide)))
        .service(
            page("/register").route(web::get().to(identity::register)).route(web::post().to(identity::post_register)),
        )
        .service(page("/verify").route(web::get().to(identity::verify)).route(web::post().to(identity::post_verify)))
        .service(page("/verify/again").route(web::post().to(identity::verify_again)))
        .service(page("/login").route(web::get().to(identity::login)).route(web::post().to(identity::post_login)))
        .service(page("/logout").route(web::post().to(identity::logout)))
        .service(
            page("/password/forgot")
                .route(web::get().to(identity::forgot))
                .route(web::post().to(identity::post_forgot)),
        )
        .service(
            page("/password/reset").route(web::get().to(identity::reset)).route(web::post().to(identity::post_reset)),
        )
        .service(page("/language/{tag}").route(web::get().to(identity::language)))
        .service(page("/account").route(web::get().to(account::show)).route(web::post().to(account::profile)))
        .service(page("/account/password").route(web::post().to(account::password)))
        .service(page("/account/sessions/end-others").route(web::post().to(account::end_others)))
        .service(page("/account/tokens").route(web::get().to(tokens::show)).route(web::post().to(tokens::make)))
        .service(page("/account/tokens/{id}/revoke").route(web::post().to(tokens::revoke)))
        .service(page("/admin").route(web::get().to(admin::index)))
        .service(page("/admin/datasets").route(web::get().to(admin::datasets)))
        .service(page("/admin/datasets/{slug}/suspension").route(web::post().to(admin::suspension)))
        .service(page("/admin/grants").route(web::get().to(admin::grants)))
        .service(page("/admin/grants/{id}/revoke").route(web::post().to(admin::revoke_grant)))
        .service(page("/admin/people").route(web::get().to(people::list)))
        .service(page("/admin/people/{id}").route(web::get().to(people::show)).route(web::post().to(people::change)))
        .service(page("/admin/audit").route(web::get().to(audit::list)))
        .service(page("/admin/audit/export").route(web::post().to(audit::export)))
        .service(page("/admin/mail").route(web::get().to(mail::list)))
        .service(page("/admin/mail/{id}").route(web::get().to(mail::show)))
        .service(page("/help").route(web::get().to(catalogue::help)))
        .default_service(web::to(not_found));
}

fn page(path: &str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(method_not_allowed))
}

async fn not_found() -> Result<HttpResponse, Failure> {
    Err(Failure::NotFound)
}

async fn method_not_allowed() -> Result<HttpResponse, Failure> {
    Err(Failure::MethodNotAllowed)
}
