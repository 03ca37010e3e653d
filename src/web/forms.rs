//! Forms: what was typed, what is wrong with it, and the proof that it came from our page.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;

use super::auth::Viewer;
use super::error::{Fault, WebError};
use super::kept_form::KeptForm;
use super::page::Page;
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::comment::Reason;
use crate::domain::text::PersonName;
use crate::domain::text::TextError;
use crate::escape;

/// Largest form, in bytes.
pub const LIMIT: usize = 256 * 1024;
/// Largest form of those who publish, in bytes: the longest agreement in every language, each of its characters three bytes
/// and each byte written as three.
pub const PUBLISHING_LIMIT: usize = 4 * 1024 * 1024;
/// The field that carries the visitor's secret.
pub const TOKEN_FIELD: &str = "form_token";

/// What was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Form {
    values: Vec<(String, String)>,
    errors: Vec<(String, String)>,
    /// What fields say since another edit, in a sentence.
    others: Vec<(String, String)>,
}

/// Something was chosen that is none of the choices.
#[derive(Clone, Copy, Debug)]
pub struct NoChoice;

impl Form {
    /// A form filled in beforehand.
    pub fn filled<N: Into<String>, V: Into<String>>(values: impl IntoIterator<Item = (N, V)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { values, ..Self::default() }
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.retain(|(field, _)| field != name);
        self.values.push((name.to_owned(), value.to_owned()));
    }

    /// Adds a value to a field that takes several.
    pub fn add(&mut self, name: &str, value: &str) {
        self.values.push((name.to_owned(), value.to_owned()));
    }

    /// Everything typed: field, value.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What was typed in a field; nothing is the empty text.
    pub fn get(&self, name: &str) -> &str {
        self.values.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// What was typed in a field, as HTML: exactly, so that it comes back as it went.
    pub fn html(&self, name: &str) -> String {
        escape::exact_html(self.get(name))
    }

    /// Everything chosen in a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Whether this was chosen in a field.
    pub fn chose(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|chosen| chosen == value)
    }

    /// Takes what was sent under one name as if it had been sent under another.
    pub fn rename(&mut self, from: &str, to: &str) {
        for (name, _) in self.values.iter_mut().filter(|(name, _)| name == from) {
            to.clone_into(name);
        }
    }

    /// The fields whose names begin with a prefix, without it.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.values.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Says what is wrong with a field; `""` for the form as a whole.
    pub fn fail(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push((name.to_owned(), message.into()));
    }

    /// Takes a checked value, or says what is wrong with the field.
    pub fn check<T>(&mut self, page: &Page, name: &str, result: Result<T, TextError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(name, text_error(page, name, error));
                None
            }
        }
    }

    /// Takes a reason from the field `reason`, or says what is wrong with it.
    pub fn reason(&mut self, page: &Page) -> Option<Reason> {
        let reason = Reason::parse(self.get("reason"));
        self.check(page, "reason", reason)
    }

    /// Takes a person's name from the field `name`, or says what is wrong with it.
    pub fn person_name(&mut self, page: &Page) -> Option<PersonName> {
        match self.get("name").parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.fail("name", text_error(page, "full-name", error));
                None
            }
        }
    }

    /// Takes what was chosen among words for programs, or says that something has to be.
    pub fn chosen<T: std::str::FromStr>(&mut self, page: &Page, name: &str) -> Option<T> {
        let parsed = self.get(name).parse().ok();
        if parsed.is_none() {
            self.fail(name, page.text("error-choose"));
        }
        parsed
    }

    /// Takes what was chosen, if anything was.
    ///
    /// # Errors
    /// When it is none of the choices; the form says so.
    pub fn chosen_or_none<T: std::str::FromStr>(&mut self, page: &Page, name: &str) -> Result<Option<T>, NoChoice> {
        if self.get(name).trim().is_empty() {
            return Ok(None);
        }
        self.chosen(page, name).map(Some).ok_or(NoChoice)
    }

    /// What is wrong with a field; nothing is the empty text.
    pub fn error(&self, name: &str) -> &str {
        self.errors.iter().find(|(field, _)| field == name).map_or("", |(_, message)| message)
    }

    /// Says that another edit was saved meanwhile, and beside each field that has become another what it is now. Where a
    /// value is a word for programs, `said` gives what readers know it by.
    pub fn met_another_edit(&mut self, page: &Page, now: &Self, said: impl Fn(&str, &str) -> Option<String>) {
        let mut names: Vec<&str> = self.values().chain(now.values()).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        let said = |name: &str, value: &str| said(name, value).unwrap_or_else(|| value.to_owned());
        let mut others = Vec::new();
        for name in names {
            let (own, saved) = (self.filled_in(name), now.filled_in(name));
            let is_field = now.values.iter().any(|(field, _)| field == name);
            if !is_field || own.len() == saved.len() && own.iter().zip(&saved).all(|(a, b)| is_same_text(a, b)) {
                continue;
            }
            let values: Vec<String> = saved.iter().map(|value| said(name, value)).collect();
            let sentence = match values.as_slice() {
                [] => page.text("form-meanwhile-empty"),
                values => page.text_with("form-meanwhile", "value", values.join(", ")),
            };
            others.push((name.to_owned(), sentence));
        }
        self.others = others;
        self.fail("", page.text(Refusal::EditedMeanwhile.key()));
    }

    /// Everything chosen in a field that is not empty.
    fn filled_in(&self, name: &str) -> Vec<&str> {
        self.values
            .iter()
            .filter(|(field, text)| field == name && !text.trim().is_empty())
            .map(|(_, t)| t.as_str())
            .collect()
    }

    /// What a field says since another edit; nothing is the empty text.
    pub fn other(&self, name: &str) -> &str {
        self.others.iter().find(|(field, _)| field == name).map_or("", |(_, sentence)| sentence)
    }

    /// Whether anything is wrong.
    pub const fn is_wrong(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Everything that is wrong: field, message.
    pub fn errors(&self) -> &[(String, String)] {
        &self.errors
    }

    /// Empties a field that must not come back, such as a password.
    pub fn forget(&mut self, name: &str) {
        self.values.retain(|(field, _)| field != name);
    }
}

