//! Text in several languages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::text::{Language, TextError};

/// Text in one or more languages. In a TOML file: a string (English), or a table such as `{ en = "…", zh-TW = "…" }`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "LocalisedForm")]
pub struct Localised(pub BTreeMap<Language, String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum LocalisedForm {
    One(String),
    Many(BTreeMap<Language, String>),
}

impl From<LocalisedForm> for Localised {
    fn from(form: LocalisedForm) -> Self {
        match form {
            LocalisedForm::One(text) => Self(BTreeMap::from([(Language::English, text)])),
            LocalisedForm::Many(texts) => Self(texts),
        }
    }
}

/// Why a text in several languages can't be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}{error}", language.map_or_else(String::new, |language| format!("{}: ", language.tag())))]
pub struct LocalisedError {
    /// The language of the text that is wrong; `None` where it is about all of them.
    pub language: Option<Language>,
    /// What is wrong.
    pub error: TextError,
}

impl LocalisedError {
    /// Nothing is said in any language.
    pub const EMPTY: Self = Self { language: None, error: TextError::Empty };
}

impl From<(Language, TextError)> for LocalisedError {
    fn from((language, error): (Language, TextError)) -> Self {
        Self { language: Some(language), error }
    }
}

impl Localised {
    /// Whether it says nothing in any language.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|text| text.trim().is_empty())
    }

    /// Each text as `parse` takes it; without those that say nothing.
    ///
    /// # Errors
    /// The first that can't be taken, with its language.
    pub fn parsed(&self, parse: impl Fn(&str) -> Result<String, TextError>) -> Result<Self, (Language, TextError)> {
        let texts = self.0.iter().filter_map(|(language, text)| match parse(text) {
            Err(TextError::Empty) => None,
            parsed => Some(parsed.map(|text| (*language, text)).map_err(|error| (*language, error))),
        });
        Ok(Self(texts.collect::<Result<_, _>>()?))
    }

    /// The text and its language: the wanted one where there is one, else the first there is.
    pub fn best(&self, wanted: Language) -> (&str, Language) {
        self.0
            .get_key_value(&wanted)
            .or_else(|| self.0.iter().next())
            .map_or(("", wanted), |(language, text)| (text.as_str(), *language))
    }

    /// The text alone; see [`Self::best`].
    pub fn text(&self, wanted: Language) -> &str {
        self.best(wanted).0
    }

    /// The BCP 47 tag of what [`Self::text`] gives.
    pub fn tag(&self, wanted: Language) -> &'static str {
        self.best(wanted).1.tag()
    }
}
