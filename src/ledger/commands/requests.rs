//! Drafting, signing and deciding access requests.

use crate::domain::access_request::{self, AccessRequest, Change, Command, Committee, Stage, Verdict};
use crate::domain::agreement::{AgreementVersion, Answers};
use crate::domain::dataset::{AccessMode, Dataset};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::grant::Grant;
use crate::domain::ids::{GrantId, PersonId, RequestId, SignatureId, VersionId};
use crate::domain::notice::{AboutRequest, Notice};
use crate::domain::person::{Person, Role, SIGNING_PROOF_AGE};
use crate::domain::signature::{SignatureRecord, SignedText, Signer};
use crate::domain::text::{Language, PersonName, Slug};
use crate::domain::{Instant, Refusal, Span};
use crate::ledger::{Refused, Tx};
use crate::store::{agreements, datasets, grants, people, requests, signatures};

use super::accounts::Origin;
use super::roles::administrator;

/// What a signer hands in.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Who signs.
    pub person: PersonId,
    /// For which dataset.
    pub dataset: Slug,
    /// The version that was shown.
    pub version: VersionId,
    /// The language of the text that was shown.
    pub language: Language,
    /// The answers, checked against the version's questions.
    pub answers: Answers,
    /// The name on the signature line.
    pub typed_name: PersonName,
    /// When the signer last proved who they are.
    pub proved_at: Instant,
    /// From where.
    pub origin: Origin,
}

/// What became of a submission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Submitted {
    /// The request.
    pub request: RequestId,
    /// Where it stands now.
    pub stage: Stage,
}

struct Case {
    dataset: Dataset,
    person: Person,
    /// Whether their last grant was taken away.
    was_revoked: bool,
}

fn case(tx: &mut Tx<'_>, slug: &Slug, person: PersonId) -> Result<Case, Refused> {
    let dataset = datasets::by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    if person.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended.into());
    }
    if dataset.suspended_at.is_some() {
        return Err(Refusal::DatasetSuspended.into());
    }
    if dataset.mode == AccessMode::Open {
        return Err(Refusal::NothingToSign.into());
    }
    let latest = grants::latest(tx.conn, person.id, dataset.id)?;
    if latest.as_ref().is_some_and(|grant| !grant.is_renewable(tx.now)) {
        return Err(Refusal::AlreadyGranted.into());
    }
    let was_revoked = latest.is_some_and(|grant| grant.revoked_at.is_some());
    Ok(Case { dataset, person, was_revoked })
}

/// The request that can be worked on, begun if there is none.
fn open_request(tx: &mut Tx<'_>, case: &Case, answers: &Answers) -> Result<AccessRequest, Refused> {
    let latest = requests::latest(tx.conn, case.person.id, case.dataset.id)?;
    match latest {
        Some(stored) if !stored.request.stage.is_final() => Ok(stored.request),
        _ => {
            let request = AccessRequest::draft(tx.id(), case.dataset.id, case.person.id);
            requests::insert(tx.conn, &request, answers, tx.now)?;
            let event = Event::new(Action::RequestDrafted, Actor::person(case.person.id, Role::Applicant));
            tx.record(event.dataset(&case.dataset.slug).subject(request.id));
            Ok(request)
        }
    }
}

/// Keeps what has been typed so far. It is the applicant's alone until it is signed.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn save_draft(tx: &mut Tx<'_>, person: PersonId, slug: &Slug, answers: &Answers) -> Result<RequestId, Refused> {
    let case = case(tx, slug, person)?;
    let request = open_request(tx, &case, answers)?;
    if !matches!(request.stage, Stage::Draft | Stage::Returned) {
        return Err(Refusal::AlreadyWaiting.into());
    }
    requests::set_answers(tx.conn, request.id, answers, tx.now)?;
    Ok(request.id)
}

/// Signs the agreement and submits the request. Where signing is enough, the grant follows at once.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn submit(tx: &mut Tx<'_>, submission: &Submission) -> Result<Submitted, Refused> {
    let case = case(tx, &submission.dataset, submission.person)?;
    if case.person.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified.into());
    }
    if tx.now - submission.proved_at > SIGNING_PROOF_AGE {
        return Err(Refusal::ProofTooOld.into());
    }
    let agreement = case.dataset.agreement.ok_or(Refusal::NothingToSign)?;
    let version = agreements::in_force(tx.conn, agreement)?.ok_or(Refusal::NothingToSign)?;
    if version.id != submission.version {
        return Err(Refusal::VersionChanged.into());
    }
    let mut request = open_request(tx, &case, &submission.answers)?;
    requests::set_answers(tx.conn, request.id, &submission.answers, tx.now)?;

    let signature: SignatureId = tx.id();
    let command = Command::Submit { by: case.person.id, signature };
    let mut changes = access_request::decide(&request, &command, &committee(tx, &case.dataset)?)?;
    let record = sign(tx, &case, &version, submission, &request, signature)?;
    // Who was revoked does not grant themselves access again: an administrator decides.
    if case.dataset.mode == AccessMode::Agreement && !case.was_revoked {
        changes.push(Change::Approved);
    }
    let by = Actor::person(case.person.id, Role::Applicant);
    let step = Step { by, comment: "", signature: Some(record.id) };
    apply(tx, &case.dataset, &mut request, &changes, &step)?;
    Ok(Submitted { request: request.id, stage: request.stage })
}

