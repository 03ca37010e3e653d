//! Drafting, signing and deciding access requests.

use super::projects;
use crate::domain::access_request::rules::{RequestCommand, decide};
use crate::domain::access_request::signing::CompleteForm;
use crate::domain::access_request::{AccessRequest, Change, Stage, Verdict};
use crate::domain::comment::Comment;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::form::{Answers, DraftAnswers};
use crate::domain::grant::Grant;
use crate::domain::ids::{GrantId, PersonId, ProjectId, RequestId, SignatureId, VersionId};
use crate::domain::origin::Origin;
use crate::domain::person::{AuthMethod, Role};
use crate::domain::project::{Project, ProjectDescription, WantedProject};
use crate::domain::signature::{AnsweredForm, SignatureRecord, SignedText, Signer};
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{self, RequestFacts, access_requests, agreements, forms, grants, signatures};

/// A signer's submission.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The signer.
    pub person: PersonId,
    /// The dataset that access is asked for.
    pub dataset: Slug,
    /// The project that it is asked for.
    pub project: WantedProject,
    /// The form, in which nothing is missing.
    pub form: CompleteForm,
    /// How the signer last proved who they are.
    pub auth_method: AuthMethod,
    /// When the signer last proved who they are.
    pub proved_at: Timestamp,
    /// The signer's client.
    pub origin: Origin,
}

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
    access_requests::set_answers(tx.conn, request.id, form.answers(), tx.now)?;
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

/// A decision by a reviewer, or by an administrator alone.
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

/// Decides as an administrator, past the reviewers.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn override_review(tx: &mut Tx<'_>, decision: &Decision) -> Result<Stage, CommandError> {
    let Decision { verdict, comment, round, .. } = decision;
    let command = RequestCommand::Override { verdict: *verdict, reason: comment, round: *round };
    conclude(tx, decision, &command, Role::Administrator)
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
    for (id, stage) in store::projects::requests(tx.conn, project)? {
        if stage.is_final() {
            continue;
        }
        let Some(stored) = access_requests::by_id(tx.conn, id)? else { continue };
        let Some(facts) = RequestFacts::of_request(tx.conn, id, stored.request.applicant)? else { continue };
        let step = ChangeContext { by, comment: Comment::default(), signing: None };
        apply(tx, facts, &[Change::Withdrawn], &step)?;
    }
    Ok(())
}

/// The person who acted, and what they handed in.
struct ChangeContext<'a> {
    by: Actor,
    comment: Comment,
    /// What was handed in, when the step is a signature.
    signing: Option<&'a Submission>,
}

impl ChangeContext<'_> {
    fn by(person: PersonId, role: Role) -> Self {
        Self { by: Actor::person(person, role), comment: Comment::default(), signing: None }
    }
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
        Change::Voted(vote) => {
            access_requests::insert_vote(tx.conn, request, *vote, step.comment.as_str(), tx.now)?;
            with_comment(event(Action::RequestReviewed).with("verdict", vote.verdict.as_str()))
        }
        Change::Returned => event(Action::RequestReturned),
        Change::Rejected => event(Action::RequestRejected),
        Change::Overridden => with_comment(event(Action::RequestOverridden)),
        Change::Withdrawn => event(Action::RequestWithdrawn),
        Change::Approved => return approve(tx, facts, request, step),
        Change::Drafted { .. } | Change::ProjectBegun { .. } | Change::ProjectChanged { .. } => return Ok(()),
    };
    tx.record(event);
    Ok(())
}

