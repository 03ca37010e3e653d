//! Questions, and what counts as an answer to each kind.

use serde::{Deserialize, Serialize};

use super::FormError;
use super::file::{FILE_MAX, FILE_MAX_UNLESS_SAID, FileAnswer, FileType};
use crate::domain::localised::Localised;
use crate::domain::orcid::Orcid;
use crate::domain::text::{Email, Language, Slug, TextError, many_lines, one_line};
use crate::domain::words::words;

/// A question to the applicant. Its id survives new versions, so that earlier answers can be carried over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "QuestionFields")]
pub struct Question {
    /// Its name in forms and records.
    pub id: Slug,
    /// The text of the question.
    pub label: Localised,
    /// A hint under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Localised>,
    /// Whether it must be answered, where it is asked.
    pub required: bool,
    /// Without it the question is always asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_if: Option<Condition>,
    /// The kind of answer that it takes.
    #[serde(flatten)]
    pub kind: QuestionKind,
}

/// That a question is asked only after certain answers to an earlier one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The earlier question.
    pub question: Slug,
    /// The answers to it after which this one is asked: any of them.
    pub is: Vec<String>,
}

/// The kind of answer that a question takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum QuestionKind {
    /// One line.
    Short,
    /// Several lines.
    Long {
        /// Fewest characters, so that a reviewer can judge; 0 for no limit.
        #[serde(skip_serializing_if = "is_zero")]
        min_length: usize,
    },
    /// One of several options.
    Choice {
        /// The options to choose from.
        options: Vec<ChoiceOption>,
    },
    /// Any number of several options.
    Several {
        /// The options to choose from.
        options: Vec<ChoiceOption>,
    },
    /// Yes or no.
    YesNo,
    /// A box that is ticked or not.
    Checkbox,
    /// A calendar date.
    Date,
    /// A whole number.
    Number {
        /// The least that is accepted.
        #[serde(skip_serializing_if = "Option::is_none")]
        min: Option<i64>,
        /// The greatest that is accepted.
        #[serde(skip_serializing_if = "Option::is_none")]
        max: Option<i64>,
    },
    /// An e-mail address.
    Email,
    /// An ORCID iD.
    Orcid,
    /// A country or territory (ISO 3166-1, two letters).
    Country,
    /// A file.
    File {
        /// The types that are taken.
        types: Vec<FileType>,
        /// The largest that is taken, in bytes.
        max_size: u64,
    },
}

/// For serde, which gives a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The name of a kind, without what belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the kind of its name")]
pub enum KindName {
    Short,
    Long,
    Choice,
    Several,
    YesNo,
    Checkbox,
    Date,
    Number,
    Email,
    Orcid,
    Country,
    File,
}

words! {
    KindName {
        Short = "short",
        Long = "long",
        Choice = "choice",
        Several = "several",
        YesNo = "yes-no",
        Checkbox = "checkbox",
        Date = "date",
        Number = "number",
        Email = "email",
        Orcid = "orcid",
        Country = "country",
        File = "file",
    }
}

/// A question as a file has it. A key that is not known, or that the kind does not take, is a mistake to be told of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionFields {
    id: Slug,
    label: Localised,
    hint: Option<Localised>,
    #[serde(default)]
    required: bool,
    only_if: Option<Condition>,
    kind: KindName,
    min_length: Option<usize>,
    options: Option<Vec<ChoiceOption>>,
    min: Option<i64>,
    max: Option<i64>,
    types: Option<Vec<FileType>>,
    max_size: Option<u64>,
}

impl TryFrom<QuestionFields> for Question {
    type Error = String;

    fn try_from(fields: QuestionFields) -> Result<Self, String> {
        let QuestionFields { id, label, hint, required, only_if, kind, min_length, options, min, max, types, max_size } =
            fields;
        let foreign = [
            (min_length.is_some() && kind != KindName::Long, "min_length"),
            (options.is_some() && !matches!(kind, KindName::Choice | KindName::Several), "options"),
            ((min.is_some() || max.is_some()) && kind != KindName::Number, "min or max"),
            ((types.is_some() || max_size.is_some()) && kind != KindName::File, "types or max_size"),
        ];
        if let Some((_, key)) = foreign.into_iter().find(|(is_foreign, _)| *is_foreign) {
            return Err(format!("{id} is of a kind that has no {key}"));
        }
        let options = options.unwrap_or_default();
        let kind = match kind {
            KindName::Short => QuestionKind::Short,
            KindName::Long => QuestionKind::Long { min_length: min_length.unwrap_or(0) },
            KindName::Choice => QuestionKind::Choice { options },
            KindName::Several => QuestionKind::Several { options },
            KindName::YesNo => QuestionKind::YesNo,
            KindName::Checkbox => QuestionKind::Checkbox,
            KindName::Date => QuestionKind::Date,
            KindName::Number => QuestionKind::Number { min, max },
            KindName::Email => QuestionKind::Email,
            KindName::Orcid => QuestionKind::Orcid,
            KindName::Country => QuestionKind::Country,
            KindName::File => QuestionKind::File {
                types: types.unwrap_or_else(|| FileType::ALL.to_vec()),
                max_size: max_size.unwrap_or(FILE_MAX_UNLESS_SAID),
            },
        };
        Ok(Self { id, label, hint, required, only_if, kind })
    }
}

/// An option of a question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceOption {
    /// The value that is stored.
    pub value: String,
    /// The label that is shown.
    pub label: Localised,
}

/// The maximum length of a one-line answer, in characters.
pub const SHORT_MAX: usize = 300;
/// The maximum length of an answer in several lines, in characters.
pub const LONG_MAX: usize = 10_000;

