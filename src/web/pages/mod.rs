//! The pages, by area: each handler beside the page it shows.

pub mod access_requests;
pub mod account;
pub mod admin;
pub mod agreements;
pub mod api;
pub mod api_tokens;
pub mod audit;
pub mod catalogue;
pub mod datasets;
pub mod feeds;
pub mod forms;
pub mod help;
pub mod identity;
pub mod mail;
pub mod manage;
pub mod organisations;
pub mod passwords;
pub mod people;
pub mod previews;
pub mod projects;
pub mod releases;
pub mod review;
pub mod signatures;
pub mod signing;
pub mod today;
pub mod tokens;

use serde::Deserialize;

use super::auth::{PasswordCheck, Viewer, check_password, count_try};
use super::error::WebError;
use super::forms::Form;
use super::page::{Page, Section};
use crate::app::App;
use crate::domain::ids::PersonId;
use crate::domain::text::Secret;
use crate::identity::throttle::Attempt;
use crate::store::Cursor;

/// Where a list begins, and what was just done.
#[derive(Deserialize, Default)]
pub struct ListQuery {
    /// Where the page begins.
    after: Option<Cursor>,
    /// What was just done.
    notice: Option<String>,
}

/// What was just done.
#[derive(Deserialize)]
pub struct NoticeQuery {
    notice: Option<String>,
}

/// What is searched for, tidied.
pub fn tidy(text: Option<&str>) -> String {
    let text: String = text.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    text.trim().to_owned()
}

/// A path with a query of what is not empty.
pub(super) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The address of the next page of a list.
fn next_page(path: &str, next: Option<Cursor>) -> Option<String> {
    next.map(|cursor| address(path, &[("after", &cursor.to_string())]))
}

/// A page whose title is the message `key`.
fn titled(viewer: &Viewer, section: Section, key: &str, notice: Option<&str>) -> Page {
    let page = viewer.page(section, "").with_notice(notice);
    let title = page.text(key);
    page.titled(&title)
}

/// Reads a part of a path.
pub fn parse_id<T: std::str::FromStr>(text: &str) -> Result<T, WebError> {
    text.parse().map_err(|_| WebError::NotFound)
}

/// Refuses what a stranger would have recorded while only a reserve is left of the disk.
fn check_room_for_strangers(app: &App) -> Result<(), WebError> {
    if app.may_record_for_strangers() { Ok(()) } else { Err(WebError::Unavailable) }
}

/// Counts a try; when there were too many, says so in the form, which is then to be shown again.
fn may_try(app: &App, viewer: &Viewer, page: &Page, form: &mut Form, attempt: Attempt<'_>) -> bool {
    let may = count_try(app, viewer.asking(), attempt).is_ok();
    if !may {
        say_throttled(page, form);
    }
    may
}

fn say_throttled(page: &Page, form: &mut Form) {
    form.fail("", format!("{}: {}", page.text("problem-throttled"), page.text("problem-throttled-detail")));
}

/// Checks the password that was typed in `field`, which is emptied, and returns the hash that it was checked against. When
/// it is wrong, or there were too many tries, the form says so.
async fn prove_password(
    app: &App,
    viewer: &Viewer,
    page: &Page,
    (form, field): (&mut Form, &str),
    person: PersonId,
) -> Result<Option<Secret>, WebError> {
    let typed = Secret::new(form.get(field));
    form.forget(field);
    match check_password(app, viewer.asking(), person, typed).await? {
        PasswordCheck::Right(hash) => return Ok(Some(hash)),
        PasswordCheck::Wrong => form.fail(field, page.text("error-password-wrong")),
        PasswordCheck::TooMany(_) => say_throttled(page, form),
    }
    Ok(None)
}
