//! What went wrong, for people as a page and for programs as `application/problem+json` (RFC 9457). The only place that
//! maps errors to status codes.

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use askama::Template;
use uuid::Uuid;

use super::page::{Here, Page};
use super::state::App;
use super::viewer::Viewer;
use crate::delivery::limits::Limit;
use crate::domain::Refusal;
use crate::domain::admission::Denial;
use crate::domain::text::Slug;
use crate::identity::passwords::HashingFailed;
use crate::ledger;
use crate::store;

/// Why a request was not answered as wished.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing there, or nothing this person may know of.
    #[error("not found")]
    NotFound,
    /// The method does not exist there; these do.
    #[error("method not allowed")]
    MethodNotAllowed(&'static str),
    /// Signing in comes first; back to this path afterwards.
    #[error("sign in first")]
    SignIn(String),
    /// A rule said no.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// A form without the secret that proves where it came from.
    #[error("the form is too old")]
    FormExpired,
    /// More than this takes.
    #[error("too large")]
    TooLarge,
    /// The request is not of the right form.
    #[error("bad request: {0}")]
    BadRequest(&'static str),
    /// The gate said no, about this dataset.
    #[error("denied: {0:?}")]
    Denied(Denial, Slug),
    /// The token is not one of ours, or its time is over.
    #[error("the token is no good")]
    InvalidToken,
    /// A token in an address, where it does not belong.
    #[error("a token in the address")]
    TokenInUrl,
    /// The file is not what was imported.
    #[error("the file has changed")]
    FileChanged,
    /// The server that has the file does not give it as it was imported.
    #[error("upstream")]
    Upstream,
    /// The file has none of the bytes asked for; it has so many.
    #[error("range not satisfiable")]
    Range(u64),
    /// A condition of the request does not hold.
    #[error("precondition failed")]
    Precondition,
    /// Too many failures; try again in so many seconds.
    #[error("too many failures")]
    Throttled(u64),
    /// More at a time than is allowed: of what, how much is, and in how many seconds to try again.
    #[error("a limit was reached: {1} {0:?}")]
    Limited(Limit, u32, u64),
    /// Nothing can be recorded now, so nothing is done.
    #[error("unavailable")]
    Unavailable,
    /// Something broke; the id finds it in the server's own log.
    #[error("internal error {0}")]
    Internal(Uuid),
}

impl Failure {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Refused(Refusal::NotFound) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::SignIn(_) => StatusCode::SEE_OTHER,
            Self::Refused(Refusal::NotAllowed | Refusal::OwnRequest | Refusal::AccountSuspended)
            | Self::FormExpired => StatusCode::FORBIDDEN,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Denied(denial, _) if denial.is_about_credential() => StatusCode::UNAUTHORIZED,
            Self::Denied(..) => StatusCode::FORBIDDEN,
            Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::TokenInUrl => StatusCode::BAD_REQUEST,
            Self::FileChanged => StatusCode::CONFLICT,
            Self::Upstream => StatusCode::BAD_GATEWAY,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Throttled(_) | Self::Limited(..) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The last part of the problem's type, and of its messages' keys.
    const fn slug(&self) -> &'static str {
        match self {
            Self::NotFound | Self::Refused(Refusal::NotFound) => "not-found",
            Self::MethodNotAllowed(_) => "method-not-allowed",
            Self::SignIn(_) => "sign-in",
            Self::Refused(_) => "refused",
            Self::FormExpired => "form-expired",
            Self::Denied(denial, _) => denial.as_str(),
            Self::InvalidToken => "invalid-token",
            Self::TokenInUrl => "token-in-url",
            Self::FileChanged => "file-changed",
            Self::Upstream => "upstream",
            Self::Range(_) => "range",
            Self::Precondition => "precondition",
            Self::TooLarge => "too-large",
            Self::BadRequest(_) => "bad-request",
            Self::Throttled(_) => "throttled",
            Self::Limited(Limit::Transfers, ..) => "too-many-transfers",
            Self::Limited(..) => "too-many-requests",
            Self::Unavailable => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Throttled(seconds) | Self::Limited(_, _, seconds) => Some(*seconds),
            Self::Unavailable => Some(5),
            _ => None,
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        if let store::Error::Corrupt(_) = error {
            return internal(&error);
        }
        tracing::error!(%error, "what is stored can't be read or written");
        Self::Unavailable
    }
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::Refused(refusal) => Self::Refused(refusal),
            ledger::Error::Busy | ledger::Error::Unavailable(_) => Self::Unavailable,
        }
    }
}

