//! Who may do what with an access request, and what follows. Every yes or no is decided here: the commands of the
//! ledger ask [`decide`], and what a page offers is [`permitted_actions`], from the same rules.

use super::commands::{RequestAction, RequestCommand};
use super::quorum::{approvals, next_approval_reaches_quorum};
use super::signing::{CompleteForm, ProjectChoice};
use super::situation::RequestSituation;
use super::{AccessRequest, Change, Stage, Verdict, Vote};
use crate::domain::dataset::{AccessMode, Later};
use crate::domain::grant::{Grant, GrantState};
use crate::domain::ids::{ProjectId, RequestId, VersionId};
use crate::domain::person::proof_is_fresh;
use crate::domain::project::{self, ProjectAction, ProjectDescription};
use crate::domain::{Refusal, Timestamp};

/// Decides what a command does.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it; nothing happens then.
pub fn decide(
    situation: &RequestSituation<'_>,
    command: &RequestCommand<'_>,
    now: Timestamp,
) -> Result<Vec<Change>, Refusal> {
    check_action(situation, command.action(), now)?;
    match *command {
        RequestCommand::SaveDraft { new_request_id, answers } => {
            let changes = draft_unless_open(situation, new_request_id);
            // A new draft undoes nothing.
            if changes.is_empty() && situation.saved.is_some_and(|saved| answers.would_undo(saved)) {
                return Err(Refusal::DraftChanged);
            }
            Ok(changes)
        }
        RequestCommand::Sign { new_request_id, new_project_id, form, proved_at, signatures } => {
            check_signed(form, situation.conditions.versions, (proved_at, now))?;
            if situation.conditions.form_version != form.form_version() {
                return Err(Refusal::FormChanged);
            }
            let project = project_change(situation, form.project(), new_project_id, now)?;
            let mut changes = draft_unless_open(situation, new_request_id);
            changes.extend(project);
            changes.push(Change::Submitted { signatures: signatures.to_vec() });
            // What was taken back is not regained by signing alone: the request waits for a decision.
            let was_taken_back = situation.grant.is_some_and(Grant::was_taken_back);
            if situation.conditions.mode == AccessMode::Agreement && !was_taken_back {
                changes.push(Change::Approved);
            }
            Ok(changes)
        }
        RequestCommand::SignAsMember { form, proved_at, signatures } => {
            check_signed(form, situation.conditions.versions, (proved_at, now))?;
            let person = situation.actor.id;
            let mut changes = vec![Change::MemberSigned { person, signatures: signatures.to_vec() }];
            if situation.request.is_some_and(|request| request.stage == Stage::Approved) {
                changes.push(Change::MemberGranted { person });
            }
            Ok(changes)
        }
        RequestCommand::SignNewVersions { form, proved_at, signatures } => {
            check_signed(form, situation.to_sign.map_or(&[], |to_sign| &to_sign.versions), (proved_at, now))?;
            Ok(vec![Change::NewVersionsSigned { person: situation.actor.id, signatures: signatures.to_vec() }])
        }
        RequestCommand::Withdraw => Ok(vec![Change::Withdrawn]),
        RequestCommand::Vote { verdict, comment, round } => {
            check_round(situation, round)?;
            check_running_if_approved(situation, verdict, now)?;
            verdict.check_comment(comment)?;
            Ok(vote(situation, verdict))
        }
        RequestCommand::Override { verdict, reason, round } => {
            check_round(situation, round)?;
            check_running_if_approved(situation, verdict, now)?;
            if reason.is_empty() {
                return Err(Refusal::CommentNeeded);
            }
            match verdict {
                Verdict::Approve => Ok(vec![Change::Overridden, Change::Approved]),
                Verdict::Reject => Ok(vec![Change::Overridden, Change::Rejected]),
                Verdict::Return => Err(Refusal::NotAllowed),
            }
        }
        RequestCommand::Recuse => Ok(vec![Change::Recused(situation.actor.id)]),
        RequestCommand::LiftRecusal { person } => {
            let recused = situation.request.map_or(&[][..], |request| &request.recused);
            let person = person.filter(|person| recused.contains(person)).ok_or(Refusal::NotRecused)?;
            Ok(vec![Change::RecusalLifted(person)])
        }
    }
}

