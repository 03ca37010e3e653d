//! Grants on what organisations hold.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use askama::Template;
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use super::super::{address, parse_id, tidy, titled};
use super::{WrongForm, reason};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::grant::{GrantOrder, GrantSelection, GrantState};
use crate::domain::ids::GrantId;
use crate::escape;
use crate::ledger::commands::grants::{self as commands, Revoked};
use crate::log::export::csv_row;
use crate::store::cursor::ROWS;
use crate::store::grants::GrantQuery;
use crate::store::{Cursor, PageOf};
use crate::views::grants::{self, GrantList, GrantRow};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

const PATH: &str = "/manage/grants";

/// Which grants are asked for, and what was just done.
#[derive(Deserialize, Default)]
pub struct Query {
    q: Option<String>,
    state: Option<String>,
    order: Option<String>,
    after: Option<Cursor>,
    notice: Option<String>,
}

impl Query {
    /// What the page was asked for from which a form was sent.
    fn of_form(form: &Form) -> Self {
        let field = |name: &str| Some(form.get(name).to_owned());
        let after = form.get("after").parse().ok();
        Self { q: field("q"), state: field("state"), order: field("order"), after, notice: None }
    }

    fn selection(&self) -> GrantSelection {
        self.state.as_deref().and_then(|word| word.parse().ok()).unwrap_or_default()
    }

    fn order(&self) -> GrantOrder {
        self.order.as_deref().and_then(|word| word.parse().ok()).unwrap_or_default()
    }

    /// What is looked for, for those who run organisations.
    fn wanted(&self, viewer: &Viewer) -> Result<GrantQuery, WebError> {
        let (_, scope) = viewer.require_manager()?;
        let text = tidy(self.q.as_deref());
        Ok(GrantQuery { scope, text, selection: self.selection(), order: self.order(), now: clock::now() })
    }

    /// The address of the list at `path`, with `more`.
    fn address(&self, path: &str, more: &[(&str, &str)]) -> String {
        let (q, state, order) = (tidy(self.q.as_deref()), self.selection(), self.order());
        let of_more = |name: &str| more.iter().any(|(own, _)| *own == name);
        let mut fields = vec![("q", q.as_str())];
        if state != GrantSelection::All && !of_more("state") {
            fields.push(("state", state.as_str()));
        }
        if order != GrantOrder::Newest && !of_more("order") {
            fields.push(("order", order.as_str()));
        }
        fields.extend(more);
        address(path, &fields)
    }
}

/// What is wrong with the form that revokes several.
#[derive(Default)]
struct WrongRevocation {
    form: Form,
    /// Those that were not revoked, and why.
    refused: Vec<(GrantId, Refusal)>,
}

#[derive(Template)]
#[template(path = "manage/grants.html")]
struct GrantsPage {
    page: Page,
    rows: Vec<GrantRow>,
    counts: Vec<(GrantSelection, u64)>,
    query: Query,
    search: String,
    after: String,
    later: Option<String>,
    wrong: Option<WrongForm<GrantId>>,
    many: WrongRevocation,
}

impl GrantsPage {
    /// What is wrong with the form of this grant; empty when nothing is.
    fn error(&self, row: &GrantRow) -> &str {
        let wrong = self.wrong.as_ref().filter(|wrong| wrong.about == row.line.grant.id);
        wrong.map_or("", |wrong| wrong.form.error("reason"))
    }

    /// The reason that was typed in the form of this grant, as HTML.
    fn typed(&self, row: &GrantRow) -> String {
        let wrong = self.wrong.as_ref().filter(|wrong| wrong.about == row.line.grant.id);
        wrong.map_or_else(String::new, |wrong| wrong.form.html("reason"))
    }

    /// Whether it is chosen to be revoked together with others.
    fn is_chosen(&self, row: &GrantRow) -> bool {
        self.many.form.chose("grant", &row.line.grant.id.to_string())
    }

    /// Why it was not revoked together with others; empty when it was not tried.
    fn refusal(&self, row: &GrantRow) -> String {
        let refused = self.many.refused.iter().find(|(id, _)| *id == row.line.grant.id);
        refused.map_or_else(String::new, |(_, refusal)| self.page.text(refusal.key()))
    }

    /// Whether any can be revoked.
    fn may_revoke(&self) -> bool {
        self.rows.iter().any(|row| row.may_revoke)
    }

    fn in_state(&self, selection: &GrantSelection) -> String {
        self.query.address(PATH, &[("state", selection.as_str())])
    }

    fn in_order(&self, order: &GrantOrder) -> String {
        self.query.address(PATH, &[("order", order.as_str())])
    }

