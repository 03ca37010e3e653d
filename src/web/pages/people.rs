//! People, for administrators and auditors: who has an account, their roles, suspending.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, address, parse_id, titled};
use crate::app::App;
use crate::clock;
use crate::domain::comment::Reason;
use crate::domain::ids::PersonId;
use crate::domain::person::{Person, Role, Roles};
use crate::domain::person_list::{PersonOrder, PersonSelection};
use crate::domain::{Refusal, Timestamp};
use crate::escape;
use crate::ledger;
use crate::ledger::commands::people as commands;
use crate::log::export::csv_row;
use crate::store::cursor::CountedPage;
use crate::store::people::{self, PersonQuery};
use crate::store::{Cursor, PageOf};
use crate::views::people::{PersonLine, PersonView, list as list_people, show as show_person};
use crate::web::auth::{Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::filtered_list::{BatchForm, ListLink, ListRequest, csv};
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

const PATH: &str = "/admin/people";
const COLUMNS: [&str; 8] =
    ["id", "name", "email", "institution", "roles", "email_verified_at", "suspended_at", "created_at"];

type Query = ListRequest<PersonSelection, PersonOrder>;

fn wanted(query: &Query) -> PersonQuery {
    PersonQuery { text: query.words(), selection: query.selection(), order: query.order() }
}

#[derive(Template)]
#[template(path = "admin/people.html")]
struct PeoplePage {
    page: Page,
    rows: Vec<PersonLine>,
    selections: Vec<ListLink>,
    orders: Vec<ListLink>,
    export: String,
    query: Query,
    later: Option<String>,
    batch: BatchForm<PersonId>,
}

impl PeoplePage {
    /// Whether any can be suspended.
    fn may_suspend(&self) -> bool {
        self.rows.iter().any(|row| row.may_suspend)
    }
}

async fn render_list(
    app: &App,
    viewer: &Viewer,
    query: Query,
    batch: BatchForm<PersonId>,
) -> Result<HttpResponse, WebError> {
    let (reader, wanted) = (viewer.require_overseer()?.person.clone(), wanted(&query));
    let after = query.after.clone();
    let read = move |conn: &mut _| list_people(conn, &wanted, after.as_ref(), &reader);
    let CountedPage { page: PageOf { rows, next }, counts } = app.reads.read(read).await?;
    let page = titled(viewer, Section::Admin, "admin-people", query.notice.as_deref());
    let status = if batch.is_wrong() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = PeoplePage {
        selections: query.selections(&page, (PATH, "people"), &counts),
        orders: query.orders(&page, (PATH, "people"), &PersonOrder::ALL),
        export: query.address("/admin/people.csv", &[]),
        later: query.later(PATH, next.as_ref()),
        page,
        rows,
        query,
        batch,
    };
    show_with(viewer, status, &shown)
}

/// `GET /admin/people`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    render_list(&app, &viewer, query.into_inner(), BatchForm::default()).await
}

/// `POST /admin/people`: suspends several at once.
pub async fn suspend_several(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_administrator()?.person.id;
    let (query, page) = (Query::of_form(&form), viewer.page(Section::Admin, ""));
    let Some((chosen, reason)) = BatchForm::read(&page, &mut form, "person")? else {
        return render_list(&app, &viewer, query, BatchForm::of_wrong(form)).await;
    };
    let outcome = app.ledger.run(move |tx| commands::suspend_several(tx, by, &chosen, &reason)).await?;
    if outcome.refused.is_empty() {
        return Ok(go(&query.back(PATH, "accounts-suspended")));
    }
    let refusal = outcome.access_refusal();
    let again = render_list(&app, &viewer, query, BatchForm::of_refused(&page, form, outcome)).await?;
    Ok(with_refusal(again, refusal.as_ref()))
}

/// `GET /admin/people.csv`: all that is found, as a table.
pub async fn export(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    viewer.require_overseer()?;
    let wanted = wanted(&query);
    let read = move |conn: &mut _, after: Option<&_>| people::search(conn, &wanted, after);
    Ok(csv(&app.reads, ("people", &COLUMNS), read, line))
}

fn line(person: &Person) -> String {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let roles = [(person.administrator, Role::Administrator), (person.auditor, Role::Auditor)];
    let roles: Vec<&str> = roles.iter().filter(|(has, _)| *has).map(|(_, role)| role.as_str()).collect();
    csv_row(&[
        &person.id.to_string(),
        &escape::cell(person.name.as_str()),
        &escape::cell(person.email.as_str()),
        &escape::cell(person.affiliation.as_deref().unwrap_or_default()),
        &roles.join(" "),
        &time(person.email_verified_at),
        &time(person.suspended_at),
        &person.created_at.to_string(),
    ])
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
            "suspend" => form.reason(page).map(Self::Suspend),
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
