//! Agreements: versions that never change once published, their questions, and checking the answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::dataset::Localised;
use super::ids::{AgreementId, VersionId};
use super::text::{Language, Sha256, Slug, TextError, many_lines, one_line};

/// A published version of an agreement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementVersion {
    /// Its id.
    pub id: VersionId,
    /// The agreement it is a version of.
    pub agreement: AgreementId,
    /// The agreement's name at the command line.
    pub slug: Slug,
    /// 1, 2, 3 …
    pub number: u32,
    /// The agreement's title.
    pub title: Localised,
    /// The exact words the signer agrees to.
    pub statement: Localised,
    /// The exact words by which the signer consents to sign electronically.
    pub consent: Localised,
    /// What the applicant is asked.
    pub questions: Vec<Question>,
    /// One text a language.
    pub texts: Vec<AgreementText>,
    /// When it was published.
    pub published_at: Instant,
}

/// The text of a version in one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementText {
    /// The language.
    pub language: Language,
    /// Markdown, exactly as signed.
    pub body: String,
    /// Of the bytes of `body`.
    pub sha256: Sha256,
}

impl AgreementVersion {
    /// The text in the wanted language, or the first there is. A version is published with at least one.
    pub fn text(&self, wanted: Language) -> Option<&AgreementText> {
        self.texts.iter().find(|text| text.language == wanted).or_else(|| self.texts.first())
    }
}

/// What kind of answer a question takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum QuestionKind {
    /// One line.
    Short,
    /// Several lines.
    Long {
        /// Fewest characters, so that a reviewer can judge; 0 for no limit.
        #[serde(default)]
        min_length: usize,
    },
    /// One of several.
    Choice {
        /// What there is to choose from.
        options: Vec<ChoiceOption>,
    },
    /// Yes, or nothing.
    Checkbox,
    /// A calendar date.
    Date,
}

/// One thing to choose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub label: Localised,
}

/// A question to the applicant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Question {
    /// Its name in forms and records.
    pub id: Slug,
    /// What is asked.
    pub label: Localised,
    /// A hint under it.
    #[serde(default)]
    pub hint: Option<Localised>,
    /// Whether it must be answered.
    #[serde(default)]
    pub required: bool,
    /// What kind of answer it takes.
    #[serde(flatten)]
    pub kind: QuestionKind,
}

impl Question {
    /// The hint, or nothing.
    pub fn hint_text(&self, wanted: Language) -> &str {
        self.hint.as_ref().map_or("", |hint| hint.text(wanted))
    }
}

/// Answers by question id, as typed; a checkbox that is ticked is `yes`.
pub type Answers = BTreeMap<String, String>;

/// Longest answer on one line, in characters.
pub const SHORT_MAX: usize = 300;
/// Longest answer in several lines, in characters.
pub const LONG_MAX: usize = 10_000;

/// Checks and tidies the answers to `questions`. Answers to anything else are dropped.
///
/// # Errors
/// What is wrong with each answer that is wrong, by question id.
pub fn check_answers(questions: &[Question], given: &Answers) -> Result<Answers, BTreeMap<String, TextError>> {
    let mut answers = Answers::new();
    let mut errors = BTreeMap::new();
    for question in questions {
        let id = question.id.as_str();
        let text = given.get(id).map_or("", |text| text.trim());
        if text.is_empty() {
            if question.required {
                errors.insert(id.to_owned(), TextError::Empty);
            }
            continue;
        }
        match check_answer(&question.kind, text) {
            Ok(answer) => {
                answers.insert(id.to_owned(), answer);
            }
            Err(error) => {
                errors.insert(id.to_owned(), error);
            }
        }
    }
    if errors.is_empty() { Ok(answers) } else { Err(errors) }
}

fn check_answer(kind: &QuestionKind, text: &str) -> Result<String, TextError> {
    match kind {
        QuestionKind::Short => one_line(text, SHORT_MAX),
        QuestionKind::Long { min_length } => {
            let text = many_lines(text, LONG_MAX)?;
            if text.chars().count() < *min_length { Err(TextError::TooShort(*min_length)) } else { Ok(text) }
        }
        QuestionKind::Choice { options } => {
            options.iter().find(|option| option.value == text).map(|option| option.value.clone()).ok_or(TextError::Form)
        }
        QuestionKind::Checkbox => {
            if text == "yes" {
                Ok(text.to_owned())
            } else {
                Err(TextError::Form)
            }
        }
        QuestionKind::Date => {
            text.parse::<jiff::civil::Date>().map(|date| date.to_string()).map_err(|_| TextError::Form)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(id: &str, kind: QuestionKind) -> Question {
        Question { id: id.parse().unwrap(), label: Localised::default(), hint: None, required: true, kind }
    }

    #[test]
    fn each_wrong_answer_is_named() {
        let choice = ChoiceOption { value: "no".into(), label: Localised::default() };
        let questions = [
            question("purpose", QuestionKind::Long { min_length: 10 }),
            question("when", QuestionKind::Date),
            question("commercial", QuestionKind::Choice { options: vec![choice] }),
            question("team", QuestionKind::Short),
        ];
        let given = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let wrong = given(&[("purpose", "Training."), ("when", "2026-02-30"), ("commercial", "perhaps"), ("x", "y")]);
        let errors = check_answers(&questions, &wrong).unwrap_err();
        assert_eq!(errors["purpose"], TextError::TooShort(10));
        assert_eq!(errors["when"], TextError::Form);
        assert_eq!(errors["commercial"], TextError::Form);
        assert_eq!(errors["team"], TextError::Empty);
        let right = given(&[
            ("purpose", "胸部X光影像標註雜訊方法比較研究"),
            ("when", "2026-02-28"),
            ("commercial", "no"),
            ("team", " us "),
            ("x", "y"),
        ]);
        let answers = check_answers(&questions, &right).unwrap();
        assert_eq!(answers["team"], "us");
        assert!(!answers.contains_key("x"), "what was not asked is not kept");
    }
}
