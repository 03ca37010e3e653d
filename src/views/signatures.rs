//! A signature with everything that it binds: the text, the answers, the record, and its place in the log.

use super::log_path::LogPath;
use super::text_changes::{Piece, word_changes};
use crate::domain::access_request::reading::may_read_signature;
use crate::domain::agreement::{AgreementText, AgreementVersion};
use crate::domain::dataset::Dataset;
use crate::domain::form::{FileAnswer, FormVersion, Question, QuestionKind};
use crate::domain::ids::{PersonId, SignatureId};
use crate::store::signatures::{self, StoredSignature};
use crate::store::{AnyConnection, RequestFacts, Result, agreements, forms};

/// A question with its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnsweredQuestion {
    /// The question.
    pub question: Question,
    /// The answer as it was given.
    pub answer: String,
    /// The answer in the round before, if there was one and it was another.
    pub earlier: Option<EarlierAnswer>,
}

/// What was answered in the round before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EarlierAnswer {
    /// Something typed: what changed since, word by word.
    Typed(Vec<Piece>),
    /// Something chosen or ticked, or a file.
    Chosen(String),
}

impl AnsweredQuestion {
    /// An answer beside that of the round before, if there was a round before.
    fn new(question: Question, answer: String, earlier: Option<String>) -> Self {
        let earlier = earlier.filter(|earlier| *earlier != answer).map(|earlier| match question.kind {
            QuestionKind::Choice { .. }
            | QuestionKind::Several { .. }
            | QuestionKind::YesNo
            | QuestionKind::Checkbox
            | QuestionKind::Country
            | QuestionKind::File { .. } => EarlierAnswer::Chosen(earlier),
            QuestionKind::Short
            | QuestionKind::Long { .. }
            | QuestionKind::Date
            | QuestionKind::Number { .. }
            | QuestionKind::Email
            | QuestionKind::Orcid => EarlierAnswer::Typed(word_changes(&earlier, &answer)),
        });
        Self { question, answer, earlier }
    }

    /// The file, if the answer is one.
    pub fn file(&self) -> Option<FileAnswer> {
        if self.question.asks_for_file() { self.answer.parse().ok() } else { None }
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
    /// The way from its event to the signed root of the log.
    pub log: LogPath,
    /// Whether it is the reader's own.
    pub is_own: bool,
}

/// The answers under a signature, with the questions as they were asked, beside those of the round before.
///
/// # Errors
/// When the database fails.
pub fn answered(conn: &mut AnyConnection, signature: &StoredSignature) -> Result<Vec<AnsweredQuestion>> {
    let form = form_of(conn, signature)?;
    let before = signatures::before(conn, signature)?;
    Ok(form.map_or(Vec::new(), |form| with_answers(&form, signature, before.as_ref())))
}

/// What the project said when a signature was made, beside what it said in the round before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProjectChanges {
    /// Changes of its title; none where it is the same.
    pub title: Vec<Piece>,
    /// Changes of its purpose; none where it is the same.
    pub purpose: Vec<Piece>,
}

/// What changed in the project since the round before.
///
/// # Errors
/// When the database fails.
pub fn project_changes(conn: &mut AnyConnection, signature: &StoredSignature) -> Result<ProjectChanges> {
    let Some(before) = signatures::before(conn, signature)? else { return Ok(ProjectChanges::default()) };
    let (old, new) = (&before.record.signer, &signature.record.signer);
    let changes = |old: &Option<String>, new: &Option<String>| match (old, new) {
        (Some(old), Some(new)) if old != new => word_changes(old, new),
        _ => Vec::new(),
    };
    Ok(ProjectChanges {
        title: changes(&old.project_title, &new.project_title),
        purpose: changes(&old.project_purpose, &new.project_purpose),
    })
}

/// The form whose answers a signature binds.
fn form_of(conn: &mut AnyConnection, signature: &StoredSignature) -> Result<Option<FormVersion>> {
    signature.record.form.as_ref().map_or(Ok(None), |form| forms::version(conn, form.version_id))
}

fn with_answers(
    form: &FormVersion,
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
        (!is_empty).then(|| AnsweredQuestion::new(question.clone(), answer, earlier))
    };
    form.questions().filter_map(answered).collect()
}

/// What was signed, for the signer and for those who may read the request as reviewers do; `None` for everybody else.
///
/// # Errors
/// When the database fails.
pub fn signed_document(conn: &mut AnyConnection, id: SignatureId, reader: PersonId) -> Result<Option<SignedDocument>> {
    let Some(signature) = signatures::by_id(conn, id)? else { return Ok(None) };
    let Some(facts) = RequestFacts::of_request(conn, signature.record.request, reader)? else { return Ok(None) };
    let signer = signature.record.signer.person;
    if !may_read_signature(&facts.actor, facts.deciding(), facts.request(), signer) {
        return Ok(None);
    }
    let Some(version) = agreements::version(conn, signature.record.agreement.version_id)? else { return Ok(None) };
    let Some(text) = version.text(signature.record.agreement.language).cloned() else { return Ok(None) };
    let form = form_of(conn, &signature)?;
    let answers = form.map_or(Vec::new(), |form| with_answers(&form, &signature, None));
    let (log, dataset) = (LogPath::of(conn, signature.event_index)?, facts.dataset);
    let is_own = signer == reader;
    Ok(Some(SignedDocument { signature, dataset, version, text, answers, log, is_own }))
}
