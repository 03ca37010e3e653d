//! People, for administrators and auditors: who has an account, their roles, suspending.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, address, next_page, parse_id, tidy, titled};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::comment::Reason;
use crate::domain::ids::PersonId;
use crate::domain::person::{Person, Roles};
use crate::ledger;
use crate::ledger::commands::people as commands;
use crate::store::people;
use crate::store::{Cursor, PageOf};
use crate::views::people::{PersonView, show as show_person};
use crate::web::auth::{Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show as show_page, show_with};

#[derive(Template)]
#[template(path = "admin/people.html")]
struct PeoplePage {
    page: Page,
    found: Vec<Person>,
    search: String,
    later: Option<String>,
}

/// `GET /admin/people`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    viewer.require_overseer()?;
    let search = tidy(query.q.as_deref());
    let (text, after) = (search.clone(), query.after.clone().unwrap_or(Cursor::newest()));
    let PageOf { rows, next } = app.reads.read(move |conn| people::search(conn, &text, &after)).await?;
    let page = titled(&viewer, Section::Admin, "admin-people", None);
    let later = next_page("/admin/people", &search, next);
    show_page(&viewer, &PeoplePage { page, found: rows, search, later })
}

#[derive(Template)]
#[template(path = "admin/person.html")]
struct PersonPage {
    page: Page,
    form: Form,
    view: PersonView,
    later_requests: Option<String>,
}

async fn render(
    app: &App,
    viewer: &Viewer,
    id: PersonId,
    query: &ListQuery,
    (form, status): (Form, StatusCode),
) -> Result<HttpResponse, WebError> {
    let reader = viewer.require_overseer()?.person.clone();
    let (after, now) = (query.after.clone().unwrap_or(Cursor::newest()), clock::now());
    let found = app.reads.read(move |conn| show_person(conn, id, &after, &reader, now)).await?;
    let view = found.ok_or(WebError::NotFound)?;
    let path = format!("/admin/people/{id}");
    let shown = PersonPage {
        page: viewer.page(Section::Admin, view.person.name.as_str()).with_notice(query.notice.as_deref()),
        form: with_roles(form, &view.person),
        later_requests: view
            .access
            .as_ref()
            .and_then(|(requests, _)| requests.next.as_ref())
            .map(|next| address(&path, &[("after", &next.to_string())])),
        view,
    };
    show_with(viewer, status, &shown)
}

/// The form with the roles that the person has, unless others were just chosen.
fn with_roles(mut form: Form, person: &Person) -> Form {
    if form.get("do") != "roles" {
        for (name, on) in [("administrator", person.administrator), ("auditor", person.auditor)] {
            form.set(name, if on { "yes" } else { "" });
        }
    }
    form
}

/// `GET /admin/people/{id}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    viewer.require_overseer()?;
    render(&app, &viewer, parse_id(&id)?, &query, (Form::default(), StatusCode::OK)).await
}

/// What an administrator does about an account.
enum AccountChange {
    Roles(Roles),
    Suspend(Reason),
    Restore,
}

impl AccountChange {
    /// Reads the form; `None` when the reason can't be taken, which the form then says.
    fn read(page: &Page, form: &mut Form) -> Result<Option<Self>, WebError> {
        Ok(match form.get("do") {
            "roles" => Some(Self::Roles(Roles {
                administrator: form.chose("administrator", "yes"),
                auditor: form.chose("auditor", "yes"),
            })),
            "suspend" => {
                let reason = Reason::parse(form.get("reason"));
                form.check(page, "reason", reason).map(Self::Suspend)
            }
            "restore" => Some(Self::Restore),
            _ => return Err(WebError::BadRequest("problem-not-a-form")),
        })
    }

    const fn notice(&self) -> &'static str {
        match self {
            Self::Roles(_) => "roles-saved",
            Self::Suspend(_) => "account-suspended",
            Self::Restore => "account-restored",
        }
    }
}

/// `POST /admin/people/{id}`: roles, suspending, restoring.
pub async fn change(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, id) = (viewer.require_administrator()?.person.id, parse_id::<PersonId>(&id)?);
    let (page, unasked) = (viewer.page(Section::Admin, ""), ListQuery::default());
    let Some(change) = AccountChange::read(&page, &mut form)? else {
        return render(&app, &viewer, id, &unasked, (form, StatusCode::UNPROCESSABLE_ENTITY)).await;
    };
    let notice = change.notice();
    let run = app.ledger.run(move |tx| match &change {
        AccountChange::Roles(roles) => commands::set_roles(tx, by, id, *roles),
        AccountChange::Suspend(reason) => commands::suspend(tx, by, id, reason),
        AccountChange::Restore => commands::restore(tx, by, id),
    });
    match run.await {
        Ok(()) => Ok(go(&format!("/admin/people/{id}?notice={notice}"))),
        Err(ledger::Error::Refused(
            refusal @ (Refusal::LastAdministrator | Refusal::TargetUnverified | Refusal::BothRoles),
        )) => {
            form.fail("", page.text(refusal.key()));
            let again = render(&app, &viewer, id, &unasked, (form, StatusCode::CONFLICT)).await?;
            Ok(with_refusal(again, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}
