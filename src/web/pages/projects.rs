//! My projects and requests; one project, to look at, to change, to end.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::signing::form::{project as typed, project_error, project_field};
use super::{NoticeQuery, address, parse_id, titled};
use crate::app::App;
use crate::clock;
use crate::domain::ids::ProjectId;
use crate::domain::project::{ProjectDescription, ProjectField};
use crate::domain::text::Email;
use crate::domain::{Refusal, Timestamp};
use crate::ledger;
use crate::ledger::commands::projects::ending::end as end_project;
use crate::ledger::commands::projects::{self as commands, members};
use crate::store::Cursor;
use crate::views::projects::{self, MemberRow, Part, ProjectView, ProjectsView};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show as show_page, show_with};

/// Where each of the two lists begins, and what was just done.
#[derive(Deserialize, Default)]
pub struct ListsQuery {
    after: Option<Cursor>,
    after_request: Option<Cursor>,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "projects/list.html")]
struct ListPage {
    page: Page,
    view: ProjectsView,
    later_projects: Option<String>,
    later_requests: Option<String>,
}

/// `GET /projects`
pub async fn list(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListsQuery>,
) -> Result<HttpResponse, WebError> {
    let person = viewer.require_signed_in()?.person.clone();
    let ListsQuery { after, after_request, notice } = query.into_inner();
    let after = (after.unwrap_or(Cursor::newest()), after_request.unwrap_or(Cursor::newest()));
    let read = move |conn: &mut _| projects::of_person(conn, &person, (&after.0, &after.1), clock::now());
    let view = app.reads.read(read).await?;
    let later = |name: &str, next: &Option<Cursor>| {
        next.as_ref().map(|next| address("/projects", &[(name, &next.to_string())]))
    };
    let page = titled(&viewer, Section::Projects, "projects-title", notice.as_deref());
    let later_projects = later("after", &view.projects.next);
    let later_requests = later("after_request", &view.requests.next);
    show_page(&viewer, &ListPage { page, view, later_projects, later_requests })
}

#[derive(Template)]
#[template(path = "projects/show.html")]
struct ShowPage {
    page: Page,
    view: ProjectView,
    form: Form,
    later: Option<String>,
}

impl ShowPage {
    /// The datasets for which a member has signed.
    fn signed_for(&self, row: &MemberRow) -> String {
        let signed = self
            .view
            .requests
            .rows
            .iter()
            .filter(|request| row.member.person.is_some_and(|person| request.signers.contains(&person)));
        let titles: Vec<_> = signed.map(|request| request.line.title.text(self.page.language)).collect();
        titles.join(", ")
    }
}

/// `GET /projects/{id}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
    (query, notice): (web::Query<ListsQuery>, web::Query<NoticeQuery>),
) -> Result<HttpResponse, WebError> {
    let view = load(&app, &viewer, &id, query.into_inner().after_request).await?;
    render_project(&viewer, view, Form::default(), (notice.notice.as_deref(), StatusCode::OK))
}

fn render_project(
    viewer: &Viewer,
    view: ProjectView,
    form: Form,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Projects, &view.project.description.title).with_notice(notice);
    let path = format!("/projects/{}", view.project.id);
    let later = view.requests.next.as_ref().map(|next| address(&path, &[("after_request", &next.to_string())]));
    show_with(viewer, status, &ShowPage { page, view, form, later })
}

async fn load(app: &App, viewer: &Viewer, id: &str, after: Option<Cursor>) -> Result<ProjectView, WebError> {
    let (reader, id) = (viewer.require_signed_in()?.person.id, parse_id::<ProjectId>(id)?);
    let after = after.unwrap_or(Cursor::newest());
    let read = move |conn: &mut _| projects::show(conn, id, reader, &after, clock::now());
    app.reads.read(read).await?.ok_or(WebError::NotFound)
}

#[derive(Template)]
#[template(path = "projects/edit.html")]
struct EditPage {
    page: Page,
    form: Form,
    /// Where the form is sent.
    action: String,
    is_new: bool,
}

/// `GET /projects/new`
pub async fn new(viewer: Viewer) -> Result<HttpResponse, WebError> {
    let who = viewer.require_signed_in()?;
    let mut form = Form::default();
    let institution = who.person.affiliation.as_deref().unwrap_or_default();
    form.set(&project_field(ProjectField::Institution), institution);
    render(&viewer, form, None, StatusCode::OK)
}

/// `GET /projects/{id}/edit`
pub async fn edit(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let view = load(&app, &viewer, &id, None).await?;
    if !view.may_edit() {
        return Ok(go(&format!("/projects/{}", view.project.id)));
    }
    let mut form = filled(&view);
    form.set("seen", &view.project.updated_at.to_string());
    render(&viewer, form, Some(view.project.id), StatusCode::OK)
}

/// What a project says now.
fn filled(view: &ProjectView) -> Form {
    let described = view.project.description.form();
    Form::filled(described.into_iter().map(|(field, text)| (project_field(field), text)))
}

