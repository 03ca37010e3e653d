//! Projects of your account, and their members.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{After, Created, ListBody, read_json, read_tagged};
use super::field_errors::FieldErrors;
use super::project_body::{ProjectBody, pointer};
use super::request::{ApiRequest, EmptyBody};
use super::requests::RequestSummary;
use crate::app::App;
use crate::clock;
use crate::domain::ids::ProjectId;
use crate::domain::project::ProjectDescription;
use crate::domain::text::Email;
use crate::ledger::commands::projects::ending::end as end_project;
use crate::ledger::commands::projects::{self as commands, members};
use crate::store::Cursor;
use crate::views::projects::{self, ProjectView};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::{Fault, WebError};
use crate::web::pages::parse_id;

fn checked(body: &ProjectBody) -> Result<ProjectDescription, WebError> {
    let mut errors = FieldErrors::default();
    let parsed = ProjectDescription::parse(&body.form()).map_err(|wrong| {
        for (field, error) in wrong {
            errors.add(&pointer("", field), Fault::Text(error));
        }
    });
    errors.check(parsed.ok())
}

/// A project in a list.
#[derive(Serialize, ToSchema)]
pub struct ProjectSummary {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The reader's part in it: `lead`, `member` or `invited`.
    pub part: String,
    /// Whether it is running.
    pub is_running: bool,
    /// How many of its requests wait, were returned or were approved.
    pub requests: u64,
}

/// A member of a project.
#[derive(Serialize, ToSchema)]
pub struct MemberDetail {
    /// The address to which the invitation went.
    pub email: String,
    /// The account's name, once they have joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `invited` or `joined`.
    pub state: String,
}

/// A project.
#[derive(Serialize, ToSchema)]
pub struct ProjectDetail {
    /// Its id.
    pub id: String,
    /// What it is: sent back as it is, it changes nothing.
    pub project: ProjectBody,
    /// The name of the project's lead.
    pub lead: String,
    /// The reader's part in it: `lead`, `member` or `invited`.
    pub part: String,
    /// Whether it is running.
    pub is_running: bool,
    /// Its members and those who are invited, beside the lead.
    pub members: Vec<MemberDetail>,
    /// Its newest requests.
    pub requests: Vec<RequestSummary>,
    /// When it last changed (RFC 3339).
    pub updated_at: String,
}

impl ProjectDetail {
    fn of(view: ProjectView) -> Self {
        let member = |row: projects::MemberRow| MemberDetail {
            email: row.member.email.to_string(),
            name: row.name,
            state: row.member.state.to_string(),
        };
        Self {
            id: view.project.id.to_string(),
            project: ProjectBody::of(&view.project.description),
            lead: view.lead,
            part: view.part.to_string(),
            is_running: view.is_running,
            members: view.members.into_iter().map(member).collect(),
            requests: view.requests.rows.iter().map(|request| RequestSummary::of(&request.line)).collect(),
            updated_at: view.project.updated_at.to_string(),
        }
    }
}

/// Lists the projects of your account, the newest first.
#[utoipa::path(
    get, path = "/api/v1/projects", tag = "projects", params(After), security(("token" = ["read"])),
    responses((status = 200, description = "A page of projects.", body = ListBody<ProjectSummary>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Read>,
    params: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let (person, after) = (client.person().clone(), params.into_inner().after.unwrap_or(Cursor::newest()));
    let read = move |conn: &mut _| projects::of_person(conn, &person, (&after, &Cursor::newest()), clock::now());
    let view = app.reads.read(read).await?;
    Ok(read_json(&ListBody::of(view.projects, |row| ProjectSummary {
        id: row.project.id.to_string(),
        title: row.project.description.title,
        part: row.part.to_string(),
        is_running: row.is_running,
        requests: row.requests as u64,
    })))
}

/// Begins a project.
#[utoipa::path(
    post, path = "/api/v1/projects", tag = "projects", security(("token" = ["apply"])), request_body = ProjectBody,
    responses((status = 201, description = "It has begun.", body = Created)),
)]
pub async fn begin(app: web::Data<App>, sent: ApiRequest<scope::Apply, ProjectBody>) -> Result<HttpResponse, WebError> {
    let (person, description) = (sent.client.person().id, checked(&sent.body)?);
    let begin = move |tx: &mut crate::ledger::Tx<'_>| {
        Ok(format!("/api/v1/projects/{}", commands::begin(tx, person, &description)?))
    };
    sent.make(&app, begin).await
}

