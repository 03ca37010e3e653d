//! Administration: how things stand.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{NoticeQuery, titled};
use crate::app::App;
use crate::store::{log, mail};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show;

#[derive(Template)]
#[template(path = "admin/index.html")]
struct IndexPage {
    page: Page,
    events: u64,
    checkpoint: String,
    log_key: String,
    database: &'static str,
    ledger_works: bool,
    mail_waiting: u64,
    mail_failed: u64,
    may_read_mail: bool,
    may_administer: bool,
}

/// `GET /admin`: how things stand.
pub async fn index(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let reader = &viewer.require_overseer()?.person;
    let (may_read_mail, may_administer) = (reader.may_read_mail(), reader.may_administer());
    let (head, (mail_waiting, mail_failed)) =
        app.reads.read(|conn| Ok((log::stored_head(conn)?, mail::counts(conn)?))).await?;
    let shown = IndexPage {
        page: titled(&viewer, Section::Admin, "admin-title", query.notice.as_deref()),
        events: head.as_ref().map_or(0, |head| head.size),
        checkpoint: head.map(|head| head.checkpoint).unwrap_or_default(),
        log_key: app.keys.log.verifier().to_string(),
        database: app.config.database.kind(),
        ledger_works: app.ledger.failure().is_none(),
        mail_waiting,
        mail_failed,
        may_read_mail,
        may_administer,
    };
    show(&viewer, &shown)
}
