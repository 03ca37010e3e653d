//! Who runs an organisation: inviting owners and stewards, their roles, leaving.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{NoticeQuery, parse_id};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::membership::MemberState;
use crate::domain::organisation::OrganisationRole;
use crate::domain::text::{Email, Slug};
use crate::ledger;
use crate::ledger::commands::organisations::members as commands;
use crate::views::organisations::{MembersView, members};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "manage/members.html")]
struct MembersPage {
    page: Page,
    view: MembersView,
    form: Form,
}

async fn load(app: &App, viewer: &Viewer, slug: &Slug) -> Result<MembersView, WebError> {
    let (who, scope) = viewer.require_manager()?;
    let (person, slug) = (who.person.clone(), slug.clone());
    app.reads.read(move |conn| members(conn, (&slug, &scope), &person, clock::now())).await?.ok_or(WebError::NotFound)
}

fn render(
    viewer: &Viewer,
    view: MembersView,
    form: Form,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Manage, "").with_notice(notice);
    let title = page.text("manage-members");
    show_with(viewer, status, &MembersPage { page: page.titled(&title), view, form })
}

/// `GET /manage/members/{organisation}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<NoticeQuery>,
) -> Result<HttpResponse, WebError> {
    let view = load(&app, &viewer, &parse_id(&slug)?).await?;
    let form = Form::filled([("role", OrganisationRole::Steward.as_str())]);
    render(&viewer, view, form, (query.notice.as_deref(), StatusCode::OK))
}

/// `POST /manage/members/{organisation}`: invites somebody.
pub async fn invite(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (person, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let slug: Slug = parse_id(&slug)?;
    let role: OrganisationRole = form.get("role").parse().map_err(|_| WebError::BadRequest("problem-not-a-form"))?;
    let typed = form.get("email").parse();
    if let Some(email) = form.check::<Email>(&page, "email", typed) {
        let named = slug.clone();
        match app.ledger.run(move |tx| commands::invite(tx, person, &named, (&email, role))).await {
            Ok(true) => return Ok(go(&format!("/manage/members/{slug}?notice=member-invited"))),
            Ok(false) => return Ok(go(&format!("/manage/members/{slug}?notice=member-invited-quietly"))),
            Err(ledger::Error::Refused(
                refusal @ (Refusal::AlreadyMember | Refusal::TooManyMembers | Refusal::TooManyInvitations),
            )) => {
                form.fail("email", page.text(refusal.key()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let view = load(&app, &viewer, &slug).await?;
    render(&viewer, view, form, (None, StatusCode::UNPROCESSABLE_ENTITY))
}

/// `POST /manage/members/{organisation}/role`: gives a member another role.
pub async fn role(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { form, viewer } = posted;
    let person = viewer.require_signed_in()?.person.id;
    let (slug, email) = (parse_id::<Slug>(&slug)?, parse_id::<Email>(form.get("email"))?);
    let role: OrganisationRole = form.get("role").parse().map_err(|_| WebError::BadRequest("problem-not-a-form"))?;
    let named = slug.clone();
    app.ledger.run(move |tx| commands::set_role(tx, person, &named, (&email, role))).await?;
    Ok(go(&format!("/manage/members/{slug}?notice=role-changed")))
}

/// `POST /manage/members/{organisation}/remove`: removes a member, takes an invitation back, or leaves.
pub async fn remove(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { form, viewer } = posted;
    let person = viewer.require_signed_in()?.person.id;
    let (slug, email) = (parse_id::<Slug>(&slug)?, parse_id::<Email>(form.get("email"))?);
    let named = slug.clone();
    match app.ledger.run(move |tx| commands::remove(tx, person, &named, &email)).await? {
        MemberState::Left => Ok(go("/?notice=organisation-left")),
        _ => Ok(go(&format!("/manage/members/{slug}?notice=member-removed"))),
    }
}
