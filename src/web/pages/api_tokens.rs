//! A token for the JSON API: made after the password was typed, shown once.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{prove_password, titled};
use crate::app::App;
use crate::domain::TimeSpan;
use crate::domain::api_token::{NewApiToken, NewApiTokenForm, Scope};
use crate::domain::token::{DEFAULT_LIFE, MAX_LIFE_DAYS, TokenRecord};
use crate::identity::tokens::sign;
use crate::ledger;
use crate::ledger::commands::tokens::issue_for_api;
use crate::web::auth::{SignedIn, Viewer};
use crate::web::error::{WebError, internal};
use crate::web::forms::{Form, Posted, text_error};
use crate::web::page::{Page, Section};
use crate::web::respond::show_with;

/// The `client_id` of tokens made on this page.
const CLIENT: &str = "account-page";

#[derive(Template)]
#[template(path = "account/api_token.html")]
struct ApiTokenPage {
    page: Page,
    form: Form,
    /// What this person has a use for.
    scopes: Vec<Scope>,
    made: Option<(TokenRecord, String)>,
    base: String,
}

/// What somebody has a use for. A token that may do more can do no more than its owner.
fn useful_scopes(who: &SignedIn) -> Vec<Scope> {
    let is_useful = |scope: &Scope| match scope {
        Scope::Read | Scope::Apply => true,
        Scope::Review => who.decides(),
        Scope::Steward => !who.roles.is_empty(),
        Scope::Audit => who.person.may_audit(),
    };
    Scope::ALL.into_iter().filter(is_useful).collect()
}

fn render(
    app: &App,
    viewer: &Viewer,
    (form, made): (Form, Option<(TokenRecord, String)>),
    status: StatusCode,
) -> Result<HttpResponse, WebError> {
    let scopes = useful_scopes(viewer.require_signed_in()?);
    let page = titled(viewer, Section::Account, "api-token-title", None);
    let base = app.config.base().to_owned();
    show_with(viewer, status, &ApiTokenPage { page, form, scopes, made, base })
}

/// `GET /account/tokens/api`
pub async fn show(app: web::Data<App>, viewer: Viewer) -> Result<HttpResponse, WebError> {
    let days = DEFAULT_LIFE.whole_seconds() / TimeSpan::days(1).whole_seconds();
    let form = Form::filled([("days", days.to_string()), ("scope", Scope::Read.to_string())]);
    render(&app, &viewer, (form, None), StatusCode::OK)
}

/// What the form asks for; what is wrong with it is said beside each field.
fn checked(page: &Page, form: &mut Form) -> Option<NewApiToken> {
    let typed = NewApiTokenForm {
        name: form.get("name").to_owned(),
        scopes: form.all("scope").map(str::to_owned).collect(),
        days: form.get("days").trim().parse().ok(),
    };
    let errors = match NewApiToken::parse(&typed) {
        Ok(new) => return Some(new),
        Err(errors) => errors,
    };
    if let Some(error) = errors.name {
        form.fail("name", text_error(page, "name", error));
    }
    if errors.scopes {
        form.fail("scope", page.text("error-choose"));
    }
    if errors.days {
        form.fail("days", page.count_text("error-days", MAX_LIFE_DAYS.unsigned_abs()));
    }
    None
}

/// `POST /account/tokens/api`: makes a token and shows it, this once.
pub async fn make(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let person = viewer.require_signed_in()?.person.id;
    let page = viewer.page(Section::Account, "");
    let new = checked(&page, &mut form);
    // Whoever finds a browser open is not given something that works for months elsewhere.
    let proved = prove_password(&app, &viewer, &page, (&mut form, "password"), person).await?;
    let (Some(new), Some(verified)) = (new, proved) else {
        return render(&app, &viewer, (form, None), StatusCode::UNPROCESSABLE_ENTITY);
    };
    match app.ledger.run(move |tx| issue_for_api(tx, person, &verified, &new)).await {
        Ok(record) => {
            let token = sign(&app.keys, app.config.base(), CLIENT, &record).map_err(|error| internal(&error))?;
            render(&app, &viewer, (Form::default(), Some((record, token.expose().to_owned()))), StatusCode::OK)
        }
        Err(ledger::Error::Refused(refusal)) => {
            form.fail("", page.text(refusal.key()));
            render(&app, &viewer, (form, None), StatusCode::CONFLICT)
        }
        Err(error) => Err(error.into()),
    }
}
