//! Stepping aside from a decision, and being let back.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::queue::Query;
use super::{load, next_to_decide, refused, render};
use crate::app::App;
use crate::domain::comment::Reason;
use crate::domain::ids::RequestId;
use crate::domain::text::Email;
use crate::domain::{Refusal, Timestamp};
use crate::ledger;
use crate::ledger::commands::access_requests as commands;
use crate::store::Cursor;
use crate::web::error::WebError;
use crate::web::forms::Posted;
use crate::web::page::Section;
use crate::web::pages::parse_id;
use crate::web::respond::go;

/// `POST /review/{id}/recusals`: leads on to what waits next, as a decision does.
pub async fn recuse(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (id, reader) = (parse_id::<RequestId>(&id)?, &viewer.require_signed_in()?.person);
    let (page, query, by) = (viewer.page(Section::Review, ""), Query::of_form(&form), reader.id);
    let case = match load(&app, reader, id, Cursor::newest()).await {
        Ok(case) => case,
        // The button was pressed twice.
        Err(WebError::Refused(Refusal::Recused)) => return Ok(go(&query.back(super::queue::PATH, "recused"))),
        Err(error) => return Err(error),
    };
    let waited_since = Cursor::after(case.stored.submitted_at.unwrap_or(Timestamp(0)), id);
    let reason = Reason::parse(form.get("recusal-reason"));
    let Some(reason) = form.check(&page, "recusal-reason", reason) else {
        return render(&app, &viewer, case, (query, form), (None, StatusCode::UNPROCESSABLE_ENTITY)).await;
    };
    match app.ledger.run(move |tx| commands::recuse(tx, by, id, &reason)).await {
        Ok(()) | Err(ledger::Error::Refused(Refusal::Recused)) => {
            Ok(go(&next_to_decide(&app, &viewer, (&query, waited_since), "recused").await?))
        }
        Err(ledger::Error::Refused(refusal)) => {
            form.fail("", page.text(refusal.key()));
            refused(&app, &viewer, id, (query, form), &refusal).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /review/{id}/recusals/lift`
pub async fn lift(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (id, reader) = (parse_id::<RequestId>(&id)?, &viewer.require_signed_in()?.person);
    let (page, query, by) = (viewer.page(Section::Review, ""), Query::of_form(&form), reader.id);
    let email: Email = parse_id(form.get("email"))?;
    let reason = Reason::parse(form.get("lift-reason"));
    let Some(reason) = form.check(&page, "lift-reason", reason) else {
        let case = load(&app, reader, id, Cursor::newest()).await?;
        return render(&app, &viewer, case, (query, form), (None, StatusCode::UNPROCESSABLE_ENTITY)).await;
    };
    match app.ledger.run(move |tx| commands::lift_recusal(tx, by, id, (&email, &reason))).await {
        Ok(()) => Ok(go(&query.back(&format!("/review/{id}"), "recusal-lifted"))),
        Err(ledger::Error::Refused(refusal)) => {
            form.fail("", page.text(refusal.key()));
            refused(&app, &viewer, id, (query, form), &refusal).await
        }
        Err(error) => Err(error.into()),
    }
}