fn sign(
    tx: &mut Tx<'_>,
    case: &Case,
    version: &AgreementVersion,
    submission: &Submission,
    request: &AccessRequest,
    id: SignatureId,
) -> Result<SignatureRecord, Refused> {
    let text = version.text(submission.language).ok_or(Refusal::NothingToSign)?;
    let person = &case.person;
    let record = SignatureRecord {
        id,
        dataset: case.dataset.slug.clone(),
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
        signer: Signer {
            person: person.id,
            typed_name: submission.typed_name.to_string(),
            name: person.name.to_string(),
            email: person.email.to_string(),
            email_verified: person.email_verified_at.is_some(),
            affiliation: person.affiliation.clone(),
            answers: submission.answers.clone(),
            ip: submission.origin.ip.clone(),
            user_agent: submission.origin.user_agent.clone(),
            authenticated_by: "password".into(),
            authenticated_at: submission.proved_at,
        },
        signed_at: tx.now,
    };
    let mut event = Event::new(Action::AgreementSigned, Actor::person(person.id, Role::Applicant))
        .dataset(&case.dataset.slug)
        .subject(id)
        .with("request", request.id.to_string())
        .with("signed_at", tx.now.to_string());
    event.details.set("agreement", json(&record.agreement));
    if let serde_json::Value::Object(signer) = json(&record.signer) {
        event.private = signer.into_iter().collect();
    }
    let index = tx.record(event);
    signatures::insert(tx.conn, &record, index)?;
    Ok(record)
}

fn json<T: serde::Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).expect("the domain's types always serialise")
}

fn committee(tx: &mut Tx<'_>, dataset: &Dataset) -> Result<Committee, Refused> {
    Ok(Committee { reviewers: datasets::reviewers(tx.conn, dataset.id)?, quorum: dataset.quorum })
}

/// Takes a request back.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn withdraw(tx: &mut Tx<'_>, person: PersonId, id: RequestId) -> Result<(), Refused> {
    let (mut request, dataset) = load(tx, id)?;
    let command = Command::Withdraw { by: person };
    let changes = access_request::decide(&request, &command, &committee(tx, &dataset)?)?;
    let step = Step { by: Actor::person(person, Role::Applicant), comment: "", signature: None };
    apply(tx, &dataset, &mut request, &changes, &step)
}

fn load(tx: &mut Tx<'_>, id: RequestId) -> Result<(AccessRequest, Dataset), Refused> {
    let request = requests::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?.request;
    let dataset = datasets::by_id(tx.conn, request.dataset)?.ok_or(Refusal::NotFound)?;
    Ok((request, dataset))
}

/// A decision by a reviewer, or by an administrator alone.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Who decides.
    pub by: PersonId,
    /// About which request.
    pub request: RequestId,
    /// What.
    pub verdict: Verdict,
    /// Words for the applicant; the reason, when overriding.
    pub comment: String,
    /// The round that was looked at.
    pub round: u32,
}

/// Casts a reviewer's vote.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn vote(tx: &mut Tx<'_>, decision: &Decision) -> Result<Stage, Refused> {
    let (mut request, dataset) = load(tx, decision.request)?;
    let reviewer = people::by_id(tx.conn, decision.by)?.ok_or(Refusal::NotAllowed)?;
    if reviewer.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended.into());
    }
    // An address that nobody proved may be anybody's account.
    if reviewer.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified.into());
    }
    let command = Command::Vote {
        by: decision.by,
        verdict: decision.verdict,
        comment: decision.comment.clone(),
        round: decision.round,
    };
    let changes = access_request::decide(&request, &command, &committee(tx, &dataset)?)?;
    let by = Actor::person(decision.by, Role::Reviewer);
    apply(tx, &dataset, &mut request, &changes, &Step { by, comment: &decision.comment, signature: None })?;
    Ok(request.stage)
}

/// Decides as an administrator, past the reviewers.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn overrule(tx: &mut Tx<'_>, decision: &Decision) -> Result<Stage, Refused> {
    administrator(tx, decision.by)?;
    let (mut request, dataset) = load(tx, decision.request)?;
    let command = Command::Override {
        by: decision.by,
        verdict: decision.verdict,
        reason: decision.comment.clone(),
        round: decision.round,
    };
    let changes = access_request::decide(&request, &command, &committee(tx, &dataset)?)?;
    let by = Actor::person(decision.by, Role::Administrator);
    apply(tx, &dataset, &mut request, &changes, &Step { by, comment: &decision.comment, signature: None })?;
    Ok(request.stage)
}

