//! Registering, proving an address, signing in and out, choosing a new password.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::domain::person::{SESSION_LIFE, check_password};
use crate::domain::text::{Email, Language, Secret, TextError, one_line};
use crate::domain::{Instant, Refusal};
use crate::identity::secrets;
use crate::identity::throttle::{PER_ACCOUNT, PER_PLACE, network};
use crate::ledger;
use crate::ledger::commands::accounts::{self, Link, NewAccount};
use crate::ledger::commands::sessions as session_commands;
use crate::store::people;
use crate::store::sessions::Session;
use crate::web::failure::Failure;
use crate::web::form::{Form, Posted};
use crate::web::page::{Here, Page, go, safe_path, show, show_with};
use crate::web::state::App;
use crate::web::viewer::{Viewer, language_cookie, no_session_cookie, session_cookie};

/// Longest institution, in characters.
pub(super) const AFFILIATION_MAX: usize = 200;

/// A link with a fresh secret, at this path.
fn fresh_link(path: &str) -> Link {
    let secret = secrets::fresh();
    Link { hash: secrets::hash(secret.expose()), path: Secret::new(format!("{path}?link={}", secret.expose())) }
}

/// A page that is one form.
fn titled(viewer: &Viewer, key: &str) -> Page {
    let page = viewer.page(Here::Nowhere, "");
    let title = page.t(key);
    page.titled(&title)
}

/// An institution as typed: nothing is none.
pub(super) fn affiliation(page: &Page, form: &mut Form) -> Option<String> {
    match one_line(form.get("affiliation"), AFFILIATION_MAX) {
        Err(TextError::Empty) => None,
        result => form.check(page, "affiliation", result),
    }
}

/// A new password as typed. It never comes back in the form.
pub(super) fn new_password(page: &Page, form: &mut Form, email: &str) -> Option<Secret> {
    let typed = form.get("password").to_owned();
    form.forget("password");
    form.check(page, "password", check_password(&typed, email))?;
    Some(Secret::new(typed))
}

/// Counts a try; when there were too many, says so in the form, which is then to be shown again.
pub(super) fn may_try(app: &App, page: &Page, form: &mut Form, key: &str, limit: u32) -> bool {
    let may = app.throttle.attempt(key, limit, Instant::now()).is_ok();
    if !may {
        form.fail("", format!("{}: {}", page.t("problem-throttled"), page.t("problem-throttled-detail")));
    }
    may
}

#[derive(Template)]
#[template(path = "identity/register.html")]
struct RegisterPage {
    page: Page,
    form: Form,
}

/// `GET /register`
pub async fn register(viewer: Viewer) -> Result<HttpResponse, Failure> {
    let page = titled(&viewer, "register-title");
    show(&viewer, &RegisterPage { page, form: Form::default() })
}

/// `POST /register`
pub async fn post_register(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, "register-title");
    let place = format!("register {}", network(&viewer.origin.ip));
    let (name, email) = (form.get("name").parse(), form.get("email").parse::<Email>());
    let name = form.check(&page, "name", name);
    let email = form.check(&page, "email", email);
    let affiliation = affiliation(&page, &mut form);
    let password = new_password(&page, &mut form, email.as_ref().map_or("", Email::as_str));
    let (Some(name), Some(email), Some(password), false) = (name, email, password, form.is_wrong()) else {
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &RegisterPage { page, form });
    };
    if !may_try(&app, &page, &mut form, &place, PER_PLACE) {
        return show_with(&viewer, StatusCode::TOO_MANY_REQUESTS, &RegisterPage { page, form });
    }
    let password_hash = app.passwords.hash(password).await?;
    let account = NewAccount { email, name, affiliation, language: viewer.language, password_hash };
    let (link, origin) = (fresh_link("/verify"), viewer.origin);
    app.ledger.run(move |tx| accounts::register(tx, &account, &link, &origin)).await?;
    Ok(go("/login?said=registered"))
}

/// The secret of a mailed link.
#[derive(Deserialize)]
pub struct LinkQuery {
    link: Option<String>,
}

#[derive(Template)]
#[template(path = "identity/verify.html")]
struct VerifyPage {
    page: Page,
    form: Form,
}

