//! What monitoring asks.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::app::App;
use crate::ledger;
use crate::store::{AnyConnection, FailureCause};

/// `GET /healthz`: the process answers.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Why the gateway is not ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NotReady {
    /// The database can't be read.
    Unreadable,
    /// The ledger's queue is full.
    Busy,
    /// The log can't be written.
    Unwritable(FailureCause),
}

impl NotReady {
    /// One line for monitoring. The databases' own words may hold addresses and names, and stay in the operator's log.
    const fn line(self) -> &'static str {
        match self {
            Self::Unreadable => "the database can't be read\n",
            Self::Busy => "too much waits to be recorded\n",
            Self::Unwritable(cause) => match cause {
                FailureCause::DiskFull => "the disk is full: the log can't be written\n",
                FailureCause::ReadOnly => "the database is read-only: the log can't be written\n",
                FailureCause::Locked => "the database is locked by another process: the log can't be written\n",
                FailureCause::FileReplaced => "the database file was removed or replaced: the log can't be written\n",
                FailureCause::CannotOpen => "the database file can't be opened: the log can't be written\n",
                FailureCause::ClockBehind => "the clock is behind the log: nothing can be recorded\n",
                FailureCause::LogChanged => {
                    "the audit log is not the one that was signed here: nothing is recorded or delivered. See audit verify\n"
                }
                FailureCause::Other => "the log can't be written\n",
            },
        }
    }
}

/// The database can be read, the ledger can write (it writes to know), and the disk has room for more.
async fn check(app: &App) -> Result<(), NotReady> {
    app.reads.read(AnyConnection::ping).await.map_err(|_| NotReady::Unreadable)?;
    if let Err(error) = app.ledger.run(|tx| Ok(tx.probe()?)).await {
        return Err(match error {
            ledger::Error::Busy => NotReady::Busy,
            ledger::Error::Unavailable(failure) if failure.cause != FailureCause::Other => {
                NotReady::Unwritable(failure.cause)
            }
            // It failed with others in one batch: the ledger knows why that could not be committed.
            ledger::Error::Unavailable(_) | ledger::Error::Refused(_) => {
                NotReady::Unwritable(app.ledger.failure().map_or(FailureCause::Other, |failure| failure.cause))
            }
        });
    }
    if app.config.database.has_room() { Ok(()) } else { Err(NotReady::Unwritable(FailureCause::DiskFull)) }
}

/// `GET /readyz`
pub async fn ready(app: web::Data<App>) -> HttpResponse {
    match check(&app).await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(why) => HttpResponse::ServiceUnavailable()
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::RETRY_AFTER, "5"))
            .body(why.line()),
    }
}
