//! Errors as answers: a page for people, `application/problem+json` (RFC 9457) for programs. The only place that maps errors
//! to statuses, problem types and pages.

use std::sync::Arc;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use askama::Template;

use super::auth::{Viewer, access_refusal, record_refusal, wants_html};
use super::error::{WebError, WrongField};
use super::forms::fault_text;
use super::kept_form::KeptForm;
use super::page::{Page, Section};
use crate::app::App;
use crate::domain::admission::Denial;
use crate::domain::api_token::Scope;
use crate::domain::transfer::Limit;
use crate::domain::{AccessRefusal, Refusal};
use crate::l10n::{self, Arg};
use crate::views::releases::ReleaseName;

/// The status of the answer.
const fn status(error: &WebError) -> StatusCode {
    match error {
        WebError::NotFound | WebError::Refused(Refusal::NotFound) => StatusCode::NOT_FOUND,
        WebError::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        WebError::Refused(Refusal::NotAllowed | Refusal::OwnRequest | Refusal::Recused | Refusal::AccountSuspended)
        | WebError::FormExpired(_)
        | WebError::Scope(_) => StatusCode::FORBIDDEN,
        WebError::Refused(Refusal::KeyReused) | WebError::WrongFields(_) => StatusCode::UNPROCESSABLE_ENTITY,
        WebError::Refused(refusal) if refusal.is_missing_field() => StatusCode::UNPROCESSABLE_ENTITY,
        WebError::Refused(Refusal::EditedMeanwhile) => StatusCode::PRECONDITION_FAILED,
        WebError::PreconditionNeeded => StatusCode::PRECONDITION_REQUIRED,
        WebError::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        WebError::Refused(_) => StatusCode::CONFLICT,
        WebError::Denied(Denial::ReleaseWithdrawn | Denial::BytesGone, _) => StatusCode::GONE,
        WebError::Denied(denial, _) if denial.is_about_credential() => StatusCode::UNAUTHORIZED,
        WebError::Denied(..) => StatusCode::FORBIDDEN,
        // A browser is sent to the page for signing in instead.
        WebError::InvalidToken | WebError::TokenCutOff | WebError::SignIn(_) => StatusCode::UNAUTHORIZED,
        WebError::TokenInUrl => StatusCode::BAD_REQUEST,
        WebError::FileChanged => StatusCode::CONFLICT,
        WebError::Upstream => StatusCode::BAD_GATEWAY,
        WebError::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
        WebError::Precondition => StatusCode::PRECONDITION_FAILED,
        WebError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        WebError::BadRequest(_) | WebError::WrongJson(_) => StatusCode::BAD_REQUEST,
        WebError::Throttled(_) | WebError::Limited(..) => StatusCode::TOO_MANY_REQUESTS,
        WebError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        WebError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The last part of the problem's type, and of its messages' keys.
const fn slug(error: &WebError) -> &'static str {
    match error {
        WebError::NotFound | WebError::Refused(Refusal::NotFound) => "not-found",
        WebError::MethodNotAllowed(_) => "method-not-allowed",
        WebError::SignIn(_) => "sign-in",
        WebError::Refused(_) => "refused",
        WebError::FormExpired(_) => "form-expired",
        WebError::Denied(denial, _) => denial.as_str(),
        WebError::InvalidToken => "invalid-token",
        WebError::TokenCutOff => "token-cut-off",
        WebError::TokenInUrl => "token-in-url",
        WebError::FileChanged => "file-changed",
        WebError::Upstream => "upstream",
        WebError::Range(_) => "range",
        WebError::Precondition => "precondition",
        WebError::TooLarge => "too-large",
        WebError::BadRequest(_) => "bad-request",
        WebError::Scope(_) => "insufficient-scope",
        WebError::NotJson => "not-json",
        WebError::WrongJson(_) => "wrong-json",
        WebError::WrongFields(_) => "wrong-fields",
        WebError::PreconditionNeeded => "precondition-needed",
        WebError::Throttled(_) => "throttled",
        WebError::Limited(Limit::Transfers, ..) => "too-many-transfers",
        WebError::Limited(..) => "too-many-requests",
        WebError::Unavailable => "unavailable",
        WebError::Internal(_) => "internal",
    }
}

const fn retry_after(error: &WebError) -> Option<u64> {
    match error {
        WebError::Throttled(seconds) | WebError::Limited(_, _, seconds) => Some(*seconds),
        WebError::Unavailable => Some(5),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    page: Page,
    heading: String,
    detail: String,
    what_now: String,
    /// Where to sign in, if that helps.
    sign_in: Option<String>,
    /// A form that can be sent again.
    kept: Option<Arc<KeptForm>>,
}

/// Shows errors as the client can take them: a page, or a problem document.
pub async fn show<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let response = match next.call(request).await {
        Ok(response) => response,
        Err(error) => return Err(error),
    };
    let error = response.response().extensions().get::<WebError>().cloned();
    let noted = response.response().extensions().get::<AccessRefusal>().copied();
    if let Some(reason) = noted.or_else(|| error.as_ref().and_then(access_refusal)) {
        record_refusal(response.request(), reason);
    }
    let Some(error) = error else { return Ok(response.map_into_left_body()) };
    let (request, _) = response.into_parts();
    let shown = present(&request, &error).await;
    Ok(ServiceResponse::new(request, shown).map_into_right_body())
}

/// What a client without a good credential can use (RFC 6750 section 3, RFC 7617).
fn add_challenges(response: &mut HttpResponseBuilder, error: &WebError, takes_no_basic: bool) {
    let scope = if let WebError::Scope(scope) = error { Some(insufficient(*scope)) } else { None };
    let bearer = match error {
        WebError::Scope(_) => scope.as_deref().unwrap_or_default(),
        WebError::Denied(Denial::Unauthenticated, _) | WebError::SignIn(_) => "Bearer realm=\"countersign\"",
        WebError::Denied(denial, _) if denial.is_about_credential() => INVALID_TOKEN,
        WebError::InvalidToken | WebError::TokenCutOff => INVALID_TOKEN,
        _ => return,
    };
    response.append_header((header::WWW_AUTHENTICATE, bearer));
    // A browser would ask for a password of its own, which nobody has here; its page leads to signing in. Nor does the API take
    // what browsers send by themselves.
    if !takes_no_basic {
        response.append_header((header::WWW_AUTHENTICATE, "Basic realm=\"countersign\", charset=\"UTF-8\""));
    }
}

/// RFC 6750 section 3.1.
fn insufficient(scope: Scope) -> String {
    format!("Bearer realm=\"countersign\", error=\"insufficient_scope\", scope=\"{scope}\"")
}

const INVALID_TOKEN: &str = "Bearer realm=\"countersign\", error=\"invalid_token\"";

/// The page for signing in, which leads back to a path.
fn login(back: &str) -> String {
    format!("/login?next={}", percent_encoding::utf8_percent_encode(back, percent_encoding::NON_ALPHANUMERIC))
}

fn sign_in_at(request: &HttpRequest) -> String {
    login(request.uri().path_and_query().map_or("/", |path| path.as_str()))
}

async fn present(request: &HttpRequest, error: &WebError) -> HttpResponse {
    let is_browser = wants_html(request.headers()) && !request.path().starts_with("/api/v1/");
    if let (WebError::SignIn(back), true) = (error, is_browser) {
        return HttpResponse::SeeOther().insert_header((header::LOCATION, login(back))).finish();
    }
    let mut response = head(error, is_browser || request.path().starts_with("/api/v1/"));
    // Only a page shows who is signed in: a program's refused request costs no look at the database.
    if !is_browser {
        let page = Viewer::anonymous(request).page(Section::Nowhere, "");
        return response.content_type("application/problem+json").body(document(request, &page, error).to_string());
    }
    let viewer = Viewer::extract(request).await.unwrap_or_else(|_| Viewer::anonymous(request));
    viewer.set_visitor_cookie(&mut response);
    let page = problem_page(request, viewer.page(Section::Nowhere, ""), error);
    match page.render() {
        Ok(body) => response.content_type("text/html; charset=utf-8").body(body),
        Err(error) => {
            tracing::error!(%error, "the page of an error can't be rendered");
            response.finish()
        }
    }
}

/// The status and headers of the answer.
fn head(error: &WebError, takes_no_basic: bool) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status(error));
    response
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::VARY, "Accept, Cookie, Accept-Language"));
    add_challenges(&mut response, error, takes_no_basic);
    if let WebError::Range(size) = error {
        response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
    }
    if let WebError::MethodNotAllowed(methods) = error {
        response.insert_header((header::ALLOW, *methods));
    }
    if let Some(seconds) = retry_after(error) {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    response
}

