//! My tokens: made within my grants, shown once, listed, revoked.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, next_page, parse_id, titled};
use crate::app::App;
use crate::clock;
use crate::domain::event::Actor;
use crate::domain::ids::TokenId;
use crate::domain::person::Role;
use crate::domain::token::{
    DEFAULT_LIFE, MAX_LIFE_DAYS, NewToken, NewTokenErrors, NewTokenForm, PATHS_MAX, TokenRecord,
};
use crate::domain::{Refusal, TimeSpan};
use crate::identity::tokens::sign;
use crate::ledger;
use crate::ledger::commands::tokens as commands;
use crate::store::Cursor;
use crate::views::tokens::{self, TokensView};
use crate::web::auth::Viewer;
use crate::web::error::{WebError, internal};
use crate::web::forms::{Form, Posted, text_error};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

/// The `client_id` of tokens made on this page.
const CLIENT: &str = "account-page";

/// A token that was just made. It is shown this once.
struct Made {
    token: String,
    record: TokenRecord,
    /// Where an example file is.
    example: String,
    /// Its name.
    example_name: String,
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
    view: TokensView,
    later: Option<String>,
    made: Option<Made>,
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: &ListQuery,
    (form, made): (Form, Option<Made>),
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let (person, now) = (viewer.require_signed_in()?.person.id, clock::now());
    let after = query.after.clone().unwrap_or(Cursor::newest());
    let view = app.reads.read(move |conn| tokens::of_person(conn, person, &after, now)).await?;
    let page = titled(viewer, Section::Account, "tokens-title", query.notice.as_deref());
    let later = next_page("/account/tokens", view.tokens.next.clone());
    show_with(viewer, status, &TokensPage { page, form, view, later, made })
}

/// The form before anything was typed.
fn blank() -> Form {
    let days = DEFAULT_LIFE.whole_seconds() / TimeSpan::days(1).whole_seconds();
    Form::filled([("days", days.to_string())])
}

/// `GET /account/tokens`
pub async fn show(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, &query, (blank(), None), StatusCode::OK).await
}

/// The paths that were typed, a line each.
fn paths(form: &Form) -> impl Iterator<Item = &str> {
    form.get("paths").lines().map(str::trim).filter(|line| !line.is_empty())
}

/// What the form asks for; what is wrong with it is said beside each field.
fn new_token(page: &Page, form: &mut Form) -> Option<NewToken> {
    let typed = NewTokenForm {
        name: form.get("name").to_owned(),
        datasets: form.all("datasets").map(str::to_owned).collect(),
        project: form.get("project").to_owned(),
        paths: paths(form).map(str::to_owned).collect(),
        days: form.get("days").trim().parse().ok(),
        allow_unmatched: form.chose("allow_unmatched", "yes"),
    };
    NewToken::parse(&typed).map_err(|errors| say_errors(page, form, &errors)).ok()
}

fn say_errors(page: &Page, form: &mut Form, errors: &NewTokenErrors) {
    if let Some(error) = errors.name {
        form.fail("name", text_error(page, "name", error));
    }
    if errors.no_dataset || !errors.datasets.is_empty() {
        form.fail("datasets", page.text("error-datasets"));
    }
    if errors.project {
        form.fail("project", page.text("error-token-project"));
    }
    if errors.days {
        form.fail("days", page.count_text("error-days", MAX_LIFE_DAYS.unsigned_abs()));
    }
    for path in &errors.paths {
        form.fail("paths", page.text_with("error-paths", "path", path));
    }
    if errors.too_many_paths {
        form.fail("paths", page.count_text("error-paths-many", PATHS_MAX as u64));
    }
}

/// `POST /account/tokens`: makes a token and shows it, this once.
pub async fn make(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let person = viewer.require_signed_in()?.person.id;
    let (page, unasked) = (viewer.page(Section::Account, ""), ListQuery::default());
    let Some(new_token) = new_token(&page, &mut form) else {
        return render(&app, &viewer, &unasked, (form, None), StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let actor = Actor::person(person, Role::Applicant);
    match app.ledger.run(move |tx| commands::issue(tx, actor, person, &new_token)).await {
        Ok(record) => {
            let made = made(&app, record).await?;
            render(&app, &viewer, &unasked, (blank(), Some(made)), StatusCode::OK).await
        }
        Err(ledger::Error::Refused(Refusal::PathMatchesNothing(place))) => {
            let path = paths(&form).nth(place).unwrap_or_default().to_owned();
            form.fail("paths", page.text_with("refusal-path-matches-nothing", "path", path));
            // Whoever sends it once more has been told.
            form.set("ask_unmatched", "yes");
            render(&app, &viewer, &unasked, (form, None), StatusCode::CONFLICT).await
        }
        Err(ledger::Error::Refused(refusal)) => {
            let (field, key) = match refusal {
                Refusal::TokenTooLong => ("paths", refusal.key()),
                Refusal::NoGrant if !form.get("project").is_empty() => ("datasets", "error-token-project-grant"),
                Refusal::NoGrant => ("datasets", refusal.key()),
                _ => ("", refusal.key()),
            };
            form.fail(field, page.text(key));
            render(&app, &viewer, &unasked, (form, None), StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The new token with ready-made addresses of the first file it covers.
async fn made(app: &App, record: TokenRecord) -> Result<Made, WebError> {
    let base = app.config.base();
    let token = sign(&app.keys, base, CLIENT, &record).map_err(|error| internal(&error))?;
    let details = record.details.clone();
    let found = app.reads.read(move |conn| tokens::example(conn, &details)).await?;
    let (slug, file) = found.map_or_else(Default::default, |(slug, file)| (slug.to_string(), file));
    let example_name = file.as_ref().map_or(String::new(), |path| path.name().replace('\'', "''"));
    let file = file.map(|path| path.to_url()).unwrap_or_default();
    Ok(Made {
        token: token.expose().to_owned(),
        record,
        example_name,
        example: format!("{base}/data/{slug}/{file}"),
        list: format!("{base}/data/{slug}/files.aria2"),
        address: format!("{base}/data/{slug}/"),
        folder: slug,
    })
}

/// `POST /account/tokens/{id}/revoke`
pub async fn revoke(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let person = posted.viewer.require_signed_in()?.person.id;
    let id: TokenId = parse_id(&id)?;
    app.ledger.run(move |tx| commands::revoke(tx, person, id)).await?;
    Ok(go("/account/tokens?notice=token-revoked"))
}