/// Reads a project.
#[utoipa::path(
    get, path = "/api/v1/projects/{id}", tag = "projects", security(("token" = ["read"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The project.", body = ProjectDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Read>,
    id: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (reader, id) = (client.person().id, parse_id::<ProjectId>(&id)?);
    let read = move |conn: &mut _| projects::show(conn, id, reader, &Cursor::newest(), clock::now());
    let view = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    let detail = ProjectDetail::of(view);
    Ok(read_tagged(&detail, &detail.updated_at))
}

/// Changes what a project says, until a committee reads it.
#[utoipa::path(
    put, path = "/api/v1/projects/{id}", tag = "projects", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id"), ("If-Match" = String, Header, description = "The ETag of what was read")),
    request_body = ProjectBody, responses((status = 204, description = "It is changed.")),
)]
pub async fn edit(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, ProjectBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (sent.client.person().id, parse_id::<ProjectId>(&id)?);
    let seen = sent.edited_at()?;
    let description = checked(&sent.body)?;
    sent.act(&app, move |tx| commands::edit(tx, person, id, (&description, seen))).await
}

/// Ends a project, and with it the access that it has.
#[utoipa::path(
    post, path = "/api/v1/projects/{id}/end", tag = "projects", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), responses((status = 204, description = "It has ended.")),
)]
pub async fn end(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (sent.client.person().id, parse_id::<ProjectId>(&id)?);
    sent.act(&app, move |tx| end_project(tx, person, id)).await
}

/// Somebody's address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressBody {
    /// The e-mail address.
    email: String,
}

impl AddressBody {
    /// The address.
    ///
    /// # Errors
    /// [`WebError::WrongFields`].
    pub fn parsed(&self) -> Result<Email, WebError> {
        let mut errors = FieldErrors::default();
        let email = errors.take("/email", self.email.parse());
        errors.check(email)
    }
}

/// Invites somebody to a project.
#[utoipa::path(
    post, path = "/api/v1/projects/{id}/members", tag = "projects", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), request_body = AddressBody,
    responses((status = 204, description = "They are invited.")),
)]
pub async fn invite(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, AddressBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id, email) = (sent.client.person().id, parse_id::<ProjectId>(&id)?, sent.body.parsed()?);
    sent.act(&app, move |tx| members::invite(tx, person, id, &email).map(drop)).await
}

/// Removes a member, or takes an invitation back.
#[utoipa::path(
    delete, path = "/api/v1/projects/{id}/members/{email}", tag = "projects", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id"), ("email" = String, Path, description = "Their address")),
    responses((status = 204, description = "They are removed.")),
)]
pub async fn remove(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    sent: ApiRequest<scope::Apply, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id, email) = (sent.client.person().id, parse_id::<ProjectId>(&path.0)?, parse_id::<Email>(&path.1)?);
    sent.act(&app, move |tx| members::remove(tx, person, id, &email)).await
}

/// Joins a project to which your account is invited.
#[utoipa::path(
    post, path = "/api/v1/projects/{id}/join", tag = "projects", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), responses((status = 204, description = "They have joined.")),
)]
pub async fn join(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (sent.client.person().id, parse_id::<ProjectId>(&id)?);
    sent.act(&app, move |tx| members::join(tx, person, id)).await
}

/// Leaves a project.
#[utoipa::path(
    post, path = "/api/v1/projects/{id}/leave", tag = "projects", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), responses((status = 204, description = "They have left.")),
)]
pub async fn leave(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (sent.client.person().id, parse_id::<ProjectId>(&id)?);
    sent.act(&app, move |tx| members::leave(tx, person, id)).await
}
