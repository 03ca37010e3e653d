//! The access request and its rules: draft → submitted → (returned ⇄ submitted) → approved | rejected, or withdrawn.
//!
//! [`decide`] is pure; [`AccessRequest::apply`] is the only way a state changes.

use std::fmt;
use std::str::FromStr;

use super::Refusal;
use super::ids::{DatasetId, PersonId, RequestId, SignatureId};

/// Where a request stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// Begun, not signed.
    Draft,
    /// Signed and waiting for reviewers.
    Submitted,
    /// A reviewer asked for changes; waiting for the applicant.
    Returned,
    /// Granted.
    Approved,
    /// Refused.
    Rejected,
    /// Taken back by the applicant.
    Withdrawn,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Submitted, Self::Returned, Self::Approved, Self::Rejected, Self::Withdrawn];

    /// The word that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Returned => "returned",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether nothing more can happen to the request.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected | Self::Withdrawn)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text).ok_or(Refusal::NotFound)
    }
}

/// What a reviewer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Let this person in.
    Approve,
    /// Do not.
    Reject,
    /// Ask the applicant for changes.
    Return,
}

impl Verdict {
    /// The word that is stored and posted by the form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Return => "return",
        }
    }
}

impl FromStr for Verdict {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        [Self::Approve, Self::Reject, Self::Return]
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or(Refusal::NotFound)
    }
}

/// A vote cast in the present round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vote {
    /// Whose.
    pub reviewer: PersonId,
    /// What they said.
    pub verdict: Verdict,
}

/// A request as the rules see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessRequest {
    /// Its id.
    pub id: RequestId,
    /// What is asked for.
    pub dataset: DatasetId,
    /// Who asks.
    pub applicant: PersonId,
    /// Where it stands.
    pub stage: Stage,
    /// How often it has been submitted: 0 for a draft, 1 after the first time. Votes count in their round only.
    pub round: u32,
    /// The votes of the present round.
    pub votes: Vec<Vote>,
}

/// Who may decide about a dataset, and how many must agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committee {
    /// The dataset's reviewers.
    pub reviewers: Vec<PersonId>,
    /// Approvals needed, at least 1.
    pub quorum: u32,
}

/// A wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// The applicant signed and sends it to the reviewers.
    Submit {
        /// Who does it.
        by: PersonId,
        /// The signature that was made for this submission.
        signature: SignatureId,
    },
    /// A reviewer votes.
    Vote {
        /// Who does it.
        by: PersonId,
        /// What they say.
        verdict: Verdict,
        /// Words for the applicant.
        comment: String,
        /// The round that the reviewer was looking at.
        round: u32,
    },
    /// The applicant takes it back.
    Withdraw {
        /// Who does it.
        by: PersonId,
    },
    /// An administrator decides alone.
    Override {
        /// The administrator.
        by: PersonId,
        /// What they decide; [`Verdict::Return`] is not a decision and is refused.
        verdict: Verdict,
        /// Why; needed.
        reason: String,
        /// The round that they were looking at.
        round: u32,
    },
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It was sent to the reviewers.
    Submitted {
        /// The signature under it.
        signature: SignatureId,
    },
    /// A vote was cast.
    Voted(Vote),
    /// It went back to the applicant.
    Returned,
    /// The quorum was reached, or an administrator decided.
    Approved,
    /// It was refused.
    Rejected,
    /// An administrator decided alone; stands before the [`Change::Approved`] or [`Change::Rejected`] it caused.
    Overridden,
    /// The applicant took it back.
    Withdrawn,
}

