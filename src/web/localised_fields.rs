//! Texts in several languages in a form: a field for each language, such as `title.en` and `title.zh-TW`.

use super::forms::Form;
use crate::domain::localised::Localised;
use crate::domain::text::Language;

/// The name of the field for one language.
pub fn field(name: &str, language: Language) -> String {
    format!("{name}.{}", language.tag())
}

/// The name of the first of the fields, beside which an error about all of them is said.
pub fn first(name: &str) -> String {
    field(name, Language::default())
}

/// The fields with a text in them.
pub fn fields(name: &str, text: &Localised) -> Vec<(String, String)> {
    let value = |language: Language| text.0.get(&language).cloned().unwrap_or_default();
    Language::ALL.map(|language| (field(name, language), value(language))).into()
}

/// What was typed, without languages in which nothing was.
pub fn typed(form: &Form, name: &str) -> Localised {
    let texts = Language::ALL.into_iter().map(|language| (language, form.get(&field(name, language)).to_owned()));
    Localised(texts.filter(|(_, text)| !text.trim().is_empty()).collect())
}
