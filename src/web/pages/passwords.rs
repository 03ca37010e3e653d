//! Choosing a new password by a mailed link.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::identity::{LinkQuery, fresh_link, new_password, with_cookie};
use super::{check_room_for_strangers, may_try, titled};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::person::Person;
use crate::domain::text::{Email, Sha256};
use crate::identity::secrets;
use crate::identity::throttle::Attempt;
use crate::ledger;
use crate::ledger::commands::passwords as commands;
use crate::store::mail_links::{self, LinkPurpose, LinkState};
use crate::store::people;
use crate::web::auth::{Viewer, known_browser_cookie};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show, show_with};

#[derive(Template)]
#[template(path = "identity/forgot.html")]
struct ForgotPage {
    page: Page,
    form: Form,
}

/// `GET /password/forgot`
pub async fn forgot(viewer: Viewer) -> Result<HttpResponse, WebError> {
    let page = titled(&viewer, Section::Nowhere, "forgot-title", None);
    show(&viewer, &ForgotPage { page, form: Form::default() })
}

/// `POST /password/forgot`: says the same whether the address has an account or not.
pub async fn post_forgot(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    check_room_for_strangers(&app)?;
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, Section::Nowhere, "forgot-title", None);
    let email = form.get("email").parse::<Email>();
    let Some(email) = form.check(&page, "email", email) else {
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &ForgotPage { page, form });
    };
    if let Some(network) = viewer.origin.network()
        && !may_try(&app, &viewer, &page, &mut form, Attempt::AskForReset(network))
    {
        return show_with(&viewer, StatusCode::TOO_MANY_REQUESTS, &ForgotPage { page, form });
    }
    let (link, origin) = (fresh_link("/password/reset"), viewer.origin);
    app.ledger.run(move |tx| commands::request_reset(tx, &email, &link, &origin)).await?;
    Ok(go("/login?notice=reset-sent"))
}

#[derive(Template)]
#[template(path = "identity/reset.html")]
struct ResetPage {
    page: Page,
    form: Form,
    /// Whether the link works.
    works: bool,
}

/// `GET /password/reset`
pub async fn reset(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<LinkQuery>,
) -> Result<HttpResponse, WebError> {
    let page = titled(&viewer, Section::Nowhere, "reset-title", None);
    let link = query.into_inner().link.unwrap_or_default();
    let found = person_of_link(&app, secrets::hash(&link)).await?;
    let mut form = Form::filled([("link", link)]);
    if let Err(refusal) = found {
        form.fail("", page.text(refusal.key()));
        return show_with(&viewer, StatusCode::CONFLICT, &ResetPage { page, form, works: false });
    }
    show(&viewer, &ResetPage { page, form, works: true })
}

/// The account whose password a mailed link lets one choose, or why it does not.
async fn person_of_link(app: &App, link: Sha256) -> Result<Result<Person, Refusal>, WebError> {
    let now = clock::now();
    let read = move |conn: &mut _| match mail_links::look_up(conn, link, LinkPurpose::ResetPassword, now)? {
        LinkState::Live(link) => Ok(people::by_id(conn, link.person)?.ok_or(Refusal::LinkInvalid)),
        LinkState::Used(_) => Ok(Err(Refusal::LinkUsed)),
        LinkState::Gone => Ok(Err(Refusal::LinkInvalid)),
    };
    Ok(app.reads.read(read).await?)
}

/// `POST /password/reset`
pub async fn post_reset(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, Section::Nowhere, "reset-title", None);
    let network = viewer.origin.network();
    if let Some(network) = network
        && !may_try(&app, &viewer, &page, &mut form, Attempt::ResetFrom(network))
    {
        form.forget("password");
        return show_with(&viewer, StatusCode::TOO_MANY_REQUESTS, &ResetPage { page, form, works: true });
    }
    // The link first: hashing is only for those who have one.
    let link = secrets::hash(form.get("link"));
    let person = match person_of_link(&app, link).await? {
        Ok(person) => person,
        Err(refusal) => {
            form.fail("", page.text(refusal.key()));
            return show_with(&viewer, StatusCode::CONFLICT, &ResetPage { page, form, works: false });
        }
    };
    let about = [person.email.as_str(), person.name.as_str()];
    let Some(password) = new_password(&app, &viewer, (&page, &mut form), &about).await? else {
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &ResetPage { page, form, works: true });
    };
    let (hash, origin) = (app.passwords.hash(network, password).await?, viewer.origin.clone());
    match app.ledger.run(move |tx| commands::reset(tx, link, &hash, &origin)).await {
        // Whoever has the mail is no stranger: they sign in from a known browser.
        Ok(()) => {
            with_cookie(go("/login?notice=password-changed"), &known_browser_cookie(&app, &viewer, &person.email))
        }
        Err(ledger::Error::Refused(refusal @ (Refusal::LinkInvalid | Refusal::LinkUsed))) => {
            form.fail("", page.text(refusal.key()));
            show_with(&viewer, StatusCode::CONFLICT, &ResetPage { page, form, works: false })
        }
        Err(error) => Err(error.into()),
    }
}
