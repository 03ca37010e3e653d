//! The texts of a dataset's description: how long they may be, and what may be in them.

use crate::domain::localised::Localised;
use crate::domain::text::{Language, TextError, many_lines, one_line};

/// The longest title, in characters.
const TITLE_MAX: usize = 300;
/// The longest summary.
const SUMMARY_MAX: usize = 1_000;
/// The longest description.
const DESCRIPTION_MAX: usize = 100_000;
/// The longest of the other lines.
const LINE_MAX: usize = 300;
/// How many tags a dataset may have.
pub const TAGS_MAX: usize = 50;
/// The longest tag, in characters.
const TAG_MAX: usize = 60;
/// How many lines *Additional info* may have.
pub const INFO_MAX: usize = 1_000;

type Parsed = Result<String, TextError>;

/// Takes a title.
///
/// # Errors
/// When it can't be taken.
pub fn title(text: &str) -> Parsed {
    one_line(text, TITLE_MAX)
}

/// Takes a summary.
///
/// # Errors
/// When it can't be taken.
pub fn summary(text: &str) -> Parsed {
    many_lines(text, SUMMARY_MAX)
}

/// Takes a description.
///
/// # Errors
/// When it can't be taken.
pub fn description(text: &str) -> Parsed {
    many_lines(text, DESCRIPTION_MAX)
}

/// Takes the publisher, the licence, or the name of a line of *Additional info*.
///
/// # Errors
/// When it can't be taken.
pub fn line(text: &str) -> Parsed {
    one_line(text, LINE_MAX)
}

/// Takes a tag.
///
/// # Errors
/// When it can't be taken.
pub fn tag(text: &str) -> Parsed {
    one_line(text, TAG_MAX)
}

/// Takes what a line of *Additional info* says.
///
/// # Errors
/// When it can't be taken.
pub fn info_value(text: &str) -> Parsed {
    one_line(text, SUMMARY_MAX)
}

/// A text in each language as it is taken; without those that say nothing.
///
/// # Errors
/// The first that can't be taken, with its language.
pub fn taken(text: &Localised, take: fn(&str) -> Parsed) -> Result<Localised, (Language, TextError)> {
    let mut all = Localised::default();
    for (language, text) in &text.0 {
        match take(text) {
            Ok(text) => drop(all.0.insert(*language, text)),
            Err(TextError::Empty) => {}
            Err(error) => return Err((*language, error)),
        }
    }
    Ok(all)
}
