//! Answers of handlers: a page, a redirect after something was done, and where a redirect may lead.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use super::auth::Viewer;
use super::error::WebError;
use crate::l10n::{self, Arg};

/// Shows a page.
///
/// # Errors
/// When a template fails, which none does.
pub fn show(viewer: &Viewer, template: &impl Template) -> Result<HttpResponse, WebError> {
    show_with(viewer, StatusCode::OK, template)
}

/// Shows a page under another status.
///
/// # Errors
/// When a template fails, which none does.
pub fn show_with(viewer: &Viewer, status: StatusCode, template: &impl Template) -> Result<HttpResponse, WebError> {
    let mut body = template.render()?;
    if status.is_client_error() {
        // A page that comes back because something in it is wrong says so first, also to who hears only its title.
        body = with_error_in_title(&body, viewer);
    }
    let mut response = HttpResponse::build(status);
    viewer.set_visitor_cookie(&mut response);
    if status == StatusCode::TOO_MANY_REQUESTS {
        // At most so long (RFC 9110 section 10.2.3), in seconds.
        response.insert_header((header::RETRY_AFTER, "900"));
    }
    Ok(response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::VARY, "Cookie, Accept-Language"))
        .body(body))
}

/// The page with *Error* before its title.
fn with_error_in_title(body: &str, viewer: &Viewer) -> String {
    let Some((head, rest)) = body.split_once("<title>") else { return body.to_owned() };
    let Some((title, rest)) = rest.split_once("</title>") else { return body.to_owned() };
    // The title is HTML already, and a message only puts words before it.
    let title = l10n::say(viewer.language, "title-error", &[("title", Arg::Text(title))]);
    format!("{head}<title>{title}</title>{rest}")
}

/// Goes to another page after something was done.
pub fn go(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// A path on this site that a form or link asked to go back to; anything else is the front page.
pub fn safe_path(wanted: Option<&str>) -> &str {
    let fine = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains(|c: char| c == '\\' || c.is_control())
            && path.len() < 1000
    };
    wanted.filter(fine).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "javascript:alert(1)",
            "/a\nb",
            "/\t/evil.example",
            "/a\u{1}",
            "/a\u{7f}",
        ] {
            assert_eq!(safe_path(Some(bad)), "/", "{bad}");
        }
        assert_eq!(safe_path(Some("/datasets/x?y=1")), "/datasets/x?y=1");
    }
}