/// The actions that [`decide`] accepts in this situation, provided that the input is valid and the proof of identity is
/// recent.
pub fn permitted_actions(situation: &RequestSituation<'_>, now: Timestamp) -> Vec<RequestAction> {
    RequestAction::ALL.into_iter().filter(|action| check_action(situation, *action, now).is_ok()).collect()
}

/// Checks whether the actor may take the action, regardless of its input.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn check_action(situation: &RequestSituation<'_>, action: RequestAction, now: Timestamp) -> Result<(), Refusal> {
    match action {
        RequestAction::SaveDraft => check_may_apply(situation, now),
        RequestAction::Sign => {
            check_may_apply(situation, now)?;
            if situation.actor.email_verified_at.is_none() {
                return Err(Refusal::EmailUnverified);
            }
            if situation.conditions.versions.is_empty() { Err(Refusal::NothingToSign) } else { Ok(()) }
        }
        RequestAction::SignAsMember => check_may_sign_as_member(situation, now),
        RequestAction::SignNewVersions => check_may_sign_new_versions(situation, now),
        RequestAction::Withdraw => {
            let request = own_request(situation)?;
            check_not_suspended(situation)?;
            if request.stage.is_final() { Err(Refusal::NotEditable) } else { Ok(()) }
        }
        RequestAction::Vote => check_may_vote(situation),
        RequestAction::Override => {
            if !situation.owners.contains(&situation.actor.id) {
                return Err(Refusal::NotAllowed);
            }
            check_may_decide(situation)?;
            waiting_request(situation).map(|_| ())
        }
        RequestAction::Recuse => check_recuse(situation),
        RequestAction::LiftRecusal => check_lift_recusal(situation),
    }
}

fn check_not_suspended(situation: &RequestSituation<'_>) -> Result<(), Refusal> {
    if situation.actor.suspended_at.is_some() { Err(Refusal::AccountSuspended) } else { Ok(()) }
}

fn check_may_apply(situation: &RequestSituation<'_>, now: Timestamp) -> Result<(), Refusal> {
    check_not_suspended(situation)?;
    if situation.conditions.suspended {
        return Err(Refusal::DatasetSuspended);
    }
    if situation.conditions.mode == AccessMode::Open {
        return Err(Refusal::NothingToSign);
    }
    if situation.conditions.closed_by_retirement(situation.request) {
        return Err(Refusal::DatasetRetired);
    }
    check_running(situation, now)?;
    if situation.is_suspended {
        return Err(Refusal::GrantSuspended);
    }
    if situation.grant.is_some_and(|grant| !grant.is_renewable(situation.conditions.current_release, now)) {
        return Err(Refusal::AlreadyGranted);
    }
    match situation.request {
        None => Ok(()),
        Some(_) if own_request(situation)?.stage == Stage::Submitted => Err(Refusal::AlreadyWaiting),
        Some(_) => Ok(()),
    }
}

/// Other members sign while the request waits, and after the decision if that covers them and access lasts.
fn check_may_sign_as_member(situation: &RequestSituation<'_>, now: Timestamp) -> Result<(), Refusal> {
    let actor = situation.actor.id;
    let request = situation.request.ok_or(Refusal::NotFound)?;
    if request.applicant == actor || !situation.members.contains(&actor) {
        return Err(Refusal::NotFound);
    }
    check_not_suspended(situation)?;
    if situation.actor.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified);
    }
    if situation.conditions.suspended {
        return Err(Refusal::DatasetSuspended);
    }
    if situation.is_suspended {
        return Err(Refusal::GrantSuspended);
    }
    if situation.conditions.versions.is_empty() {
        return Err(Refusal::NothingToSign);
    }
    check_running(situation, now)?;
    if situation.signers.contains(&actor) {
        return Err(Refusal::AlreadySigned);
    }
    // Whoever decides and joins afterwards would have decided on their own access.
    if situation.has_decided {
        return Err(Refusal::DecidedBefore);
    }
    match request.stage {
        Stage::Submitted => Ok(()),
        Stage::Approved if situation.conditions.retired => Err(Refusal::DatasetRetired),
        Stage::Approved if situation.conditions.later_members == Later::Included => check_covered(situation, now),
        _ => Err(Refusal::NotEditable),
    }
}

