//! Access requests: draft → submitted → (returned ⇄ submitted) → approved | rejected; or withdrawn.
//!
//! [`rules`] holds every decision; [`AccessRequest::apply`] is the only way a state changes.

pub mod rules;
pub mod signing;
mod standing;

use std::fmt;
use std::str::FromStr;

pub use standing::{NextStep, Standing, may_renew, next_step, standing};

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

/// A step in the life of a request; each is an event of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The applicant began a draft.
    Drafted {
        /// Its id.
        id: RequestId,
    },
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
            Change::Drafted { .. } | Change::Overridden => {}
        }
    }
}

#[cfg(test)]
mod tests;
