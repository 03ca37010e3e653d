//! Registering, proving an address, signing in and out.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{check_room_for_strangers, may_try, titled};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::person::{Affiliation, Person, check_password_length};
use crate::domain::text::{Email, Language, Secret};
use crate::identity::secrets;
use crate::identity::throttle::Attempt;
use crate::ledger;
use crate::ledger::commands::people::{self as commands, Link, NewAccount};
use crate::ledger::commands::sessions as session_commands;
use crate::store::mail_links::{self, LinkPurpose, LinkState};
use crate::store::people;
use crate::web::auth::{
    Viewer, count_try, is_known_browser, known_browser_cookie, language_cookie, no_session_cookie, session_cookie,
    with_refusal,
};
use crate::web::error::{WebError, internal};
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, safe_path, show, show_with};

/// A link with a fresh secret, at this path.
pub(super) fn fresh_link(path: &str) -> Link {
    let secret = secrets::fresh();
    Link { hash: secrets::hash(secret.expose()), path: Secret::new(format!("{path}?link={}", secret.expose())) }
}

/// The same, with where its reader wanted to go.
fn link_with_goal(path: &str, goal: &str) -> Link {
    let link = fresh_link(path);
    Link { path: Secret::new(format!("{}{}", link.path.expose(), goal_field(goal))), hash: link.hash }
}

/// An institution as typed: nothing is none.
pub(super) fn affiliation(page: &Page, form: &mut Form) -> Option<Affiliation> {
    let parsed = Affiliation::parse(form.get("affiliation"));
    form.check(page, "affiliation", parsed).flatten()
}

/// A new password as typed, by somebody of whom this is known. It never comes back in the form.
pub(super) async fn new_password(
    app: &App,
    viewer: &Viewer,
    (page, form): (&Page, &mut Form),
    about: &[&str],
) -> Result<Option<Secret>, WebError> {
    let typed = Secret::new(form.get("password").to_owned());
    form.forget("password");
    let about = about.iter().map(|text| (*text).to_owned()).collect();
    let checked = app.passwords.check(viewer.origin.network(), typed.clone(), about).await?;
    Ok(form.check(page, "password", checked).map(|()| typed))
}

#[derive(Template)]
#[template(path = "identity/register.html")]
struct RegisterPage {
    page: Page,
    form: Form,
}

/// `GET /register`
pub async fn register(viewer: Viewer, query: web::Query<LoginQuery>) -> Result<HttpResponse, WebError> {
    let page = titled(&viewer, Section::Nowhere, "register-title", None);
    show(&viewer, &RegisterPage { page, form: Form::filled([("next", safe_path(query.next.as_deref()))]) })
}

/// Where the mail went, with the form to sign in meanwhile. It says the same whether the address had an account or not.
#[derive(Template)]
#[template(path = "identity/registered.html")]
struct RegisteredPage {
    page: Page,
    form: Form,
}

/// `POST /register`
pub async fn post_register(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    check_room_for_strangers(&app)?;
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, Section::Nowhere, "register-title", None);
    let email = form.get("email").parse::<Email>();
    let name = form.person_name(&page);
    let email = form.check(&page, "email", email);
    let affiliation = affiliation(&page, &mut form);
    let length = check_password_length(form.get("password"));
    form.check(&page, "password", length);
    let (Some(name), Some(email), false) = (name, email, form.is_wrong()) else {
        form.forget("password");
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &RegisterPage { page, form });
    };
    // Counted before the password is looked at, which takes its time.
    let network = viewer.origin.network();
    if let Some(network) = network
        && !may_try(&app, &viewer, &page, &mut form, Attempt::RegisterFrom(network))
    {
        form.forget("password");
        return show_with(&viewer, StatusCode::TOO_MANY_REQUESTS, &RegisterPage { page, form });
    }
    let about = [email.as_str(), name.as_str()];
    let Some(password) = new_password(&app, &viewer, (&page, &mut form), &about).await? else {
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &RegisterPage { page, form });
    };
    let password_hash = app.passwords.hash(network, password).await?;
    let next = safe_path(Some(form.get("next"))).to_owned();
    let shown = Form::filled([("email", email.as_str()), ("next", &next)]);
    let account = NewAccount { email, name, affiliation, language: viewer.language, password_hash };
    let (link, origin) = (link_with_goal("/verify", &next), viewer.origin.clone());
    app.ledger.run(move |tx| commands::register(tx, &account, &link, &origin)).await?;
    let page = titled(&viewer, Section::Nowhere, "registered-title", None);
    show(&viewer, &RegisteredPage { page, form: shown })
}

