//! Who may do what with an access request, and what follows. Every yes or no is decided here: the commands of the
//! ledger ask [`decide`], and what a page offers is [`permitted_actions`], from the same rules.

use super::signing::CompleteForm;
use super::{AccessRequest, Change, Stage, Verdict, Vote};
use crate::domain::comment::Comment;
use crate::domain::dataset::{AccessMode, Dataset};
use crate::domain::grant::Grant;
use crate::domain::ids::{PersonId, RequestId, SignatureId, VersionId};
use crate::domain::person::{Person, proof_is_fresh};
use crate::domain::{Refusal, Timestamp};

/// The conditions for access to a dataset, as the rules see them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DatasetTerms {
    /// The access mode.
    pub mode: AccessMode,
    /// Whether the dataset is suspended.
    pub suspended: bool,
    /// The number of approvals needed.
    pub quorum: u32,
    /// The agreement version in force, if the dataset has an agreement.
    pub version: Option<VersionId>,
}

impl DatasetTerms {
    /// The terms of a dataset, with the agreement version in force.
    pub const fn of(dataset: &Dataset, version: Option<VersionId>) -> Self {
        let suspended = dataset.suspended_at.is_some();
        Self { mode: dataset.mode, suspended, quorum: dataset.quorum, version }
    }
}

/// Everything that a decision about an access request depends on.
#[derive(Clone, Copy, Debug)]
pub struct RequestSituation<'a> {
    /// The person who wants to act.
    pub actor: &'a Person,
    /// The dataset's conditions for access.
    pub terms: DatasetTerms,
    /// The dataset's reviewers.
    pub reviewers: &'a [PersonId],
    /// The request in question; for somebody who applies, their newest one that was not withdrawn.
    pub request: Option<&'a AccessRequest>,
    /// The applicant's newest grant on the dataset, active or not.
    pub grant: Option<&'a Grant>,
}

/// An action that somebody can take on an access request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RequestAction {
    /// Keep what was filled in so far.
    SaveDraft,
    /// Sign the agreement, which submits the request.
    Sign,
    /// Take the request back.
    Withdraw,
    /// Vote as a reviewer.
    Vote,
    /// Decide in place of the reviewers, as an administrator.
    Override,
}

impl RequestAction {
    /// Every action.
    pub const ALL: [Self; 5] = [Self::SaveDraft, Self::Sign, Self::Withdraw, Self::Vote, Self::Override];
}

/// An action together with its input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestCommand<'a> {
    /// [`RequestAction::SaveDraft`].
    SaveDraft {
        /// The id of the request, if this begins one.
        fresh: RequestId,
    },
    /// [`RequestAction::Sign`].
    Sign {
        /// The id of the request, if this begins one.
        fresh: RequestId,
        /// The completed form.
        form: &'a CompleteForm,
        /// When the signer last proved who they are.
        proved_at: Timestamp,
        /// The id of the signature.
        signature: SignatureId,
    },
    /// [`RequestAction::Withdraw`].
    Withdraw,
    /// [`RequestAction::Vote`].
    Vote {
        /// The reviewer's decision.
        verdict: Verdict,
        /// A comment for the applicant.
        comment: &'a Comment,
        /// The round that the reviewer was looking at.
        round: u32,
    },
    /// [`RequestAction::Override`].
    Override {
        /// The administrator's decision; [`Verdict::Return`] decides nothing and is refused.
        verdict: Verdict,
        /// The reason, which must not be empty.
        reason: &'a Comment,
        /// The round that the administrator was looking at.
        round: u32,
    },
}

impl RequestCommand<'_> {
    /// The action that this command carries out.
    pub const fn action(&self) -> RequestAction {
        match self {
            Self::SaveDraft { .. } => RequestAction::SaveDraft,
            Self::Sign { .. } => RequestAction::Sign,
            Self::Withdraw => RequestAction::Withdraw,
            Self::Vote { .. } => RequestAction::Vote,
            Self::Override { .. } => RequestAction::Override,
        }
    }
}

