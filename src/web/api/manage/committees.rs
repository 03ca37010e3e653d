//! Committees of an organisation.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::organisation;
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::committee::{CommitteeDescription, CommitteeError, Deadlines, NewCommittee};
use crate::domain::localised::Localised;
use crate::domain::organisation::Organisation;
use crate::domain::text::{Email, Sha256, Slug, TextError};
use crate::ledger::commands::committees::set_up_as_owner;
use crate::views::organisations::{CommitteeRow, committees};
use crate::web::api::answer::{Created, ListBody, read_json, read_tagged};
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::ApiRequest;
use crate::web::auth::{ApiClient, ScopedClient, scope};
use crate::web::error::{Fault, WebError};
use crate::web::pages::parse_id;

/// A committee.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitteeBody {
    /// Its name in addresses; it never changes.
    slug: String,
    /// What it is called.
    name: Localised,
    /// The addresses of its members' accounts.
    members: Vec<String>,
    /// The number of approvals needed.
    quorum: u32,
    /// After how many working days those are reminded who have not voted.
    #[serde(default)]
    remind_after: Option<u32>,
    /// Within how many working days it decides. After them the organisation's owners are asked too.
    #[serde(default)]
    decide_within: Option<u32>,
}

impl CommitteeBody {
    fn of(row: &CommitteeRow) -> Self {
        Self {
            slug: row.committee.slug.to_string(),
            name: row.committee.name.clone(),
            members: row.members.iter().map(|person| person.email.to_string()).collect(),
            quorum: row.committee.quorum,
            remind_after: row.committee.deadlines.remind_after(),
            decide_within: row.committee.deadlines.decide_within(),
        }
    }

    fn checked(&self) -> Result<NewCommittee, WebError> {
        let mut errors = FieldErrors::default();
        let slug = errors.take("/slug", self.slug.parse());
        let members: Result<Vec<Email>, TextError> = self.members.iter().map(|address| address.parse()).collect();
        let members = errors.take("/members", members);
        let (name, quorum) = (self.name.clone(), self.quorum);
        let deadlines = Deadlines::parse(self.remind_after, self.decide_within)
            .map_err(|error| errors.add(&format!("/{}", error.field()), Fault::Message(error.key())))
            .ok();
        let described = |(slug, members)| CommitteeDescription { slug, name, members, quorum, deadlines };
        let parsed = slug.zip(members).map(described);
        NewCommittee::parse(errors.check(parsed)?).map_err(|error| match error {
            CommitteeError::Name(error) => FieldErrors::localised("/name", error),
            CommitteeError::NoQuorum => FieldErrors::one("/quorum", Fault::Message("error-quorum")),
            CommitteeError::TooFewMembers(_) => FieldErrors::one("/quorum", Fault::Message("error-quorum-members")),
            CommitteeError::MemberTwice(_) => FieldErrors::one("/members", Fault::Message("error-member-there-twice")),
            CommitteeError::TooManyMembers => FieldErrors::one("/members", Fault::Message("refusal-too-many-members")),
        })
    }
}

/// An organisation that the client owns.
async fn owned(app: &App, client: &ApiClient, slug: &str) -> Result<Organisation, WebError> {
    let found = organisation(app, client, slug).await?;
    if client.officer(found.id).may_own() { Ok(found) } else { Err(WebError::NotFound) }
}

/// A refusal that is about a member, beside that one.
fn of_member(error: WebError) -> WebError {
    match error {
        WebError::Refused(refusal @ (Refusal::ReviewerUnknown(place) | Refusal::ReviewerUnverified(place))) => {
            FieldErrors::one(&format!("/members/{place}"), Fault::Message(refusal.key()))
        }
        error => error,
    }
}

async fn rows(app: &App, client: &ApiClient, slug: &str) -> Result<Vec<CommitteeRow>, WebError> {
    let (slug, scope, reader) = (parse_id::<Slug>(slug)?, client.manage_scope()?, client.person().clone());
    let found = app.reads.read(move |conn| committees(conn, (&slug, &scope), &reader)).await?;
    Ok(found.ok_or(WebError::NotFound)?.rows)
}

/// Lists the committees of an organisation.
#[utoipa::path(
    get, path = "/api/v1/manage/organisations/{organisation}/committees", tag = "manage",
    security(("token" = ["steward"])), params(("organisation" = String, Path, description = "The organisation's name")),
    responses((status = 200, description = "All of them.", body = ListBody<CommitteeBody>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let rows = rows(&app, &client, &slug).await?;
    Ok(read_json(&ListBody { items: rows.iter().map(CommitteeBody::of).collect(), next: None }))
}

/// Reads a committee.
#[utoipa::path(
    get, path = "/api/v1/manage/organisations/{organisation}/committees/{committee}", tag = "manage",
    security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name"), ("committee" = String, Path, description = "Its name")),
    responses((status = 200, description = "Its ETag is what an edit names.", body = CommitteeBody)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let rows = rows(&app, &client, &path.0).await?;
    let row = rows.iter().find(|row| row.committee.slug.as_str() == path.1).ok_or(WebError::NotFound)?;
    Ok(read_tagged(&CommitteeBody::of(row), &row.committee.fingerprint().to_string()))
}

/// Sets up a committee.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/committees", tag = "manage",
    security(("token" = ["steward"])), params(("organisation" = String, Path, description = "The organisation's name")),
    request_body = CommitteeBody, responses((status = 201, description = "Committee saved.", body = Created)),
)]
pub async fn set_up(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, CommitteeBody>,
) -> Result<HttpResponse, WebError> {
    let organisation = owned(&app, &sent.client, &slug).await?;
    let (by, id, new) = (sent.client.person().id, organisation.id, sent.body.checked()?);
    let location = format!("/api/v1/manage/organisations/{}/committees/{}", organisation.slug, new.slug());
    sent.make(&app, move |tx| set_up_as_owner(tx, by, (id, None), &new).map(|_| location)).await.map_err(of_member)
}

/// Replaces the name, the members, the quorum and the days of a committee.
#[utoipa::path(
    put, path = "/api/v1/manage/organisations/{organisation}/committees/{committee}", tag = "manage",
    security(("token" = ["steward"])),
    params(
        ("organisation" = String, Path, description = "The organisation's name"),
        ("committee" = String, Path, description = "Its name"),
        ("If-Match" = String, Header, description = "The ETag of what was read"),
    ),
    request_body = CommitteeBody, responses((status = 204, description = "Committee saved.")),
)]
pub async fn change(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    sent: ApiRequest<scope::Steward, CommitteeBody>,
) -> Result<HttpResponse, WebError> {
    let organisation = owned(&app, &sent.client, &path.0).await?;
    if sent.body.slug != path.1 {
        return Err(FieldErrors::one("/slug", Fault::Message("error-name-stays")));
    }
    let seen: Sha256 = sent.edited()?.parse().unwrap_or_else(|_| Sha256::of(b""));
    let (by, id, new) = (sent.client.person().id, organisation.id, sent.body.checked()?);
    sent.act(&app, move |tx| set_up_as_owner(tx, by, (id, Some(seen)), &new).map(drop)).await.map_err(of_member)
}
