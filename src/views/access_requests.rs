//! A person's own request: its stage, the signature, and what to do next.

use super::timeline::{self, Audience, TimelineEntry};
use crate::domain::Timestamp;
use crate::domain::access_request::commands::RequestAction;
use crate::domain::access_request::reading::may_read_as_member;
use crate::domain::access_request::rules::permitted_actions;
use crate::domain::dataset::Dataset;
use crate::domain::grant::{Grant, GrantState};
use crate::domain::ids::{PersonId, RequestId};
use crate::domain::path::FilePath;
use crate::domain::project::Project;
use crate::domain::text::Sha256;
use crate::log::merkle::HashSource;
use crate::store::access_requests::StoredRequest;
use crate::store::log::{LogArchive, TreeReader};
use crate::store::signatures::{self, StoredSignature};
use crate::store::{AnyConnection, RequestFacts, Result, files, grants};

/// A request as its applicant and the other members of the project see it.
#[derive(Clone, Debug)]
pub struct OwnRequest {
    /// The request.
    pub stored: StoredRequest,
    /// The dataset that is asked for.
    pub dataset: Dataset,
    /// The project that it is for.
    pub project: Option<Project>,
    /// What was signed last, each with the leaf hash of its event.
    pub signatures: Vec<(StoredSignature, Sha256)>,
    /// The grant that the request led to.
    pub grant: Option<Grant>,
    /// Whether the grant is active now.
    pub grant_is_active: bool,
    /// The request's history.
    pub timeline: Vec<TimelineEntry>,
    /// A file to show how downloading works.
    pub example: Option<FilePath>,
    /// Whether the reader is the applicant, and not another member of the project.
    pub is_applicant: bool,
    /// What the reader may do.
    pub permitted: Vec<RequestAction>,
    /// When it was read.
    pub at: Timestamp,
}

impl OwnRequest {
    /// Whether the request can be taken back.
    pub fn may_withdraw(&self) -> bool {
        self.permitted.contains(&RequestAction::Withdraw)
    }

    /// Whether the form can be filled in again.
    pub fn may_apply(&self) -> bool {
        self.permitted.contains(&RequestAction::SaveDraft)
    }

    /// Whether the reader may sign as another member of the project.
    pub fn may_sign_as_member(&self) -> bool {
        self.permitted.contains(&RequestAction::SignAsMember)
    }

    /// Whether the reader has newer versions of the agreements to sign.
    pub fn may_sign_new_versions(&self) -> bool {
        self.permitted.contains(&RequestAction::SignNewVersions) && !self.grant_is_suspended()
    }

    /// Whether the grant is active, but for what its holder may have to sign.
    pub fn grant_is_running(&self) -> bool {
        self.grant.as_ref().is_some_and(|grant| grant.is_running(self.at))
    }

    /// Whether the grant goes on, and is suspended.
    pub fn grant_is_suspended(&self) -> bool {
        self.grant.as_ref().is_some_and(|grant| grant.state(self.at) == GrantState::Suspended)
    }

    /// The newest comment in the history.
    pub fn comment(&self) -> &str {
        timeline::last_comment(&self.timeline).unwrap_or_default()
    }
}

/// A request of a person's own or of their project; `None` for anybody else's.
///
/// # Errors
/// When the database fails.
pub fn own(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    id: RequestId,
    person: PersonId,
    now: Timestamp,
) -> Result<Option<OwnRequest>> {
    let Some(facts) = RequestFacts::of_request(conn, id, person)? else { return Ok(None) };
    let permitted = permitted_actions(&facts.situation(), now);
    let RequestFacts { dataset, request, project, members, .. } = facts;
    let project = project.map(|(project, _)| project);
    let Some(stored) = request else { return Ok(None) };
    let is_applicant = stored.request.applicant == person;
    if !may_read_as_member(&stored.request, &members, person) {
        return Ok(None);
    }
    let mut signed = Vec::new();
    for signature in signatures::newest_of(conn, id, person, stored.submitted_at.unwrap_or_default())? {
        let hash = TreeReader::new(conn)?.subtree(0, signature.event_index)?;
        signed.push((signature, hash));
    }
    let grant = grants::of_request(conn, id, person)?;
    let grant_is_active = grant.as_ref().is_some_and(|grant| grant.is_active(now));
    let timeline = timeline::of_request(conn, archive, id, Audience::Applicants)?;
    let example = files::all(conn, dataset.release(), "", 1)?.pop().map(|file| file.path);
    Ok(Some(OwnRequest {
        stored,
        dataset,
        project,
        signatures: signed,
        grant,
        grant_is_active,
        timeline,
        example,
        is_applicant,
        permitted,
        at: now,
    }))
}