fn render(viewer: &Viewer, form: Form, id: Option<ProjectId>, status: StatusCode) -> Result<HttpResponse, WebError> {
    let key = if id.is_some() { "project-edit" } else { "project-new" };
    let action = id.map_or_else(|| "/projects/new".to_owned(), |id| format!("/projects/{id}/edit"));
    let page = titled(viewer, Section::Projects, key, None);
    show_with(viewer, status, &EditPage { page, form, action, is_new: id.is_none() })
}

/// What was typed, if nothing is wrong with it; else the form says what is.
fn checked(page: &Page, form: &mut Form) -> Option<ProjectDescription> {
    match ProjectDescription::parse(&typed(form)) {
        Ok(description) => Some(description),
        Err(errors) => {
            for (field, error) in errors {
                form.fail(&project_field(field), project_error(page, field, error));
            }
            None
        }
    }
}

/// `POST /projects/new`
pub async fn post_new(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (person, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Projects, ""));
    let Some(description) = checked(&page, &mut form) else {
        return render(&viewer, form, None, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let id = app.ledger.run(move |tx| commands::begin(tx, person, &description)).await?;
    Ok(go(&format!("/projects/{id}?notice=project-begun")))
}

/// `POST /projects/{id}/edit`
pub async fn post_edit(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (person, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Projects, ""));
    let id: ProjectId = parse_id(&id)?;
    let Some(description) = checked(&page, &mut form) else {
        return render(&viewer, form, Some(id), StatusCode::UNPROCESSABLE_ENTITY);
    };
    let seen = Timestamp::parse(form.get("seen")).unwrap_or_default();
    match app.ledger.run(move |tx| commands::edit(tx, person, id, (&description, seen))).await {
        Ok(()) => Ok(go(&format!("/projects/{id}?notice=project-changed"))),
        Err(ledger::Error::Refused(refusal)) if refusal != Refusal::NotFound => {
            let view = load(&app, &viewer, &id.to_string(), None).await?;
            if refusal == Refusal::EditedMeanwhile {
                form.met_another_edit(&page, &filled(&view), |_, _| None);
            } else {
                form.fail("", page.text(refusal.key()));
            }
            // Whoever sends it once more has been told.
            form.set("seen", &view.project.updated_at.to_string());
            render(&viewer, form, Some(id), StatusCode::CONFLICT)
        }
        Err(error) => Err(error.into()),
    }
}

/// The address that was typed, if it is one; else the form says so.
fn checked_email(page: &Page, form: &mut Form) -> Option<Email> {
    let typed = form.get("email").parse();
    form.check(page, "email", typed)
}

/// `POST /projects/{id}/members`: invites somebody.
pub async fn invite(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let person = viewer.require_signed_in()?.person.id;
    let (id, page) = (parse_id::<ProjectId>(&id)?, viewer.page(Section::Projects, ""));
    if let Some(email) = checked_email(&page, &mut form) {
        match app.ledger.run(move |tx| members::invite(tx, person, id, &email)).await {
            Ok(true) => return Ok(go(&format!("/projects/{id}?notice=member-invited#members"))),
            Ok(false) => return Ok(go(&format!("/projects/{id}?notice=member-invited-quietly#members"))),
            Err(ledger::Error::Refused(refusal)) if refusal != Refusal::NotFound => {
                form.fail("email", page.text(refusal.key()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let view = load(&app, &viewer, &id.to_string(), None).await?;
    render_project(&viewer, view, form, (None, StatusCode::UNPROCESSABLE_ENTITY))
}

/// `POST /projects/{id}/members/remove`
pub async fn remove(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let person = posted.viewer.require_signed_in()?.person.id;
    let (id, email) = (parse_id::<ProjectId>(&id)?, parse_id::<Email>(posted.form.get("email"))?);
    app.ledger.run(move |tx| members::remove(tx, person, id, &email)).await?;
    Ok(go(&format!("/projects/{id}?notice=member-removed#members")))
}

/// `POST /projects/{id}/join`
pub async fn join(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let person = posted.viewer.require_signed_in()?.person.id;
    let id: ProjectId = parse_id(&id)?;
    app.ledger.run(move |tx| members::join(tx, person, id)).await?;
    Ok(go(&format!("/projects/{id}?notice=project-joined")))
}

/// `POST /projects/{id}/leave`
pub async fn leave(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let person = posted.viewer.require_signed_in()?.person.id;
    let id: ProjectId = parse_id(&id)?;
    app.ledger.run(move |tx| members::leave(tx, person, id)).await?;
    Ok(go("/projects?notice=project-left"))
}

/// `POST /projects/{id}/end`
pub async fn end(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let person = posted.viewer.require_signed_in()?.person.id;
    let id: ProjectId = parse_id(&id)?;
    app.ledger.run(move |tx| end_project(tx, person, id)).await?;
    Ok(go(&format!("/projects/{id}?notice=project-ended")))
}
