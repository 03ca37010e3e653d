//! The texts of a dataset's description: how long they may be, and what may be in them.

use crate::domain::text::{TextError, many_lines, one_line};

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
pub const INFO_MAX: usize = 100;

type Parsed = Result<String, TextError>;

/// Takes a title.
///
/// # Errors
/// When it can't be taken.
pub fn parse_title(text: &str) -> Parsed {
    one_line(text, TITLE_MAX)
}

/// Takes a summary.
///
/// # Errors
/// When it can't be taken.
pub fn parse_summary(text: &str) -> Parsed {
    one_line(text, SUMMARY_MAX)
}

/// Takes a description.
///
/// # Errors
/// When it can't be taken.
pub fn parse_description(text: &str) -> Parsed {
    many_lines(text, DESCRIPTION_MAX)
}

/// Takes the publisher, the licence, or the name of a line of *Additional info*.
///
/// # Errors
/// When it can't be taken.
pub fn parse_line(text: &str) -> Parsed {
    one_line(text, LINE_MAX)
}

/// Takes a tag, in small letters: two that differ only by that are one.
///
/// # Errors
/// When it can't be taken.
pub fn parse_tag(text: &str) -> Parsed {
    one_line(text, TAG_MAX).map(|tag| tag.to_lowercase())
}

/// Takes what a line of *Additional info* says.
///
/// # Errors
/// When it can't be taken.
pub fn parse_info_value(text: &str) -> Parsed {
    one_line(text, SUMMARY_MAX)
}
