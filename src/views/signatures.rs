//! A signature with everything that it binds: the text, the answers, the record, and its place in the log.

use super::text_changes::{Piece, word_changes};
use crate::domain::access_request::rules::may_read_case;
use crate::domain::agreement::{AgreementText, AgreementVersion, Question, QuestionKind};
use crate::domain::dataset::Dataset;
use crate::domain::ids::{PersonId, SignatureId};
use crate::domain::text::{Language, Sha256};
use crate::log::merkle::HashSource;
use crate::store::log::TreeReader;
use crate::store::signatures::{self, StoredSignature};
use crate::store::{AnyConnection, RequestFacts, Result, agreements};

/// A question with its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnsweredQuestion {
    question: Question,
    answer: String,
    /// What changed since an earlier round, if anything did.
    pub changes: Vec<Piece>,
}

impl AnsweredQuestion {
    /// Compares with the answer under an earlier signature.
    pub fn compare(&mut self, before: &StoredSignature) {
        let earlier = before.record.signer.answers.get(self.question.id.as_str()).map_or("", String::as_str);
        self.changes = word_changes(earlier, &self.answer);
    }

    /// The question.
    pub fn label(&self, language: Language) -> &str {
        self.question.label.text(language)
    }

    /// The answer as people read it.
    pub fn answer(&self, language: Language) -> &str {
        match &self.question.kind {
            QuestionKind::Choice { options } => options
                .iter()
                .find(|option| option.value == self.answer)
                .map_or(&self.answer, |option| option.label.text(language)),
            QuestionKind::Checkbox => match language {
                Language::English => "Yes",
                Language::TraditionalChinese => "是",
            },
            QuestionKind::Short | QuestionKind::Long { .. } | QuestionKind::Date => &self.answer,
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

/// The answers under a signature, with the questions as they were asked.
///
/// # Errors
/// When the database fails.
pub fn answered(conn: &mut AnyConnection, signature: &StoredSignature) -> Result<Vec<AnsweredQuestion>> {
    let version = agreements::version(conn, signature.record.agreement.version_id)?;
    Ok(version.map_or(Vec::new(), |version| with_answers(&version, signature)))
}

fn with_answers(version: &AgreementVersion, signature: &StoredSignature) -> Vec<AnsweredQuestion> {
    let given = &signature.record.signer.answers;
    let answered = |question: &Question| {
        let answer = given.get(question.id.as_str())?.clone();
        Some(AnsweredQuestion { question: question.clone(), answer, changes: Vec::new() })
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
    let answers = with_answers(&version, &signature);
    let mut tree = TreeReader::new(conn)?;
    let checkpoint = tree.head().checkpoint.clone();
    let leaf = tree.subtree(0, signature.event_index)?;
    let dataset = facts.dataset;
    Ok(Some(SignedDocument { signature, dataset, version, text, answers, leaf, checkpoint, is_own }))
}
