//! Every address, and who answers it.

use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, middleware};

use super::error::WebError;
use super::methods::{READ, is_read, only, read};
use super::pages::{
    access_requests, account, admin, agreements, api as pages_api, api_tokens, audit, catalogue, datasets, feeds,
    forms, help, identity, mail, manage, organisations, passwords, people, previews, projects, releases, review,
    signatures, signing, today, tokens,
};
use super::{api, assets, cover, data, health, public_log, sitemap};

/// Adds the routes.
pub fn configure(service: &mut ServiceConfig) {
    service
        // A scope finds its own by their beginning, without looking through patterns.
        .service(web::scope("/data").guard(is_read()).default_service(web::to(data::get)))
        .service(web::scope("/data").default_service(only(READ)))
        .service(page("/healthz", health::health))
        .service(page("/readyz", health::ready))
        .service(page("/favicon.ico", assets::icon))
        .service(page("/robots.txt", assets::robots))
        .service(page("/sitemap.xml", sitemap::sitemap))
        .service(page("/logo", assets::logo))
        .service(page("/assets/{hash}/{name}", assets::get))
        .service(page("/log/key", public_log::key))
        .service(page("/log/checkpoint", public_log::checkpoint))
        .service(page("/log/proof/inclusion", public_log::inclusion))
        .service(page("/log/proof/consistency", public_log::consistency))
        .service(page("/log/tile/{level}/{n:.*}", public_log::tile))
        .service(page("/.well-known/jwks.json", public_log::jwks))
        .service(page("/covers/1/{size}/{hash}.svg", cover::get))
        .service(page("/api/openapi.json", api::openapi::show))
        .service(
            web::scope("/api/v1")
                .wrap(middleware::Compress::default())
                .configure(api::configure)
                .default_service(web::to(not_found)),
        )
        .service(web::scope("").wrap(middleware::Compress::default()).configure(pages));
}

fn pages(service: &mut ServiceConfig) {
    service
        .service(page("/", catalogue::index))
        .service(page("/datasets/{slug}", datasets::dataset))
        .service(page("/datasets.atom", feeds::of_catalogue))
        .service(page("/datasets/{slug}/releases.atom", feeds::of_releases))
        .service(page("/organisations/{slug}/datasets.atom", feeds::of_organisation))
        .service(page("/datasets/{slug}/releases", releases::list))
        .service(page("/datasets/{slug}/releases/{number}", releases::show))
        .service(page("/datasets/{slug}/releases/{number}/tables", previews::show))
        .service(page("/datasets/{slug}/releases/{number}/pictures/{place}.jpg", previews::picture))
        .service(page("/datasets/{slug}/releases/{number}/citation.{format}", releases::cite))
        .service(page("/organisations/{slug}", organisations::show))
        .service(page("/agreements/{slug}", agreements::in_force))
        .service(page("/agreements/{slug}/changes", agreements::changes))
        .service(page("/agreements/{slug}/versions/{number}", agreements::version))
        .service(page("/signatures/{id}", signatures::show))
        .service(page("/signatures/{id}/receipt.json", signatures::receipt))
        .service(page("/forms/{slug}", forms::in_force))
        .service(page("/forms/{slug}/versions/{number}", forms::version))
        .service(page_and_form("/datasets/{slug}/request", signing::show, signing::post))
        .service(page("/today", today::show))
        .service(page("/projects", projects::list))
        .service(page_and_form("/projects/new", projects::new, projects::post_new))
        .service(page("/projects/{id}", projects::show))
        .service(page_and_form("/projects/{id}/edit", projects::edit, projects::post_edit))
        .service(form("/projects/{id}/end", projects::end))
        .service(form("/projects/{id}/members", projects::invite))
        .service(form("/projects/{id}/members/remove", projects::remove))
        .service(form("/projects/{id}/join", projects::join))
        .service(form("/projects/{id}/leave", projects::leave))
        .service(page_and_form("/requests/{id}/sign", signing::own::show_member, signing::own::post_member))
        .service(page_and_form(
            "/requests/{id}/new-versions",
            signing::own::show_new_versions,
            signing::own::post_new_versions,
        ))
        .service(page("/requests/{id}", access_requests::show))
        .service(page("/requests/{id}/files/{file}", access_requests::file))
        .service(form("/requests/{id}/withdraw", access_requests::withdraw))
        .service(page_and_form("/review", review::queue::list, review::queue::decide_several))
        .service(page("/review.csv", review::queue::export))
        .service(page_and_form("/review/{id}", review::show, review::decide))
        .service(form("/review/{id}/members/remove", review::remove_member))
        .service(form("/review/{id}/recusals", review::recusals::recuse))
        .service(form("/review/{id}/recusals/lift", review::recusals::lift))
        .service(page_and_form("/register", identity::register, identity::post_register))
        .service(page_and_form("/verify", identity::verify, identity::post_verify))
        .service(form("/verify/again", identity::verify_again))
        .service(page_and_form("/login", identity::login, identity::post_login))
        .service(form("/logout", identity::logout))
        .service(page_and_form("/password/forgot", passwords::forgot, passwords::post_forgot))
        .service(page_and_form("/password/reset", passwords::reset, passwords::post_reset))
        .service(page("/language/{tag}", identity::language))
        .service(page_and_form("/account", account::show, account::profile))
        .service(form("/account/password", account::password))
        .service(page_and_form("/account/email", account::confirm_email, account::change_email))
        .service(form("/account/email/confirm", account::post_confirm_email))
        .service(form("/account/sessions/end-others", account::end_others))
        .service(page_and_form("/account/tokens", tokens::show, tokens::make))
        .service(page_and_form("/account/tokens/api", api_tokens::show, api_tokens::make))
        .service(form("/account/tokens/{id}/revoke", tokens::revoke))
        .configure(manage)
        .service(page("/admin", admin::index))
        .service(page_and_form("/admin/organisations", organisations::list, organisations::make))
        .service(form("/admin/organisations/{slug}", organisations::change))
        .service(page_and_form("/admin/people", people::list, people::suspend_several))
        .service(page("/admin/people.csv", people::export))
        .service(page_and_form("/admin/people/{id}", people::show, people::change))
        .service(page("/admin/audit", audit::list))
        .service(form("/admin/audit/export", audit::export))
        .service(page("/admin/audit/{index}", audit::entry))
        .service(page("/admin/mail", mail::list))
        .service(page("/admin/mail/{id}", mail::show))
        .service(page("/help", help::help))
        .service(page("/api", pages_api::show))
        .default_service(web::to(not_found));
}

