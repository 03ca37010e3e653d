//! One of my requests with its timeline.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{NoticeQuery, address, parse_id};
use crate::app::App;
use crate::clock;
use crate::domain::access_request::Stage;
use crate::domain::ids::{RequestId, UploadId};
use crate::domain::path::FilePath;
use crate::ledger::commands::access_requests as commands;
use crate::views::access_requests::{OwnRequest, own};
use crate::views::timeline::TimelineStep;
use crate::views::uploads;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::Posted;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show as show_page};
use crate::web::uploads::deliver;

#[derive(Template)]
#[template(path = "access_requests/show.html")]
struct ShowPage {
    page: Page,
    request: OwnRequest,
    base: String,
    example: String,
}

impl ShowPage {
    /// The word on the seal: a second signature is there once the request was granted.
    const fn seal_word(&self) -> &'static str {
        if self.request.grant_is_active { "COUNTERSIGNED" } else { "SIGNED AND SENT" }
    }

    /// Where the form is, for the same project.
    fn form_address(&self) -> String {
        let project = self.request.project.as_ref().map(|project| project.id.to_string()).unwrap_or_default();
        address(&format!("/datasets/{}/request", self.request.dataset.slug), &[("project", &project)])
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
    let page = viewer.page(Section::Projects, "").with_notice(query.notice.as_deref());
    let heading = page.text_with(heading_key(&request), "dataset", request.dataset.title.text(page.language));
    let shown = ShowPage {
        page: page.titled(&heading),
        base: app.config.base().to_owned(),
        example: request.example.as_ref().map(FilePath::to_url).unwrap_or_default(),
        request,
    };
    show_page(&viewer, &shown)
}

fn heading_key(request: &OwnRequest) -> &'static str {
    match request.stored.request.stage {
        Stage::Approved if request.grant_is_active => "request-heading-granted",
        Stage::Approved if request.may_sign_new_versions() => "request-heading-stopped",
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

/// `GET /requests/{id}/files/{file}`: a file among the answers, for its owner and for those who may read them as reviewers do.
pub async fn file(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let reader = viewer.require_signed_in()?.person.clone();
    let ids = (parse_id::<RequestId>(&path.0)?, parse_id::<UploadId>(&path.1)?);
    let read = move |conn: &mut _| match uploads::own(conn, ids, reader.id)? {
        Some(own) => Ok(Some(own)),
        None => uploads::of_case(conn, ids, &reader),
    };
    let found = app.reads.read(read).await?;
    Ok(deliver(app, found.ok_or(WebError::NotFound)?.file))
}
