//! Drafting, signing and deciding access requests.

mod granting;
mod own_signature;
mod recusal;
mod signing;
mod step;

use self::granting::{approve, grant_like};
pub use self::own_signature::{OwnSignature, sign_as_member, sign_new_versions};
pub use self::recusal::{lift_recusal, recuse};
use self::signing::sign_all;
pub use self::step::Submission;
use self::step::{ChangeContext, of_request, words};
use super::batch::{BatchOutcome, act_on_each};
use super::uploads::Binding;
use super::{projects, uploads};
use crate::domain::Refusal;
use crate::domain::access_request::commands::RequestCommand;
use crate::domain::access_request::queue::RequestAsRead;
use crate::domain::access_request::quorum::able;
use crate::domain::access_request::rules::decide;
use crate::domain::access_request::{AccessRequest, Change, Stage, Verdict, decided_by_people};
use crate::domain::comment::Comment;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::form::{Answers, DraftAnswers};
use crate::domain::ids::{PersonId, ProjectId, RequestId, SignatureId};
use crate::domain::person::Role;
use crate::domain::project::{Project, ProjectDescription, WantedProject};
use crate::domain::text::Slug;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::new_versions::{self, RestingOn};
use crate::store::{self, RequestFacts, access_requests, people};

/// The result of a submission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Submitted {
    /// The request.
    pub request: RequestId,
    /// The stage that the request has reached.
    pub stage: Stage,
}

/// Keeps what has been typed so far. It is the applicant's alone until it is signed.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn save_draft(
    tx: &mut Tx<'_>,
    person: PersonId,
    (slug, project): (&Slug, WantedProject),
    answers: &DraftAnswers,
) -> Result<(), CommandError> {
    let facts = RequestFacts::of_applicant(tx.conn, slug, person, (project, tx.now))?.ok_or(Refusal::NotFound)?;
    let command = RequestCommand::SaveDraft { new_request_id: tx.id(), answers };
    let changes = decide(&facts.situation(), &command, tx.now)?;
    let request = apply(tx, facts, &changes, &ChangeContext::by(person, Role::Applicant))?;
    uploads::attach(tx, &request, (answers.files(), Binding::Draft))?;
    access_requests::set_answers(tx.conn, request.id, answers.answers(), tx.now)?;
    Ok(())
}

/// Signs the agreement and submits the request. Where signing is enough, the grant follows at once.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn submit(tx: &mut Tx<'_>, submission: &Submission) -> Result<Submitted, CommandError> {
    let wanted = (submission.project, tx.now);
    let facts = RequestFacts::of_applicant(tx.conn, &submission.dataset, submission.person, wanted)?;
    let facts = facts.ok_or(Refusal::NotFound)?;
    let form = &submission.form;
    let signatures: Vec<SignatureId> = form.versions().iter().map(|_| tx.id()).collect();
    let new_project_id = if let WantedProject::New(Some(id)) = submission.project { id } else { tx.id() };
    let (new_request_id, proved_at) = (tx.id(), submission.proved_at);
    let command = RequestCommand::Sign { new_request_id, new_project_id, form, proved_at, signatures: &signatures };
    let changes = decide(&facts.situation(), &command, tx.now)?;
    let step = ChangeContext { signing: Some(submission), ..ChangeContext::by(submission.person, Role::Applicant) };
    let request = apply(tx, facts, &changes, &step)?;
    uploads::attach(tx, &request, (form.files(), Binding::Signature))?;
    access_requests::set_signed_answers(tx.conn, request.id, form.answers(), tx.now)?;
    Ok(Submitted { request: request.id, stage: request.stage })
}

/// Takes a request back.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn withdraw(tx: &mut Tx<'_>, person: PersonId, id: RequestId) -> Result<(), CommandError> {
    let facts = RequestFacts::of_request(tx.conn, id, person)?.ok_or(Refusal::NotFound)?;
    let changes = decide(&facts.situation(), &RequestCommand::Withdraw, tx.now)?;
    apply(tx, facts, &changes, &ChangeContext::by(person, Role::Applicant))?;
    Ok(())
}

/// A decision by a reviewer, or by an owner of the organisation alone.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The person who decides.
    pub by: PersonId,
    /// The request.
    pub request: RequestId,
    /// The decision.
    pub verdict: Verdict,
    /// A comment for the applicant; for an override, the reason.
    pub comment: Comment,
    /// The round that the person was looking at.
    pub round: u32,
}

/// Casts a reviewer's vote.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn vote(tx: &mut Tx<'_>, decision: &Decision) -> Result<Stage, CommandError> {
    let Decision { verdict, comment, round, .. } = decision;
    conclude(tx, decision, &RequestCommand::Vote { verdict: *verdict, comment, round: *round }, Role::Reviewer)
}