/// Decides what a command does to a request.
///
/// # Errors
/// The rule that says no; nothing happens then.
pub fn decide(request: &AccessRequest, command: &Command, committee: &Committee) -> Result<Vec<Change>, Refusal> {
    match command {
        Command::Submit { by, signature } => {
            owned(request, *by)?;
            match request.stage {
                Stage::Draft | Stage::Returned => Ok(vec![Change::Submitted { signature: *signature }]),
                Stage::Submitted => Err(Refusal::AlreadyWaiting),
                Stage::Approved | Stage::Rejected | Stage::Withdrawn => Err(Refusal::NotEditable),
            }
        }
        Command::Withdraw { by } => {
            owned(request, *by)?;
            if request.stage.is_final() { Err(Refusal::NotEditable) } else { Ok(vec![Change::Withdrawn]) }
        }
        Command::Vote { by, verdict, comment, round } => vote(request, committee, *by, *verdict, comment, *round),
        Command::Override { by, verdict, reason, round } => overrule(request, *by, *verdict, reason, *round),
    }
}

fn owned(request: &AccessRequest, by: PersonId) -> Result<(), Refusal> {
    // To anyone else the request does not exist.
    if request.applicant == by { Ok(()) } else { Err(Refusal::NotFound) }
}

fn waiting(request: &AccessRequest, by: PersonId, round: u32) -> Result<(), Refusal> {
    if request.applicant == by {
        return Err(Refusal::OwnRequest);
    }
    if request.stage != Stage::Submitted {
        return Err(Refusal::NotWaiting);
    }
    if request.round != round {
        return Err(Refusal::Changed);
    }
    Ok(())
}

fn vote(
    request: &AccessRequest,
    committee: &Committee,
    by: PersonId,
    verdict: Verdict,
    comment: &str,
    round: u32,
) -> Result<Vec<Change>, Refusal> {
    if !committee.reviewers.contains(&by) {
        return Err(Refusal::NotAllowed);
    }
    waiting(request, by, round)?;
    if request.votes.iter().any(|vote| vote.reviewer == by) {
        return Err(Refusal::AlreadyVoted);
    }
    if verdict != Verdict::Approve && comment.trim().is_empty() {
        return Err(Refusal::CommentNeeded);
    }
    let mut changes = vec![Change::Voted(Vote { reviewer: by, verdict })];
    match verdict {
        Verdict::Return => changes.push(Change::Returned),
        Verdict::Reject => changes.push(Change::Rejected),
        Verdict::Approve => {
            // Only people who are reviewers now count: one who left the committee no longer speaks for it.
            let earlier = request
                .votes
                .iter()
                .filter(|vote| vote.verdict == Verdict::Approve && committee.reviewers.contains(&vote.reviewer))
                .count();
            let approvals = u32::try_from(earlier).unwrap_or(u32::MAX).saturating_add(1);
            if approvals >= committee.quorum.max(1) {
                changes.push(Change::Approved);
            }
        }
    }
    Ok(changes)
}

fn overrule(
    request: &AccessRequest,
    by: PersonId,
    verdict: Verdict,
    reason: &str,
    round: u32,
) -> Result<Vec<Change>, Refusal> {
    waiting(request, by, round)?;
    if reason.trim().is_empty() {
        return Err(Refusal::CommentNeeded);
    }
    match verdict {
        Verdict::Approve => Ok(vec![Change::Overridden, Change::Approved]),
        Verdict::Reject => Ok(vec![Change::Overridden, Change::Rejected]),
        Verdict::Return => Err(Refusal::NotAllowed),
    }
}

impl AccessRequest {
    /// A new draft.
    pub const fn draft(id: RequestId, dataset: DatasetId, applicant: PersonId) -> Self {
        Self { id, dataset, applicant, stage: Stage::Draft, round: 0, votes: Vec::new() }
    }

    /// Changes the state as `change` says.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Submitted { .. } => {
                self.stage = Stage::Submitted;
                self.round += 1;
                self.votes.clear();
            }
            Change::Voted(vote) => self.votes.push(*vote),
            Change::Returned => self.stage = Stage::Returned,
            Change::Approved => self.stage = Stage::Approved,
            Change::Rejected => self.stage = Stage::Rejected,
            Change::Withdrawn => self.stage = Stage::Withdrawn,
            Change::Overridden => {}
        }
    }
}

#[cfg(test)]
mod tests;