/// An event about a request.
fn of_request(facts: &RequestFacts, request: &AccessRequest, action: Action, by: Actor) -> Event {
    Event::new(action, by).dataset(&facts.dataset.slug).project(request.project)
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

fn words(signatures: &[SignatureId]) -> Vec<String> {
    signatures.iter().map(ToString::to_string).collect()
}

/// Stores and records the signatures under a request.
fn sign_all(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    ids: &[SignatureId],
    submission: Option<&Submission>,
) -> Result<(), CommandError> {
    let submission = submission.ok_or(Refusal::NothingToSign)?;
    let form = match submission.form.form_version() {
        Some(id) => Some(forms::version(tx.conn, id)?.ok_or(Refusal::NothingToSign)?),
        None => None,
    };
    let form = form.map(|form| AnsweredForm { slug: form.slug, version_id: form.id, version: form.number });
    for (id, version) in ids.iter().zip(submission.form.versions()) {
        sign(tx, facts, request, (*id, *version), (submission, form.clone()))?;
    }
    Ok(())
}

/// Stores and records one signature.
fn sign(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    (id, version): (SignatureId, VersionId),
    (submission, form): (&Submission, Option<AnsweredForm>),
) -> Result<(), CommandError> {
    let version = agreements::version(tx.conn, version)?.ok_or(Refusal::NothingToSign)?;
    let text = version.text(submission.form.language()).ok_or(Refusal::NothingToSign)?;
    let person = &facts.actor;
    let record = SignatureRecord {
        id,
        dataset: facts.dataset.slug.clone(),
        project: request.project,
        request: request.id,
        agreement: SignedText {
            slug: version.slug.clone(),
            version_id: version.id,
            version: version.number,
            language: text.language,
            text_sha256: text.sha256,
            statement: version.statement.text(text.language).to_owned(),
            consent: version.consent.text(text.language).to_owned(),
        },
        form,
        signer: Signer {
            person: person.id,
            typed_name: submission.form.typed_name().to_string(),
            name: person.name.to_string(),
            email: person.email.to_string(),
            email_verified: person.email_verified_at.is_some(),
            affiliation: person.affiliation.clone(),
            project_title: facts.project.as_ref().map(|(project, _)| project.description.title.clone()),
            project_purpose: facts.project.as_ref().map(|(project, _)| project.description.purpose.clone()),
            answers: submission.form.answers().clone(),
            ip: submission.origin.ip.clone(),
            user_agent: submission.origin.user_agent.clone(),
            authenticated_by: submission.auth_method,
            authenticated_at: submission.proved_at,
        },
        signed_at: tx.now,
    };
    let by = Actor::person(person.id, Role::Applicant);
    let mut event = of_request(facts, request, Action::AgreementSigned, by)
        .subject(id)
        .with("request", request.id.to_string())
        .with("signed_at", tx.now.to_string());
    event.details.set("agreement", json(&record.agreement));
    if let Some(form) = &record.form {
        event.details.set("form", json(form));
    }
    if let serde_json::Value::Object(signer) = json(&record.signer) {
        event.private = signer.into_iter().collect();
    }
    let index = tx.record(event);
    Ok(signatures::insert(tx.conn, &record, index)?)
}

fn json<T: serde::Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).expect("the domain's types always serialise")
}

/// Stores and records the grant that follows an approval.
fn approve(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    step: &ChangeContext<'_>,
) -> Result<(), CommandError> {
    let dataset = &facts.dataset;
    // Where signing is enough, it is the rule that approves, not the applicant.
    let by = if step.signing.is_some() { Actor::SYSTEM } else { step.by };
    let event = |action| of_request(facts, request, action, by).person(request.applicant);
    tx.record(event(Action::RequestApproved).subject(request.id));
    let signed = signatures::newest_of(tx.conn, request.id, request.applicant)?;
    let signed: Vec<SignatureId> = signed.iter().map(|signature| signature.record.id).collect();
    let id: GrantId = tx.id();
    let grant = Grant {
        id,
        person: request.applicant,
        dataset: dataset.id,
        project: request.project,
        starts_at: tx.now,
        ends_at: Grant::end(tx.now, dataset.grant_days, facts.project_end()),
        last_release: dataset.last_release_of_new_grant(),
        revoked_at: None,
    };
    // One that is prolonged has a new grant in its place.
    let replaced = facts.grant.as_ref().filter(|earlier| earlier.is_active(tx.now));
    if let Some(earlier) = replaced {
        grants::end(tx.conn, earlier.id, tx.now)?;
    }
    grants::insert(tx.conn, &grant, request.id)?;
    let mut created = event(Action::GrantCreated)
        .subject(id)
        .with("request", request.id.to_string())
        .with("ends_at", grant.ends_at.to_string());
    created.details.set("signatures", words(&signed));
    if let Some(earlier) = replaced {
        created = created.with("replaces", earlier.id.to_string());
    }
    if let Some(last) = grant.last_release {
        created = created.with("last_release", last);
    }
    tx.record(created);
    Ok(())
}
