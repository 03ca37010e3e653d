//! The reviewers' queue, and one request with everything needed to decide.

use super::timeline::{self, TimelineEntry};
use crate::domain::access_request::rules::{
    RequestAction, approval_decides, approvals, may_read_case, permit, permitted_actions,
};
use crate::domain::agreement::{Question, QuestionKind};
use crate::domain::dataset::Dataset;
use crate::domain::ids::{PersonId, RequestId};
use crate::domain::person::Person;
use crate::domain::text::Language;
use crate::domain::{Refusal, Timestamp};
use crate::store::access_requests::{self, Queue, RequestLine, StoredRequest};
use crate::store::log::LogArchive;
use crate::store::signatures::{self, StoredSignature};
use crate::store::{AnyConnection, Cursor, PageOf, RequestFacts, Result, agreements, people};

/// A request as the people who decide it see it.
#[derive(Clone, Debug)]
pub struct ReviewCase {
    /// The request.
    pub stored: StoredRequest,
    /// The dataset that is asked for.
    pub dataset: Dataset,
    /// The applicant.
    pub applicant: Person,
    /// The signature under it.
    pub signature: Option<StoredSignature>,
    /// The questions and their answers.
    pub answers: Vec<AnsweredQuestion>,
    /// The applicant's other requests that the reader may see.
    pub others: PageOf<RequestLine>,
    /// The request's history.
    pub timeline: Vec<TimelineEntry>,
    /// The number of approvals that count.
    pub approvals: u32,
    /// What the reader may do.
    pub permitted: Vec<RequestAction>,
    /// Why the reader can't decide, if they can't.
    pub refusal: Option<Refusal>,
}

impl ReviewCase {
    /// Whether the reader may vote.
    pub fn may_vote(&self) -> bool {
        self.permitted.contains(&RequestAction::Vote)
    }

    /// Whether the reader may decide alone.
    pub fn may_override(&self) -> bool {
        self.permitted.contains(&RequestAction::Override)
    }

    /// Whether one more approval is enough.
    pub fn next_approval_decides(&self) -> bool {
        approval_decides(self.approvals, self.dataset.quorum)
    }
}

/// A question with its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnsweredQuestion {
    question: Question,
    answer: String,
}

impl AnsweredQuestion {
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
            QuestionKind::Checkbox => "✓",
            QuestionKind::Short | QuestionKind::Long { .. } | QuestionKind::Date => &self.answer,
        }
    }
}

/// The queue that a person may see: everything for those who oversee, else what they review; `None` for anyone else.
pub fn queue_of(person: &Person, is_reviewer: bool) -> Option<Queue> {
    if person.may_oversee() {
        return Some(Queue::Everything);
    }
    (is_reviewer && person.email_verified_at.is_some()).then_some(Queue::Reviewer(person.id))
}

/// A request with everything needed to decide; `None` when the reader may not see it.
///
/// # Errors
/// When the database fails.
pub fn case(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    id: RequestId,
    reader: PersonId,
    others_after: &Cursor,
    now: Timestamp,
) -> Result<Option<ReviewCase>> {
    let Some(facts) = RequestFacts::of_request(conn, id, reader)? else { return Ok(None) };
    let Some(request) = facts.request() else { return Ok(None) };
    if !may_read_case(&facts.actor, &facts.reviewers, request) {
        return Ok(None);
    }
    let Some(applicant) = people::by_id(conn, request.applicant)? else { return Ok(None) };
    let Some(queue) = queue_of(&facts.actor, facts.reviewers.contains(&reader)) else { return Ok(None) };
    let others = access_requests::others_of_applicant(conn, request, queue, others_after)?;
    let (permitted, refusal) = decisions(&facts, now);
    let approvals = approvals(request, &facts.reviewers);
    let signature = signatures::of_request(conn, id)?;
    let answers = signature.as_ref().map_or(Ok(Vec::new()), |signature| answered(conn, signature))?;
    let timeline = timeline::of_request(conn, archive, id)?;
    let RequestFacts { dataset, request: Some(stored), .. } = facts else { return Ok(None) };
    let case =
        ReviewCase { stored, dataset, applicant, signature, answers, others, timeline, approvals, permitted, refusal };
    Ok(Some(case))
}

/// What a reader may do about a request, and why not if that is nothing: the reason that is about the request, not about
/// a role they do not have.
fn decisions(facts: &RequestFacts, now: Timestamp) -> (Vec<RequestAction>, Option<Refusal>) {
    let situation = facts.situation();
    let permitted = permitted_actions(&situation, now);
    if permitted.contains(&RequestAction::Vote) || permitted.contains(&RequestAction::Override) {
        return (permitted, None);
    }
    let refusals = [RequestAction::Vote, RequestAction::Override].map(|action| permit(&situation, action, now).err());
    let refusal = refusals.into_iter().flatten().find(|refusal| *refusal != Refusal::NotAllowed);
    (permitted, Some(refusal.unwrap_or(Refusal::NotAllowed)))
}

fn answered(conn: &mut AnyConnection, signature: &StoredSignature) -> Result<Vec<AnsweredQuestion>> {
    let version = agreements::version(conn, signature.record.agreement.version_id)?;
    let given = &signature.record.signer.answers;
    let questions = version.map(|version| version.questions).unwrap_or_default();
    Ok(questions
        .into_iter()
        .filter_map(|question| {
            let answer = given.get(question.id.as_str())?.clone();
            Some(AnsweredQuestion { question, answer })
        })
        .collect())
}
