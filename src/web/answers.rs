//! Questions and answers in the reader's language.

use std::borrow::Cow;

use super::page::Page;
use crate::domain::Refusal;
use crate::domain::form::{Condition, FileAnswer, FileType, FormVersion, Question, QuestionKind};
use crate::domain::text::TextError;
use crate::views::signatures::{AnsweredQuestion, EarlierAnswer};
use crate::views::text_changes::Piece;
use crate::web::error::Fault;
use crate::web::file_forms::{Faults, LOST_FIELD};
use crate::web::forms::{Form, text_error};

/// The name of a question's field.
pub fn field(question: &Question) -> String {
    format!("answer-{}", question.id)
}

/// The name of the field in which a file is chosen. The question's own field has the file that was given before.
pub fn file_field(question: &Question) -> String {
    format!("upload-{}", question.id)
}

/// The name of the box that takes a file back.
pub fn removal_field(question: &Question) -> String {
    format!("remove-{}", question.id)
}

/// Takes the files that came with a form as answers, or takes back those that were given before. What can't be an answer is said
/// beside its question, and let go.
pub fn take_files(page: &Page, form: &mut Form, asked: &FormVersion, faults: &Faults) {
    for question in asked.file_questions() {
        let (own, chosen) = (field(question), file_field(question));
        let file = form.get(&chosen).to_owned();
        let fault = faults.iter().find(|(field, _)| *field == chosen).map(|(_, fault)| *fault);
        let (is_lost, is_removed) = (form.chose(LOST_FIELD, &chosen), form.chose(&removal_field(question), "yes"));
        form.forget(&chosen);
        form.forget(&removal_field(question));
        if let Some(fault) = fault {
            let message = match fault {
                Fault::Text(error) => page.answer_error(question, error),
                Fault::Message(key) => page.in_answer(question, &page.text(key)),
            };
            form.fail(&own, message);
        } else if is_lost {
            form.fail(&own, page.in_answer(question, &page.text("error-file-lost")));
        } else if let Err(error) = question.kind.check_if_given(&file) {
            // What was given before stays.
            form.fail(&own, page.answer_error(question, error));
        } else if !file.is_empty() {
            form.set(&own, &file);
        } else if is_removed {
            form.forget(&own);
        }
        if let Err(error) = question.kind.check_if_given(form.get(&own)) {
            form.fail(&own, page.answer_error(question, error));
            form.forget(&own);
        }
    }
    form.forget(LOST_FIELD);
}

/// Lets the files go that were given as answers, of which one is no longer there.
pub fn forget_files(page: &Page, form: &mut Form, asked: &FormVersion) {
    for question in asked.file_questions() {
        let own = field(question);
        if !form.get(&own).is_empty() {
            form.fail(&own, page.in_answer(question, &page.text(Refusal::NoSuchFile.key())));
            form.forget(&own);
        }
    }
}

/// Fills in an answer.
pub fn fill_in(form: &mut Form, question: &Question, answer: &str) {
    match question.kind {
        QuestionKind::Several { .. } => answer.lines().for_each(|value| form.add(&field(question), value)),
        _ => form.set(&field(question), answer),
    }
}

impl Page {
    /// The name of a question's field.
    pub fn question_field(&self, question: &Question) -> String {
        field(question)
    }

    /// The question, and that it may be left empty.
    pub fn question_label(&self, question: &Question) -> String {
        let label = question.label.text(self.language);
        if question.required { label.to_owned() } else { self.text_with("answer-optional", "question", label) }
    }

