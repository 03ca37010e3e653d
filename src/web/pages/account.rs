//! My account: profile, password, sessions, and what the log says about me.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::audit::{Line, lines};
use super::identity::may_try;
use super::identity::{affiliation, new_password};
use crate::domain::Instant;
use crate::domain::person::Person;
use crate::domain::text::{Language, Secret};
use crate::identity::throttle::PER_ACCOUNT;
use crate::ledger::commands::{accounts, sessions as session_commands};
use crate::store::log::{Filter, Walk, select};
use crate::store::sessions::Session;
use crate::store::{people, sessions};
use crate::web::failure::Failure;
use crate::web::form::{Form, Posted};
use crate::web::page::{Here, Page, go, show_with};
use crate::web::state::App;
use crate::web::viewer::{SignedIn, Viewer};

/// Events of mine that are shown.
const EVENTS_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    page: Page,
    person: Person,
    profile: Form,
    password: Form,
    sessions: Vec<Session>,
    present: Session,
    events: Vec<Line>,
}

/// The two forms of the page.
#[derive(Default)]
struct Forms {
    profile: Option<Form>,
    password: Option<Form>,
}

/// What was just done.
#[derive(Deserialize)]
pub struct SaidQuery {
    said: Option<String>,
}

async fn render(
    app: &App,
    viewer: &Viewer,
    forms: Forms,
    said: Option<&str>,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let who = viewer.required()?.clone();
    let id = who.person.id;
    let archive = app.log_archive.clone();
    let (sessions, events) = app
        .reads
        .read(move |conn| {
            let filter = Filter { person: Some(id.to_string()), ..Filter::default() };
            let events = select(conn, &archive, &filter, Walk::Before(u64::MAX), EVENTS_SHOWN)?;
            Ok((sessions::of_person(conn, id, Instant::now())?, lines(conn, events)?))
        })
        .await?;
    let page = viewer.page(Here::Account, "").saying(said);
    let title = page.t("account-title");
    let SignedIn { person, session: present, .. } = who;
    let shown = AccountPage {
        page: page.titled(&title),
        profile: forms.profile.unwrap_or_else(|| {
            Form::filled([
                ("name", person.name.as_str()),
                ("affiliation", person.affiliation.as_deref().unwrap_or("")),
                ("language", person.language.tag()),
            ])
        }),
        password: forms.password.unwrap_or_default(),
        person,
        sessions,
        present,
        events,
    };
    show_with(viewer, status, &shown)
}

/// `GET /account`
pub async fn show(app: web::Data<App>, viewer: Viewer, query: web::Query<SaidQuery>) -> Result<HttpResponse, Failure> {
    render(&app, &viewer, Forms::default(), query.said.as_deref(), StatusCode::OK).await
}

/// `POST /account`: the profile.
pub async fn profile(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let id = viewer.required()?.person.id;
    let page = viewer.page(Here::Account, "");
    let name = form.get("name").parse();
    let name = form.check(&page, "name", name);
    let affiliation = affiliation(&page, &mut form);
    let language = Language::from_tag(form.get("language")).unwrap_or(viewer.language);
    let (Some(name), false) = (name, form.is_wrong()) else {
        let forms = Forms { profile: Some(form), ..Forms::default() };
        return render(&app, &viewer, forms, None, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    app.ledger.run(move |tx| accounts::update_profile(tx, id, name, affiliation, language)).await?;
    Ok(go("/account?said=profile-saved"))
}

/// `POST /account/password`
pub async fn password(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let who = viewer.required()?.clone();
    let page = viewer.page(Here::Account, "");
    let (id, key) = (who.person.id, format!("prove {}", who.person.id));
    let old = Secret::new(form.get("old_password"));
    form.forget("old_password");
    let new = new_password(&page, &mut form, who.person.email.as_str());
    let hash = app.reads.read(move |conn| people::password_hash(conn, id)).await?;
    if !may_try(&app, &page, &mut form, &key, PER_ACCOUNT) {
        let forms = Forms { password: Some(form), ..Forms::default() };
        return render(&app, &viewer, forms, None, StatusCode::TOO_MANY_REQUESTS).await;
    }
    if app.passwords.verify(old, Some(hash)).await? {
        app.throttle.forgive(&key);
    } else {
        form.fail("old_password", page.t("error-password-wrong"));
    }
    let (Some(new), false) = (new, form.is_wrong()) else {
        let forms = Forms { password: Some(form), ..Forms::default() };
        return render(&app, &viewer, forms, None, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let hash = app.passwords.hash(new).await?;
    let (keep, origin) = (who.session.token_hash, viewer.origin);
    app.ledger.run(move |tx| accounts::change_password(tx, &who.person, &hash, keep, &origin)).await?;
    Ok(go("/account?said=password-changed"))
}

/// `POST /account/sessions/end-others`
pub async fn end_others(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, Failure> {
    let who = posted.viewer.required()?;
    let (person, keep) = (who.person.id, who.session.token_hash);
    app.ledger.run(move |tx| session_commands::end_others(tx, person, keep)).await?;
    Ok(go("/account?said=sessions-ended"))
}
