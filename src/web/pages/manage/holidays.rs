//! The days on which an organisation does not work.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::organisation::Organisation;
use crate::domain::text::{Sha256, Slug};
use crate::domain::working_days::{Holidays, HolidaysError};
use crate::ledger;
use crate::ledger::commands::organisations::holidays::set_holidays_as_owner;
use crate::views::organisations::holidays as read_holidays;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "manage/holidays.html")]
struct HolidaysPage {
    page: Page,
    organisation: Organisation,
    form: Form,
    may_change: bool,
}

async fn load(app: &App, viewer: &Viewer, slug: &Slug) -> Result<(Organisation, Holidays), WebError> {
    let (_, scope) = viewer.require_manager()?;
    let slug = slug.clone();
    app.reads.read(move |conn| read_holidays(conn, &slug, &scope)).await?.ok_or(WebError::NotFound)
}

fn filled(holidays: &Holidays) -> Form {
    let mut form = Form::filled([("days", holidays.to_string())]);
    form.set("seen", &holidays.fingerprint().to_string());
    form
}

fn render(
    viewer: &Viewer,
    organisation: Organisation,
    form: Form,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Manage, "").with_notice(notice);
    let title = page.text("holidays-title");
    let may_change = viewer.require_signed_in()?.officer(organisation.id).check_owner().is_ok();
    show_with(viewer, status, &HolidaysPage { page: page.titled(&title), organisation, form, may_change })
}

/// `GET /manage/holidays/{organisation}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let (organisation, holidays) = load(&app, &viewer, &parse_id(&slug)?).await?;
    render(&viewer, organisation, filled(&holidays), (query.notice.as_deref(), StatusCode::OK))
}

/// What is said of a list that can't be taken.
fn said(page: &Page, error: HolidaysError) -> String {
    match error {
        HolidaysError::NoDay(line) => page.count_text("error-holiday-day", line as u64),
        HolidaysError::BadName(line) => page.count_text("error-holiday-name", line as u64),
        HolidaysError::Twice(line) => page.count_text("error-holiday-twice", line as u64),
        HolidaysError::TooMany => page.text("error-holidays-many"),
    }
}

/// `POST /manage/holidays/{organisation}`
pub async fn change(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (person, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let slug: Slug = parse_id(&slug)?;
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    match Holidays::parse(form.get("days")) {
        Err(error) => form.fail("days", said(&page, error)),
        Ok(holidays) => {
            let (named, seen) = (slug.clone(), form.get("seen").parse().unwrap_or_else(|_| Sha256::of(b"of no list")));
            match app.ledger.run(move |tx| set_holidays_as_owner(tx, person, (&named, seen), &holidays)).await {
                Ok(()) => return Ok(go(&format!("/manage/holidays/{slug}?notice=saved"))),
                Err(ledger::Error::Refused(Refusal::EditedMeanwhile)) => {
                    status = StatusCode::CONFLICT;
                    let now = filled(&load(&app, &viewer, &slug).await?.1);
                    form.met_another_edit(&page, &now, |_, _| None);
                    form.set("seen", now.get("seen"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    let (organisation, _) = load(&app, &viewer, &slug).await?;
    render(&viewer, organisation, form, (None, status))
}
