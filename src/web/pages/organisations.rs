//! Organisations: a public page for each, and making and suspending them as an administrator.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, next_page, parse_id, titled};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::dataset::{Dataset, SuspensionChange};
use crate::domain::localised::Localised;
use crate::domain::organisation::{DescriptionError, Organisation, OrganisationDescription, OrganisationRole};
use crate::domain::text::{Email, Slug};
use crate::ledger;
use crate::ledger::commands::organisations::members::{found_with_owner, invite};
use crate::ledger::commands::organisations::{self as commands, NewOrganisation};
use crate::store::catalogue;
use crate::store::{Cursor, PageOf, organisations};
use crate::views::organisations::{MembersView, members_of};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::localised_fields as localised;
use crate::web::markdown;
use crate::web::page::{Page, PublicFace, Section};
use crate::web::respond::{go, show as show_page, show_with};

#[derive(Template)]
#[template(path = "organisations/show.html")]
struct ShowPage {
    page: Page,
    organisation: Organisation,
    about: String,
    datasets: Vec<Dataset>,
    later: Option<String>,
}

/// `GET /organisations/{slug}`: about an organisation, and what it holds. 404 while there is only one
/// organisation.
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(&slug)?;
    if !viewer.several_organisations() {
        return Err(WebError::NotFound);
    }
    let after = query.after.clone().unwrap_or(Cursor::first());
    let read = move |conn: &mut _| {
        let Some(organisation) = organisations::by_slug(conn, &slug)? else { return Ok(None) };
        let datasets = catalogue::of_organisation(conn, organisation.id, &after)?;
        Ok(Some((organisation, datasets)))
    };
    let (organisation, PageOf { rows, next }) = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    let (text, language) = organisation.about.best(viewer.language);
    let about = if text.is_empty() { String::new() } else { markdown::to_document(text, language, 1).html };
    let path = format!("/organisations/{}", organisation.slug);
    let name = organisation.name.text(viewer.language).to_owned();
    let face = PublicFace::new(format!("{}{path}", app.config.base()), &name);
    let face = face.with_feed(format!("{path}/datasets.atom"));
    let page = viewer.page(Section::Catalogue, &name).with_public_face(face);
    let later = next_page(&path, next);
    show_page(&viewer, &ShowPage { page, organisation, about, datasets: rows, later })
}

#[derive(Template)]
#[template(path = "admin/organisations.html")]
struct ListPage {
    page: Page,
    rows: Vec<MembersView>,
    /// Where this page begins.
    after: String,
    later: Option<String>,
    form: Form,
    /// The organisation that a wrong form was about.
    wrong: Option<Slug>,
}

impl ListPage {
    /// The form of an organisation, if it was wrong.
    fn wrong_form(&self, organisation: &Organisation) -> Option<&Form> {
        self.wrong.as_ref().filter(|slug| **slug == organisation.slug).map(|_| &self.form)
    }

    /// What is wrong with a field of the form of an organisation; empty when nothing is.
    fn error(&self, organisation: &Organisation, field: &str) -> &str {
        self.wrong_form(organisation).map_or("", |form| form.error(field))
    }

    /// What was typed in a field of the form of an organisation, as HTML.
    fn typed(&self, organisation: &Organisation, field: &str) -> String {
        self.wrong_form(organisation).map_or_else(String::new, |form| form.html(field))
    }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: &ListQuery,
    (form, wrong): (Form, Option<Slug>),
) -> Result<HttpResponse, WebError> {
    let person = viewer.require_overseer()?.person.clone();
    let after = query.after.clone().unwrap_or(Cursor::first());
    let read = move |conn: &mut _| {
        let PageOf { rows, next } = organisations::page(conn, &after)?;
        let views: Result<Vec<_>, _> =
            rows.into_iter().map(|row| members_of(conn, row, &person, clock::now())).collect();
        Ok((views?, next))
    };
    let (rows, next) = app.reads.read(read).await?;
    let page = titled(viewer, Section::Admin, "organisations-title", query.notice.as_deref());
    let status = if form.is_wrong() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let later = next_page("/admin/organisations", next);
    let after = query.after.as_ref().map(ToString::to_string).unwrap_or_default();
    show_with(viewer, status, &ListPage { page, rows, after, later, form, wrong })
}

/// `GET /admin/organisations`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, &query, (Form::default(), None)).await
}

/// `POST /admin/organisations`: makes one, and invites its first owner.
pub async fn make(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (person, page) = (viewer.require_administrator()?.person.id, viewer.page(Section::Admin, ""));
    let (slug, email) = (form.get("slug").trim().parse(), form.get("email").trim().parse());
    let slug = form.check::<Slug>(&page, "slug", slug);
    let description = OrganisationDescription::parse(&localised::typed(&form, "name"), &Localised::default());
    if let Err(DescriptionError::Name(error) | DescriptionError::About(error)) = description {
        localised::fail(&page, &mut form, "name", error);
    }
    let email = form.check::<Email>(&page, "email", email);
    if let (Some(slug), Ok(description), Some(email)) = (slug, description, email) {
        let new = NewOrganisation { slug, description };
        match app.ledger.run(move |tx| found_with_owner(tx, person, new, &email)).await {
            Ok(_) => return Ok(go("/admin/organisations?notice=organisation-made")),
            Err(ledger::Error::Refused(Refusal::NameTaken)) => {
                form.fail("slug", page.text(Refusal::NameTaken.key()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    render(&app, &viewer, &ListQuery::default(), (form, None)).await
}

/// `POST /admin/organisations/{slug}`: suspends it, restores it, or names an owner where there is none.
pub async fn change(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, page) = (viewer.require_administrator()?.person.id, viewer.page(Section::Admin, ""));
    let slug: Slug = parse_id(&slug)?;
    let sent_from = ListQuery { after: form.get("after").parse().ok(), ..ListQuery::default() };
    let change = match form.get("do") {
        "suspend" => match form.reason(&page) {
            Some(reason) => SuspensionChange::Suspend(reason),
            None => return render(&app, &viewer, &sent_from, (form, Some(slug))).await,
        },
        "restore" => SuspensionChange::Restore,
        "owner" => {
            let typed = form.get("owner-email").trim().parse();
            let Some(email) = form.check::<Email>(&page, "owner-email", typed) else {
                return render(&app, &viewer, &sent_from, (form, Some(slug))).await;
            };
            let named = slug.clone();
            let invited = app.ledger.run(move |tx| invite(tx, by, &named, (&email, OrganisationRole::Owner))).await;
            let is_mailed = match invited {
                Err(ledger::Error::Refused(
                    refusal @ (Refusal::AlreadyMember | Refusal::TooManyMembers | Refusal::TooManyInvitations),
                )) => {
                    form.fail("owner-email", page.text(refusal.key()));
                    return render(&app, &viewer, &sent_from, (form, Some(slug))).await;
                }
                invited => invited?,
            };
            let notice = if is_mailed { "member-invited" } else { "member-invited-quietly" };
            return Ok(go(&format!("/admin/organisations?notice={notice}")));
        }
        _ => return Err(WebError::BadRequest("problem-not-a-form")),
    };
    app.ledger.run(move |tx| commands::change_suspension(tx, by, &slug, &change)).await?;
    Ok(go("/admin/organisations?notice=saved"))
}
