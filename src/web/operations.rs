//! What monitoring asks.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::state::App;
use crate::store::log;

/// `GET /healthz`: the process answers.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// What monitoring is told of a failure; the words of databases may hold addresses and names.
fn why_not(error: &str) -> &'static str {
    let told = [
        ("disk is full", "the disk is full: the log can't be written\n"),
        ("No space left", "the disk is full: the log can't be written\n"),
        ("readonly", "the database is read-only: the log can't be written\n"),
        ("read-only", "the database is read-only: the log can't be written\n"),
        ("locked", "the database is locked by another process: the log can't be written\n"),
        ("lock timeout", "the database is locked by another process: the log can't be written\n"),
        ("removed or replaced", "the database file was removed or replaced: the log can't be written\n"),
        ("unable to open", "the database file can't be opened: the log can't be written\n"),
        ("the clock says", "the clock is behind the log: nothing can be recorded\n"),
        ("busy", "too much waits to be recorded\n"),
    ];
    let known = told.iter().find(|(words, _)| error.contains(words));
    known.map_or("the log can't be written\n", |(_, why)| why)
}

/// `GET /readyz`: the database can be read, the ledger can write (it writes to know), and the disk has room for more.
pub async fn ready(app: web::Data<App>) -> HttpResponse {
    let readable = app.reads.read(log::ping).await;
    let writable = app.ledger.run(|tx| Ok(tx.probe()?)).await;
    let why = match (&readable, &writable) {
        (Ok(()), Ok(())) if app.config.database.has_room() => {
            return HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n");
        }
        (Err(_), _) => "the database can't be read\n",
        (Ok(()), Err(error)) => why_not(&app.ledger.failure().unwrap_or_else(|| error.to_string())),
        (Ok(()), Ok(())) => "the disk is full: the log can't be written\n",
    };
    HttpResponse::ServiceUnavailable()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::RETRY_AFTER, "5"))
        .body(why)
}