/// Decides what a command does.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it; nothing happens then.
pub fn decide(
    situation: &RequestSituation<'_>,
    command: &RequestCommand<'_>,
    now: Timestamp,
) -> Result<Vec<Change>, Refusal> {
    permit(situation, command.action(), now)?;
    match *command {
        RequestCommand::SaveDraft { fresh } => Ok(begin(situation, fresh)),
        RequestCommand::Sign { fresh, form, proved_at, signature } => {
            if !proof_is_fresh(proved_at, now) {
                return Err(Refusal::ProofTooOld);
            }
            if situation.terms.version != Some(form.version()) {
                return Err(Refusal::VersionChanged);
            }
            let mut changes = begin(situation, fresh);
            changes.push(Change::Submitted { signature });
            // A person whose grant was revoked can't regain access by signing: an administrator decides.
            let was_revoked = situation.grant.is_some_and(|grant| grant.revoked_at.is_some());
            if situation.terms.mode == AccessMode::Agreement && !was_revoked {
                changes.push(Change::Approved);
            }
            Ok(changes)
        }
        RequestCommand::Withdraw => Ok(vec![Change::Withdrawn]),
        RequestCommand::Vote { verdict, comment, round } => {
            check_round(situation, round)?;
            if verdict != Verdict::Approve && comment.is_empty() {
                return Err(Refusal::CommentNeeded);
            }
            Ok(vote(situation, verdict))
        }
        RequestCommand::Override { verdict, reason, round } => {
            check_round(situation, round)?;
            if reason.is_empty() {
                return Err(Refusal::CommentNeeded);
            }
            match verdict {
                Verdict::Approve => Ok(vec![Change::Overridden, Change::Approved]),
                Verdict::Reject => Ok(vec![Change::Overridden, Change::Rejected]),
                Verdict::Return => Err(Refusal::NotAllowed),
            }
        }
    }
}

/// The actions that [`decide`] accepts in this situation, given a form in which nothing is wrong.
pub fn permitted_actions(situation: &RequestSituation<'_>, now: Timestamp) -> Vec<RequestAction> {
    RequestAction::ALL.into_iter().filter(|action| permit(situation, *action, now).is_ok()).collect()
}

/// Whether an action is open to the actor, whatever is handed in for it.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn permit(situation: &RequestSituation<'_>, action: RequestAction, now: Timestamp) -> Result<(), Refusal> {
    match action {
        RequestAction::SaveDraft => permit_applying(situation, now),
        RequestAction::Sign => {
            permit_applying(situation, now)?;
            if situation.actor.email_verified_at.is_none() {
                return Err(Refusal::EmailUnverified);
            }
            situation.terms.version.map(|_| ()).ok_or(Refusal::NothingToSign)
        }
        RequestAction::Withdraw => {
            let request = own_request(situation)?;
            permit_acting(situation)?;
            if request.stage.is_final() { Err(Refusal::NotEditable) } else { Ok(()) }
        }
        RequestAction::Vote => permit_voting(situation),
        RequestAction::Override => {
            if !situation.actor.may_administer() {
                return Err(Refusal::NotAllowed);
            }
            waiting_request(situation).map(|_| ())
        }
    }
}

fn permit_acting(situation: &RequestSituation<'_>) -> Result<(), Refusal> {
    if situation.actor.suspended_at.is_some() { Err(Refusal::AccountSuspended) } else { Ok(()) }
}

fn permit_applying(situation: &RequestSituation<'_>, now: Timestamp) -> Result<(), Refusal> {
    permit_acting(situation)?;
    if situation.terms.suspended {
        return Err(Refusal::DatasetSuspended);
    }
    if situation.terms.mode == AccessMode::Open {
        return Err(Refusal::NothingToSign);
    }
    if situation.grant.is_some_and(|grant| !grant.is_renewable(now)) {
        return Err(Refusal::AlreadyGranted);
    }
    match situation.request {
        None => Ok(()),
        Some(_) if own_request(situation)?.stage == Stage::Submitted => Err(Refusal::AlreadyWaiting),
        Some(_) => Ok(()),
    }
}

