//! Signing as another member of the project that a request is for.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::{form, prove, render_at, shown_language};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::access_request::signing::{ProjectTerms, Terms};
use crate::domain::form::Answers;
use crate::domain::ids::RequestId;
use crate::domain::person::AuthMethod;
use crate::ledger;
use crate::ledger::commands::access_requests::{MemberSubmission, sign_as_member};
use crate::views::signing::{self, SigningContext};
use crate::web::auth::{SignedIn, Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::Section;
use crate::web::pages::parse_id;
use crate::web::respond::go;

async fn context(app: &App, who: &SignedIn, id: RequestId) -> Result<SigningContext, WebError> {
    let (person, now) = (who.person.id, clock::now());
    let found = app.reads.read(move |conn| signing::member_context(conn, id, person, now)).await?;
    found.ok_or(WebError::NotFound)
}

fn action(id: RequestId) -> String {
    format!("/requests/{id}/sign")
}

/// `GET /requests/{id}/sign`
pub async fn show(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    let (who, id) = (viewer.require_signed_in()?, parse_id::<RequestId>(&id)?);
    let context = context(&app, who, id).await?;
    if !context.may_sign() {
        return Ok(go(&format!("/requests/{id}")));
    }
    let form = (Form::default(), action(id));
    render_at(&app, &viewer, context, form, who.session.proved_at, (None, StatusCode::OK)).await
}

/// `POST /requests/{id}/sign`
pub async fn post(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (who, id) = (viewer.require_signed_in()?.clone(), parse_id::<RequestId>(&id)?);
    let context = context(&app, &who, id).await?;
    let page = viewer.page(Section::Projects, "");
    // Nothing is asked of a member but the signature.
    let terms = Terms { project: ProjectTerms::NotAsked, ..context.terms.clone() };
    let language = shown_language(&form, &viewer);
    let signed = form::checked(&page, &terms, &mut form, (&Answers::new(), &who.person), language);
    let proved_at = prove(&app, &who, &viewer, &page, &mut form).await?;
    form.forget("password");
    let (Some(signed), false) = (signed, form.is_wrong()) else {
        let status = (None, StatusCode::UNPROCESSABLE_ENTITY);
        return render_at(&app, &viewer, context, (form, action(id)), proved_at, status).await;
    };
    let submission = MemberSubmission {
        person: who.person.id,
        request: id,
        form: signed,
        auth_method: AuthMethod::Password,
        proved_at,
        origin: viewer.origin.clone(),
    };
    match app.ledger.run(move |tx| sign_as_member(tx, &submission)).await {
        // The button was pressed twice: the second press leads where the first one went.
        Ok(()) | Err(ledger::Error::Refused(Refusal::AlreadySigned)) => {
            Ok(go(&format!("/requests/{id}?notice=signed-as-member")))
        }
        Err(ledger::Error::Refused(refusal)) if refusal != Refusal::NotFound => {
            form.fail("", page.text(refusal.key()));
            let status = (None, StatusCode::CONFLICT);
            let again = render_at(&app, &viewer, context, (form, action(id)), proved_at, status).await?;
            Ok(with_refusal(again, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}