/// Whoever has access by a request may sign what keeps it, whatever has become of the dataset meanwhile: it gives them nothing
/// that they were not granted.
fn check_may_sign_new_versions(situation: &RequestSituation<'_>, now: Timestamp) -> Result<(), Refusal> {
    let (actor, request) = (situation.actor.id, situation.request.ok_or(Refusal::NotFound)?);
    if request.applicant != actor && !situation.members.contains(&actor) {
        return Err(Refusal::NotFound);
    }
    check_not_suspended(situation)?;
    if situation.actor.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified);
    }
    match situation.to_sign {
        Some(to_sign) if to_sign.grant.is_running(now) => Ok(()),
        Some(_) => Err(Refusal::NoGrant),
        None => Err(Refusal::AlreadySigned),
    }
}

/// Whether exactly these versions were signed, by somebody who proved a moment ago who they are.
fn check_signed(
    form: &CompleteForm,
    versions: &[VersionId],
    (proved_at, now): (Timestamp, Timestamp),
) -> Result<(), Refusal> {
    if !proof_is_fresh(proved_at, now) {
        return Err(Refusal::ProofTooOld);
    }
    if form.versions() == versions { Ok(()) } else { Err(Refusal::VersionChanged) }
}

/// Whether the decision on a request gives another member access that they don't have already, and may have.
fn check_covered(situation: &RequestSituation<'_>, now: Timestamp) -> Result<(), Refusal> {
    let granted = situation.grant.filter(|grant| grant.is_running(now)).ok_or(Refusal::NotEditable)?;
    // Nothing follows from access that is suspended.
    if granted.state(now) == GrantState::Suspended {
        return Err(Refusal::GrantSuspended);
    }
    match situation.own_grant {
        Some(own) if own.revoked_at.is_some() => Err(Refusal::AccessRevoked),
        Some(own) if own.is_running(now) && own.ends_at >= granted.ends_at => Err(Refusal::AlreadyGranted),
        _ => Ok(()),
    }
}

fn check_running(situation: &RequestSituation<'_>, now: Timestamp) -> Result<(), Refusal> {
    if situation.project.is_none_or(|project| project.project.is_running(now)) {
        Ok(())
    } else {
        Err(Refusal::ProjectEnded)
    }
}

/// Whether those who may decide may approve: nothing is granted for a project that is over.
pub fn may_approve(situation: &RequestSituation<'_>, now: Timestamp) -> bool {
    check_running(situation, now).is_ok()
}

fn check_running_if_approved(
    situation: &RequestSituation<'_>,
    verdict: Verdict,
    now: Timestamp,
) -> Result<(), Refusal> {
    if verdict == Verdict::Approve { check_running(situation, now) } else { Ok(()) }
}

/// What becomes of the project when a request for it is signed.
fn project_change(
    situation: &RequestSituation<'_>,
    choice: &ProjectChoice,
    new_project_id: ProjectId,
    now: Timestamp,
) -> Result<Option<Change>, Refusal> {
    if choice.description().and_then(ProjectDescription::end).is_some_and(|end| end <= now) {
        return Err(Refusal::ProjectEnded);
    }
    let asks = situation.conditions.mode == AccessMode::Approval;
    match (choice, situation.project) {
        (ProjectChoice::None, None) if !asks => Ok(None),
        (ProjectChoice::New(_), None) if asks => Ok(Some(Change::ProjectBegun { id: new_project_id })),
        (ProjectChoice::Changed(id, description), Some(project)) if asks && project.project.id == *id => {
            project::check_action(&project, ProjectAction::Edit)?;
            let is_same = project.project.description == *description;
            Ok((!is_same).then_some(Change::ProjectChanged { id: *id }))
        }
        (ProjectChoice::Settled(id), Some(project)) if asks && project.project.id == *id => Ok(None),
        _ => Err(Refusal::OtherProject),
    }
}

/// The actor's own request; [`Refusal::NotFound`] for anybody else's.
fn own_request<'a>(situation: &RequestSituation<'a>) -> Result<&'a AccessRequest, Refusal> {
    situation.request.filter(|request| request.applicant == situation.actor.id).ok_or(Refusal::NotFound)
}

