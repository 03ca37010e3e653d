//! Fields of forms, as HTML. A field's template is compiled once here; where a macro of templates holds it, it would be
//! compiled again at every place that has such a field.

use std::borrow::Cow;

use askama::Template;

use super::forms::Form;
use super::page::Page;
use crate::domain::form::{FormVersion, QuestionKind};

/// A line to type in.
#[derive(Template)]
#[template(path = "fields/text.html")]
pub struct TextField<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    /// The `type` of HTML.
    kind: &'a str,
    label: &'a str,
    hint: &'a str,
    /// What was typed, as HTML.
    value: Cow<'a, str>,
    error: &'a str,
    /// What the field says since another edit.
    other: &'a str,
    autocomplete: &'a str,
    is_required: bool,
}

/// Lines to type in.
#[derive(Template)]
#[template(path = "fields/area.html")]
pub struct AreaField<'a> {
    name: Cow<'a, str>,
    label: &'a str,
    hint: &'a str,
    /// What was typed, as HTML.
    value: String,
    error: &'a str,
    /// What the field says since another edit.
    other: &'a str,
    is_required: bool,
}

/// A box to tick.
#[derive(Template)]
#[template(path = "fields/tick.html")]
pub struct Tick<'a> {
    id: &'a str,
    name: &'a str,
    value: &'a str,
    label: &'a str,
    error: &'a str,
    is_chosen: bool,
}

/// One field in each language, side by side where there is room.
#[derive(Template)]
#[template(path = "fields/languages.html")]
pub struct LanguageFields<'a> {
    label: &'a str,
    hint: &'a str,
    /// Language's tag, field as HTML.
    fields: Vec<(&'static str, String)>,
}

/// What is wrong with a form, above it; nothing when nothing is.
#[derive(Template)]
#[template(path = "fields/errors.html")]
pub struct SummaryOfErrors<'a> {
    heading: String,
    /// Field, message; a field without a name is the form as a whole.
    errors: &'a [(String, String)],
}

/// What a form asks, section by section.
#[derive(Template)]
#[template(path = "fields/questions.html")]
pub struct Questions<'a> {
    page: &'a Page,
    form: &'a Form,
    asked: &'a FormVersion,
}

impl<'a> TextField<'a> {
    /// A field that stands more than once on its page: known by its id, sent by its name, and required.
    pub fn one_of_many(id: &'a str, name: &'a str, kind: &'a str, label: &'a str) -> Self {
        let (id, name) = (id.into(), name.into());
        let value = "".into();
        Self { id, name, kind, label, hint: "", value, error: "", other: "", autocomplete: "", is_required: true }
    }

    /// The hint under its label.
    pub fn with_hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    /// What was typed, as HTML, and what is wrong with it.
    pub fn with_value(self, typed: &'a str, error: &'a str) -> Self {
        Self { value: typed.into(), error, ..self }
    }

    /// What browsers may fill in, by HTML's name for it.
    pub fn autocomplete(self, autocomplete: &'a str) -> Self {
        Self { autocomplete, ..self }
    }

    /// Whether the browser asks for it.
    pub fn required(self, is_required: &bool) -> Self {
        Self { is_required: *is_required, ..self }
    }
}

impl AreaField<'_> {
    /// Whether the browser asks for it.
    pub fn required(self, is_required: &bool) -> Self {
        Self { is_required: *is_required, ..self }
    }
}

/// What templates call.
impl Form {
    /// A line to type in. What was typed as a password does not come back.
    pub fn text_field<'a>(&'a self, name: &'a str, kind: &'a str, label: &'a str, hint: &'a str) -> TextField<'a> {
        self.text_field_named(name.into(), kind, label, hint)
    }

    fn text_field_named<'a>(
        &'a self,
        name: Cow<'a, str>,
        kind: &'a str,
        label: &'a str,
        hint: &'a str,
    ) -> TextField<'a> {
        let value = if kind == "password" { String::new() } else { self.html(&name) };
        let (error, other) = (self.error(&name), self.other(&name));
        TextField {
            id: name.clone(),
            name,
            kind,
            label,
            hint,
            value: value.into(),
            error,
            other,
            autocomplete: "",
            is_required: false,
        }
    }

    /// Lines to type in.
    pub fn area_field<'a>(&'a self, name: &'a str, label: &'a str, hint: &'a str) -> AreaField<'a> {
        self.area_field_named(name.into(), label, hint)
    }

    fn area_field_named<'a>(&'a self, name: Cow<'a, str>, label: &'a str, hint: &'a str) -> AreaField<'a> {
        let (value, error, other) = (self.html(&name), self.error(&name), self.other(&name));
        AreaField { name, label, hint, value, error, other, is_required: false }
    }

    /// A box to tick, which says `yes`.
    pub fn tick<'a>(&'a self, name: &'a str, label: &'a str) -> Tick<'a> {
        self.tick_value(name, name, "yes", label)
    }

    /// A box among others of its name. Its errors are known by its id.
    pub fn tick_value<'a>(&'a self, id: &'a str, name: &'a str, value: &'a str, label: &'a str) -> Tick<'a> {
        Tick { id, name, value, label, error: self.error(id), is_chosen: self.chose(name, value) }
    }

    /// A line in each language.
    pub fn text_fields<'a>(&self, page: &Page, name: &str, label: &'a str, hint: &'a str) -> LanguageFields<'a> {
        let field = |(tag, own): (&'static str, &str)| {
            let field = self.text_field_named(format!("{name}.{tag}").into(), "text", own, "");
            (tag, field.autocomplete("off").to_string())
        };
        LanguageFields { label, hint, fields: page.languages().map(field).into() }
    }

    /// Longer text in each language.
    pub fn area_fields<'a>(&self, page: &Page, name: &str, label: &'a str, hint: &'a str) -> LanguageFields<'a> {
        let field = |(tag, own): (&'static str, &str)| {
            (tag, self.area_field_named(format!("{name}.{tag}").into(), own, "").to_string())
        };
        LanguageFields { label, hint, fields: page.languages().map(field).into() }
    }

    /// What is wrong, in one place above the form.
    pub fn summary_of_errors(&self, page: &Page) -> SummaryOfErrors<'_> {
        SummaryOfErrors { heading: page.text("form-errors"), errors: self.errors() }
    }

    /// What a form asks, with what was answered.
    pub const fn questions<'a>(&'a self, page: &'a Page, asked: &'a FormVersion) -> Questions<'a> {
        Questions { page, form: self, asked }
    }
}
