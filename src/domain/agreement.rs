//! Agreements: versions that never change once published, their questions, and checking the answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
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
    /// The questions to the applicant.
    pub questions: Vec<Question>,
    /// The texts, one for each language.
    pub texts: Vec<AgreementText>,
    /// When it was published.
    pub published_at: Timestamp,
}

/// The text of a version in one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementText {
    /// The language.
    pub language: Language,
    /// Markdown, exactly as signed.
    pub body: String,
    /// The SHA-256 hash of `body`.
    pub sha256: Sha256,
}

impl AgreementVersion {
    /// The text in the wanted language, or the first there is. A version is published with at least one.
    pub fn text(&self, wanted: Language) -> Option<&AgreementText> {
        self.texts.iter().find(|text| text.language == wanted).or_else(|| self.texts.first())
    }
}

/// The description of an agreement's version, from a file or a form.
#[derive(Clone, Debug)]
pub struct AgreementDescription {
    /// The agreement's name.
    pub slug: Slug,
    /// Its title.
    pub title: Localised,
    /// The exact words the signer agrees to.
    pub statement: Localised,
    /// The exact words by which the signer consents to sign electronically.
    pub consent: Localised,
    /// The questions to the applicant.
    pub questions: Vec<Question>,
    /// The text in each language, Markdown.
    pub texts: BTreeMap<Language, String>,
}

/// Why a version can't be published. A published version never changes, so mistakes are refused beforehand.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AgreementError {
    /// There is no text in any language.
    #[error("texts: at least one language is needed")]
    NoText,
    /// A text is empty.
    #[error("texts.{}: the text is empty", .0.tag())]
    EmptyText(Language),
    /// A field is missing in a language that has a text.
    #[error("{field}: {} is missing, in which there is a text", .language.tag())]
    MissingLanguage {
        /// The missing field.
        field: &'static str,
        /// The language in which it is missing.
        language: Language,
    },
    /// Two questions have one id.
    #[error("questions: {0} is there twice")]
    QuestionTwice(Slug),
    /// A choice question has fewer than two distinct options.
    #[error("questions: {0} needs at least two options, each with a value of its own")]
    Options(Slug),
}

/// A version of an agreement that may be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAgreementVersion {
    slug: Slug,
    title: Localised,
    statement: Localised,
    consent: Localised,
    questions: Vec<Question>,
    texts: Vec<AgreementText>,
}

impl NewAgreementVersion {
    /// Checks a description.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(description: AgreementDescription) -> Result<Self, AgreementError> {
        let AgreementDescription { slug, title, statement, consent, questions, texts } = description;
        if texts.is_empty() {
            return Err(AgreementError::NoText);
        }
        if let Some((language, _)) = texts.iter().find(|(_, body)| body.trim().is_empty()) {
            return Err(AgreementError::EmptyText(*language));
        }
        for (field, text) in [("title", &title), ("statement", &statement), ("consent", &consent)] {
            let missing = |language: &&Language| text.0.get(language).is_none_or(|text| text.trim().is_empty());
            if let Some(language) = texts.keys().find(missing) {
                return Err(AgreementError::MissingLanguage { field, language: *language });
            }
        }
        check_questions(&questions)?;
        let mut texts: Vec<_> = texts
            .into_iter()
            .map(|(language, body)| AgreementText { language, sha256: Sha256::of(body.as_bytes()), body })
            .collect();
        texts.sort_by_key(|text| text.language.tag());
        Ok(Self { slug, title, statement, consent, questions, texts })
    }

    /// The agreement's name.
    pub const fn slug(&self) -> &Slug {
        &self.slug
    }

    /// Whether a published version says the same.
    pub fn is_same_as(&self, version: &AgreementVersion) -> bool {
        self.slug == version.slug
            && self.title == version.title
            && self.statement == version.statement
            && self.consent == version.consent
            && self.questions == version.questions
            && self.texts == version.texts
    }

    /// The version that this becomes after `last`.
    pub fn publish(
        self,
        id: VersionId,
        agreement: AgreementId,
        last: Option<&AgreementVersion>,
        now: Timestamp,
    ) -> AgreementVersion {
        let Self { slug, title, statement, consent, questions, texts } = self;
        let number = last.map_or(1, |last| last.number + 1);
        AgreementVersion { id, agreement, slug, number, title, statement, consent, questions, texts, published_at: now }
    }
}

fn check_questions(questions: &[Question]) -> Result<(), AgreementError> {
    for (n, question) in questions.iter().enumerate() {
        if questions[..n].iter().any(|earlier| earlier.id == question.id) {
            return Err(AgreementError::QuestionTwice(question.id.clone()));
        }
        if let QuestionKind::Choice { options } = &question.kind {
            let mut values: Vec<_> = options.iter().map(|option| option.value.trim()).collect();
            values.sort_unstable();
            values.dedup();
            if values.len() < 2 || values.len() != options.len() || values[0].is_empty() {
                return Err(AgreementError::Options(question.id.clone()));
            }
        }
    }
    Ok(())
}

/// The kind of answer that a question takes.
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
        /// The options to choose from.
        options: Vec<ChoiceOption>,
    },
    /// A box that is ticked or not.
    Checkbox,
    /// A calendar date.
    Date,
}

