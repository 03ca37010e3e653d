//! Where somebody stands with a dataset, in the words of its page.

use super::rules::{Action, DatasetTerms};
use super::{AccessRequest, Stage};
use crate::domain::Timestamp;
use crate::domain::dataset::AccessMode;
use crate::domain::grant::{Grant, GrantState};
use crate::domain::ids::RequestId;
use crate::domain::person::Person;

/// Where the viewer stands with a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Anyone may download.
    Open,
    /// Nothing is delivered now.
    Suspended,
    /// Not signed in.
    Visitor,
    /// The e-mail address is not verified yet.
    Unverified,
    /// The agreement is to be signed.
    ToSign {
        /// Whether a draft is there.
        draft: bool,
    },
    /// A reviewer asked for changes.
    Returned(RequestId),
    /// Waiting for reviewers.
    Waiting(RequestId),
    /// May download until then.
    Granted(RequestId, Timestamp),
    /// The last request was rejected.
    Rejected(RequestId),
    /// The last grant is over.
    Ended,
}

/// Where a viewer stands, given their newest request that was not withdrawn and their newest grant.
pub fn standing(
    terms: &DatasetTerms,
    viewer: Option<&Person>,
    request: Option<&AccessRequest>,
    grant: Option<&Grant>,
    now: Timestamp,
) -> Standing {
    if terms.suspended {
        return Standing::Suspended;
    }
    if terms.mode == AccessMode::Open {
        return Standing::Open;
    }
    let Some(viewer) = viewer else { return Standing::Visitor };
    if let (Some(grant), Some(request)) = (grant, request)
        && grant.state(now) == GrantState::Active
    {
        return Standing::Granted(request.id, grant.ends_at);
    }
    match request.map(|request| (request.id, request.stage)) {
        Some((id, Stage::Submitted)) => Standing::Waiting(id),
        _ if viewer.email_verified_at.is_none() => Standing::Unverified,
        Some((id, Stage::Returned)) => Standing::Returned(id),
        Some((_, Stage::Draft)) => Standing::ToSign { draft: true },
        Some((id, Stage::Rejected)) => Standing::Rejected(id),
        Some((_, Stage::Approved)) => Standing::Ended,
        Some((_, Stage::Withdrawn)) | None => Standing::ToSign { draft: false },
    }
}

/// The one step that brings somebody further, as a dataset's page offers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NextStep {
    /// Download.
    Download,
    /// Sign in.
    SignIn,
    /// Prove the e-mail address.
    VerifyEmail,
    /// Read the agreement and sign.
    Sign,
    /// Go on with a draft.
    ContinueDraft,
    /// Change what a reviewer asked to be changed, and sign again.
    Answer,
    /// Ask once more.
    SignAgain,
    /// See how the request stands.
    FollowRequest(RequestId),
}

/// The next step of somebody who stands there and to whom these actions are open. Signing is offered when it is open.
pub fn next_step(standing: Standing, permitted: &[Action]) -> Option<NextStep> {
    let step = match standing {
        Standing::Suspended => return None,
        Standing::Open | Standing::Granted(..) => return Some(NextStep::Download),
        Standing::Visitor => return Some(NextStep::SignIn),
        Standing::Unverified => return Some(NextStep::VerifyEmail),
        Standing::Waiting(id) => return Some(NextStep::FollowRequest(id)),
        Standing::ToSign { draft: false } => NextStep::Sign,
        Standing::ToSign { draft: true } => NextStep::ContinueDraft,
        Standing::Returned(_) => NextStep::Answer,
        Standing::Rejected(_) | Standing::Ended => NextStep::SignAgain,
    };
    permitted.contains(&Action::Sign).then_some(step)
}

/// Whether somebody who has access already may ask for more of it.
pub fn may_renew(standing: Standing, permitted: &[Action]) -> bool {
    matches!(standing, Standing::Granted(..)) && permitted.contains(&Action::Sign)
}