/// Who took a step, and with what words.
struct Step<'a> {
    by: Actor,
    comment: &'a str,
    signature: Option<SignatureId>,
}

/// Stores and records the changes of a request, and tells those who wait for them.
fn apply(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &mut AccessRequest,
    changes: &[Change],
    step: &Step<'_>,
) -> Result<(), Refused> {
    for change in changes {
        request.apply(change);
        requests::update(tx.conn, request, tx.now)?;
        let event =
            |action| Event::new(action, step.by).dataset(&dataset.slug).subject(request.id).person(request.applicant);
        let said = |event: Event| {
            if step.comment.is_empty() { event } else { event.private("comment", step.comment) }
        };
        match change {
            Change::Submitted { signature } => {
                requests::set_submitted(tx.conn, request.id, tx.now)?;
                tx.record(
                    event(Action::RequestSubmitted)
                        .with("round", request.round)
                        .with("signature", signature.to_string()),
                );
            }
            Change::Voted(vote) => {
                requests::insert_vote(tx.conn, request, *vote, step.comment, tx.now)?;
                tx.record(said(event(Action::RequestReviewed).with("verdict", vote.verdict.as_str())));
            }
            Change::Returned => {
                tx.record(event(Action::RequestReturned));
            }
            Change::Rejected => {
                tx.record(event(Action::RequestRejected));
            }
            Change::Overridden => {
                tx.record(said(event(Action::RequestOverridden)));
            }
            Change::Withdrawn => {
                tx.record(event(Action::RequestWithdrawn));
            }
            Change::Approved => approve(tx, dataset, request, step)?,
        }
    }
    tell(tx, dataset, request, changes, step)
}

fn approve(tx: &mut Tx<'_>, dataset: &Dataset, request: &AccessRequest, step: &Step<'_>) -> Result<(), Refused> {
    // Where signing is enough, it is the rule that approves, not the applicant.
    let by = if step.signature.is_some() { Actor::SYSTEM } else { step.by };
    tx.record(
        Event::new(Action::RequestApproved, by).dataset(&dataset.slug).subject(request.id).person(request.applicant),
    );
    let signature = match step.signature {
        Some(signature) => signature,
        None => signatures::of_request(tx.conn, request.id)?.ok_or(Refusal::NotFound)?.record.id,
    };
    let id: GrantId = tx.id();
    let grant = Grant {
        id,
        person: request.applicant,
        dataset: dataset.id,
        starts_at: tx.now,
        ends_at: tx.now + Span::days(i64::from(dataset.grant_days)),
        revoked_at: None,
    };
    grants::insert(tx.conn, &grant, request.id, signature)?;
    tx.record(
        Event::new(Action::GrantCreated, by)
            .dataset(&dataset.slug)
            .subject(id)
            .person(request.applicant)
            .with("request", request.id.to_string())
            .with("ends_at", grant.ends_at.to_string()),
    );
    Ok(())
}

fn tell(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    changes: &[Change],
    step: &Step<'_>,
) -> Result<(), Refused> {
    let applicant = people::by_id(tx.conn, request.applicant)?.ok_or(Refusal::NotFound)?;
    let about = AboutRequest {
        name: applicant.name.to_string(),
        dataset: dataset.title.clone(),
        path: format!("/requests/{}", request.id),
    };
    let comment = step.comment.to_owned();
    match changes.last() {
        Some(Change::Submitted { .. }) => {
            tell_reviewers(tx, dataset, request, &applicant)?;
            tx.tell(&applicant, &Notice::RequestReceived(about))?;
        }
        Some(Change::Approved) => {
            let ends_at = tx.now + Span::days(i64::from(dataset.grant_days));
            tx.tell(&applicant, &Notice::Approved { about, ends_at, comment })?;
        }
        Some(Change::Rejected) => tx.tell(&applicant, &Notice::Rejected { about, comment })?,
        Some(Change::Returned) => tx.tell(&applicant, &Notice::Returned { about, comment })?,
        Some(Change::Voted(_) | Change::Overridden | Change::Withdrawn) | None => {}
    }
    Ok(())
}

fn tell_reviewers(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    applicant: &Person,
) -> Result<(), Refused> {
    let mut deciders = datasets::reviewers(tx.conn, dataset.id)?;
    if deciders.is_empty() {
        deciders = people::administrators(tx.conn)?;
    }
    for id in deciders {
        let Some(reviewer) = people::by_id(tx.conn, id)? else { continue };
        if reviewer.id == applicant.id || reviewer.suspended_at.is_some() {
            continue;
        }
        let about = AboutRequest {
            name: reviewer.name.to_string(),
            dataset: dataset.title.clone(),
            path: format!("/review/{}", request.id),
        };
        tx.tell(&reviewer, &Notice::ReviewWaiting { applicant: applicant.name.to_string(), about })?;
    }
    Ok(())
}
