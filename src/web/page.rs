//! What every page has: the layout's facts, words, and how times and numbers are shown.

use std::fmt::Display;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use askama::Template;

use super::assets;
use super::failure::Failure;
use super::viewer::Viewer;
use crate::domain::dataset::Localised;
use crate::domain::text::Language;
use crate::domain::{Instant, Span};
use crate::words::{self, Arg};

/// Which part of the site a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Here {
    /// The catalogue.
    Catalogue,
    /// My requests.
    Requests,
    /// Review.
    Review,
    /// Administration.
    Admin,
    /// My account.
    Account,
    /// None of these.
    Nowhere,
}

/// Who is signed in, as the layout shows it.
#[derive(Clone, Debug)]
pub struct Badge {
    /// Their name.
    pub name: String,
    /// Whether they review.
    pub reviewer: bool,
    /// Whether they administer.
    pub administrator: bool,
    /// Whether they administer or audit.
    pub overseer: bool,
    /// Whether their address is verified.
    pub verified: bool,
}

/// What can be counted; templates pass numbers by reference.
pub trait Count {
    /// How many.
    fn count(&self) -> u64;
}

impl Count for u64 {
    fn count(&self) -> u64 {
        *self
    }
}

impl Count for u32 {
    fn count(&self) -> u64 {
        u64::from(*self)
    }
}

impl<T: Count> Count for &T {
    fn count(&self) -> u64 {
        (*self).count()
    }
}

/// What the layout needs, and a page's words.
#[derive(Clone, Debug)]
pub struct Page {
    /// The language.
    pub language: Language,
    /// The title, without the site's name.
    pub title: String,
    /// Which part of the site.
    pub here: Here,
    /// Who is signed in.
    pub badge: Option<Badge>,
    /// Requests that wait for this reviewer.
    pub waiting: u64,
    /// What every form carries.
    pub form_token: String,
    /// The present path and query.
    pub path: String,
    /// What was searched for.
    pub query: String,
    /// Events in the log.
    pub log_size: u64,
    /// What was just done.
    pub said: Option<String>,
}

impl Page {
    /// With this title.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// Saying what was just done, if `said` is one of the things that can be said.
    #[must_use]
    pub fn saying(mut self, said: Option<&str>) -> Self {
        let key = said.map(|said| format!("said-{said}"));
        self.said = key.filter(|key| words::has(self.language, key)).map(|key| self.t(&key));
        self
    }

    /// Whether access that ends then can be asked for again already.
    pub fn ends_soon(&self, until: &Instant) -> bool {
        *until - Instant::now() <= crate::domain::grant::ENDING_NOTICE
    }

    /// A message.
    pub fn t(&self, key: impl AsRef<str>) -> String {
        words::say(self.language, key.as_ref(), &[])
    }

    /// A message with a value in it.
    pub fn tx(&self, key: impl AsRef<str>, name: &str, value: impl Display) -> String {
        words::say(self.language, key.as_ref(), &[(name, Arg::Text(&value.to_string()))])
    }

    /// A message with two values in it.
    pub fn txx(
        &self,
        key: impl AsRef<str>,
        name: &str,
        value: impl Display,
        name2: &str,
        value2: impl Display,
    ) -> String {
        let (value, value2) = (value.to_string(), value2.to_string());
        words::say(self.language, key.as_ref(), &[(name, Arg::Text(&value)), (name2, Arg::Text(&value2))])
    }

    /// A message with the number `n` in it.
    pub fn tn(&self, key: impl AsRef<str>, n: impl Count) -> String {
        words::say(self.language, key.as_ref(), &[("n", Arg::Number(n.count()))])
    }

    /// A text in the reader's language, or in the one there is.
    pub fn text<'a>(&self, text: &'a Localised) -> &'a str {
        text.text(self.language)
    }

    /// The BCP 47 tag of what [`Self::text`] gives.
    pub fn tag(&self, text: &Localised) -> &'static str {
        text.tag(self.language)
    }

    /// A date.
    pub fn date(&self, at: &Instant) -> String {
        words::date(self.language, *at)
    }

    /// A time as an element: in UTC, which the script turns into the reader's zone.
    pub fn time(&self, at: &Instant) -> String {
        let shown = words::date_time(self.language, *at);
        let seconds = Instant::from_unix_seconds(at.unix_seconds()).to_string();
        let exact = format!("{}Z", seconds.split('.').next().unwrap_or_default());
        // Nothing here comes from outside: digits, dashes and our own words.
        format!("<time datetime=\"{exact}\" title=\"{exact}\">{shown}</time>")
    }

    /// How long ago, roughly.
    pub fn since(&self, at: &Instant) -> String {
        words::lasting(self.language, (Instant::now() - *at).max(Span(0)))
    }

    /// A number with separators.
    pub fn number(&self, number: impl Count) -> String {
        words::separated(number.count())
    }

    /// Bytes.
    pub fn size(&self, bytes: impl Count) -> String {
        words::size(bytes.count())
    }

    /// The other languages: tag, own name.
    pub fn other_languages(&self) -> Vec<(&'static str, &'static str)> {
        let others = Language::ALL.into_iter().filter(|language| *language != self.language);
        others.map(|language| (language.tag(), language.own_name())).collect()
    }

    /// Where the switch to another language comes back to.
    pub fn path_encoded(&self) -> String {
        percent_encoding::utf8_percent_encode(&self.path, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    /// The stylesheet's address, which changes with it.
    pub fn style(&self) -> String {
        assets::address("style.css")
    }

    /// The script's address.
    pub fn script(&self) -> String {
        assets::address("script.js")
    }

    /// The font's address.
    pub fn font(&self) -> String {
        assets::address("source-serif-4.woff2")
    }
}

/// Shows a page.
///
/// # Errors
/// When a template fails, which none does.
pub fn show(viewer: &Viewer, template: &impl Template) -> Result<HttpResponse, Failure> {
    show_with(viewer, StatusCode::OK, template)
}

/// Shows a page under another status.
///
/// # Errors
/// When a template fails, which none does.
pub fn show_with(viewer: &Viewer, status: StatusCode, template: &impl Template) -> Result<HttpResponse, Failure> {
    let body = template.render()?;
    let mut response = HttpResponse::build(status);
    viewer.keep(&mut response);
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