/// Pages for those who run organisations.
fn manage(routes: &mut ServiceConfig) {
    routes
        .service(page_and_form("/manage", manage::datasets::list, manage::datasets::suspend_several))
        .service(form("/manage/join/{organisation}", manage::datasets::join))
        .service(page("/manage/new-dataset", manage::choose_for_dataset))
        .service(page_and_form("/manage/new-dataset/{organisation}", manage::dataset::new, manage::dataset::post_new))
        .service(page("/manage/datasets/{slug}", manage::dataset::show))
        .service(page_and_form("/manage/datasets/{slug}/edit", manage::dataset::edit, manage::dataset::post_edit))
        .service(form("/manage/datasets/{slug}/publish", manage::dataset::publish))
        .service(page_and_form("/manage/datasets/{slug}/files", manage::files::choose, manage::files::start))
        .service(form("/manage/datasets/{slug}/releases/{number}", manage::dataset::change_release))
        .service(form("/manage/datasets/{slug}/imports/{id}/cancel", manage::dataset::cancel))
        .service(form("/manage/datasets/{slug}/suspension", manage::state::suspension))
        .service(form("/manage/datasets/{slug}/retirement", manage::state::retirement))
        .service(form("/manage/datasets/{slug}/offer", manage::state::offer))
        .service(form("/manage/datasets/{slug}/answer", manage::datasets::answer))
        .service(page("/manage/overview", manage::overview::show))
        .service(page("/manage/datasets.csv", manage::datasets::export))
        .service(page("/manage/grants", manage::grants::list))
        .service(page("/manage/grants.csv", manage::grants::export))
        .service(form("/manage/grants/revoke", manage::grants::revoke_several))
        .service(form("/manage/grants/{id}/end", manage::grants::change_end))
        .service(form("/manage/grants/{id}/suspension", manage::grants::change_suspension))
        .service(form("/manage/grants/{id}/revoke", manage::grants::revoke))
        .service(page("/manage/agreements", manage::choose_agreements))
        .service(page("/manage/agreements/{organisation}", manage::agreements::list))
        .service(page_and_form(
            "/manage/new-agreement/{organisation}",
            manage::agreements::new,
            manage::agreements::post_new,
        ))
        .service(page_and_form(
            "/manage/agreements/{organisation}/{agreement}",
            manage::agreements::edit,
            manage::agreements::post_edit,
        ))
        .service(form("/manage/agreements/{organisation}/{agreement}/sign-by", manage::agreements::set_day))
        .service(page("/manage/forms", manage::choose_forms))
        .service(page("/manage/forms/{organisation}", manage::forms::list))
        .service(page_and_form("/manage/new-form/{organisation}", manage::forms::new, manage::forms::post_new))
        .service(page_and_form("/manage/forms/{organisation}/{form}", manage::forms::edit, manage::forms::post_edit))
        .service(page("/manage/committees", manage::choose_committees))
        .service(page("/manage/committees/{organisation}", manage::committees::list))
        .service(page_and_form(
            "/manage/new-committee/{organisation}",
            manage::committees::new,
            manage::committees::post_new,
        ))
        .service(page_and_form(
            "/manage/committees/{organisation}/{committee}",
            manage::committees::edit,
            manage::committees::post_edit,
        ))
        .service(page("/manage/members", manage::choose_members))
        .service(page_and_form("/manage/members/{organisation}", manage::members::show, manage::members::invite))
        .service(form("/manage/members/{organisation}/role", manage::members::role))
        .service(form("/manage/members/{organisation}/remove", manage::members::remove))
        .service(page_and_form("/manage/holidays/{organisation}", manage::holidays::show, manage::holidays::change))
        .service(page("/manage/about", manage::choose_about))
        .service(page_and_form("/manage/about/{organisation}", manage::about::show, manage::about::change));
}

/// What is read at an address.
fn page<F, Args>(path: &str, show: F) -> Resource
where
    F: Handler<Args, Output: Responder + 'static>,
    Args: FromRequest + 'static,
{
    web::resource(path).route(read(show)).default_service(only(READ))
}

/// What is sent to an address.
fn form<F, Args>(path: &str, take: F) -> Resource
where
    F: Handler<Args, Output: Responder + 'static>,
    Args: FromRequest + 'static,
{
    web::resource(path).route(web::post().to(take)).default_service(only("POST"))
}

/// What is read at an address, and sent to it.
fn page_and_form<F, FArgs, G, GArgs>(path: &str, show: F, take: G) -> Resource
where
    F: Handler<FArgs, Output: Responder + 'static>,
    FArgs: FromRequest + 'static,
    G: Handler<GArgs, Output: Responder + 'static>,
    GArgs: FromRequest + 'static,
{
    page(path, show).route(web::post().to(take)).default_service(only("GET, HEAD, POST"))
}

async fn not_found() -> Result<HttpResponse, WebError> {
    Err(WebError::NotFound)
}
