//! Who is asking, and their tokens.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{After, ListBody, json, read_json};
use super::field_errors::FieldErrors;
use super::request::{ApiRequest, EmptyBody};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::event::Actor;
use crate::domain::ids::TokenId;
use crate::domain::person::Role;
use crate::domain::token::{NewToken, NewTokenErrors, NewTokenForm, TokenRecord};
use crate::identity::tokens::sign;
use crate::ledger::commands::tokens as commands;
use crate::store::{Cursor, organisations, tokens};
use crate::views::organisations::invitations;
use crate::views::tokens::LISTED_AFTER_END;
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::{Fault, WebError, internal};
use crate::web::pages::parse_id;

/// The `client_id` of tokens made over the API.
const CLIENT: &str = "api";

/// A part in running an organisation.
#[derive(Serialize, ToSchema)]
pub struct OrganisationPart {
    /// The organisation's name in addresses.
    pub organisation: String,
    /// `owner` or `steward`.
    pub role: String,
}

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Its id, by which the log knows it.
    pub id: String,
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// Whether the address is verified.
    pub is_verified: bool,
    /// Whether it administers the gateway.
    pub is_administrator: bool,
    /// Whether it may read the audit log.
    pub is_auditor: bool,
    /// Whether it is on a committee.
    pub is_reviewer: bool,
    /// The organisations that it runs.
    pub organisations: Vec<OrganisationPart>,
    /// The organisations that it is invited to run.
    pub invitations: Vec<OrganisationPart>,
}

/// Reads your account.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "account", security(("token" = ["read"])),
    responses((status = 200, description = "The account.", body = Me)),
)]
pub async fn me(app: web::Data<App>, client: ScopedClient<scope::Read>) -> Result<HttpResponse, WebError> {
    let ids: Vec<_> = client.reader.roles.iter().map(|(id, _)| *id).collect();
    let reader = client.person().clone();
    let read = move |conn: &mut _| Ok((organisations::by_ids(conn, &ids)?, invitations(conn, &reader)?));
    let (found, invited) = app.reads.read(read).await?;
    let role = |id| client.officer(id).role.map(|role| role.to_string()).unwrap_or_default();
    let part = |of: &crate::domain::organisation::Organisation| OrganisationPart {
        organisation: of.slug.to_string(),
        role: role(of.id),
    };
    let person = client.person();
    Ok(read_json(&Me {
        id: person.id.to_string(),
        name: person.name.to_string(),
        email: person.email.to_string(),
        is_verified: person.email_verified_at.is_some(),
        is_administrator: person.may_administer(),
        is_auditor: person.may_audit(),
        is_reviewer: client.is_reviewer,
        organisations: found.iter().map(part).collect(),
        invitations: invited
            .iter()
            .map(|(of, role)| OrganisationPart { organisation: of.slug.to_string(), role: role.to_string() })
            .collect(),
    }))
}

/// A token, without the token itself.
#[derive(Serialize, ToSchema)]
pub struct TokenDetail {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for: `download`, or scopes of the API.
    pub scopes: Vec<String>,
    /// The datasets that it downloads from.
    pub datasets: Vec<String>,
    /// When it was made (RFC 3339).
    pub issued_at: String,
    /// When it ends.
    pub expires_at: String,
    /// Whether it works.
    pub is_live: bool,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
}

