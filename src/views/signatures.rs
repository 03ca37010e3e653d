//! A signature with everything that it binds: the text, the answers, the record, and its place in the log.

use std::borrow::Cow;

use super::text_changes::{Piece, word_changes};
use crate::domain::access_request::rules::may_read_case;
use crate::domain::agreement::{AgreementText, AgreementVersion, Question, QuestionKind};
use crate::domain::dataset::Dataset;
use crate::domain::ids::{PersonId, SignatureId};
use crate::domain::text::{Language, Sha256};
use crate::l10n;
use crate::log::merkle::HashSource;
use crate::store::log::TreeReader;
use crate::store::signatures::{self, StoredSignature};
use crate::store::{AnyConnection, RequestFacts, Result, agreements};

/// A question with its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnsweredQuestion {
    question: Question,
    answer: String,
    /// The answer in the round before, if there was one.
    earlier: Option<String>,
}

impl AnsweredQuestion {
    /// The question.
    pub fn label(&self, language: Language) -> &str {
        self.question.label.text(language)
    }

    /// The answer as people read it.
    pub fn answer(&self, language: Language) -> Cow<'_, str> {
        self.shown(&self.answer, language)
    }

    /// What changed since the round before, if anything did.
    pub fn changes(&self, language: Language) -> Vec<Piece> {
        let Some(earlier) = &self.earlier else { return Vec::new() };
        word_changes(&self.shown(earlier, language), &self.shown(&self.answer, language))
    }

    fn shown<'a>(&'a self, answer: &'a str, language: Language) -> Cow<'a, str> {
        match &self.question.kind {
            QuestionKind::Choice { options } => {
                let chosen = options.iter().find(|option| option.value == answer);
                Cow::Borrowed(chosen.map_or(answer, |option| option.label.text(language)))
            }
            QuestionKind::Checkbox if answer.is_empty() => Cow::Borrowed(""),
            QuestionKind::Checkbox => Cow::Owned(l10n::say(language, "answer-ticked", &[])),
            QuestionKind::Short | QuestionKind::Long { .. } | QuestionKind::Date => Cow::Borrowed(answer),
        }
    }
}

/// What was signed, as a whole.
#[derive(Clone, Debug)]
pub struct SignedDocument {
    /// The record and its place in the log.
    pub signature: StoredSignature,
    /// The dataset that was asked for.
    pub dataset: Dataset,
    /// The version that was signed.
    pub version: AgreementVersion,
    /// The text that was signed.
    pub text: AgreementText,
    /// The questions and their answers.
    pub answers: Vec<AnsweredQuestion>,
    /// The leaf hash of its event.
    pub leaf: Sha256,
    /// The newest checkpoint of the log, a signed note.
    pub checkpoint: String,
    /// Whether it is the reader's own.
    pub is_own: bool,
}

/// The answers under a signature, with the questions as they were asked, beside those of the round before.
///
/// # Errors
/// When the database fails.
pub fn answered(conn: &mut AnyConnection, signature: &StoredSignature) -> Result<Vec<AnsweredQuestion>> {
    let version = agreements::version(conn, signature.record.agreement.version_id)?;
    let before = signatures::before(conn, signature)?;
    Ok(version.map_or(Vec::new(), |version| with_answers(&version, signature, before.as_ref())))
}

fn with_answers(
    version: &AgreementVersion,
    signature: &StoredSignature,
    before: Option<&StoredSignature>,
) -> Vec<AnsweredQuestion> {
    let answer_in = |signature: &StoredSignature, question: &Question| {
        signature.record.signer.answers.get(question.id.as_str()).cloned().unwrap_or_default()
    };
    let answered = |question: &Question| {
        let answer = answer_in(signature, question);
        let earlier = before.map(|before| answer_in(before, question));
        // One that is empty now is shown where it was not before.
        let is_empty = answer.is_empty() && earlier.as_ref().is_none_or(String::is_empty);
        (!is_empty).then(|| AnsweredQuestion { question: question.clone(), answer, earlier })
    };
    version.questions.iter().filter_map(answered).collect()
}

/// What was signed, for the signer and for those who may read the request as reviewers do; `None` for everybody else.
///
/// # Errors
/// When the database fails.
pub fn signed_document(conn: &mut AnyConnection, id: SignatureId, reader: PersonId) -> Result<Option<SignedDocument>> {
    let Some(signature) = signatures::by_id(conn, id)? else { return Ok(None) };
    let Some(facts) = RequestFacts::of_request(conn, signature.record.request, reader)? else { return Ok(None) };
    let is_own = signature.record.signer.person == reader;
    let may_read = facts.request().is_some_and(|request| may_read_case(&facts.actor, &facts.reviewers, request));
    if !is_own && !may_read {
        return Ok(None);
    }
    let Some(version) = agreements::version(conn, signature.record.agreement.version_id)? else { return Ok(None) };
    let Some(text) = version.text(signature.record.agreement.language).cloned() else { return Ok(None) };
    let answers = with_answers(&version, &signature, None);
    let mut tree = TreeReader::new(conn)?;
    let checkpoint = tree.head().checkpoint.clone();
    let leaf = tree.subtree(0, signature.event_index)?;
    let dataset = facts.dataset;
    Ok(Some(SignedDocument { signature, dataset, version, text, answers, leaf, checkpoint, is_own }))
}
