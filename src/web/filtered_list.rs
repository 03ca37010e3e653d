//! Lists that are searched, narrowed to a selection, put in order, acted upon row by row or several at once, and exported.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::header;
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;

use super::error::WebError;
use super::forms::Form;
use super::page::Page;
use super::pages::{address, parse_id, tidy};
use crate::domain::Refusal;
use crate::domain::comment::Reason;
use crate::domain::text::Slug;
use crate::ledger::commands::batch::BatchOutcome;
use crate::log::export::csv_head;
use crate::store::cursor::ROWS;
use crate::store::{AnyConnection, Cursor, PageOf, ReadPool, Result as StoreResult};

/// A word that a list is narrowed or ordered by; the default is what is shown unless another was asked for.
pub trait Choice: Copy + Default + PartialEq + Display + FromStr {}

impl<T: Copy + Default + PartialEq + Display + FromStr> Choice for T {}

/// What a list is asked for, and what was just done.
#[derive(Deserialize)]
#[serde(bound = "")]
pub struct ListRequest<S, O> {
    q: Option<String>,
    state: Option<String>,
    order: Option<String>,
    of: Option<String>,
    /// Where the page begins.
    pub after: Option<Cursor>,
    /// What was just done.
    pub notice: Option<String>,
    #[serde(skip)]
    choices: PhantomData<(S, O)>,
}

impl<S, O> Default for ListRequest<S, O> {
    fn default() -> Self {
        Self { q: None, state: None, order: None, of: None, after: None, notice: None, choices: PhantomData }
    }
}

/// A link to the list, narrowed or ordered in another way.
pub struct ListLink {
    /// What it says.
    pub label: String,
    /// The address.
    pub href: String,
    /// Whether it is the list as it is shown.
    pub is_current: bool,
}

impl<S: Choice, O: Choice> ListRequest<S, O> {
    /// What the page was asked for from which a form was sent.
    pub fn of_form(form: &Form) -> Self {
        let field = |name: &str| Some(form.get(name).to_owned());
        let after = form.get("after").parse().ok();
        let (q, state, order, of) = (field("q"), field("state"), field("order"), field("of"));
        Self { q, state, order, of, after, ..Self::default() }
    }

    /// The words that are searched for.
    pub fn words(&self) -> String {
        tidy(self.q.as_deref())
    }

    /// What the list is narrowed to.
    pub fn selection(&self) -> S {
        self.state.as_deref().and_then(|word| word.parse().ok()).unwrap_or_default()
    }

    /// In which order it comes.
    pub fn order(&self) -> O {
        self.order.as_deref().and_then(|word| word.parse().ok()).unwrap_or_default()
    }

    /// Of which dataset alone it shows something.
    pub fn dataset(&self) -> Option<Slug> {
        self.of.as_deref()?.parse().ok()
    }

