//! My tokens: made within my grants, shown once, listed, revoked.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::domain::Refusal;
use crate::domain::event::Actor;
use crate::domain::ids::TokenId;
use crate::domain::path::PathPattern;
use crate::domain::person::Role;
use crate::domain::text::{Slug, one_line};
use crate::domain::token::{DEFAULT_LIFE, MAX_LIFE_DAYS, TokenRecord};
use crate::domain::{Instant, Span};
use crate::identity::tokens::sign;
use crate::ledger;
use crate::ledger::commands::tokens::{self as commands, Wish};
use crate::store::grants::GrantLine;
use crate::store::{datasets, files, grants, tokens};
use crate::web::failure::{Failure, internal};
use crate::web::form::{Form, Posted};
use crate::web::page::{Here, Page, go, show_with};
use crate::web::state::App;
use crate::web::viewer::Viewer;

/// Longest name, in characters.
const NAME_MAX: usize = 100;
/// Path patterns at most.
const PATHS_MAX: usize = 50;
/// How long tokens that ended are still listed.
const LISTED_AFTER_END: Span = Span::days(30);
/// The `client_id` of tokens made on this page.
const CLIENT: &str = "account-page";

/// How a listed token stands.
struct Line {
    record: TokenRecord,
    live: bool,
}

/// A token that was just made. It is shown this once.
struct Made {
    token: String,
    record: TokenRecord,
    /// Where an example file is.
    example: String,
    /// Where the list of all files is.
    list: String,
    /// How to get everything.
    address: String,
    /// A name for the folder that it goes into.
    folder: String,
}

#[derive(Template)]
#[template(path = "account/tokens.html")]
struct TokensPage {
    page: Page,
    form: Form,
    grants: Vec<GrantLine>,
    lines: Vec<Line>,
    made: Option<Made>,
}

/// What was just done.
#[derive(Deserialize)]
pub struct SaidQuery {
    said: Option<String>,
}

async fn render(
    app: &App,
    viewer: &Viewer,
    form: Form,
    made: Option<Made>,
    said: Option<&str>,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let person = viewer.required()?.person.id;
    let now = Instant::now();
    let (grants, records) = app
        .reads
        .read(move |conn| {
            Ok((grants::active_of(conn, person, now)?, tokens::of_person(conn, person, now - LISTED_AFTER_END)?))
        })
        .await?;
    let page = viewer.page(Here::Account, "").saying(said);
    let title = page.t("tokens-title");
    let lines = records
        .into_iter()
        .map(|record| Line { live: record.revoked_at.is_none() && record.expires_at > now, record })
        .collect();
    show_with(viewer, status, &TokensPage { page: page.titled(&title), form, grants, lines, made })
}

/// `GET /account/tokens`
pub async fn show(app: web::Data<App>, viewer: Viewer, query: web::Query<SaidQuery>) -> Result<HttpResponse, Failure> {
    let days = (DEFAULT_LIFE.whole_seconds() / Span::days(1).whole_seconds()).to_string();
    let form = Form::filled([("days", days)]);
    render(&app, &viewer, form, None, query.said.as_deref(), StatusCode::OK).await
}

/// What the form asks for, if nothing is wrong with it.
fn wish(page: &Page, form: &mut Form, person: crate::domain::ids::PersonId) -> Option<Wish> {
    let name = one_line(form.get("name"), NAME_MAX);
    let name = form.check(page, "name", name);
    let chosen: Vec<Slug> = form.all("datasets").filter_map(|slug| slug.parse().ok()).collect();
    if chosen.is_empty() {
        form.fail("datasets", page.t("error-datasets"));
    }
    let days = form.get("days").trim().parse::<i64>().ok().filter(|days| (1..=MAX_LIFE_DAYS).contains(days));
    if days.is_none() {
        form.fail("days", page.tn("error-days", MAX_LIFE_DAYS.unsigned_abs()));
    }
    let typed: Vec<String> =
        form.get("paths").lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    let mut paths: Vec<PathPattern> = Vec::new();
    for text in &typed {
        match text.parse() {
            Ok(pattern) => paths.push(pattern),
            Err(_) => form.fail("paths", page.tx("error-paths", "path", text)),
        }
    }
    if paths.len() > PATHS_MAX {
        form.fail("paths", page.tn("error-paths-many", PATHS_MAX as u64));
    }
    let (Some(name), Some(days), false) = (name, days, form.is_wrong()) else { return None };
    Some(Wish { person, name, datasets: chosen, paths, life: Span::days(days) })
}

/// `POST /account/tokens`: makes a token and shows it, this once.
pub async fn make(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let who = viewer.required()?.clone();
    let page = viewer.page(Here::Account, "");
    let Some(wish) = wish(&page, &mut form, who.person.id) else {
        return render(&app, &viewer, form, None, None, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let actor = Actor::person(who.person.id, Role::Applicant);
    match app.ledger.run(move |tx| commands::issue(tx, actor, &wish)).await {
        Ok(record) => {
            let token = sign(&app.keys, app.config.base(), CLIENT, &record).map_err(|error| internal(&error))?;
            let made = example(&app, record, token.expose().to_owned()).await?;
            render(&app, &viewer, Form::filled([("days", "7")]), Some(made), None, StatusCode::OK).await
        }
        Err(ledger::Error::Refused(refusal)) => {
            let field = if refusal == Refusal::TokenTooLong { "paths" } else { "" };
            form.fail(field, page.t(refusal.key()));
            render(&app, &viewer, form, None, None, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The new token with ready-made addresses of the first file it covers.
async fn example(app: &App, record: TokenRecord, token: String) -> Result<Made, Failure> {
    let details = record.details.clone();
    let found = app
        .reads
        .read(move |conn| {
            let Some(first) = details.first() else { return Ok(None) };
            let Some(dataset) = datasets::by_slug(conn, &first.identifier)? else { return Ok(None) };
            let files = files::all(conn, dataset.id, "", 1_000)?;
            let covered = |entry: &&crate::domain::dataset::FileEntry| {
                first.covers(crate::domain::token::TokenAction::Read, &entry.path)
            };
            let file = files.iter().find(covered).map(|entry| entry.path.to_url());
            Ok(Some((dataset.slug, file.unwrap_or_default())))
        })
        .await?;
    let base = app.config.base();
    let (slug, file) = found.map_or_else(Default::default, |(slug, file)| (slug.to_string(), file));
    Ok(Made {
        token,
        record,
        example: format!("{base}/data/{slug}/{file}"),
        list: format!("{base}/data/{slug}/files.meta4"),
        folder: slug.clone(),
        address: format!("{base}/data/{slug}/"),
    })
}

/// `POST /account/tokens/{id}/revoke`
pub async fn revoke(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, Failure> {
    let person = posted.viewer.required()?.person.id;
    let id: TokenId = id.parse().map_err(|_| Failure::NotFound)?;
    app.ledger.run(move |tx| commands::revoke(tx, person, id)).await?;
    Ok(go("/account/tokens?said=token-revoked"))
}
