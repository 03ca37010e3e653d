//! Answers: as far as they were filled in, and checked.

use std::collections::BTreeMap;

use super::{FileAnswer, Question};
use crate::domain::project::{ProjectForm, draft_answers};
use crate::domain::text::{Sha256, TextError};

/// Answers by question id, as typed; a checkbox that is ticked is `yes`, several options stand one a line.
pub type Answers = BTreeMap<String, String>;

/// Answers as far as they were filled in: only to what is asked, with nothing checked but that they can be stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftAnswers {
    answers: Answers,
    files: Vec<FileAnswer>,
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

/// The longest answer that a draft keeps, in characters.
const DRAFT_MAX: usize = 20_000;

/// What a draft keeps of what was typed.
fn kept(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(DRAFT_MAX).collect()
}

impl DraftAnswers {
    /// Takes the answers that were typed, by question id; what comes several times under one id stands one a line. Empty ones,
    /// answers to anything else, and what is no file where one is asked for, are dropped.
    pub fn parse<'a, 'q>(
        questions: impl Iterator<Item = &'q Question>,
        typed: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let asked: Vec<&Question> = questions.collect();
        let is_asked = |id: &str| asked.iter().any(|question| question.id.as_str() == id);
        let mut answers = Answers::new();
        for (id, text) in typed.filter(|(id, text)| is_asked(id) && !text.trim().is_empty()) {
            let answer = answers.entry(id.to_owned()).or_default();
            if !answer.is_empty() {
                answer.push('\n');
            }
            answer.push_str(&kept(text));
        }
        // Whatever is there instead of a file was not typed.
        let is_file = |id: &str, answer: &str| {
            let asks_for_file = asked.iter().any(|question| question.id.as_str() == id && question.asks_for_file());
            !asks_for_file || answer.parse::<FileAnswer>().is_ok()
        };
        answers.retain(|id, answer| is_file(id, answer));
        let files = files(asked.into_iter(), &answers);
        Self { answers, files, based_on: None }
    }

    /// The files among the answers.
    pub fn files(&self) -> &[FileAnswer] {
        &self.files
    }