    /// Where the page begins, as a form carries it.
    pub fn place(&self) -> String {
        self.after.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// The address of the list at `path`, with `more`.
    pub fn address(&self, path: &str, more: &[(&str, &str)]) -> String {
        let of_more = |name: &str| more.iter().any(|(own, _)| *own == name);
        let (q, state, order) = (self.words(), self.selection().to_string(), self.order().to_string());
        let dataset = self.dataset().map(|dataset| dataset.to_string()).unwrap_or_default();
        let mut fields = vec![("q", q.as_str()), ("of", dataset.as_str())];
        if self.selection() != S::default() && !of_more("state") {
            fields.push(("state", &state));
        }
        if self.order() != O::default() && !of_more("order") {
            fields.push(("order", &order));
        }
        fields.extend(more);
        address(path, &fields)
    }

    /// The address of the page that begins at `next`.
    pub fn later(&self, path: &str, next: Option<&Cursor>) -> Option<String> {
        next.map(|next| self.address(path, &[("after", &next.to_string())]))
    }

    /// The page from which a form was sent, which says what was done.
    pub fn back(&self, path: &str, notice: &str) -> String {
        self.address(path, &[("after", &self.place()), ("notice", notice)])
    }

    /// A link to each selection, with how many are in it; `{messages}-{selection}` is what it says.
    pub fn selections(&self, page: &Page, (path, messages): (&str, &str), counts: &[(S, u64)]) -> Vec<ListLink> {
        let link = |(selection, number): &(S, u64)| ListLink {
            label: format!("{} ({})", page.text(format!("{messages}-{selection}")), page.number(*number)),
            href: self.address(path, &[("state", &without_default(*selection))]),
            is_current: *selection == self.selection(),
        };
        counts.iter().map(link).collect()
    }

    /// A link to each order; `{messages}-{order}` is what it says.
    pub fn orders(&self, page: &Page, (path, messages): (&str, &str), all: &[O]) -> Vec<ListLink> {
        let link = |order: &O| ListLink {
            label: page.text(format!("{messages}-{order}")),
            href: self.address(path, &[("order", &without_default(*order))]),
            is_current: *order == self.order(),
        };
        all.iter().map(link).collect()
    }
}

/// The word, unless it is the default, which addresses leave out.
fn without_default<T: Choice>(choice: T) -> String {
    if choice == T::default() { String::new() } else { choice.to_string() }
}

/// What became of the form that acts on several rows.
pub struct BatchForm<T> {
    /// What was posted, and what is wrong with it.
    pub form: Form,
    /// The rows that a rule refused, and why.
    pub refused: Vec<(T, Refusal)>,
}

impl<T> Default for BatchForm<T> {
    fn default() -> Self {
        Self { form: Form::default(), refused: Vec::new() }
    }
}

impl<T: PartialEq + FromStr + Display> BatchForm<T> {
    /// The rows that were ticked, under `field`; `None` where there are none, which the form says.
    ///
    /// # Errors
    /// [`WebError::NotFound`] where one is no name of a row, [`WebError::BadRequest`] where there are more than a page has.
    pub fn chosen(page: &Page, form: &mut Form, field: &str) -> Result<Option<Vec<T>>, WebError> {
        let mut chosen: Vec<T> = Vec::new();
        for row in form.all(field).map(parse_id) {
            let row = row?;
            if !chosen.contains(&row) {
                chosen.push(row);
            }
        }
        if chosen.len() > ROWS {
            return Err(WebError::BadRequest("problem-not-a-form"));
        }
        if chosen.is_empty() {
            form.fail(field, page.text("several-none-chosen"));
        }
        Ok(Some(chosen).filter(|chosen| !chosen.is_empty()))
    }

    /// The rows that were ticked, and the reason; `None` where something is wrong with either, which the form says.
    ///
    /// # Errors
    /// As [`Self::chosen`].
    pub fn read(page: &Page, form: &mut Form, field: &str) -> Result<Option<(Vec<T>, Reason)>, WebError> {
        let chosen = Self::chosen(page, form, field)?;
        let reason = form.reason(page);
        Ok(chosen.zip(reason))
    }

    /// The form again, with what is wrong in it.
    pub const fn of_wrong(form: Form) -> Self {
        Self { form, refused: Vec::new() }
    }

    /// The form again, which says how many were refused, and why.
    pub fn of_refused(page: &Page, mut form: Form, outcome: BatchOutcome<T>) -> Self {
        let BatchOutcome { done, refused } = outcome;
        let mut reasons: Vec<String> = refused.iter().map(|(_, refusal)| page.text(refusal.key())).collect();
        reasons.sort();
        reasons.dedup();
        let numbers = page.text_with_two("several-some-refused", "done", done.len(), "refused", refused.len());
        form.fail("", format!("{numbers} {}", reasons.join(" ")));
        Self { form, refused }
    }

    /// Whether something is wrong with it.
    pub fn is_wrong(&self) -> bool {
        self.form.is_wrong() || !self.refused.is_empty()
    }

    /// Whether a row is ticked.
    pub fn has(&self, field: &str, row: &T) -> bool {
        self.form.chose(field, &row.to_string())
    }

    /// Why a row was refused; empty when it was not.
    pub fn refusal(&self, page: &Page, row: &T) -> String {
        let refused = self.refused.iter().find(|(id, _)| id == row);
        refused.map_or_else(String::new, |(_, refusal)| page.text(refusal.key()))
    }
}

/// All of a list as CSV (RFC 4180), read page by page while it is sent.
pub fn csv<T, R, L>(reads: &ReadPool, (name, head): (&str, &[&str]), read: R, line: L) -> HttpResponse
where
    T: Send + 'static,
    R: Fn(&mut AnyConnection, Option<&Cursor>) -> StoreResult<PageOf<T>> + Clone + Send + 'static,
    L: Fn(&T) -> String + Clone + 'static,
{
    let (head, reads) = (csv_head(head), reads.clone());
    let pages = stream::try_unfold(Some((None::<Cursor>, head)), move |at| {
        let (reads, read, line) = (reads.clone(), read.clone(), line.clone());
        async move {
            let Some((after, mut text)) = at else { return Ok::<_, WebError>(None) };
            let PageOf { rows, next } = reads.read(move |conn| read(conn, after.as_ref())).await?;
            text.extend(rows.iter().map(&line));
            Ok(Some((Bytes::from(text), next.map(|next| (Some(next), String::new())))))
        }
    });
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(pages)
}