/// The actor's own request; [`Refusal::NotFound`] for anybody else's.
fn own_request<'a>(situation: &RequestSituation<'a>) -> Result<&'a AccessRequest, Refusal> {
    situation.request.filter(|request| request.applicant == situation.actor.id).ok_or(Refusal::NotFound)
}

/// The request, if it waits for somebody else's decision.
fn waiting_request<'a>(situation: &RequestSituation<'a>) -> Result<&'a AccessRequest, Refusal> {
    let request = situation.request.ok_or(Refusal::NotFound)?;
    if request.applicant == situation.actor.id {
        return Err(Refusal::OwnRequest);
    }
    if request.stage == Stage::Submitted { Ok(request) } else { Err(Refusal::NotWaiting) }
}

fn permit_voting(situation: &RequestSituation<'_>) -> Result<(), Refusal> {
    if !situation.reviewers.contains(&situation.actor.id) {
        return Err(Refusal::NotAllowed);
    }
    permit_acting(situation)?;
    // An address that nobody proved may be anybody's account.
    if situation.actor.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified);
    }
    let request = waiting_request(situation)?;
    if request.votes.iter().any(|vote| vote.reviewer == situation.actor.id) {
        return Err(Refusal::AlreadyVoted);
    }
    Ok(())
}

/// A decision is on what was seen: the request may have been submitted anew since the page was shown.
fn check_round(situation: &RequestSituation<'_>, round: u32) -> Result<(), Refusal> {
    if situation.request.is_some_and(|request| request.round == round) { Ok(()) } else { Err(Refusal::Changed) }
}

/// A draft begins where there is no open request.
fn begin(situation: &RequestSituation<'_>, fresh: RequestId) -> Vec<Change> {
    match situation.request {
        Some(request) if !request.stage.is_final() => Vec::new(),
        _ => vec![Change::Drafted { id: fresh }],
    }
}

fn vote(situation: &RequestSituation<'_>, verdict: Verdict) -> Vec<Change> {
    let mut changes = vec![Change::Voted(Vote { reviewer: situation.actor.id, verdict })];
    match verdict {
        Verdict::Return => changes.push(Change::Returned),
        Verdict::Reject => changes.push(Change::Rejected),
        Verdict::Approve => {
            let earlier = situation.request.map_or(0, |request| approvals(request, situation.reviewers));
            if approval_decides(earlier, situation.terms.quorum) {
                changes.push(Change::Approved);
            }
        }
    }
    changes
}

/// The number of approvals in the present round that count: those of people who are still reviewers.
pub fn approvals(request: &AccessRequest, reviewers: &[PersonId]) -> u32 {
    let counted =
        request.votes.iter().filter(|vote| vote.verdict == Verdict::Approve && reviewers.contains(&vote.reviewer));
    u32::try_from(counted.count()).unwrap_or(u32::MAX)
}

/// The people who can decide about a request of this applicant: the dataset's reviewers, or the administrators where none
/// of them can.
pub fn deciders<'a>(reviewers: &'a [Person], administrators: &'a [Person], applicant: &Person) -> Vec<&'a Person> {
    let able = |people: &'a [Person]| -> Vec<_> {
        people.iter().filter(|person| person.id != applicant.id && person.suspended_at.is_none()).collect()
    };
    let able_reviewers = able(reviewers);
    if able_reviewers.is_empty() { able(administrators) } else { able_reviewers }
}

/// Whether one more approval after so many reaches the quorum.
pub fn approval_decides(earlier: u32, quorum: u32) -> bool {
    earlier.saturating_add(1) >= quorum.max(1)
}

/// Whether somebody may read a request as reviewers do. Only its applicant may read a draft.
pub fn may_read_case(reader: &Person, reviewers: &[PersonId], request: &AccessRequest) -> bool {
    let reviews = reviewers.contains(&reader.id) && reader.email_verified_at.is_some() && reader.suspended_at.is_none();
    request.round > 0 && (reviews || reader.may_oversee())
}