/// What to do about it, in the reader's words.
fn detail(request: &HttpRequest, page: &Page, error: &WebError) -> String {
    match error {
        WebError::Refused(Refusal::EditedMeanwhile) => page.text("problem-edited-meanwhile"),
        WebError::Refused(refusal) => page.text(refusal.key()),
        WebError::FormExpired(Some(_)) => page.text("problem-form-expired-kept"),
        WebError::BadRequest(what) => page.text(what),
        WebError::WrongJson(words) => page.text_with("problem-wrong-json-detail", "words", words),
        WebError::Scope(scope) => page.text_with("problem-insufficient-scope-detail", "scope", scope),
        WebError::Internal(id) => page.text_with("problem-internal-detail", "id", id.to_string()),
        WebError::Denied(denial, release) => denied(request, page, *denial, release),
        WebError::Limited(_, allowed, _) => {
            page.text_with(format!("problem-{}-detail", slug(error)), "count", allowed.to_string())
        }
        other => page.text(format!("problem-{}-detail", slug(other))),
    }
}

/// What to do about a denial.
fn denied(request: &HttpRequest, page: &Page, denial: Denial, release: &ReleaseName) -> String {
    let base = request.app_data::<web::Data<App>>().map(|app| app.config.base().to_owned()).unwrap_or_default();
    let date = match denial {
        Denial::GrantEnded(at) | Denial::ReleaseEmbargoed(at) => page.time_text(&at),
        // The last day, not the midnight after it.
        Denial::NewVersionToSign(at, _) => page.last_day_text(&at),
        _ => String::new(),
    };
    let last = if let Denial::GrantOtherRelease(last) = denial { last.to_string() } else { String::new() };
    let address = match denial {
        Denial::NewVersionToSign(_, request) => format!("{base}/requests/{request}/new-versions"),
        _ => format!("{base}/datasets/{}", release.slug),
    };
    let number = release.number.to_string();
    let values = [("address", &address), ("release", &number), ("date", &date), ("last", &last)];
    let key = format!("problem-{}-detail", denial.as_str());
    l10n::say(page.language, &key, &values.map(|(name, value)| (name, Arg::Text(value))))
}

