//! Grants on what organisations hold.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{parse_id, titled};
use super::WrongForm;
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::dataset::SuspensionChange;
use crate::domain::day::Day;
use crate::domain::grant::{GrantOrder, GrantSelection, GrantState};
use crate::domain::ids::GrantId;
use crate::escape;
use crate::ledger;
use crate::ledger::commands::grants as commands;
use crate::log::export::csv_row;
use crate::store::PageOf;
use crate::store::cursor::CountedPage;
use crate::store::grants::GrantQuery;
use crate::views::grants::{self, GrantRow};
use crate::web::auth::{Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::filtered_list::{BatchForm, ListLink, ListRequest, csv};
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

const PATH: &str = "/manage/grants";
const COLUMNS: [&str; 9] = ["id", "name", "email", "dataset", "project", "state", "starts_at", "ends_at", "sign_by"];

type Query = ListRequest<GrantSelection, GrantOrder>;

/// What is looked for, for those who run organisations.
fn wanted(query: &Query, viewer: &Viewer) -> Result<GrantQuery, WebError> {
    let (_, scope) = viewer.require_manager()?;
    Ok(GrantQuery { scope, text: query.words(), selection: query.selection(), order: query.order(), now: clock::now() })
}

#[derive(Template)]
#[template(path = "manage/grants.html")]
struct GrantsPage {
    page: Page,
    rows: Vec<GrantRow>,
    selections: Vec<ListLink>,
    orders: Vec<ListLink>,
    export: String,
    query: Query,
    later: Option<String>,
    wrong: Option<WrongForm<GrantId>>,
    batch: BatchForm<GrantId>,
}

impl GrantsPage {
    /// What is wrong with a field of one of the forms of this grant; empty when nothing is.
    fn error(&self, row: &GrantRow, which: GrantForm, field: &str) -> &str {
        self.wrong_form(row, which).map_or("", |form| form.error(field))
    }

    /// What was typed in a field of one of the forms of this grant, as HTML.
    fn typed(&self, row: &GrantRow, which: GrantForm, field: &str) -> String {
        self.wrong_form(row, which).map_or_else(String::new, |form| form.html(field))
    }

    fn wrong_form(&self, row: &GrantRow, which: GrantForm) -> Option<&Form> {
        let wrong = self.wrong.as_ref().filter(|wrong| wrong.about == row.line.grant.id)?;
        Some(&wrong.form).filter(|form| GrantForm::of(form) == which)
    }

    /// Whose access it is, to what.
    fn label(&self, row: &GrantRow) -> String {
        format!("{}, {}", row.line.person_name, self.page.localised(&row.line.title))
    }

    /// Whether any can be revoked.
    fn may_revoke(&self) -> bool {
        self.rows.iter().any(|row| row.may_revoke)
    }
}

/// The forms of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum GrantForm {
    End,
    Suspension,
    Revocation,
}

impl GrantForm {
    /// The one that was sent: each has a field that the others have not.
    fn of(form: &Form) -> Self {
        let has = |field: &str| form.all(field).next().is_some();
        if has("until") {
            Self::End
        } else if has("do") {
            Self::Suspension
        } else {
            Self::Revocation
        }
    }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: Query,
    (wrong, batch): (Option<WrongForm<GrantId>>, BatchForm<GrantId>),
) -> Result<HttpResponse, WebError> {
    let (wanted, who) = (wanted(&query, viewer)?, viewer.require_signed_in()?);
    let (reader, roles, after) = (who.person.clone(), who.roles.clone(), query.after.clone());
    let read = move |conn: &mut _| grants::list(conn, &wanted, after.as_ref(), (&reader, &roles));
    let CountedPage { page: PageOf { rows, next }, counts } = app.reads.read(read).await?;
    let page = titled(viewer, Section::Manage, "manage-grants", query.notice.as_deref());
    let is_wrong = wrong.is_some() || batch.is_wrong();
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = GrantsPage {
        selections: query.selections(&page, (PATH, "grants"), &counts),
        orders: query.orders(&page, (PATH, "grants"), &GrantOrder::ALL),
        export: query.address("/manage/grants.csv", &[]),
        later: query.later(PATH, next.as_ref()),
        page,
        rows,
        query,
        wrong,
        batch,
    };
    show_with(viewer, status, &shown)
}

/// `GET /manage/grants`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, query.into_inner(), (None, BatchForm::default())).await
}

/// `POST /manage/grants/{id}/revoke`
pub async fn revoke(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_signed_in()?.person.id;
    let id: GrantId = parse_id(&id)?;
    let query = Query::of_form(&form);
    let Some(reason) = form.reason(&viewer.page(Section::Manage, "")) else {
        return render(&app, &viewer, query, (Some(WrongForm { about: id, form }), BatchForm::default())).await;
    };
    app.ledger.run(move |tx| commands::revoke(tx, by, id, &reason)).await?;
    Ok(go(&format!("{}#grant-{id}", query.back(PATH, "grant-revoked"))))
}