    /// With what was typed about the project.
    #[must_use]
    pub fn with_project(mut self, form: &ProjectForm) -> Self {
        self.answers.extend(draft_answers(form).into_iter().map(|(name, text)| (name, kept(&text))));
        self
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

/// The files among the answers to questions.
pub fn files<'q>(questions: impl Iterator<Item = &'q Question>, answers: &Answers) -> Vec<FileAnswer> {
    let given = questions.filter(|question| question.asks_for_file());
    given.filter_map(|question| answers.get(question.id.as_str())?.parse().ok()).collect()
}

/// Whether a question is asked after these answers, which hold those to questions that are asked.
pub fn is_asked(question: &Question, answers: &Answers) -> bool {
    question.only_if.as_ref().is_none_or(|condition| {
        let given = answers.get(condition.question.as_str());
        given.is_some_and(|given| given.lines().any(|given| condition.is.iter().any(|wanted| wanted == given)))
    })
}

/// Checks and trims the answers to questions, in their order. Answers to other questions, and to those that are not asked after
/// these answers, are dropped.
///
/// # Errors
/// The error in each wrong answer, by question id.
pub fn check_answers<'q>(
    questions: impl Iterator<Item = &'q Question>,
    given: &Answers,
) -> Result<Answers, BTreeMap<String, TextError>> {
    let mut answers = Answers::new();
    let mut errors = BTreeMap::new();
    for question in questions {
        if !is_asked(question, &answers) {
            continue;
        }
        let id = question.id.as_str();
        let text = given.get(id).map_or("", |text| text.trim());
        if text.is_empty() {
            if question.required {
                errors.insert(id.to_owned(), TextError::Empty);
            }
            continue;
        }
        match question.kind.check(text) {
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

#[cfg(test)]
mod tests {
    use super::super::{ChoiceOption, Condition, FileType, QuestionKind};
    use super::*;
    use crate::domain::localised::Localised;

    fn question(id: &str, kind: QuestionKind) -> Question {
        let id = id.parse().unwrap();
        Question { id, label: Localised::default(), hint: None, required: true, only_if: None, kind }
    }

    fn options(values: &[&str]) -> Vec<ChoiceOption> {
        values.iter().map(|value| ChoiceOption { value: (*value).to_owned(), label: Localised::default() }).collect()
    }

    fn given(pairs: &[(&str, &str)]) -> Answers {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn each_wrong_answer_is_named() {
        let questions = [
            question("purpose", QuestionKind::Long { min_length: 10 }),
            question("when", QuestionKind::Date),
            question("commercial", QuestionKind::Choice { options: options(&["no"]) }),
            question("team", QuestionKind::Short),
            question("ways", QuestionKind::Several { options: options(&["train", "test", "teach"]) }),
            question("size", QuestionKind::Number { min: Some(1), max: Some(20) }),
            question("contact", QuestionKind::Email),
            question("orcid", QuestionKind::Orcid),
            question("country", QuestionKind::Country),
            question("ethics", QuestionKind::YesNo),
        ];
        let wrong = given(&[
            ("purpose", "Training."),
            ("when", "2026-02-30"),
            ("commercial", "perhaps"),
            ("x", "y"),
            ("ways", "train\nsell"),
            ("size", "21"),
            ("contact", "nobody"),
            ("orcid", "0000-0002-1825-0098"),
            ("country", "Taiwan"),
            ("ethics", "maybe"),
        ]);
        let errors = check_answers(questions.iter(), &wrong).unwrap_err();
        assert_eq!(errors["purpose"], TextError::TooShort(10));
        assert_eq!(errors["team"], TextError::Empty);
        for id in ["when", "commercial", "ways", "size", "contact", "orcid", "country", "ethics"] {
            assert_eq!(errors.get(id), Some(&TextError::Form), "{id}");
        }
        let right = given(&[
            ("purpose", "胸部X光影像標註雜訊方法比較研究"),
            ("when", "2026-02-28"),
            ("commercial", "no"),
            ("team", " us "),
            ("x", "y"),
            ("ways", "teach\ntrain\nteach"),
            ("size", "020"),
            ("contact", "a@example.org"),
            ("orcid", "https://orcid.org/0000-0002-1825-0097"),
            ("country", "TW"),
            ("ethics", "yes"),
        ]);
        let answers = check_answers(questions.iter(), &right).unwrap();
        assert_eq!(answers["team"], "us");
        assert!(!answers.contains_key("x"), "what was not asked is not kept");
        assert_eq!(answers["ways"], "train\nteach");
        assert_eq!(answers["size"], "20");
        assert_eq!(answers["orcid"], "0000-0002-1825-0097");
    }

    #[test]
    fn a_question_is_asked_only_where_its_condition_holds() {
        let condition = |question: &str, is: &str| {
            Some(Condition { question: question.parse().unwrap(), is: vec![is.to_owned(), "other".to_owned()] })
        };
        let questions = [
            question("commercial", QuestionKind::YesNo),
            Question {
                only_if: condition("commercial", "yes"),
                ..question("ways", QuestionKind::Several { options: options(&["sell", "rent"]) })
            },
            Question {
                only_if: condition("ways", "sell"),
                ..question("price", QuestionKind::Number { min: None, max: None })
            },
        ];
        let check = |pairs: &[(&str, &str)]| check_answers(questions.iter(), &given(pairs));
        // What is left over from another answer is neither asked nor kept, however deep.
        let no = check(&[("commercial", "no"), ("ways", "sell"), ("price", "wrong")]).unwrap();
        assert_eq!(no, given(&[("commercial", "no")]));
        assert_eq!(check(&[("commercial", "yes")]).unwrap_err()["ways"], TextError::Empty);
        assert!(check(&[("commercial", "yes"), ("ways", "rent"), ("price", "wrong")]).is_ok());
        assert!(check(&[("commercial", "yes"), ("ways", "rent\nsell"), ("price", "wrong")]).is_err());
    }

    #[test]
    fn a_draft_keeps_what_was_asked_and_can_be_stored() {
        let questions = [question("purpose", QuestionKind::Long { min_length: 10 })];
        let long = "x".repeat(30_000);
        let draft = |typed: &[(&str, &str)]| DraftAnswers::parse(questions.iter(), typed.iter().copied());
        let first = draft(&[("purpose", "a\u{0}b\r\n\tc"), ("other", "y")]);
        assert_eq!(first.answers(), &given(&[("purpose", "ab\n\tc")]));
        assert_eq!(draft(&[("purpose", long.as_str())]).answers()["purpose"].len(), 20_000);
        assert!(draft(&[("purpose", " ")]).answers().is_empty());
        assert_eq!(draft(&[("purpose", "a"), ("purpose", "b")]).answers()["purpose"], "a\nb");
        let letter = QuestionKind::File { types: vec![FileType::Pdf], max_size: 1 };
        let questions = [question("letter", letter), question("purpose", QuestionKind::Short)];
        let file = format!("{} text 44 {} a.txt", uuid::Uuid::nil(), Sha256::of(b""));
        let typed = [("letter", file.as_str()), ("purpose", file.as_str())];
        let draft = DraftAnswers::parse(questions.iter(), typed.into_iter());
        assert_eq!((draft.answers().len(), draft.files().len()), (2, 1), "also one that will not be taken");
        assert!(DraftAnswers::parse(questions.iter(), [("letter", "none")].into_iter()).answers().is_empty());
    }
}
