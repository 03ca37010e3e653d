//! Fields that can't be taken.

use std::collections::BTreeSet;

use crate::domain::localised::LocalisedError;
use crate::domain::text::TextError;
use crate::store::cursor::ROWS;
use crate::web::error::{Fault, WebError, WrongField};

/// Fields that can't be taken, gathered.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<WrongField>);

impl FieldErrors {
    /// Takes what was parsed, or notes that the field can't be taken.
    pub fn take<T>(&mut self, pointer: &str, parsed: Result<T, TextError>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(pointer, Fault::Text(error));
                None
            }
        }
    }

    /// Notes a field that can't be taken.
    pub fn add(&mut self, pointer: &str, fault: Fault) {
        self.0.push(WrongField { pointer: pointer.to_owned(), fault });
    }

    /// Takes what was chosen among words, or notes that something else was.
    pub fn choose<T: std::str::FromStr>(&mut self, pointer: &str, word: &str) -> Option<T> {
        let parsed = word.parse().ok();
        if parsed.is_none() {
            self.add(pointer, Fault::Message("error-choose"));
        }
        parsed
    }

    /// Takes ids or names, as many as a page of a list has, or notes that they can't be taken.
    pub fn several<T: std::str::FromStr>(&mut self, pointer: &str, words: &[String]) -> Option<Vec<T>> {
        // Each once, whatever is sent.
        let mut seen = BTreeSet::new();
        let parsed =
            words.iter().filter(|word| seen.insert(*word)).map(|word| word.parse()).collect::<Result<Vec<T>, _>>().ok();
        let parsed = parsed.filter(|parsed| (1..=ROWS).contains(&parsed.len()));
        if parsed.is_none() {
            self.add(pointer, Fault::Message("error-several"));
        }
        parsed
    }

    /// One field that can't be taken, as an error.
    pub fn one(pointer: &str, fault: Fault) -> WebError {
        let mut errors = Self::default();
        errors.add(pointer, fault);
        errors.into_error()
    }

    /// A text in several languages that can't be taken, as an error.
    pub fn localised(pointer: &str, LocalisedError { language, error }: LocalisedError) -> WebError {
        let pointer = language.map_or_else(|| pointer.to_owned(), |language| format!("{pointer}/{}", language.tag()));
        Self::one(&pointer, Fault::Text(error))
    }

    /// All of it, as an error.
    pub fn into_error(self) -> WebError {
        WebError::WrongFields(self.0)
    }

    /// What was parsed, if all could be taken.
    ///
    /// # Errors
    /// [`WebError::WrongFields`].
    pub fn check<T>(self, parsed: Option<T>) -> Result<T, WebError> {
        match parsed {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.into_error()),
        }
    }
}