    /// A hint under the question.
    pub fn question_hint<'a>(&self, question: &'a Question) -> &'a str {
        question.hint_text(self.language)
    }

    /// The id of an option: the first has its question's, where the summary of errors leads.
    pub fn option_id(&self, name: &str, place: usize) -> String {
        if place == 1 { name.to_owned() } else { format!("{name}-{place}") }
    }

    /// After which answers the question is asked.
    pub fn only_if(&self, form: &FormVersion, condition: &Condition) -> String {
        let Some(asked) = form.questions().find(|question| question.id == condition.question) else {
            return String::new();
        };
        let answers: Vec<_> = condition.is.iter().map(|answer| self.answer(asked, answer).into_owned()).collect();
        let label = asked.label.text(self.language);
        self.text_with_two("question-only-if", "question", label, "answers", answers.join(&self.text("list-or")))
    }

    /// The countries, in the order in which they are listed: code, name.
    pub fn countries(&self) -> Vec<(String, String)> {
        let codes = self.text("countries");
        codes.split(' ').map(|code| (code.to_owned(), self.text(format!("country-{code}")))).collect()
    }

    /// An answer as people read it.
    pub fn answer<'a>(&self, question: &'a Question, answer: &'a str) -> Cow<'a, str> {
        match &question.kind {
            QuestionKind::Choice { options } | QuestionKind::Several { options } => {
                let shown = |value: &'a str| {
                    let chosen = options.iter().find(|option| option.value == value);
                    chosen.map_or(value, |option| option.label.text(self.language))
                };
                let chosen: Vec<&str> = answer.lines().map(shown).collect();
                Cow::Owned(chosen.join("\n"))
            }
            QuestionKind::YesNo if !answer.is_empty() => Cow::Owned(self.text(format!("answer-{answer}"))),
            QuestionKind::Checkbox if !answer.is_empty() => Cow::Owned(self.text("answer-ticked")),
            QuestionKind::Country if crate::l10n::has(self.language, &format!("country-{answer}")) => {
                Cow::Owned(self.text(format!("country-{answer}")))
            }
            QuestionKind::File { .. } => match answer.parse::<FileAnswer>() {
                Ok(file) => {
                    let hash = self.short_hash(&file.sha256);
                    Cow::Owned(format!("{} ({}, {hash})", file.name.as_str(), self.file_facts(&file)))
                }
                Err(_) => Cow::Borrowed(answer),
            },
            _ => Cow::Borrowed(answer),
        }
    }

    /// The type and size of a file.
    pub fn file_facts(&self, file: &FileAnswer) -> String {
        format!("{}, {}", self.text(format!("file-type-{}", file.file_type)), self.size(file.size))
    }

    /// The file that was given as an answer already.
    pub fn given_file(&self, form: &Form, question: &Question) -> Option<FileAnswer> {
        form.get(&field(question)).parse().ok()
    }

    /// Which files a question takes.
    pub fn files_taken(&self, types: &[FileType], max_size: &u64) -> String {
        self.text_with_two("answer-file-hint", "types", self.type_names(types), "size", self.size(*max_size))
    }

    /// The endings of the names of such files, for the browser's dialog.
    #[expect(clippy::unused_self, reason = "templates call it beside the others")]
    pub fn endings(&self, types: &[FileType]) -> String {
        types.iter().flat_map(|one| one.endings()).copied().collect::<Vec<_>>().join(",")
    }

    fn type_names(&self, types: &[FileType]) -> String {
        let names: Vec<_> = types.iter().map(|one| self.text(format!("file-type-{one}"))).collect();
        names.join(&self.text("list-comma"))
    }

    /// The name of the field in which a file is chosen.
    pub fn file_field(&self, question: &Question) -> String {
        file_field(question)
    }

    /// The name of the box that takes a file back.
    pub fn removal_field(&self, question: &Question) -> String {
        removal_field(question)
    }

    /// What changed in an answer since the round before; empty when nothing did.
    pub fn answer_changes(&self, answered: &AnsweredQuestion) -> Vec<Piece> {
        match &answered.earlier {
            None => Vec::new(),
            Some(EarlierAnswer::Typed(pieces)) => pieces.clone(),
            Some(EarlierAnswer::Chosen(earlier)) => {
                let shown = |answer| self.answer(&answered.question, answer).into_owned();
                let pieces = [Piece::Removed(shown(earlier)), Piece::Added(shown(&answered.answer))];
                pieces.into_iter().filter(|piece| !piece.is_empty()).collect()
            }
        }
    }

    /// What is wrong with an answer, with the question.
    pub fn answer_error(&self, question: &Question, error: TextError) -> String {
        let what = match (&question.kind, error) {
            (QuestionKind::Long { .. }, TextError::TooShort(least)) => {
                self.count_text("error-answer-too-short", least as u64)
            }
            (QuestionKind::Number { min, max }, TextError::Form) => self.number_error(*min, *max),
            (
                QuestionKind::Choice { .. }
                | QuestionKind::Several { .. }
                | QuestionKind::YesNo
                | QuestionKind::Country,
                _,
            ) => self.text("error-answer-choose"),
            (QuestionKind::File { .. }, TextError::Empty) => self.text("error-answer-file"),
            (QuestionKind::File { types, .. }, TextError::Form) => {
                self.text_with("error-answer-file-type", "types", self.type_names(types))
            }
            (QuestionKind::File { max_size, .. }, TextError::TooLarge(_)) => {
                self.text_with("error-too-large", "size", self.size(*max_size))
            }
            (QuestionKind::Date, _) => self.text("error-answer-date"),
            (QuestionKind::Checkbox, _) => self.text("error-answer-tick"),
            (QuestionKind::Email, TextError::Form) => self.text("error-answer-email"),
            (QuestionKind::Orcid, TextError::Form) => self.text("error-answer-orcid"),
            (_, error) => text_error(self, "answer", error),
        };
        self.in_answer(question, &what)
    }

    /// What is wrong, with the question.
    fn in_answer(&self, question: &Question, what: &str) -> String {
        self.text_with_two("error-in-answer", "question", question.label.text(self.language), "what", what)
    }

    fn number_error(&self, min: Option<i64>, max: Option<i64>) -> String {
        let shown = |bound: Option<i64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
        let key = match (min, max) {
            (None, None) => "error-answer-number",
            (Some(_), None) => "error-answer-number-from",
            (None, Some(_)) => "error-answer-number-to",
            (Some(_), Some(_)) => "error-answer-number-between",
        };
        self.text_with_two(key, "min", shown(min), "max", shown(max))
    }
}