/// An option of a choice question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// The value that is stored.
    pub value: String,
    /// The label that is shown.
    pub label: Localised,
}

/// A question to the applicant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Question {
    /// Its name in forms and records.
    pub id: Slug,
    /// The text of the question.
    pub label: Localised,
    /// A hint under it.
    #[serde(default)]
    pub hint: Option<Localised>,
    /// Whether it must be answered.
    #[serde(default)]
    pub required: bool,
    /// The kind of answer that it takes.
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

/// Answers as far as they were filled in: only to what is asked, with nothing checked but that they can be stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftAnswers {
    answers: Answers,
    based_on: Option<Sha256>,
}

/// What a draft is known by: the SHA-256 hash of its answers.
pub fn fingerprint(answers: &Answers) -> Sha256 {
    let parts = answers.iter().flat_map(|(id, answer)| [id.as_str(), answer.as_str()]);
    let mut hashed = Vec::new();
    for part in parts {
        // With its length before it, so that no two drafts are the same bytes.
        hashed.extend_from_slice(&(part.len() as u64).to_be_bytes());
        hashed.extend_from_slice(part.as_bytes());
    }
    Sha256::of(&hashed)
}

impl DraftAnswers {
    /// The longest answer that is kept, in characters.
    const MAX: usize = 20_000;

    /// Takes the answers that were typed, by question id. Empty ones, and answers to anything else, are dropped.
    pub fn parse<'a>(questions: &[Question], typed: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let asked = |id: &str| questions.iter().any(|question| question.id.as_str() == id);
        let kept = |text: &str| -> String {
            text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(Self::MAX).collect()
        };
        let given = typed.filter(|(id, text)| asked(id) && !text.trim().is_empty());
        Self { answers: given.map(|(id, text)| (id.to_owned(), kept(text))).collect(), based_on: None }
    }

    /// With the [`fingerprint`] of the draft that the person was shown when they began to type.
    #[must_use]
    pub const fn based_on(mut self, fingerprint: Option<Sha256>) -> Self {
        self.based_on = fingerprint;
        self
    }

    /// Whether keeping these answers would undo what was saved elsewhere after the person was shown the draft.
    pub fn would_undo(&self, saved: &Answers) -> bool {
        self.answers != *saved && self.based_on.is_some_and(|shown| shown != fingerprint(saved))
    }

    /// The answers.
    pub const fn answers(&self) -> &Answers {
        &self.answers
    }
}

/// The maximum length of a one-line answer, in characters.
pub const SHORT_MAX: usize = 300;
/// The maximum length of an answer in several lines, in characters.
pub const LONG_MAX: usize = 10_000;

/// Checks and trims the answers to `questions`. Answers to other questions are dropped.
///
/// # Errors
/// The error in each wrong answer, by question id.
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

    type Bend = fn(&mut AgreementDescription);

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

    #[test]
    fn a_draft_keeps_what_was_asked_and_can_be_stored() {
        let questions = [question("purpose", QuestionKind::Long { min_length: 10 })];
        let long = "x".repeat(30_000);
        let typed = [("purpose", "a\u{0}b\r\n\tc"), ("other", "y"), ("purpose", long.as_str())];
        let first = DraftAnswers::parse(&questions, typed[..2].iter().copied());
        assert_eq!(first.answers(), &Answers::from([("purpose".to_owned(), "ab\n\tc".to_owned())]));
        assert_eq!(DraftAnswers::parse(&questions, typed[2..].iter().copied()).answers()["purpose"].len(), 20_000);
        assert!(DraftAnswers::parse(&questions, [("purpose", " ")].into_iter()).answers().is_empty());
    }

    fn description() -> AgreementDescription {
        let text = |text: &str| Localised(BTreeMap::from([(Language::English, text.to_owned())]));
        AgreementDescription {
            slug: "terms".parse().unwrap(),
            title: text("Terms"),
            statement: text("I accept."),
            consent: text("I consent."),
            questions: Vec::new(),
            texts: BTreeMap::from([(Language::English, "Be good.".to_owned())]),
        }
    }

    #[test]
    fn what_can_not_be_signed_or_answered_is_not_published() {
        assert!(NewAgreementVersion::parse(description()).is_ok());
        let bends: [(&str, Bend); 6] = [
            ("texts: at least one", |d| d.texts.clear()),
            ("texts.en: the text is empty", |d| drop(d.texts.insert(Language::English, " \n".into()))),
            ("title: zh-TW is missing", |d| drop(d.texts.insert(Language::TraditionalChinese, "好".into()))),
            ("consent: en is missing", |d| drop(d.consent.0.insert(Language::English, " ".into()))),
            ("questions: a1 is there twice", |d| {
                d.questions = vec![question("a1", QuestionKind::Short), question("a1", QuestionKind::Date)];
            }),
            ("questions: a1 needs at least two options", |d| {
                let option = ChoiceOption { value: "x".into(), label: Localised::default() };
                d.questions = vec![question("a1", QuestionKind::Choice { options: vec![option] })];
            }),
        ];
        for (wanted, bend) in bends {
            let mut bent = description();
            bend(&mut bent);
            let error = NewAgreementVersion::parse(bent).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
    }
}