fn heading(page: &Page, error: &WebError) -> String {
    page.text(format!("problem-{}", slug(error)))
}

fn problem_page(request: &HttpRequest, page: Page, error: &WebError) -> ProblemPage {
    let (heading, detail) = match error {
        // People sign in; it is programs that need a token.
        WebError::Denied(Denial::Unauthenticated, _) => {
            (page.text("problem-sign-in"), page.text("problem-unauthenticated-browser"))
        }
        _ => (heading(&page, error), detail(request, &page, error)),
    };
    ProblemPage {
        what_now: page.text("problem-what-now"),
        sign_in: matches!(error, WebError::Denied(Denial::Unauthenticated, _)).then(|| sign_in_at(request)),
        kept: if let WebError::FormExpired(kept) = error { kept.clone() } else { None },
        page: page.titled(&heading),
        heading,
        detail,
    }
}

/// A problem document (RFC 9457).
fn document(request: &HttpRequest, page: &Page, error: &WebError) -> serde_json::Value {
    let mut document = serde_json::json!({
        "type": format!("/problems/{}", slug(error)),
        "title": heading(page, error),
        "status": status(error).as_u16(),
        "detail": detail(request, page, error),
    });
    match error {
        // Which rule: words that programs can tell apart.
        WebError::Refused(refusal) => document["reason"] = refusal.word().into(),
        WebError::WrongFields(fields) => {
            document["errors"] = fields.iter().map(|field| wrong_field(page, field)).collect();
        }
        _ => {}
    }
    document
}

fn wrong_field(page: &Page, field: &WrongField) -> serde_json::Value {
    // Fields whose own message says what is wanted, without a value in it.
    let own = ["email", "slug", "title", "reason"];
    let name = field.pointer.trim_start_matches('/');
    let name = if own.contains(&name) { name } else { "" };
    serde_json::json!({ "pointer": field.pointer, "detail": fault_text(page, name, field.fault) })
}
