//! How far somebody has come towards access to a dataset, as its page tells them.

use super::commands::RequestAction;
use super::situation::AccessConditions;
use super::{AccessRequest, Stage};
use crate::domain::Timestamp;
use crate::domain::dataset::AccessMode;
use crate::domain::grant::Grant;
use crate::domain::ids::RequestId;
use crate::domain::person::Person;

/// How far a viewer has come towards access to a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Anyone may download.
    Open,
    /// The dataset is suspended; nothing is delivered.
    Suspended,
    /// The dataset is retired, and the viewer has no access.
    Retired,
    /// The viewer is not signed in.
    Visitor,
    /// The e-mail address is not verified yet.
    Unverified,
    /// The viewer has to sign the agreement.
    ToSign {
        /// Whether the viewer has begun a draft.
        draft: bool,
    },
    /// A reviewer asked for changes.
    Returned(RequestId),
    /// The request waits for reviewers.
    Waiting(RequestId),
    /// The viewer may download until this time.
    Granted(RequestId, Timestamp),
    /// The viewer may download until this time, but only releases up to this one, and there is a newer one.
    GrantedEarlier(RequestId, Timestamp, u32),
    /// Access has stopped until the viewer signs a newer version of an agreement, under this request.
    StoppedToSign(RequestId),
    /// Access under this request is suspended.
    AccessSuspended(RequestId),
    /// The last request was rejected.
    Rejected(RequestId),
    /// The last grant has ended.
    Ended,
}

/// How far a viewer has come, given their newest request that was not withdrawn and their newest grant.
pub fn standing(
    conditions: &AccessConditions<'_>,
    viewer: Option<&Person>,
    request: Option<&AccessRequest>,
    grant: Option<&Grant>,
    now: Timestamp,
) -> Standing {
    if conditions.suspended {
        return Standing::Suspended;
    }
    if conditions.mode == AccessMode::Open {
        return Standing::Open;
    }
    let Some(viewer) = viewer else { return if conditions.retired { Standing::Retired } else { Standing::Visitor } };
    if let (Some(grant), Some(request)) = (grant, request)
        && grant.is_active(now)
    {
        return match grant.last_release {
            Some(last) if !grant.covers(conditions.current_release) => {
                Standing::GrantedEarlier(request.id, grant.ends_at, last)
            }
            _ => Standing::Granted(request.id, grant.ends_at),
        };
    }
    if let Some(grant) = grant
        && grant.suspended_at.is_some()
    {
        return Standing::AccessSuspended(grant.request);
    }
    if let Some(grant) = grant
        && grant.is_running(now)
    {
        return Standing::StoppedToSign(grant.request);
    }
    match request.map(|request| (request.id, request.stage)) {
        Some((id, Stage::Submitted)) => Standing::Waiting(id),
        _ if conditions.closed_by_retirement(request) => Standing::Retired,
        _ if viewer.email_verified_at.is_none() => Standing::Unverified,
        Some((id, Stage::Returned)) => Standing::Returned(id),
        Some((_, Stage::Draft)) => Standing::ToSign { draft: true },
        Some((id, Stage::Rejected)) => Standing::Rejected(id),
        Some((_, Stage::Approved)) => Standing::Ended,
        Some((_, Stage::Withdrawn)) | None => Standing::ToSign { draft: false },
    }
}

impl Standing {
    /// Whether the viewer may download the current release.
    pub const fn may_download(self) -> bool {
        matches!(self, Self::Open | Self::Granted(..))
    }
}

/// The next step towards a download, as a dataset's page offers it.
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
    /// Continue a draft.
    ContinueDraft,
    /// Change what a reviewer asked to be changed, and sign again.
    Answer,
    /// Sign the newer version of an agreement, under this request.
    SignNewVersions(RequestId),
    /// Apply again.
    SignAgain,
    /// Apply for the releases that came after the grant.
    RequestNewer,
    /// Look at the request's progress.
    FollowRequest(RequestId),
}

/// The next step for a viewer with this standing and these permitted actions. Signing is offered only if permitted.
pub fn next_step(standing: Standing, permitted: &[RequestAction]) -> Option<NextStep> {
    let step = match standing {
        Standing::Suspended | Standing::Retired => return None,
        Standing::Open | Standing::Granted(..) => return Some(NextStep::Download),
        Standing::Visitor => return Some(NextStep::SignIn),
        Standing::Unverified => return Some(NextStep::VerifyEmail),
        Standing::Waiting(id) | Standing::AccessSuspended(id) => return Some(NextStep::FollowRequest(id)),
        Standing::StoppedToSign(id) => return Some(NextStep::SignNewVersions(id)),
        Standing::GrantedEarlier(id, ..) if !permitted.contains(&RequestAction::Sign) => {
            return Some(NextStep::FollowRequest(id));
        }
        Standing::GrantedEarlier(..) => NextStep::RequestNewer,
        Standing::ToSign { draft: false } => NextStep::Sign,
        Standing::ToSign { draft: true } => NextStep::ContinueDraft,
        Standing::Returned(_) => NextStep::Answer,
        Standing::Rejected(_) | Standing::Ended => NextStep::SignAgain,
    };
    permitted.contains(&RequestAction::Sign).then_some(step)
}

/// Whether a viewer who has access may apply to prolong it.
pub fn may_renew(standing: Standing, permitted: &[RequestAction]) -> bool {
    matches!(standing, Standing::Granted(..) | Standing::StoppedToSign(_)) && permitted.contains(&RequestAction::Sign)
}
