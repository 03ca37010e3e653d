//! Grants on what organisations hold.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::{ListQuery, address, next_page, parse_id, tidy, titled};
use super::{WrongForm, reason};
use crate::app::App;
use crate::clock;
use crate::domain::grant::GrantState;
use crate::domain::ids::GrantId;
use crate::ledger::commands::grants as commands;
use crate::store::{Cursor, PageOf};
use crate::views::grants::{self, GrantRow};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::Posted;
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "manage/grants.html")]
struct GrantsPage {
    page: Page,
    rows: Vec<GrantRow>,
    search: String,
    after: String,
    later: Option<String>,
    wrong: Option<WrongForm<GrantId>>,
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
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: &ListQuery,
    wrong: Option<WrongForm<GrantId>>,
) -> Result<HttpResponse, WebError> {
    let (who, scope) = viewer.require_manager()?;
    let (reader, roles) = (who.person.clone(), who.roles.clone());
    let search = tidy(query.q.as_deref());
    let (text, after, now) = (search.clone(), query.after.clone().unwrap_or(Cursor::newest()), clock::now());
    let PageOf { rows, next } =
        app.reads.read(move |conn| grants::page(conn, (&scope, &text), &after, (&reader, &roles), now)).await?;
    let page = titled(viewer, Section::Manage, "manage-grants", query.notice.as_deref());
    let later = next_page("/manage/grants", &search, next);
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let after = query.after.as_ref().map(ToString::to_string).unwrap_or_default();
    show_with(viewer, status, &GrantsPage { page, rows, search, after, later, wrong })
}

/// `GET /manage/grants`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, &query, None).await
}

/// `POST /manage/grants/{id}/revoke`
pub async fn revoke(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let by = viewer.require_signed_in()?.person.id;
    let id: GrantId = parse_id(&id)?;
    let page = viewer.page(Section::Manage, "");
    let (q, after) = (form.get("q").to_owned(), form.get("after").to_owned());
    let Some(reason) = reason(&page, &mut form) else {
        let query = ListQuery { q: Some(q), after: after.parse().ok(), notice: None };
        return render(&app, &viewer, &query, Some(WrongForm { about: id, form })).await;
    };
    app.ledger.run(move |tx| commands::revoke(tx, by, id, &reason)).await?;
    let fields = [("q", q.as_str()), ("after", &after), ("notice", "grant-revoked")];
    Ok(go(&format!("{}#grant-{id}", address("/manage/grants", &fields))))
}
