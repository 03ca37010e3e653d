//! The description of the API (`OpenAPI` 3.1), from the code that answers it.

use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Serialize;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, PathItem, Ref, RefOr, Response};
use utoipa::{Modify, OpenApi, ToSchema};

use super::{
    account, agreements, audit, datasets, forms, manage, new_versions, organisations, projects, releases, requests,
    review, signing, today, uploads,
};
use crate::web::error::WebError;

/// What is wrong with a request (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// Which problem it is: a reference that does not change.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What to do about it, in the language that was asked for.
    pub detail: String,
    /// Which rule said no, where one did.
    pub reason: Option<String>,
    /// The fields that can't be taken.
    pub errors: Option<Vec<ProblemField>>,
}

/// A field that can't be taken.
#[derive(Serialize, ToSchema)]
pub struct ProblemField {
    /// Where it is: a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// How a client says who it is, and what every operation may answer.
struct Conventions;

impl Modify for Conventions {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let bearer = bearer.description(Some("A token made at /account/tokens/api, with the scopes that are named."));
        components.security_schemes.insert("token".into(), RefOr::T(SecurityScheme::Http(bearer.build())));
        let session = ApiKeyValue::with_description(
            "session",
            "A browser's session; what changes something also needs the header X-Form-Token with the secret of its forms.",
        );
        components.security_schemes.insert("session".into(), RefOr::T(SecurityScheme::ApiKey(ApiKey::Cookie(session))));
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                operation.operation_id = Some(operation_id(method, path));
                if let Some(ways) = &mut operation.security {
                    ways.push(SecurityRequirement::new("session", [] as [&str; 0]));
                }
                let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
                let mut response = Response::new("An error (RFC 9457).");
                response.content.insert("application/problem+json".into(), RefOr::T(problem));
                operation.responses.responses.insert("default".into(), RefOr::T(response));
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [("get", &mut item.get), ("put", &mut item.put), ("post", &mut item.post), ("delete", &mut item.delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// A name that no other operation has, such as `get_datasets_slug`.
fn operation_id(method: &str, path: &str) -> String {
    let parts = path.trim_start_matches("/api/v1").split('/').map(|part| part.trim_matches(['{', '}']));
    parts.fold(method.to_owned(), |id, part| if part.is_empty() { id } else { format!("{id}_{part}") })
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        version = "1",
        description = "What the pages do, for programs. Lists give `items` and, where there are more, `next`, which is \
            sent as `after`. A request with an `Idempotency-Key` that is sent again does nothing again. Edits name what was read by \
            `If-Match`. Errors are problem documents (RFC 9457).",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
    ),
    paths(
        datasets::list,
        datasets::read,
        releases::list,
        releases::read,
        releases::tables,
        releases::pictures,
        releases::readmes,
        agreements::read_in_force,
        agreements::read_version,
        forms::read_in_force,
        forms::read_version,
        organisations::read,
        account::me,
        today::read,
        account::list_tokens,
        account::make_token,
        account::revoke_token,
        projects::list,
        projects::begin,
        projects::read,
        projects::edit,
        projects::end,
        projects::invite,
        projects::remove,
        projects::join,
        projects::leave,
        signing::terms,
        signing::sign,
        requests::list,
        requests::read,
        signing::sign_as_member,
        new_versions::read,
        new_versions::sign,
        requests::withdraw,
        uploads::hand_in,
        uploads::read,
        uploads::read_as_reviewer,
        review::queue,
        review::read,
        review::decide,
        review::decide_several,
        review::exclude,
        review::recuse,
        review::lift_recusal,
        audit::list,
        manage::overview::read,
        manage::datasets::list,
        manage::datasets::read,
        manage::datasets::make,
        manage::datasets::edit,
        manage::datasets::publish,
        manage::datasets::change_suspension,
        manage::datasets::suspend_several,
        manage::datasets::change_retirement,
        manage::datasets::change_release,
        manage::imports::request,
        manage::imports::list,
        manage::imports::read,
        manage::imports::cancel,
        manage::agreements::publish,
        manage::agreements::set_last_day,
        manage::agreements::concerned,
        manage::forms::publish,
        manage::holidays::read,
        manage::holidays::change,
        manage::committees::list,
        manage::committees::read,
        manage::committees::set_up,
        manage::committees::change,
        manage::members::list,
        manage::members::invite,
        manage::members::set_role,
        manage::members::remove,
        manage::handover::offer,
        manage::handover::end_offer,
        manage::handover::accept,
        manage::handover::list,
        manage::organisations::read,
        manage::organisations::describe,
        manage::organisations::join,
        manage::grants::list,
        manage::grants::change_end,
        manage::grants::change_suspension,
        manage::grants::revoke,
        manage::grants::revoke_several,
    ),
    components(schemas(Problem, ProblemField)),
    modifiers(&Conventions),
)]
struct Api;

/// An operation, as people read of it.
#[derive(Clone, Debug)]
pub struct OperationRow {
    /// The method.
    pub method: &'static str,
    /// Its address.
    pub path: String,
    /// What it does.
    pub summary: String,
    /// The scope that a token needs; nothing where everybody may.
    pub scope: Option<String>,
}

/// Every operation, by the area that it is in.
pub fn by_area() -> &'static [(String, Vec<OperationRow>)] {
    static AREAS: OnceLock<Vec<(String, Vec<OperationRow>)>> = OnceLock::new();
    AREAS.get_or_init(read_areas)
}

fn read_areas() -> Vec<(String, Vec<OperationRow>)> {
    /// In the order in which people come to them.
    const AREAS: [&str; 7] = ["catalogue", "account", "projects", "requests", "review", "manage", "audit"];
    let mut areas: Vec<(String, Vec<OperationRow>)> = AREAS.map(|area| (area.to_owned(), Vec::new())).into();
    for (path, item) in &Api::openapi().paths.paths {
        let methods = [("GET", &item.get), ("PUT", &item.put), ("POST", &item.post), ("DELETE", &item.delete)];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            let area = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            let row = OperationRow {
                method,
                path: path.clone(),
                summary: operation.summary.clone().unwrap_or_default(),
                scope: scope(operation),
            };
            match areas.iter_mut().find(|(name, _)| *name == area) {
                Some((_, rows)) => rows.push(row),
                None => areas.push((area, vec![row])),
            }
        }
    }
    areas
}

/// The scope that a token needs for an operation.
fn scope(operation: &Operation) -> Option<String> {
    let needed = serde_json::to_value(operation.security.as_ref()?.first()?).ok()?;
    Some(needed.get("token")?.get(0)?.as_str()?.to_owned())
}

/// The description, as JSON.
pub fn document() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| Api::openapi().to_pretty_json().unwrap_or_default())
}

/// `GET /api/openapi.json`
pub async fn show() -> Result<HttpResponse, WebError> {
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(document()))
}
