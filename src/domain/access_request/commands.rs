//! What somebody can do with an access request, and what it takes.

use super::Verdict;
use super::signing::CompleteForm;
use crate::domain::Timestamp;
use crate::domain::comment::Comment;
use crate::domain::form::DraftAnswers;
use crate::domain::ids::{PersonId, ProjectId, RequestId, SignatureId};

/// An action that somebody can take on an access request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RequestAction {
    /// Keep what was filled in so far.
    SaveDraft,
    /// Sign the agreement, which submits the request.
    Sign,
    /// Sign as another member of the project.
    SignAsMember,
    /// Sign newer versions of the agreements, so that access goes on.
    SignNewVersions,
    /// Take the request back.
    Withdraw,
    /// Vote as a reviewer.
    Vote,
    /// Decide in place of the reviewers, as an owner of the dataset's organisation.
    Override,
    /// Step aside from deciding, for a conflict of interest.
    Recuse,
    /// Let somebody decide again who has stepped aside, as an owner of the dataset's organisation.
    LiftRecusal,
}

impl RequestAction {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::SaveDraft,
        Self::Sign,
        Self::SignAsMember,
        Self::SignNewVersions,
        Self::Withdraw,
        Self::Vote,
        Self::Override,
        Self::Recuse,
        Self::LiftRecusal,
    ];
}

/// An action together with its input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestCommand<'a> {
    /// [`RequestAction::SaveDraft`].
    SaveDraft {
        /// The id to use if a new request is created.
        new_request_id: RequestId,
        /// The answers.
        answers: &'a DraftAnswers,
    },
    /// [`RequestAction::Sign`].
    Sign {
        /// The id to use if a new request is created.
        new_request_id: RequestId,
        /// The completed form.
        form: &'a CompleteForm,
        /// When the signer last proved who they are.
        proved_at: Timestamp,
        /// The id to use if a project begins.
        new_project_id: ProjectId,
        /// The ids of the signatures: one for each agreement.
        signatures: &'a [SignatureId],
    },
    /// [`RequestAction::SignAsMember`].
    SignAsMember {
        /// The completed form, which has nothing but what is to be signed.
        form: &'a CompleteForm,
        /// When the signer last proved who they are.
        proved_at: Timestamp,
        /// The ids of the signatures: one for each agreement.
        signatures: &'a [SignatureId],
    },
    /// [`RequestAction::SignNewVersions`].
    SignNewVersions {
        /// The completed form, which has nothing but what is to be signed.
        form: &'a CompleteForm,
        /// When the signer last proved who they are.
        proved_at: Timestamp,
        /// The ids of the signatures: one for each agreement.
        signatures: &'a [SignatureId],
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
        /// The owner's decision; [`Verdict::Return`] decides nothing and is refused.
        verdict: Verdict,
        /// The reason, which must not be empty.
        reason: &'a Comment,
        /// The round that the owner was looking at.
        round: u32,
    },
    /// [`RequestAction::Recuse`].
    Recuse,
    /// [`RequestAction::LiftRecusal`].
    LiftRecusal {
        /// Who may decide again; nobody for an address without an account.
        person: Option<PersonId>,
    },
}

impl RequestCommand<'_> {
    /// The action that this command carries out.
    pub const fn action(&self) -> RequestAction {
        match self {
            Self::SaveDraft { .. } => RequestAction::SaveDraft,
            Self::Sign { .. } => RequestAction::Sign,
            Self::SignAsMember { .. } => RequestAction::SignAsMember,
            Self::SignNewVersions { .. } => RequestAction::SignNewVersions,
            Self::Withdraw => RequestAction::Withdraw,
            Self::Vote { .. } => RequestAction::Vote,
            Self::Override { .. } => RequestAction::Override,
            Self::Recuse => RequestAction::Recuse,
            Self::LiftRecusal { .. } => RequestAction::LiftRecusal,
        }
    }
}
