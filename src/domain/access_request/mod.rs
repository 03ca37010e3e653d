//! Access requests: draft → submitted → (returned ⇄ submitted) → approved | rejected; or withdrawn.
//!
//! [`rules`] holds every decision; [`AccessRequest::apply`] is the only way a state changes.

pub mod commands;
pub mod conflicts;
pub mod deadlines;
pub mod queue;
pub mod quorum;
pub mod reading;
pub mod rules;
pub mod signing;
pub mod situation;
mod standing;

pub use standing::{NextStep, Standing, may_renew, next_step, standing};

use serde::{Deserialize, Serialize};

use super::Refusal;
use super::comment::Comment;
use super::ids::{DatasetId, PersonId, ProjectId, RequestId, SignatureId};
use crate::domain::words::words;

/// The stage that an access request has reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The applicant has begun it and not signed yet.
    Draft,
    /// The applicant has signed it; it waits for reviewers.
    Submitted,
    /// A reviewer asked for changes; it waits for the applicant.
    Returned,
    /// Access was granted.
    Approved,
    /// Access was refused.
    Rejected,
    /// The applicant took it back.
    Withdrawn,
}

words! {
    Stage {
        Draft = "draft",
        Submitted = "submitted",
        Returned = "returned",
        Approved = "approved",
        Rejected = "rejected",
        Withdrawn = "withdrawn",
    }
}

impl Stage {
    /// Whether a committee reads what the request's project says, or has approved it.
    pub const fn settles_project(self) -> bool {
        matches!(self, Self::Submitted | Self::Approved)
    }

    /// Whether nothing more can happen to the request.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected | Self::Withdrawn)
    }
}

/// A reviewer's decision on a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Grant access.
    Approve,
    /// Refuse access.
    Reject,
    /// Ask the applicant for changes.
    Return,
}

words! {
    Verdict {
        Approve = "approve",
        Reject = "reject",
        Return = "return",
    }
}

impl Verdict {
    /// Whether a decision may be told to the applicant with this comment: whoever gets nothing is told why.
    ///
    /// # Errors
    /// [`Refusal::CommentNeeded`].
    pub fn check_comment(self, comment: &Comment) -> Result<(), Refusal> {
        if self != Self::Approve && comment.is_empty() { Err(Refusal::CommentNeeded) } else { Ok(()) }
    }
}

/// A vote cast in the present round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vote {
    /// The reviewer who cast it.
    pub reviewer: PersonId,
    /// The reviewer's decision.
    pub verdict: Verdict,
}

/// A request as the rules see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessRequest {
    /// Its id.
    pub id: RequestId,
    /// The dataset that is asked for.
    pub dataset: DatasetId,
    /// The project that it is for; none where signing is enough, and in a draft whose project is to be made with it.
    pub project: Option<ProjectId>,
    /// The person who asks.
    pub applicant: PersonId,
    /// The stage it has reached.
    pub stage: Stage,
    /// The number of times it has been submitted: 0 for a draft. A vote counts only in the round it was cast in.
    pub round: u32,
    /// The votes of the present round.
    pub votes: Vec<Vote>,
    /// Those who have stepped aside from deciding about it, in whatever round.
    pub recused: Vec<PersonId>,
}

/// A step in the life of a request; each is an event of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The applicant began a draft.
    Drafted {
        /// Its id.
        id: RequestId,
    },
    /// The project was begun that the request is for.
    ProjectBegun {
        /// Its id.
        id: ProjectId,
    },
    /// What the project says was changed.
    ProjectChanged {
        /// Its id.
        id: ProjectId,
    },
    /// The applicant signed, which sent it to the reviewers.
    Submitted {
        /// The signatures under it: one for each agreement.
        signatures: Vec<SignatureId>,
    },
    /// Another member of the project signed.
    MemberSigned {
        /// The member.
        person: PersonId,
        /// The signatures: one for each agreement.
        signatures: Vec<SignatureId>,
    },
    /// Another member, who signed after the decision, was granted access by it.
    MemberGranted {
        /// The member.
        person: PersonId,
    },
    /// Somebody who was granted access signed newer versions of its agreements.
    NewVersionsSigned {
        /// Who.
        person: PersonId,
        /// The signatures: one for each agreement.
        signatures: Vec<SignatureId>,
    },
    /// A vote was cast.
    Voted(Vote),
    /// Somebody who could decide stepped aside.
    Recused(PersonId),
    /// Somebody who had stepped aside may decide again.
    RecusalLifted(PersonId),
    /// The request went back to the applicant for changes.
    Returned,
    /// The quorum was reached, or an owner of the organisation decided.
    Approved,
    /// The request was refused.
    Rejected,
    /// An owner of the organisation decided alone; stands before the [`Change::Approved`] or [`Change::Rejected`] it caused.
    Overridden,
    /// The applicant took it back.
    Withdrawn,
}

impl AccessRequest {
    /// A new draft.
    pub const fn draft(id: RequestId, dataset: DatasetId, project: Option<ProjectId>, applicant: PersonId) -> Self {
        Self { id, dataset, project, applicant, stage: Stage::Draft, round: 0, votes: Vec::new(), recused: Vec::new() }
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
            Change::Recused(person) => self.recused.push(*person),
            Change::RecusalLifted(person) => self.recused.retain(|recused| recused != person),
            Change::Returned => self.stage = Stage::Returned,
            Change::Approved => self.stage = Stage::Approved,
            Change::Rejected => self.stage = Stage::Rejected,
            Change::Withdrawn => self.stage = Stage::Withdrawn,
            Change::ProjectBegun { id } => self.project = Some(*id),
            Change::Drafted { .. }
            | Change::ProjectChanged { .. }
            | Change::MemberSigned { .. }
            | Change::MemberGranted { .. }
            | Change::NewVersionsSigned { .. }
            | Change::Overridden => {}
        }
    }
}

/// Whether these changes are a decision that people made, and not one that signing was enough for.
pub fn decided_by_people(changes: &[Change]) -> bool {
    let is_over = changes.iter().any(|change| matches!(change, Change::Approved | Change::Rejected));
    is_over && changes.iter().any(|change| matches!(change, Change::Voted(_) | Change::Overridden))
}

#[cfg(test)]
mod tests;
