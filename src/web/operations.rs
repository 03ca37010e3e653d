//! What monitoring asks.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::state::App;
use crate::store::log;

/// `GET /healthz`: the process answers.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`: the database can be read, and the ledger can write: it writes to know.
pub async fn ready(app: web::Data<App>) -> HttpResponse {
    let readable = app.reads.read(log::ping).await;
    let writable = app.ledger.run(|tx| Ok(tx.probe()?)).await;
    let why = match (&readable, &writable) {
        (Ok(()), Ok(())) => return HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        (Err(_), _) => "the database can't be read\n",
        (Ok(()), Err(_)) => "the log can't be written\n",
    };
    HttpResponse::ServiceUnavailable()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::RETRY_AFTER, "5"))
        .body(why)
}