impl TokenDetail {
    fn of(record: &TokenRecord) -> Self {
        let scopes: Vec<String> = record.scopes.iter().map(ToString::to_string).collect();
        Self {
            id: record.id.to_string(),
            name: record.name.clone(),
            scopes: if scopes.is_empty() { vec!["download".into()] } else { scopes },
            datasets: record.details.iter().map(|entry| entry.identifier.to_string()).collect(),
            issued_at: record.issued_at.to_string(),
            expires_at: record.expires_at.to_string(),
            is_live: record.is_live(clock::now()),
            last_used_at: record.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// Lists the tokens of your account, the newest first.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "account", params(After), security(("token" = ["read"])),
    responses((status = 200, description = "A page of tokens.", body = ListBody<TokenDetail>)),
)]
pub async fn list_tokens(
    app: web::Data<App>,
    client: ScopedClient<scope::Read>,
    params: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let (person, after) = (client.person().id, params.into_inner().after.unwrap_or(Cursor::newest()));
    let since = clock::now() - LISTED_AFTER_END;
    let page = app.reads.read(move |conn| tokens::of_person(conn, person, since, &after)).await?;
    Ok(read_json(&ListBody::of(page, |record| TokenDetail::of(&record))))
}

/// A token to make, for downloading.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenBody {
    /// What to call it.
    name: String,
    /// The datasets that it is for.
    datasets: Vec<String>,
    /// The project whose grants it uses; those of every project if absent.
    #[serde(default)]
    project: String,
    /// The paths that it covers, such as `images_001/*`; all of them if absent.
    #[serde(default)]
    paths: Vec<String>,
    /// How long it works, in days: 1 to 90, 7 if absent; never longer than the grant, or than the token that makes it.
    days: Option<i64>,
    /// Make it also where a path matches no file now.
    #[serde(default)]
    allow_unmatched: bool,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
pub struct MadeToken {
    /// Its id.
    pub id: String,
    /// The token itself. It is shown this once.
    pub token: String,
    /// When it ends (RFC 3339).
    pub expires_at: String,
}

fn field_errors(wrong: &NewTokenErrors) -> FieldErrors {
    let mut errors = FieldErrors::default();
    if let Some(error) = wrong.name {
        errors.add("/name", Fault::Text(error));
    }
    for (is_wrong, pointer, key) in [
        (wrong.no_dataset || !wrong.datasets.is_empty(), "/datasets", "error-datasets"),
        (wrong.project, "/project", "error-token-project"),
        (wrong.too_many_paths || !wrong.paths.is_empty(), "/paths", "error-token-paths"),
        (wrong.days, "/days", "error-token-days"),
    ] {
        if is_wrong {
            errors.add(pointer, Fault::Message(key));
        }
    }
    errors
}

/// Makes a token that downloads, within the grants of your account.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "account", security(("token" = ["apply"])), request_body = NewTokenBody,
    responses((status = 201, description = "The token.", body = MadeToken)),
)]
pub async fn make_token(
    app: web::Data<App>,
    sent: ApiRequest<scope::Apply, NewTokenBody>,
) -> Result<HttpResponse, WebError> {
    let body = &sent.body;
    let form = NewTokenForm {
        name: body.name.clone(),
        datasets: body.datasets.clone(),
        project: body.project.clone(),
        paths: body.paths.clone(),
        days: Some(body.days.unwrap_or(7)),
        allow_unmatched: body.allow_unmatched,
    };
    let new = NewToken::parse(&form).map_err(|wrong| field_errors(&wrong).into_error())?;
    // A token that makes tokens gives none that outlasts it.
    let new = new.ending_by(sent.client.ends_at);
    let person = sent.client.person().id;
    let actor = Actor::person(person, Role::Applicant);
    // What is remembered is which token it was, never the token itself.
    let issued = sent.run(&app, move |tx| Ok(commands::issue(tx, actor, person, &new)?.id.to_string())).await;
    let id = issued.map_err(|error| match error {
        WebError::Refused(Refusal::PathMatchesNothing(place)) => {
            FieldErrors::one(&format!("/paths/{place}"), Fault::Message("error-path-matches-nothing"))
        }
        error => error,
    })?;
    let id: TokenId = id.parse().map_err(|error: uuid::Error| internal(&error))?;
    let record = app.reads.read(move |conn| tokens::by_id(conn, id)).await?.ok_or(WebError::NotFound)?;
    let token = sign(&app.keys, app.config.base(), CLIENT, &record).map_err(|error| internal(&error))?;
    let made = MadeToken {
        id: record.id.to_string(),
        token: token.expose().to_owned(),
        expires_at: record.expires_at.to_string(),
    };
    Ok(json(StatusCode::CREATED, &made))
}

/// Revokes a token: it stops working at the next request.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "account", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is revoked.")),
)]
pub async fn revoke_token(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: ApiRequest<scope::Apply, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (sent.client.person().id, parse_id::<TokenId>(&id)?);
    sent.act(&app, move |tx| commands::revoke(tx, person, id)).await
}