impl From<HashingFailed> for Failure {
    fn from(_: HashingFailed) -> Self {
        Self::Unavailable
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        internal(&error)
    }
}

/// Logs what broke once, under an id that the person can quote.
pub fn internal(error: &dyn std::fmt::Display) -> Failure {
    let id = Uuid::now_v7();
    tracing::error!(%id, %error, "something broke");
    Failure::Internal(id)
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        // `show` puts it into words once it knows for whom.
        let mut response = HttpResponse::new(self.status());
        response.extensions_mut().insert(self.clone());
        response
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    page: Page,
    heading: String,
    detail: String,
    what_now: String,
}

/// Shows failures as the client can take them: a page, or a problem document.
pub async fn show<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let response = match next.call(request).await {
        Ok(response) => response,
        Err(error) => return Err(error),
    };
    let failure = response.response().extensions().get::<Failure>().cloned();
    let Some(failure) = failure else { return Ok(response.map_into_left_body()) };
    let (request, _) = response.into_parts();
    let shown = present(&request, &failure).await;
    Ok(ServiceResponse::new(request, shown).map_into_right_body())
}

/// Whether the client would rather have a page: a browser.
pub fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("text/html")
}

/// What a client without a good credential can use (RFC 6750 section 3, RFC 7617).
fn add_challenges(response: &mut HttpResponseBuilder, failure: &Failure) {
    let bearer = match failure {
        Failure::Denied(Denial::Unauthenticated, _) | Failure::SignIn(_) => "Bearer realm=\"countersign\"",
        Failure::Denied(denial, _) if denial.is_about_credential() => INVALID_TOKEN,
        Failure::InvalidToken => INVALID_TOKEN,
        _ => return,
    };
    response.append_header((header::WWW_AUTHENTICATE, bearer));
    response.append_header((header::WWW_AUTHENTICATE, "Basic realm=\"countersign\", charset=\"UTF-8\""));
}

const INVALID_TOKEN: &str = "Bearer realm=\"countersign\", error=\"invalid_token\"";

async fn present(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    if let Failure::SignIn(back) = failure
        && wants_html(request.headers())
    {
        let back = percent_encoding::utf8_percent_encode(back, percent_encoding::NON_ALPHANUMERIC);
        return HttpResponse::SeeOther().insert_header((header::LOCATION, format!("/login?next={back}"))).finish();
    }
    let viewer = Viewer::extract(request).await.unwrap_or_else(|_| Viewer::nobody(request));
    let page = viewer.page(Here::Nowhere, "");
    let heading = page.t(format!("problem-{}", failure.slug()));
    let detail = match failure {
        Failure::Refused(refusal) => page.t(refusal.key()),
        Failure::BadRequest(what) => page.t(what),
        Failure::Internal(id) => page.tx("problem-internal-detail", "id", id.to_string()),
        Failure::Denied(denial, slug) => {
            let base = request.app_data::<web::Data<App>>().map(|app| app.config.base().to_owned()).unwrap_or_default();
            let date = if let Denial::GrantEnded(at) = denial { page.date(at) } else { String::new() };
            let key = format!("problem-{}-detail", denial.as_str());
            page.txx(&key, "address", format!("{base}/datasets/{slug}"), "date", &date)
        }
        Failure::Limited(_, allowed, _) => {
            page.tx(format!("problem-{}-detail", failure.slug()), "count", allowed.to_string())
        }
        other => page.t(format!("problem-{}-detail", other.slug())),
    };
    let status = if matches!(failure, Failure::SignIn(_)) { StatusCode::UNAUTHORIZED } else { failure.status() };
    let mut response = HttpResponse::build(status);
    add_challenges(&mut response, failure);
    if let Failure::Range(size) = failure {
        response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
    }
    if let Failure::MethodNotAllowed(methods) = failure {
        response.insert_header((header::ALLOW, *methods));
    }
    if let Some(seconds) = failure.retry_after() {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if wants_html(request.headers()) {
        let what_now = page.t("problem-what-now");
        let page = page.titled(&heading);
        let body = ProblemPage { page, heading, detail, what_now }.render();
        if let Ok(body) = body {
            return response.content_type("text/html; charset=utf-8").body(body);
        }
        return response.finish();
    }
    let problem = serde_json::json!({
        "type": format!("/problems/{}", failure.slug()),
        "title": heading,
        "status": status.as_u16(),
        "detail": detail,
    });
    response.content_type("application/problem+json").body(problem.to_string())
}