/// `GET /verify`: asks for a click, so that programs that look into mail do not use the link up. Whoever opens it must be
/// signed in as the account: else somebody could register another's address and have its owner prove it for them.
pub async fn verify(viewer: Viewer, query: web::Query<LinkQuery>) -> Result<HttpResponse, Failure> {
    let page = titled(&viewer, "verify-title");
    let link = query.into_inner().link.unwrap_or_default();
    if viewer.signed_in.is_none() {
        let back: String = url::form_urlencoded::byte_serialize(format!("/verify?link={link}").as_bytes()).collect();
        return Ok(go(&format!("/login?said=sign-in-to-verify&next={back}")));
    }
    let form = Form::filled([("link", link)]);
    show(&viewer, &VerifyPage { page, form })
}

/// `POST /verify`
pub async fn post_verify(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let person = viewer.required()?.person.id;
    let (hash, origin) = (secrets::hash(form.get("link")), viewer.origin.clone());
    match app.ledger.run(move |tx| accounts::verify_email(tx, person, hash, &origin)).await {
        Ok(()) => Ok(go("/account?said=verified")),
        Err(ledger::Error::Refused(refusal)) => {
            let page = titled(&viewer, "verify-title");
            form.fail("", page.t(refusal.key()));
            show_with(&viewer, StatusCode::CONFLICT, &VerifyPage { page, form })
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /verify/again`: mails a new link.
pub async fn verify_again(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let person = posted.viewer.required()?.person.id;
    let key = format!("verify {person}");
    if let Err(pause) = app.throttle.attempt(&key, PER_ACCOUNT, Instant::now()) {
        return Err(Failure::Throttled(u64::try_from(pause.whole_seconds()).unwrap_or(60).max(1)));
    }
    let link = fresh_link("/verify");
    app.ledger.run(move |tx| accounts::resend_verification(tx, person, &link)).await?;
    Ok(go("/account?said=link-sent"))
}

#[derive(Template)]
#[template(path = "identity/login.html")]
struct LoginPage {
    page: Page,
    form: Form,
}

/// Where to go after signing in, and what was just done.
#[derive(Deserialize)]
pub struct LoginQuery {
    next: Option<String>,
    said: Option<String>,
}

/// `GET /login`
pub async fn login(viewer: Viewer, query: web::Query<LoginQuery>) -> Result<HttpResponse, Failure> {
    let LoginQuery { next, said } = query.into_inner();
    let next = safe_path(next.as_deref());
    if viewer.signed_in.is_some() {
        return Ok(go(next));
    }
    let page = titled(&viewer, "login-title").saying(said.as_deref());
    show(&viewer, &LoginPage { page, form: Form::filled([("next", next)]) })
}

/// `POST /login`
pub async fn post_login(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, "login-title");
    let password = Secret::new(form.get("password"));
    form.forget("password");
    let typed = form.get("email").trim().to_owned();
    let email = typed.parse::<Email>().ok();
    let account = format!("login {}", email.as_ref().map_or(typed, Email::key));
    let place = format!("login from {}", network(&viewer.origin.ip));
    for (key, limit) in [(&place, PER_PLACE), (&account, PER_ACCOUNT)] {
        if !may_try(&app, &page, &mut form, key, limit) {
            return show_with(&viewer, StatusCode::TOO_MANY_REQUESTS, &LoginPage { page, form });
        }
    }
    let found = match email.clone() {
        Some(email) => app.reads.read(move |conn| people::by_email(conn, &email)).await?,
        None => None,
    };
    let (person, hash) = found.map_or((None, None), |(person, hash)| (Some(person), Some(hash)));
    // Without an account it takes as long: the time tells nobody whether there is one.
    let right = app.passwords.verify(password, hash).await?;
    let Some(person) = person.filter(|_| right) else {
        let origin = viewer.origin.clone();
        app.ledger.run(move |tx| session_commands::refuse(tx, email.as_ref(), &origin)).await?;
        form.fail("email", page.t("error-login"));
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &LoginPage { page, form });
    };
    app.throttle.forgive(&account);
    app.throttle.take_back(&place);
    let (secret, now) = (secrets::fresh(), Instant::now());
    let session = Session {
        token_hash: secrets::hash(secret.expose()),
        person: person.id,
        created_at: now,
        proved_at: now,
        expires_at: now + SESSION_LIFE,
        ip: viewer.origin.ip.clone(),
        user_agent: viewer.origin.user_agent.clone(),
    };
    let role = person.role();
    if let Err(refusal) = app.ledger.run(move |tx| session_commands::start(tx, &session, role)).await? {
        form.fail("", page.t(refusal.key()));
        return show_with(&viewer, StatusCode::FORBIDDEN, &LoginPage { page, form });
    }
    let https = app.config.is_https();
    let mut response = go(safe_path(Some(form.get("next"))));
    let cookie = session_cookie(secret.expose(), https);
    response.add_cookie(&cookie).map_err(|error| crate::web::failure::internal(&error))?;
    Ok(response)
}

/// `POST /logout`
pub async fn logout(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    if let Some(who) = posted.viewer.signed_in {
        app.ledger.run(move |tx| session_commands::end(tx, &who.person, who.session.token_hash)).await?;
    }
    let mut response = go("/?said=signed-out");
    let cookie = no_session_cookie(app.config.is_https());
    response.add_cookie(&cookie).map_err(|error| crate::web::failure::internal(&error))?;
    Ok(response)
}

#[derive(Template)]
#[template(path = "identity/forgot.html")]
struct ForgotPage {
    page: Page,
    form: Form,
}

/// `GET /password/forgot`
pub async fn forgot(viewer: Viewer) -> Result<HttpResponse, Failure> {
    let page = titled(&viewer, "forgot-title");
    show(&viewer, &ForgotPage { page, form: Form::default() })
}

/// `POST /password/forgot`: says the same whether the address has an account or not.
pub async fn post_forgot(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, "forgot-title");
    let email = form.get("email").parse::<Email>();
    let Some(email) = form.check(&page, "email", email) else {
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &ForgotPage { page, form });
    };
    let place = format!("forgot from {}", network(&viewer.origin.ip));
    for (key, limit) in [(place, PER_PLACE), (format!("forgot {}", email.key()), PER_ACCOUNT)] {
        if !may_try(&app, &page, &mut form, &key, limit) {
            return show_with(&viewer, StatusCode::TOO_MANY_REQUESTS, &ForgotPage { page, form });
        }
    }
    let (link, origin) = (fresh_link("/password/reset"), viewer.origin);
    app.ledger.run(move |tx| accounts::ask_password_reset(tx, &email, &link, &origin)).await?;
    Ok(go("/login?said=reset-sent"))
}

#[derive(Template)]
#[template(path = "identity/reset.html")]
struct ResetPage {
    page: Page,
    form: Form,
}

/// `GET /password/reset`
pub async fn reset(viewer: Viewer, query: web::Query<LinkQuery>) -> Result<HttpResponse, Failure> {
    let page = titled(&viewer, "reset-title");
    let form = Form::filled([("link", query.into_inner().link.unwrap_or_default())]);
    show(&viewer, &ResetPage { page, form })
}

/// `POST /password/reset`
pub async fn post_reset(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, "reset-title");
    let Some(password) = new_password(&page, &mut form, "") else {
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &ResetPage { page, form });
    };
    let (hash, origin) = (app.passwords.hash(password).await?, viewer.origin.clone());
    let link = secrets::hash(form.get("link"));
    match app.ledger.run(move |tx| accounts::reset_password(tx, link, &hash, &origin)).await {
        Ok(_) => Ok(go("/login?said=password-changed")),
        Err(ledger::Error::Refused(refusal @ Refusal::LinkInvalid)) => {
            form.fail("", page.t(refusal.key()));
            show_with(&viewer, StatusCode::CONFLICT, &ResetPage { page, form })
        }
        Err(error) => Err(error.into()),
    }
}

/// Where to go back to.
#[derive(Deserialize)]
pub struct ToQuery {
    to: Option<String>,
}

/// `GET /language/{tag}`: remembers the language in a cookie.
pub async fn language(
    app: web::Data<App>,
    tag: web::Path<String>,
    query: web::Query<ToQuery>,
) -> Result<HttpResponse, Failure> {
    let language = Language::from_tag(&tag).ok_or(Failure::NotFound)?;
    let mut response = go(safe_path(query.to.as_deref()));
    let cookie = language_cookie(language, app.config.is_https());
    response.add_cookie(&cookie).map_err(|error| crate::web::failure::internal(&error))?;
    Ok(response)
}
