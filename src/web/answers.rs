//! Answers in the reader's language.

use std::borrow::Cow;

use super::page::Page;
use crate::domain::agreement::{Question, QuestionKind};
use crate::views::signatures::{AnsweredQuestion, EarlierAnswer};
use crate::views::text_changes::Piece;

impl Page {
    /// An answer as people read it.
    pub fn answer<'a>(&self, question: &'a Question, answer: &'a str) -> Cow<'a, str> {
        match &question.kind {
            QuestionKind::Choice { options } => {
                let chosen = options.iter().find(|option| option.value == answer);
                Cow::Borrowed(chosen.map_or(answer, |option| option.label.text(self.language)))
            }
            QuestionKind::Checkbox if answer.is_empty() => Cow::Borrowed(""),
            QuestionKind::Checkbox => Cow::Owned(self.text("answer-ticked")),
            QuestionKind::Short | QuestionKind::Long { .. } | QuestionKind::Date => Cow::Borrowed(answer),
        }
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
}
