//! My requests; one request with its timeline, and its receipt.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, NoticeQuery, next_page, parse_id, titled};
use crate::app::App;
use crate::clock;
use crate::domain::access_request::Stage;
use crate::domain::ids::RequestId;
use crate::domain::path::FilePath;
use crate::domain::text::Sha256;
use crate::ledger::commands::access_requests as commands;
use crate::store::access_requests::{self as requests, RequestLine};
use crate::store::{Cursor, PageOf};
use crate::views::access_requests::{OwnRequest, own};
use crate::views::timeline::TimelineStep;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::Posted;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show as show_page};

#[derive(Template)]
#[template(path = "access_requests/list.html")]
struct ListPage {
    page: Page,
    lines: Vec<RequestLine>,
    later: Option<String>,
}

/// `GET /requests`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    let person = viewer.require_signed_in()?.person.id;
    let after = query.after.clone().unwrap_or(Cursor::newest());
    let PageOf { rows, next } = app.reads.read(move |conn| requests::of_person(conn, person, &after)).await?;
    let page = titled(&viewer, Section::Requests, "requests-title", None);
    show_page(&viewer, &ListPage { page, lines: rows, later: next_page("/requests", "", next) })
}

#[derive(Template)]
#[template(path = "access_requests/show.html")]
struct ShowPage {
    page: Page,
    request: OwnRequest,
    base: String,
    example: String,
}

impl ShowPage {
    /// The first bytes of an event's leaf hash, in groups: what its seal shows.
    fn seal(&self, hash: &Sha256) -> String {
        let hex = hash.to_string();
        format!("{} {} {}", &hex[..4], &hex[4..8], &hex[8..12])
    }
}

/// `GET /requests/{id}`: for the applicant alone; reviewers have their own page.
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let (person, id, now) = (viewer.require_signed_in()?.person.id, parse_id::<RequestId>(&id)?, clock::now());
    let archive = app.log_archive.clone();
    let found = app.reads.read(move |conn| own(conn, &archive, id, person, now)).await?;
    let request = found.ok_or(WebError::NotFound)?;
    let page = viewer.page(Section::Requests, "").with_notice(query.notice.as_deref());
    let heading = page.text_with(heading_key(&request), "dataset", request.dataset.title.text(page.language));
    let shown = ShowPage {
        page: page.titled(&heading),
        base: app.config.base().to_owned(),
        example: request.example.as_ref().map(FilePath::to_url).unwrap_or_default(),
        request,
    };
    show_page(&viewer, &shown)
}

const fn heading_key(request: &OwnRequest) -> &'static str {
    match request.stored.request.stage {
        Stage::Approved if request.grant_is_active => "request-heading-granted",
        Stage::Approved => "request-heading-ended",
        Stage::Submitted => "request-heading-submitted",
        Stage::Returned => "request-heading-returned",
        Stage::Rejected => "request-heading-rejected",
        Stage::Withdrawn => "request-heading-withdrawn",
        Stage::Draft => "request-heading-draft",
    }
}

/// `POST /requests/{id}/withdraw`
pub async fn withdraw(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let person = posted.viewer.require_signed_in()?.person.id;
    let id: RequestId = parse_id(&id)?;
    app.ledger.run(move |tx| commands::withdraw(tx, person, id)).await?;
    Ok(go(&format!("/requests/{id}?notice=withdrawn")))
}