impl Question {
    /// The hint, or nothing.
    pub fn hint_text(&self, wanted: Language) -> &str {
        self.hint.as_ref().map_or("", |hint| hint.text(wanted))
    }

    /// Whether its answer is a file.
    pub const fn asks_for_file(&self) -> bool {
        matches!(self.kind, QuestionKind::File { .. })
    }

    /// Whether it can be asked after these questions.
    pub(super) fn check(&self, earlier: &[&Self]) -> Result<(), FormError> {
        if self.label.is_empty() {
            return Err(FormError::NoLabel(self.id.clone()));
        }
        // First: what follows compares them with each other.
        if self.only_if.as_ref().is_some_and(|condition| condition.is.len() > OPTIONS_MAX) {
            return Err(FormError::Condition(self.id.clone()));
        }
        match &self.kind {
            QuestionKind::Choice { options } | QuestionKind::Several { options } if !are_distinct(options) => {
                return Err(FormError::Options(self.id.clone()));
            }
            QuestionKind::Number { min: Some(min), max: Some(max) } if min > max => {
                return Err(FormError::Bounds(self.id.clone()));
            }
            QuestionKind::File { types, max_size } if types.is_empty() || !(1..=FILE_MAX).contains(max_size) => {
                return Err(FormError::File(self.id.clone()));
            }
            _ => {}
        }
        let is_answerable = |condition: &Condition| {
            let asked = earlier.iter().find(|question| question.id == condition.question);
            let values = asked.and_then(|question| question.kind.values()).unwrap_or_default();
            !condition.is.is_empty() && condition.is.iter().all(|wanted| values.contains(&wanted.as_str()))
        };
        if self.only_if.as_ref().is_none_or(is_answerable) {
            Ok(())
        } else {
            Err(FormError::Condition(self.id.clone()))
        }
    }
}

/// How many options a question may have: enough for every country.
const OPTIONS_MAX: usize = 300;

fn are_distinct(options: &[ChoiceOption]) -> bool {
    if options.len() > OPTIONS_MAX {
        return false;
    }
    let mut values: Vec<_> = options.iter().map(|option| option.value.trim()).collect();
    values.sort_unstable();
    values.dedup();
    let is_storable = |value: &&str| !value.is_empty() && !value.contains('\n');
    values.len() > 1 && values.len() == options.len() && values.iter().all(is_storable)
}

impl QuestionKind {
    /// Its name, without what belongs to it.
    pub const fn name(&self) -> KindName {
        match self {
            Self::Short => KindName::Short,
            Self::Long { .. } => KindName::Long,
            Self::Choice { .. } => KindName::Choice,
            Self::Several { .. } => KindName::Several,
            Self::YesNo => KindName::YesNo,
            Self::Checkbox => KindName::Checkbox,
            Self::Date => KindName::Date,
            Self::Number { .. } => KindName::Number,
            Self::Email => KindName::Email,
            Self::Orcid => KindName::Orcid,
            Self::Country => KindName::Country,
            Self::File { .. } => KindName::File,
        }
    }

    /// The values that can be answered, where they can be counted.
    pub fn values(&self) -> Option<Vec<&str>> {
        match self {
            Self::Choice { options } | Self::Several { options } => {
                Some(options.iter().map(|option| option.value.as_str()).collect())
            }
            Self::YesNo => Some(vec!["yes", "no"]),
            Self::Checkbox => Some(vec!["yes"]),
            _ => None,
        }
    }

    /// Checks an answer that is not empty, and gives it as it is kept.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(&self, text: &str) -> Result<String, TextError> {
        match self {
            Self::Short => one_line(text, SHORT_MAX),
            Self::Long { min_length } => {
                let text = many_lines(text, LONG_MAX)?;
                if text.chars().count() < *min_length { Err(TextError::TooShort(*min_length)) } else { Ok(text) }
            }
            Self::Choice { .. } | Self::YesNo | Self::Checkbox => self.one_of(text),
            Self::Several { options } => {
                let chosen: Vec<&str> = text.lines().collect();
                if chosen.iter().any(|value| options.iter().all(|option| option.value != *value)) {
                    return Err(TextError::Form);
                }
                // In the order in which they are asked, each once.
                let kept = options.iter().map(|option| option.value.as_str()).filter(|value| chosen.contains(value));
                Ok(kept.collect::<Vec<_>>().join("\n"))
            }
            Self::Date => text.parse::<jiff::civil::Date>().map(|date| date.to_string()).map_err(|_| TextError::Form),
            Self::Number { min, max } => {
                let number: i64 = text.parse().map_err(|_| TextError::Form)?;
                let fits = min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max);
                if fits { Ok(number.to_string()) } else { Err(TextError::Form) }
            }
            Self::Email => text.parse::<Email>().map(|email| email.to_string()),
            Self::Orcid => text.parse::<Orcid>().map(|orcid| orcid.to_string()),
            Self::Country => {
                let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
                if is_code { Ok(text.to_owned()) } else { Err(TextError::Form) }
            }
            Self::File { types, max_size } => {
                let file: FileAnswer = text.parse()?;
                if file.size > *max_size {
                    return Err(TextError::TooLarge(*max_size));
                }
                if types.contains(&file.file_type) { Ok(file.to_string()) } else { Err(TextError::Form) }
            }
        }
    }

    /// Checks an answer that may still be empty.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_if_given(&self, text: &str) -> Result<(), TextError> {
        if text.is_empty() { Ok(()) } else { self.check(text).map(drop) }
    }

    fn one_of(&self, text: &str) -> Result<String, TextError> {
        let values = self.values().unwrap_or_default();
        if values.contains(&text) { Ok(text.to_owned()) } else { Err(TextError::Form) }
    }
}