    fn export(&self) -> String {
        self.query.address("/manage/grants.csv", &[])
    }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: Query,
    (wrong, many): (Option<WrongForm<GrantId>>, WrongRevocation),
) -> Result<HttpResponse, WebError> {
    let (wanted, who) = (query.wanted(viewer)?, viewer.require_signed_in()?);
    let (reader, roles, search) = (who.person.clone(), who.roles.clone(), wanted.text.clone());
    let after = query.after.clone();
    let read = move |conn: &mut _| grants::list(conn, &wanted, after.as_ref(), (&reader, &roles));
    let GrantList { page: PageOf { rows, next }, counts } = app.reads.read(read).await?;
    let page = titled(viewer, Section::Manage, "manage-grants", query.notice.as_deref());
    let later = next.map(|next| query.address(PATH, &[("after", &next.to_string())]));
    let is_wrong = wrong.is_some() || many.form.is_wrong() || !many.refused.is_empty();
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let after = query.after.as_ref().map(ToString::to_string).unwrap_or_default();
    show_with(viewer, status, &GrantsPage { page, rows, counts, query, search, after, later, wrong, many })
}

/// `GET /manage/grants`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, query.into_inner(), (None, WrongRevocation::default())).await
}

/// `POST /manage/grants/{id}/revoke`
pub async fn revoke(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_signed_in()?.person.id;
    let id: GrantId = parse_id(&id)?;
    let query = Query::of_form(&form);
    let Some(reason) = reason(&viewer.page(Section::Manage, ""), &mut form) else {
        return render(&app, &viewer, query, (Some(WrongForm { about: id, form }), WrongRevocation::default())).await;
    };
    app.ledger.run(move |tx| commands::revoke(tx, by, id, &reason)).await?;
    Ok(go(&format!("{}#grant-{id}", back_to(&query, "grant-revoked"))))
}

/// The page from which a form was sent, which says what was done.
fn back_to(query: &Query, notice: &str) -> String {
    let after = query.after.as_ref().map(ToString::to_string).unwrap_or_default();
    query.address(PATH, &[("after", &after), ("notice", notice)])
}

/// `POST /manage/grants/revoke`: several at once.
pub async fn revoke_several(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_manager()?.0.person.id;
    let (query, page) = (Query::of_form(&form), viewer.page(Section::Manage, ""));
    let chosen = form.all("grant").map(parse_id).collect::<Result<Vec<GrantId>, _>>()?;
    if chosen.len() > ROWS {
        return Err(WebError::BadRequest("problem-not-a-form"));
    }
    if chosen.is_empty() {
        form.fail("grant", page.text("grants-none-chosen"));
    }
    let reason = reason(&page, &mut form).filter(|_| !chosen.is_empty());
    let Some(reason) = reason else {
        return render(&app, &viewer, query, (None, WrongRevocation { form, refused: Vec::new() })).await;
    };
    let revoked = app.ledger.run(move |tx| commands::revoke_several(tx, by, &chosen, &reason)).await?;
    let Revoked { done, refused } = revoked;
    if refused.is_empty() {
        return Ok(go(&back_to(&query, "grants-revoked")));
    }
    let mut reasons: Vec<String> = refused.iter().map(|(_, refusal)| page.text(refusal.key())).collect();
    reasons.sort();
    reasons.dedup();
    let numbers = page.text_with_two("grants-some-revoked", "done", done.len(), "refused", refused.len());
    form.fail("", format!("{numbers} {}", reasons.join(" ")));
    render(&app, &viewer, query, (None, WrongRevocation { form, refused })).await
}

/// `GET /manage/grants.csv`: all that is found, as a table.
pub async fn export(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let wanted = query.wanted(&viewer)?;
    let who = viewer.require_signed_in()?;
    let (reader, roles, reads) = (who.person.clone(), who.roles.clone(), app.reads.clone());
    let begin = Some((None::<Cursor>, true));
    let pages = stream::try_unfold(begin, move |at| {
        let (wanted, reader, roles, reads) = (wanted.clone(), reader.clone(), roles.clone(), reads.clone());
        async move {
            let Some((after, is_first)) = at else { return Ok::<_, WebError>(None) };
            let read = move |conn: &mut _| grants::page(conn, &wanted, after.as_ref(), (&reader, &roles));
            let PageOf { rows, next } = reads.read(read).await?;
            let mut text = if is_first { head() } else { String::new() };
            text.extend(rows.iter().map(line));
            Ok(Some((Bytes::from(text), next.map(|next| (Some(next), false)))))
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"grants.csv\""))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(pages))
}

/// The first line, after the mark by which spreadsheets know UTF-8.
fn head() -> String {
    format!("\u{feff}{}", csv_row(&["id", "name", "email", "dataset", "project", "state", "starts_at", "ends_at"]))
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
    ])
}