/// The request, if it is not the actor's own.
fn others_request<'a>(situation: &RequestSituation<'a>) -> Result<&'a AccessRequest, Refusal> {
    let request = situation.request.ok_or(Refusal::NotFound)?;
    let is_own = request.applicant == situation.actor.id || situation.members.contains(&situation.actor.id);
    if is_own { Err(Refusal::OwnRequest) } else { Ok(request) }
}

/// The request, if it is awaiting a decision and is not the actor's own.
fn waiting_request<'a>(situation: &RequestSituation<'a>) -> Result<&'a AccessRequest, Refusal> {
    let request = others_request(situation)?;
    if request.stage == Stage::Submitted { Ok(request) } else { Err(Refusal::NotWaiting) }
}

/// As [`may_decide`](super::quorum::may_decide), with the reason; about this request, from which they have not stepped aside.
fn check_may_decide(situation: &RequestSituation<'_>) -> Result<(), Refusal> {
    check_not_suspended(situation)?;
    if situation.actor.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified);
    }
    let is_recused = situation.request.is_some_and(|request| request.recused.contains(&situation.actor.id));
    if is_recused { Err(Refusal::Recused) } else { Ok(()) }
}

fn check_may_vote(situation: &RequestSituation<'_>) -> Result<(), Refusal> {
    if !situation.reviewers.contains(&situation.actor.id) {
        return Err(Refusal::NotAllowed);
    }
    check_may_decide(situation)?;
    let request = waiting_request(situation)?;
    if request.votes.iter().any(|vote| vote.reviewer == situation.actor.id) {
        return Err(Refusal::AlreadyVoted);
    }
    Ok(())
}

/// Whether there is anything to decide about a request, now or when it comes back.
const fn is_undecided(request: &AccessRequest) -> bool {
    matches!(request.stage, Stage::Submitted | Stage::Returned)
}

/// Reviewers and owners step aside, also after they have voted: their vote does not count then.
fn check_recuse(situation: &RequestSituation<'_>) -> Result<(), Refusal> {
    let actor = &situation.actor.id;
    if !situation.reviewers.contains(actor) && !situation.owners.contains(actor) {
        return Err(Refusal::NotAllowed);
    }
    check_may_decide(situation)?;
    if is_undecided(others_request(situation)?) { Ok(()) } else { Err(Refusal::NotWaiting) }
}

/// Owners let others decide again, and never themselves: whoever has stepped aside is out of it.
fn check_lift_recusal(situation: &RequestSituation<'_>) -> Result<(), Refusal> {
    if !situation.owners.contains(&situation.actor.id) {
        return Err(Refusal::NotAllowed);
    }
    check_may_decide(situation)?;
    let request = others_request(situation)?;
    if !is_undecided(request) {
        return Err(Refusal::NotWaiting);
    }
    if request.recused.is_empty() { Err(Refusal::NotRecused) } else { Ok(()) }
}

/// A decision applies only to the round that the person saw; the request may have been resubmitted since.
fn check_round(situation: &RequestSituation<'_>, round: u32) -> Result<(), Refusal> {
    if situation.request.is_some_and(|request| request.round == round) { Ok(()) } else { Err(Refusal::Changed) }
}

/// Creates a draft unless a request is already open.
fn draft_unless_open(situation: &RequestSituation<'_>, new_request_id: RequestId) -> Vec<Change> {
    match situation.request {
        Some(request) if !request.stage.is_final() => Vec::new(),
        _ => vec![Change::Drafted { id: new_request_id }],
    }
}

fn vote(situation: &RequestSituation<'_>, verdict: Verdict) -> Vec<Change> {
    let mut changes = vec![Change::Voted(Vote { reviewer: situation.actor.id, verdict })];
    match verdict {
        Verdict::Return => changes.push(Change::Returned),
        Verdict::Reject => changes.push(Change::Rejected),
        Verdict::Approve => {
            let earlier =
                situation.request.map_or(0, |request| approvals(request, situation.reviewers, situation.members));
            if next_approval_reaches_quorum(earlier, situation.conditions.quorum) {
                changes.push(Change::Approved);
            }
        }
    }
    changes
}
