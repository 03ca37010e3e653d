//! Texts in several languages in a form: a field for each language, such as `title.en` and `title.zh-TW`.

use super::forms::{Form, text_error};
use super::page::Page;
use crate::domain::localised::{Localised, LocalisedError};
use crate::domain::text::{Language, TextError};

/// The name of the field for one language.
pub fn field(name: &str, language: Language) -> String {
    format!("{name}.{}", language.tag())
}

/// The name of the first of the fields, beside which an error about all of them is said.
pub fn first(name: &str) -> String {
    field(name, Language::default())
}

/// Says what is wrong with a text beside the field of its language.
pub fn fail(page: &Page, form: &mut Form, name: &str, LocalisedError { language, error }: LocalisedError) {
    form.fail(&field(name, language.unwrap_or_default()), text_error(page, name, error));
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

/// What was typed, each text checked; what is wrong with one is said beside it.
pub fn checked(
    page: &Page,
    form: &mut Form,
    name: &str,
    parse: impl Fn(&str) -> Result<String, TextError>,
) -> Option<Localised> {
    let mut texts = Localised::default();
    let mut is_right = true;
    for (language, text) in typed(form, name).0 {
        match parse(&text) {
            Ok(parsed) => drop(texts.0.insert(language, parsed)),
            // Nothing but characters that nobody sees.
            Err(TextError::Empty) => {}
            Err(error) => {
                form.fail(&field(name, language), text_error(page, name, error));
                is_right = false;
            }
        }
    }
    is_right.then_some(texts)
}
