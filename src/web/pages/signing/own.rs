//! Signing for oneself under a request that is there: as another member of its project, or the newer versions of agreements that
//! access by it rests on.

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
use crate::ledger::commands::access_requests::{OwnSignature, sign_as_member, sign_new_versions};
use crate::ledger::{self, Tx};
use crate::views::signing::{self, SigningContext};
use crate::web::auth::{SignedIn, Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::Section;
use crate::web::pages::parse_id;
use crate::web::respond::go;

/// What is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// What the applicant signed, as another member of the project.
    Membership,
    /// Newer versions.
    NewVersions,
}

impl Occasion {
    /// What is to be signed; `None` when newer versions are signed already, or need not be any more: the link in a message and
    /// a second press of the button lead to the request then.
    async fn context(self, app: &App, who: &SignedIn, id: RequestId) -> Result<Option<SigningContext>, WebError> {
        let (person, now) = (who.person.id, clock::now());
        let read = move |conn: &mut _| match self {
            Self::Membership => signing::member_context(conn, id, person, now),
            Self::NewVersions => signing::renewal_context(conn, id, person, now),
        };
        let found = app.reads.read(read).await?;
        if found.is_none() && self == Self::Membership { Err(WebError::NotFound) } else { Ok(found) }
    }

    fn action(self, id: RequestId) -> String {
        let end = match self {
            Self::Membership => "sign",
            Self::NewVersions => "new-versions",
        };
        format!("/requests/{id}/{end}")
    }

    /// Where it is said that it is signed.
    fn done(self, id: RequestId) -> String {
        let notice = match self {
            Self::Membership => "signed-as-member",
            Self::NewVersions => "new-versions-signed",
        };
        format!("/requests/{id}?notice={notice}")
    }

    fn sign(self, tx: &mut Tx<'_>, signature: &OwnSignature) -> Result<(), ledger::CommandError> {
        match self {
            Self::Membership => sign_as_member(tx, signature),
            Self::NewVersions => sign_new_versions(tx, signature),
        }
    }
}

/// `GET /requests/{id}/sign`
pub async fn show_member(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    show(&app, &viewer, &id, Occasion::Membership).await
}

/// `POST /requests/{id}/sign`
pub async fn post_member(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    post(&app, &id, posted, Occasion::Membership).await
}

/// `GET /requests/{id}/new-versions`
pub async fn show_new_versions(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    show(&app, &viewer, &id, Occasion::NewVersions).await
}

/// `POST /requests/{id}/new-versions`
pub async fn post_new_versions(
    app: web::Data<App>,
    id: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    post(&app, &id, posted, Occasion::NewVersions).await
}

async fn show(app: &App, viewer: &Viewer, id: &str, occasion: Occasion) -> Result<HttpResponse, WebError> {
    let (who, id) = (viewer.require_signed_in()?, parse_id::<RequestId>(id)?);
    let Some(context) = occasion.context(app, who, id).await?.filter(SigningContext::may_sign) else {
        return Ok(go(&format!("/requests/{id}")));
    };
    let form = (Form::default(), occasion.action(id));
    render_at(app, viewer, context, form, who.session.proved_at, (None, StatusCode::OK)).await
}

async fn post(app: &App, id: &str, posted: Posted, occasion: Occasion) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (who, id) = (viewer.require_signed_in()?.clone(), parse_id::<RequestId>(id)?);
    let Some(context) = occasion.context(app, &who, id).await? else { return Ok(go(&format!("/requests/{id}"))) };
    let (page, action) = (viewer.page(Section::Projects, ""), occasion.action(id));
    // Nothing is asked but the signature.
    let terms = Terms { project: ProjectTerms::NotAsked, ..context.terms.clone() };
    let language = shown_language(&form, &viewer);
    let signed = form::checked(&page, &terms, &mut form, (&Answers::new(), &who.person), language);
    let proved_at = prove(app, &who, &viewer, &page, &mut form).await?;
    form.forget("password");
    let (Some(signed), false) = (signed, form.is_wrong()) else {
        let status = (None, StatusCode::UNPROCESSABLE_ENTITY);
        return render_at(app, &viewer, context, (form, action), proved_at, status).await;
    };
    let signature = OwnSignature {
        person: who.person.id,
        request: id,
        form: signed,
        auth_method: AuthMethod::Password,
        proved_at,
        origin: viewer.origin.clone(),
    };
    match app.ledger.run(move |tx| occasion.sign(tx, &signature)).await {
        // The button was pressed twice: the second press leads where the first one went.
        Ok(()) | Err(ledger::Error::Refused(Refusal::AlreadySigned)) => Ok(go(&occasion.done(id))),
        Err(ledger::Error::Refused(refusal)) if refusal != Refusal::NotFound => {
            form.fail("", page.text(refusal.key()));
            let status = (None, StatusCode::CONFLICT);
            let again = render_at(app, &viewer, context, (form, action), proved_at, status).await?;
            Ok(with_refusal(again, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}
