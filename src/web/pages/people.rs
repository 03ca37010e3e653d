//! People, for administrators: who has an account, their roles, suspending.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::admin::{reason, titled, words};
use super::{PAGE, ROWS, cut};
use crate::domain::grant::GrantState;
use crate::domain::ids::PersonId;
use crate::domain::person::Person;
use crate::domain::{Instant, Refusal};
use crate::ledger;
use crate::ledger::commands::accounts::Powers;
use crate::ledger::commands::roles;
use crate::store::grants::GrantLine;
use crate::store::requests::RequestLine;
use crate::store::{grants, people, requests};
use crate::web::failure::Failure;
use crate::web::form::{Form, Posted};
use crate::web::page::{Here, Page, go, show as show_page, show_with};
use crate::web::state::App;
use crate::web::viewer::Viewer;

#[derive(Template)]
#[template(path = "admin/people.html")]
struct PeoplePage {
    page: Page,
    found: Vec<Person>,
    search: String,
    more: Option<String>,
}

/// Which people.
#[derive(Deserialize)]
pub struct PeopleQuery {
    q: Option<String>,
    after: Option<String>,
}

/// `GET /admin/people`
pub async fn list(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<PeopleQuery>,
) -> Result<HttpResponse, Failure> {
    viewer.overseer()?;
    let PeopleQuery { q, after } = query.into_inner();
    let (search, after) = (words(q), words(after));
    let text = search.clone();
    let mut found = app.reads.read(move |conn| people::search(conn, &text, &after, PAGE + 1)).await?;
    let more = cut(&mut found, ROWS).then(|| found.last().map(|last| last.email.key())).flatten();
    let page = titled(&viewer, "admin-people", None);
    show_page(&viewer, &PeoplePage { page, found, search, more })
}

#[derive(Template)]
#[template(path = "admin/person.html")]
struct PersonPage {
    page: Page,
    form: Form,
    person: Person,
    requests: Vec<RequestLine>,
    grants: Vec<GrantLine>,
    administrator: bool,
}

/// What was just done.
#[derive(Deserialize)]
pub struct SaidQuery {
    said: Option<String>,
}

async fn render(
    app: &App,
    viewer: &Viewer,
    id: PersonId,
    form: Option<Form>,
    said: Option<&str>,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let administrator = viewer.overseer()?.person.administrator;
    let found = app
        .reads
        .read(move |conn| {
            let Some(person) = people::by_id(conn, id)? else { return Ok(None) };
            let requests = requests::of_person(conn, id, Instant(i64::MAX), PAGE)?;
            Ok(Some((person, requests, grants::active_of(conn, id, Instant::now())?)))
        })
        .await?;
    let (person, requests, grants) = found.ok_or(Failure::NotFound)?;
    debug_assert!(grants.iter().all(|line| line.grant.state(Instant::now()) != GrantState::Revoked));
    let page = viewer.page(Here::Admin, person.name.as_str()).saying(said);
    let mut form = form.unwrap_or_default();
    if form.get("do") != "roles" {
        for (name, on) in [("administrator", person.administrator), ("auditor", person.auditor)] {
            form.set(name, if on { "yes" } else { "" });
        }
    }
    show_with(viewer, status, &PersonPage { page, form, person, requests, grants, administrator })
}

/// `GET /admin/people/{id}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<SaidQuery>,
) -> Result<HttpResponse, Failure> {
    viewer.overseer()?;
    let id: PersonId = id.parse().map_err(|_| Failure::NotFound)?;
    render(&app, &viewer, id, None, query.said.as_deref(), StatusCode::OK).await
}

/// `POST /admin/people/{id}`: roles, suspending, restoring.
pub async fn change(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.administrator()?.person.id;
    let id: PersonId = id.parse().map_err(|_| Failure::NotFound)?;
    let (done, said) = match form.get("do") {
        "roles" => {
            let powers =
                Powers { administrator: form.chose("administrator", "yes"), auditor: form.chose("auditor", "yes") };
            (app.ledger.run(move |tx| roles::set_roles(tx, by, id, powers)).await, "roles-saved")
        }
        "suspend" => {
            let reason = reason(&form);
            (app.ledger.run(move |tx| roles::suspend(tx, by, id, &reason)).await, "account-suspended")
        }
        "restore" => (app.ledger.run(move |tx| roles::restore(tx, by, id)).await, "account-restored"),
        _ => return Err(Failure::BadRequest("problem-not-a-form")),
    };
    let page = viewer.page(Here::Admin, "");
    match done {
        Ok(()) => Ok(go(&format!("/admin/people/{id}?said={said}"))),
        Err(ledger::Error::Refused(Refusal::CommentNeeded)) => {
            form.fail("reason", page.t("error-reason"));
            render(&app, &viewer, id, Some(form), None, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(ledger::Error::Refused(refusal @ (Refusal::LastAdministrator | Refusal::TargetUnverified))) => {
            form.fail("", page.t(refusal.key()));
            render(&app, &viewer, id, Some(form), None, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}
