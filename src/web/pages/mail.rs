//! The outbox, for administrators, and what messages say where mail lands in a folder.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, next_page, parse_id, titled};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::MailId;
use crate::store::mail::{self, OutboxMail};
use crate::store::{Cursor, PageOf};
use crate::web::auth::Viewer;
use crate::web::error::{WebError, internal};
use crate::web::page::{Page, Section};
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "admin/mail.html")]
struct ListPage {
    page: Page,
    lines: Vec<OutboxMail>,
    later: Option<String>,
    folder: Option<String>,
}

/// `GET /admin/mail`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<ListQuery>) -> Result<HttpResponse, WebError> {
    viewer.require_mail_reader()?;
    let after = query.after.clone().unwrap_or(Cursor::newest());
    let PageOf { rows, next } = app.reads.read(move |conn| mail::list(conn, &after)).await?;
    let page = titled(&viewer, Section::Admin, "admin-mail", None);
    let folder = app.mail_transport.folder().map(|folder| folder.display().to_string());
    show_page(&viewer, &ListPage { page, lines: rows, later: next_page("/admin/mail", next), folder })
}

#[derive(Template)]
#[template(path = "admin/message.html")]
struct MessagePage {
    page: Page,
    to: String,
    at: Timestamp,
    /// Lines, and whether each is an address.
    lines: Vec<(String, bool)>,
}

/// `GET /admin/mail/{id}`: a message that landed in the folder.
pub async fn show(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    viewer.require_mail_reader()?;
    let id: MailId = parse_id(&id)?;
    let file = app.mail_transport.folder().ok_or(WebError::NotFound)?.join(format!("{id}.eml"));
    let bytes = match tokio::fs::read(&file).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(WebError::NotFound),
        Err(error) => return Err(internal(&error)),
    };
    let message = mail_parser::MessageParser::default().parse(&bytes).ok_or(WebError::NotFound)?;
    let base = app.config.base();
    let text = message.body_text(0).unwrap_or_default();
    let lines = text.lines().map(|line| (line.to_owned(), line.starts_with(base))).collect();
    let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default().to_owned();
    let at = message.date().map_or(Timestamp(0), |date| Timestamp::from_unix_seconds(date.to_timestamp()));
    let page = viewer.page(Section::Admin, message.subject().unwrap_or_default());
    show_page(&viewer, &MessagePage { page, to, at, lines })
}