/// `POST /manage/grants/{id}/suspension`: suspends it, or lets it be used again.
pub async fn change_suspension(
    app: web::Data<App>,
    id: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, id) = (viewer.require_signed_in()?.person.id, parse_id::<GrantId>(&id)?);
    let (query, page) = (Query::of_form(&form), viewer.page(Section::Manage, ""));
    let (change, [notice, unchanged]) = match form.get("do") {
        "suspend" => (form.reason(&page).map(SuspensionChange::Suspend), ["grant-suspended", "grant-suspended-before"]),
        "resume" => (Some(SuspensionChange::Restore), ["grant-resumed", "grant-not-suspended"]),
        _ => return Err(WebError::BadRequest("problem-not-a-form")),
    };
    let Some(change) = change else {
        return render(&app, &viewer, query, (Some(WrongForm { about: id, form }), BatchForm::default())).await;
    };
    match app.ledger.run(move |tx| commands::change_suspension(tx, by, id, &change)).await {
        Ok(is_changed) => {
            let notice = if is_changed { notice } else { unchanged };
            Ok(go(&format!("{}#grant-{id}", query.back(PATH, notice))))
        }
        Err(ledger::Error::Refused(refusal @ Refusal::OwnGrant)) => {
            form.fail("reason", page.text(refusal.key()));
            let wrong = (Some(WrongForm { about: id, form }), BatchForm::default());
            Ok(with_refusal(render(&app, &viewer, query, wrong).await?, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /manage/grants/{id}/end`: sets another end.
pub async fn change_end(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, id) = (viewer.require_signed_in()?.person.id, parse_id::<GrantId>(&id)?);
    let (query, page) = (Query::of_form(&form), viewer.page(Section::Manage, ""));
    let day: Option<Day> = form.get("until").trim().parse().ok();
    if day.is_none() {
        form.fail("until", page.text("error-answer-date"));
    }
    let reason = form.reason(&page);
    let Some((day, reason)) = day.zip(reason) else {
        return render(&app, &viewer, query, (Some(WrongForm { about: id, form }), BatchForm::default())).await;
    };
    match app.ledger.run(move |tx| commands::change_end(tx, by, id, (day, &reason))).await {
        Ok(()) => Ok(go(&format!("{}#grant-{id}", query.back(PATH, "grant-end-changed")))),
        Err(ledger::Error::Refused(
            refusal @ (Refusal::GrantEndSame | Refusal::GrantEndPast | Refusal::GrantEndTooLate | Refusal::OwnGrant),
        )) => {
            form.fail("until", page.text(refusal.key()));
            let wrong = (Some(WrongForm { about: id, form }), BatchForm::default());
            Ok(with_refusal(render(&app, &viewer, query, wrong).await?, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /manage/grants/revoke`: several at once.
pub async fn revoke_several(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_manager()?.0.person.id;
    let (query, page) = (Query::of_form(&form), viewer.page(Section::Manage, ""));
    let Some((chosen, reason)) = BatchForm::read(&page, &mut form, "grant")? else {
        return render(&app, &viewer, query, (None, BatchForm::of_wrong(form))).await;
    };
    let outcome = app.ledger.run(move |tx| commands::revoke_several(tx, by, &chosen, &reason)).await?;
    if outcome.refused.is_empty() {
        return Ok(go(&query.back(PATH, "grants-revoked")));
    }
    let refusal = outcome.access_refusal();
    let again = render(&app, &viewer, query, (None, BatchForm::of_refused(&page, form, outcome))).await?;
    Ok(with_refusal(again, refusal.as_ref()))
}

/// `GET /manage/grants.csv`: all that is found, as a table.
pub async fn export(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let (wanted, who) = (wanted(&query, &viewer)?, viewer.require_signed_in()?);
    let (reader, roles) = (who.person.clone(), who.roles.clone());
    let read = move |conn: &mut _, after: Option<&_>| grants::page(conn, &wanted, after, (&reader, &roles));
    Ok(csv(&app.reads, ("grants", &COLUMNS), read, line))
}

fn line(row: &GrantRow) -> String {
    let GrantRow { line, state, .. } = row;
    csv_row(&[
        &line.grant.id.to_string(),
        &escape::cell(&line.person_name),
        &escape::cell(&line.person_email),
        line.dataset.as_str(),
        &escape::cell(line.project_title.as_deref().unwrap_or_default()),
        state.as_str(),
        &line.grant.starts_at.to_string(),
        &line.grant.ends_at.to_string(),
        &row.sign_by().map(ToString::to_string).unwrap_or_default(),
    ])
}