/// The secret of a mailed link.
#[derive(Deserialize)]
pub struct LinkQuery {
    pub(super) link: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "identity/verify.html")]
struct VerifyPage {
    page: Page,
    form: Form,
}

/// `GET /verify`: asks for a click, so that programs that look into mail do not use the link up. Whoever opens it must be
/// signed in as the account: else somebody could register another's address and have its owner prove it for them.
pub async fn verify(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<LinkQuery>,
) -> Result<HttpResponse, WebError> {
    let page = titled(&viewer, Section::Nowhere, "verify-title", None);
    let LinkQuery { link, next } = query.into_inner();
    let (link, next) = (link.unwrap_or_default(), safe_path(next.as_deref()).to_owned());
    let Some(who) = &viewer.signed_in else {
        let back: String =
            url::form_urlencoded::byte_serialize(format!("/verify?link={link}{}", goal_field(&next)).as_bytes())
                .collect();
        return Ok(go(&format!("/login?notice=sign-in-to-verify&next={back}")));
    };
    let (hash, now) = (secrets::hash(&link), clock::now());
    let read = move |conn: &mut _| mail_links::look_up(conn, hash, LinkPurpose::VerifyEmail, now);
    // Whose link it is, is said when it is sent.
    let is_of_another = match app.reads.read(read).await? {
        LinkState::Live(link) | LinkState::Used(link) => link.person != who.person.id,
        LinkState::Gone => false,
    };
    if who.person.email_verified_at.is_some() && !is_of_another {
        return Ok(go(if next == "/" { "/account?notice=verified-already" } else { &next }));
    }
    let form = Form::filled([("link", link), ("next", next)]);
    show(&viewer, &VerifyPage { page, form })
}

/// The goal as a further field of a query; empty when there is none.
fn goal_field(goal: &str) -> String {
    if goal == "/" {
        return String::new();
    }
    let goal: String = url::form_urlencoded::byte_serialize(goal.as_bytes()).collect();
    format!("&next={goal}")
}

