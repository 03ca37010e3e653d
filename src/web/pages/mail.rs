//! The outbox, for administrators, and what messages said where mail lands in a folder.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::admin::titled;
use super::{PAGE, ROWS, cut};
use crate::domain::Instant;
use crate::domain::ids::MailId;
use crate::store::mail::{OutboxMail, newest};
use crate::web::failure::{Failure, internal};
use crate::web::page::{Here, Page, show as show_page};
use crate::web::state::App;
use crate::web::viewer::Viewer;

#[derive(Template)]
#[template(path = "admin/mail.html")]
struct ListPage {
    page: Page,
    lines: Vec<OutboxMail>,
    more: Option<i64>,
    folder: Option<String>,
}

/// Which part of the outbox.
#[derive(Deserialize)]
pub struct ListQuery {
    before: Option<i64>,
}

/// `GET /admin/mail`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, Failure> {
    viewer.administrator()?;
    let before = Instant(query.before.unwrap_or(i64::MAX));
    let mut lines = app.reads.read(move |conn| newest(conn, before, PAGE + 1)).await?;
    let more = cut(&mut lines, ROWS).then(|| lines.last().map_or(0, |line| line.created_at.0));
    let page = titled(&viewer, "admin-mail", None);
    let folder = app.transport.folder().map(|folder| folder.display().to_string());
    show_page(&viewer, &ListPage { page, lines, more, folder })
}

#[derive(Template)]
#[template(path = "admin/message.html")]
struct MessagePage {
    page: Page,
    to: String,
    at: Instant,
    /// Lines, and whether each is an address.
    lines: Vec<(String, bool)>,
}

/// `GET /admin/mail/{id}`: a message that landed in the folder.
pub async fn show(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, Failure> {
    viewer.administrator()?;
    let id: MailId = id.parse().map_err(|_| Failure::NotFound)?;
    let file = app.transport.folder().ok_or(Failure::NotFound)?.join(format!("{id}.eml"));
    let bytes = match tokio::fs::read(&file).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Failure::NotFound),
        Err(error) => return Err(internal(&error)),
    };
    let message = mail_parser::MessageParser::default().parse(&bytes).ok_or(Failure::NotFound)?;
    let base = app.config.base();
    let text = message.body_text(0).unwrap_or_default();
    let lines = text.lines().map(|line| (line.to_owned(), line.starts_with(base))).collect();
    let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default().to_owned();
    let at = message.date().map_or(Instant(0), |date| Instant::from_unix_seconds(date.to_timestamp()));
    let page = viewer.page(Here::Admin, message.subject().unwrap_or_default());
    show_page(&viewer, &MessagePage { page, to, at, lines })
}