/// Casts the same vote on several requests, on each as if it were alone: an event and a mail for each.
///
/// # Errors
/// When the store fails. What a rule refuses is in the outcome.
pub fn vote_on_several(
    tx: &mut Tx<'_>,
    by: PersonId,
    requests: &[RequestAsRead],
    (verdict, comment): (Verdict, &Comment),
) -> Result<BatchOutcome<RequestAsRead>, CommandError> {
    act_on_each(tx, requests, |tx, RequestAsRead { id, round }| {
        let decision = Decision { by, request: *id, verdict, comment: comment.clone(), round: *round };
        vote(tx, &decision).map(drop)
    })
}

/// Decides as an owner of the organisation, past the reviewers.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn override_review(tx: &mut Tx<'_>, decision: &Decision) -> Result<Stage, CommandError> {
    let Decision { verdict, comment, round, .. } = decision;
    let command = RequestCommand::Override { verdict: *verdict, reason: comment, round: *round };
    conclude(tx, decision, &command, Role::Owner)
}

fn conclude(
    tx: &mut Tx<'_>,
    decision: &Decision,
    command: &RequestCommand<'_>,
    role: Role,
) -> Result<Stage, CommandError> {
    let facts = RequestFacts::of_request(tx.conn, decision.request, decision.by)?.ok_or(Refusal::NotFound)?;
    let changes = decide(&facts.situation(), command, tx.now)?;
    let step = ChangeContext { comment: decision.comment.clone(), ..ChangeContext::by(decision.by, role) };
    Ok(apply(tx, facts, &changes, &step)?.stage)
}

/// Withdraws every request of a person that is not final: the account was erased, and nobody will answer for them.
///
/// # Errors
/// When the store fails.
pub fn withdraw_all(tx: &mut Tx<'_>, by: Actor, person: PersonId) -> Result<(), CommandError> {
    for id in access_requests::open_of(tx.conn, person)? {
        let Some(facts) = RequestFacts::of_request(tx.conn, id, person)? else { continue };
        let step = ChangeContext { by, comment: Comment::default(), signing: None };
        apply(tx, facts, &[Change::Withdrawn], &step)?;
    }
    Ok(())
}

/// Withdraws every request for a project that is not final.
pub(super) fn withdraw_for_project(tx: &mut Tx<'_>, by: Actor, project: ProjectId) -> Result<(), CommandError> {
    withdraw_where(tx, by, project, |_| true)
}

/// Withdraws a member's own requests for a project that are not final.
pub(super) fn withdraw_of_member(
    tx: &mut Tx<'_>,
    by: Actor,
    project: ProjectId,
    member: PersonId,
) -> Result<(), CommandError> {
    withdraw_where(tx, by, project, |applicant| applicant == member)
}

fn withdraw_where(
    tx: &mut Tx<'_>,
    by: Actor,
    project: ProjectId,
    is_meant: impl Fn(PersonId) -> bool,
) -> Result<(), CommandError> {
    for (id, stage) in store::projects::requests(tx.conn, project)? {
        if stage.is_final() {
            continue;
        }
        let Some(stored) = access_requests::by_id(tx.conn, id)? else { continue };
        if !is_meant(stored.request.applicant) {
            continue;
        }
        let Some(facts) = RequestFacts::of_request(tx.conn, id, stored.request.applicant)? else { continue };
        let step = ChangeContext { by, comment: Comment::default(), signing: None };
        apply(tx, facts, &[Change::Withdrawn], &step)?;
    }
    Ok(())
}

/// Stores and records the changes of a request, and queues the mail that follows.
fn apply(
    tx: &mut Tx<'_>,
    mut facts: RequestFacts,
    changes: &[Change],
    step: &ChangeContext<'_>,
) -> Result<AccessRequest, CommandError> {
    let mut open = facts.request().cloned();
    for change in changes {
        if let Change::Drafted { id } = change {
            let project = facts.project.as_ref().map(|(project, _)| project.id);
            let draft = AccessRequest::draft(*id, facts.dataset.id, project, facts.actor.id);
            access_requests::insert(tx.conn, &draft, &Answers::new(), tx.now)?;
            tx.record(
                Event::new(Action::RequestDrafted, step.by).dataset(&facts.dataset.slug).project(project).subject(id),
            );
            open = Some(draft);
            continue;
        }
        let request = open.as_mut().ok_or(Refusal::NotFound)?;
        request.apply(change);
        if let Change::ProjectBegun { id } | Change::ProjectChanged { id } = change {
            let described = step.signing.and_then(|submission| submission.form.project().description());
            let project = describe(tx, &facts, *id, described.ok_or(Refusal::OtherProject)?)?;
            facts.project = Some((project, true));
            continue;
        }
        store_change(tx, &facts, request, change, step)?;
    }
    let dataset = &facts.dataset;
    let request = open.ok_or(Refusal::NotFound)?;
    access_requests::update(tx.conn, &request, tx.now)?;
    // Where signing is enough, approval comes before what was signed is bound.
    if request.stage.is_final() && request.stage != Stage::Approved {
        uploads::delete_unsigned(tx, &request)?;
    }
    if decided_by_people(changes) {
        access_requests::set_decided(tx.conn, request.id, tx.now)?;
    }
    reactions::mail::request_changed(
        tx,
        dataset,
        (facts.request(), &request),
        (facts.actor.id, changes),
        (&step.comment, facts.project_end()),
    )?;
    Ok(request)
}

