//! What an organisation says of itself.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::Timestamp;
use crate::domain::organisation::{DescriptionError, Organisation, OrganisationDescription};
use crate::domain::text::Slug;
use crate::ledger;
use crate::ledger::commands::organisations::describe;
use crate::views::organisations::seen;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::localised_fields as localised;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "manage/about.html")]
struct AboutPage {
    page: Page,
    organisation: Organisation,
    form: Form,
    may_change: bool,
}

async fn load(app: &App, viewer: &Viewer, slug: &Slug) -> Result<Organisation, WebError> {
    let (_, scope) = viewer.require_manager()?;
    let slug = slug.clone();
    app.reads.read(move |conn| seen(conn, &slug, &scope)).await?.ok_or(WebError::NotFound)
}

fn render(
    viewer: &Viewer,
    organisation: Organisation,
    form: Form,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Manage, "").with_notice(notice);
    let title = page.text("manage-about");
    let may_change = viewer.require_signed_in()?.officer(organisation.id).check_owner().is_ok();
    show_with(viewer, status, &AboutPage { page: page.titled(&title), organisation, form, may_change })
}

/// The fields as they are now.
fn fields(organisation: &Organisation) -> Vec<(String, String)> {
    [localised::fields("name", &organisation.name), localised::fields("about", &organisation.about)].concat()
}

/// `GET /manage/about/{organisation}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let organisation = load(&app, &viewer, &parse_id(&slug)?).await?;
    let mut form = Form::filled(fields(&organisation));
    form.set("seen", &organisation.updated_at.to_string());
    render(&viewer, organisation, form, (query.notice.as_deref(), StatusCode::OK))
}

/// What was typed, if nothing is wrong with it; else the form says what is.
fn checked(page: &Page, form: &mut Form) -> Option<OrganisationDescription> {
    let parsed = OrganisationDescription::parse(&localised::typed(form, "name"), &localised::typed(form, "about"));
    let (field, error) = match parsed {
        Ok(description) => return Some(description),
        Err(DescriptionError::Name(error)) => ("name", error),
        Err(DescriptionError::About(error)) => ("about", error),
    };
    localised::fail(page, form, field, error);
    None
}

/// `POST /manage/about/{organisation}`
pub async fn change(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (person, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let slug: Slug = parse_id(&slug)?;
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(description) = checked(&page, &mut form) {
        let (named, opened) = (slug.clone(), Timestamp::parse(form.get("seen")).unwrap_or_default());
        match app.ledger.run(move |tx| describe(tx, person, (&named, opened), description)).await {
            Ok(()) => return Ok(go(&format!("/manage/about/{slug}?notice=saved"))),
            Err(ledger::Error::Refused(Refusal::EditedMeanwhile)) => {
                status = StatusCode::CONFLICT;
                let now = load(&app, &viewer, &slug).await?;
                form.met_another_edit(&page, &Form::filled(fields(&now)), |_, _| None);
                form.set("seen", &now.updated_at.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let organisation = load(&app, &viewer, &slug).await?;
    render(&viewer, organisation, form, (None, status))
}