/// `POST /verify`
pub async fn post_verify(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let person = viewer.require_signed_in()?.person.id;
    let (hash, origin) = (secrets::hash(form.get("link")), viewer.origin.clone());
    match app.ledger.run(move |tx| commands::verify_email(tx, person, hash, &origin)).await {
        Ok(()) => {
            let next = safe_path(Some(form.get("next")));
            Ok(go(if next == "/" { "/account?notice=verified" } else { next }))
        }
        Err(ledger::Error::Refused(refusal)) => {
            let page = titled(&viewer, Section::Nowhere, "verify-title", None);
            form.fail("", page.text(refusal.key()));
            Ok(with_refusal(show_with(&viewer, StatusCode::CONFLICT, &VerifyPage { page, form })?, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /verify/again`: mails a new link.
pub async fn verify_again(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let person = posted.viewer.require_signed_in()?.person.id;
    if let Err(pause) = count_try(&app, posted.viewer.asking(), Attempt::VerifyAgain(person)) {
        return Err(WebError::Throttled(u64::try_from(pause.whole_seconds()).unwrap_or(60).max(1)));
    }
    let link = fresh_link("/verify");
    app.ledger.run(move |tx| commands::resend_verification(tx, person, &link)).await?;
    Ok(go("/account?notice=link-sent"))
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
    notice: Option<String>,
}

/// `GET /login`
pub async fn login(viewer: Viewer, query: web::Query<LoginQuery>) -> Result<HttpResponse, WebError> {
    let LoginQuery { next, notice } = query.into_inner();
    let next = after_sign_in(next.as_deref().unwrap_or_default());
    if viewer.signed_in.is_some() {
        return Ok(go(next));
    }
    let page = titled(&viewer, Section::Nowhere, "login-title", notice.as_deref());
    show(&viewer, &LoginPage { page, form: Form::filled([("next", next)]) })
}

/// `POST /login`
pub async fn post_login(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let page = titled(&viewer, Section::Nowhere, "login-title", None);
    let password = Secret::new(form.get("password"));
    form.forget("password");
    let email = form.get("email").parse::<Email>().ok();
    let key = email.as_ref().map_or_else(|| form.get("email").trim().to_owned(), Email::key);
    let tries = sign_in_attempts(&app, &viewer, email.as_ref(), &key);
    for attempt in tries.iter().flatten() {
        if !may_try(&app, &viewer, &page, &mut form, *attempt) {
            return show_with(&viewer, StatusCode::TOO_MANY_REQUESTS, &LoginPage { page, form });
        }
    }
    let authenticated = authenticate(&app, &viewer, email.clone(), password).await;
    settle(&app, &authenticated, tries);
    let Some((person, verified)) = authenticated? else {
        let origin = viewer.origin.clone();
        app.ledger.run(move |tx| session_commands::record_failed_sign_in(tx, email.as_ref(), &origin)).await?;
        form.fail("email", page.text("error-login"));
        return show_with(&viewer, StatusCode::UNPROCESSABLE_ENTITY, &LoginPage { page, form });
    };
    match start_session(&app, &viewer, &person, verified).await? {
        Ok(secret) => signed_in(&app, &viewer, &person, &secret, form.get("next")),
        Err(refusal) => {
            form.fail("", page.text(refusal.key()));
            show_with(&viewer, StatusCode::FORBIDDEN, &LoginPage { page, form })
        }
    }
}

/// Where signing in leads: to where it was asked for, else to what waits.
fn after_sign_in(next: &str) -> &str {
    if next.is_empty() { "/today" } else { safe_path(Some(next)) }
}

/// Goes back to where signing in was asked for, with the session, in a browser that is known from here on.
fn signed_in(
    app: &App,
    viewer: &Viewer,
    person: &Person,
    secret: &Secret,
    next: &str,
) -> Result<HttpResponse, WebError> {
    let session = session_cookie(secret.expose(), app.config.is_https());
    let response = with_cookie(go(after_sign_in(next)), &session)?;
    with_cookie(response, &known_browser_cookie(app, viewer, &person.email))
}

/// Gives back the tries of a sign-in that was no guess.
fn settle(app: &App, authenticated: &Result<Option<(Person, Secret)>, WebError>, tries: [Option<Attempt<'_>>; 2]) {
    for attempt in tries.into_iter().flatten() {
        match (authenticated, attempt) {
            (Ok(None), _) => {}
            // Whoever knows the password has not been guessing.
            (Ok(Some(_)), Attempt::SignIn(_) | Attempt::SignInFromKnownBrowser(_)) => app.throttle.forgive(attempt),
            // Right, or never checked.
            (Ok(Some(_)) | Err(_), _) => app.throttle.give_back(attempt),
        }
    }
}

/// What a try to sign in counts as. From a browser that has signed in to the account before, strangers' tries do not count.
fn sign_in_attempts<'a>(
    app: &App,
    viewer: &Viewer,
    email: Option<&Email>,
    account: &'a str,
) -> [Option<Attempt<'a>>; 2] {
    if email.is_some_and(|email| is_known_browser(app, viewer, email)) {
        return [Some(Attempt::SignInFromKnownBrowser(account)), None];
    }
    [viewer.origin.network().map(Attempt::SignInFrom), Some(Attempt::SignIn(account))]
}

/// The account with this address and the hash that the password was checked against, if the password is its.
async fn authenticate(
    app: &App,
    viewer: &Viewer,
    email: Option<Email>,
    password: Secret,
) -> Result<Option<(Person, Secret)>, WebError> {
    let found = match email {
        Some(email) => app.reads.read(move |conn| people::by_email(conn, &email)).await?,
        None => None,
    };
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    // Without an account it takes as long: the time tells nobody whether there is one.
    let right = app.passwords.verify(viewer.origin.network(), password, hash).await?;
    Ok(found.filter(|_| right))
}

/// Starts a session; gives its secret, or why there is none.
async fn start_session(
    app: &App,
    viewer: &Viewer,
    person: &Person,
    verified: Secret,
) -> Result<Result<Secret, Refusal>, WebError> {
    let secret = secrets::fresh();
    let (id, hash, origin) = (person.id, secrets::hash(secret.expose()), viewer.origin.clone());
    let started = app.ledger.run(move |tx| session_commands::start(tx, id, &verified, hash, &origin)).await?;
    Ok(started.map(|()| secret))
}

/// Adds a cookie to an answer.
pub(super) fn with_cookie(mut response: HttpResponse, cookie: &Cookie<'_>) -> Result<HttpResponse, WebError> {
    response.add_cookie(cookie).map_err(|error| internal(&error))?;
    Ok(response)
}

/// `POST /logout`
pub async fn logout(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    if let Some(who) = posted.viewer.signed_in {
        app.ledger.run(move |tx| session_commands::end(tx, &who.person, who.session.token_hash)).await?;
    }
    with_cookie(go("/?notice=signed-out"), &no_session_cookie(app.config.is_https()))
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
) -> Result<HttpResponse, WebError> {
    let language = Language::from_tag(&tag).ok_or(WebError::NotFound)?;
    with_cookie(go(safe_path(query.to.as_deref())), &language_cookie(language, app.config.is_https()))
}