fn store_change(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    change: &Change,
    step: &ChangeContext<'_>,
) -> Result<(), CommandError> {
    let event = |action| of_request(facts, request, action, step.by).subject(request.id).person(request.applicant);
    let with_comment = |event: Event| {
        if step.comment.is_empty() { event } else { event.private("comment", step.comment.as_str()) }
    };
    let event = match change {
        Change::Submitted { signatures } => {
            sign_all(tx, facts, request, signatures, step.signing)?;
            access_requests::set_submitted(tx.conn, request.id, tx.now)?;
            let mut event = event(Action::RequestSubmitted).with("round", request.round);
            event.details.set("signatures", words(signatures));
            event
        }
        Change::MemberSigned { person, signatures } => {
            sign_all(tx, facts, request, signatures, step.signing)?;
            let mut event = event(Action::RequestMemberSigned).with("person", person.to_string());
            event.details.set("signatures", words(signatures));
            event
        }
        Change::NewVersionsSigned { person, signatures } => {
            sign_all(tx, facts, request, signatures, step.signing)?;
            new_versions::refresh(tx.conn, RestingOn::Signature(request.id, *person), tx.now)?;
            let grant = facts.to_sign.as_ref().ok_or(Refusal::NoGrant)?.grant.id;
            let event = event(Action::RequestNewVersionsSigned).with("person", person.to_string());
            let mut event = event.with("grant", grant.to_string());
            event.details.set("signatures", words(signatures));
            event
        }
        Change::MemberGranted { person } => return grant_like(tx, facts, request, *person),
        Change::Voted(vote) => {
            access_requests::insert_vote(tx.conn, request, *vote, step.comment.as_str(), tx.now)?;
            let mut event = event(Action::RequestReviewed).with("verdict", vote.verdict.as_str());
            event.details.set("eligible", eligible(tx, facts)?);
            event.details.set("quorum", facts.dataset.quorum);
            with_comment(event)
        }
        Change::Returned => event(Action::RequestReturned),
        Change::Rejected => event(Action::RequestRejected),
        Change::Recused(person) => {
            access_requests::insert_recusal(tx.conn, request.id, *person, tx.now)?;
            event(Action::RequestRecused).private("reason", step.comment.as_str())
        }
        Change::RecusalLifted(person) => {
            access_requests::delete_recusal(tx.conn, request.id, *person)?;
            let event = event(Action::RequestRecusalLifted).with("person", person.to_string());
            event.private("reason", step.comment.as_str())
        }
        Change::Overridden => {
            access_requests::set_overridden(tx.conn, request.id, facts.actor.id)?;
            with_comment(event(Action::RequestOverridden))
        }
        Change::Withdrawn => event(Action::RequestWithdrawn),
        Change::Approved => return approve(tx, facts, request, step),
        Change::Drafted { .. } | Change::ProjectBegun { .. } | Change::ProjectChanged { .. } => return Ok(()),
    };
    tx.record(event);
    Ok(())
}

/// Who could vote on a request when somebody did.
fn eligible(tx: &mut Tx<'_>, facts: &RequestFacts) -> Result<Vec<String>, CommandError> {
    let request = facts.request().ok_or(Refusal::NotFound)?;
    let reviewers = people::by_ids(tx.conn, &facts.reviewers)?;
    Ok(able(&reviewers, &facts.members, request).iter().map(|person| person.id.to_string()).collect())
}

/// Begins the project of a request, or changes what it says.
fn describe(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    id: ProjectId,
    description: &ProjectDescription,
) -> Result<Project, CommandError> {
    match &facts.project {
        Some((project, _)) => Ok(projects::change(tx, project, facts.actor.id, description)?),
        None => Ok(projects::insert(tx, id, facts.actor.id, description)?),
    }
}