/// Whether two texts are the same but for how their lines end, which browsers change.
fn is_same_text(a: &str, b: &str) -> bool {
    a.replace("\r\n", "\n").trim() == b.replace("\r\n", "\n").trim()
}

/// A text error in words: the field's own message if it has one, else a general one.
pub fn text_error(page: &Page, field: &str, error: TextError) -> String {
    let own = format!("error-{field}");
    match error {
        TextError::Empty | TextError::Form if crate::l10n::has(page.language, &own) => page.text(&own),
        TextError::Empty => page.text("error-empty"),
        TextError::Form => page.text("error-form"),
        TextError::Guessable => page.text("error-guessable"),
        TextError::Control => page.text("error-control"),
        TextError::TooLong(limit) => page.count_text("error-too-long", limit as u64),
        TextError::TooShort(limit) => page.count_text("error-too-short", limit as u64),
        TextError::TooLarge(limit) => page.text_with("error-too-large", "size", page.size(limit)),
    }
}

/// What is wrong with a field, in words.
pub fn fault_text(page: &Page, field: &str, fault: Fault) -> String {
    match fault {
        Fault::Text(error) => text_error(page, field, error),
        Fault::Message(key) => page.text(key),
    }
}

/// A posted form that came from a page of ours, and who posted it.
pub struct Posted {
    /// What was typed.
    pub form: Form,
    /// By whom.
    pub viewer: Viewer,
}

impl FromRequest for Posted {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, WebError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(read(request, payload))
    }
}

/// The body of a request, if it has not more bytes than `most`.
async fn read_all(mut payload: Payload, most: usize) -> Result<Vec<u8>, WebError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| WebError::BadRequest("problem-broken-off"))?;
        if body.len() + chunk.len() > most {
            return Err(WebError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The body of a request, if it comes in time and has not more bytes than `most`.
///
/// # Errors
/// [`WebError::BadRequest`] or [`WebError::TooLarge`].
pub async fn read_body(request: &HttpRequest, payload: Payload, most: usize) -> Result<Vec<u8>, WebError> {
    let app = request.app_data::<web::Data<App>>();
    let limit = app.map_or(Duration::from_secs(30), |app| app.config.timeouts.request);
    // However slowly it comes, and whatever else moves on the connection.
    let body = tokio::time::timeout(limit, read_all(payload, most)).await;
    body.map_err(|_| WebError::BadRequest("problem-broken-off"))?
}

async fn read(request: HttpRequest, payload: Payload) -> Result<Posted, WebError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(WebError::BadRequest("problem-not-a-form"));
    }
    let may_publish = Viewer::extract(&request).await?.require_manager().is_ok();
    let body = read_body(&request, payload, if may_publish { PUBLISHING_LIMIT } else { LIMIT }).await?;
    // Bytes that are not UTF-8 become replacement characters, which no check lets pass where it matters.
    let values = url::form_urlencoded::parse(&body).into_owned().collect();
    accept(&request, Form { values, ..Form::default() }).await
}

/// Accepts a form that has come, if it came from a page of ours.
///
/// # Errors
/// [`WebError::FormExpired`] when it did not, or its page is too old.
pub(super) async fn accept(request: &HttpRequest, mut form: Form) -> Result<Posted, WebError> {
    // The body may have been long on its way: its sender may do what they may do now.
    let viewer = Viewer::extract(request).await?;
    let is_ours = viewer.verify_form_token(form.get(TOKEN_FIELD));
    form.forget(TOKEN_FIELD);
    if !is_ours {
        return Err(WebError::FormExpired(KeptForm::of(request, form.values)));
    }
    Ok(Posted { form, viewer })
}
