//! What the rules about access requests look at.

use super::{AccessRequest, Stage};
use crate::domain::dataset::{AccessMode, Dataset, Later};
use crate::domain::form::Answers;
use crate::domain::grant::Grant;
use crate::domain::ids::{FormVersionId, PersonId, VersionId};
use crate::domain::new_version::ToSign;
use crate::domain::person::Person;
use crate::domain::project::ProjectSituation;

/// The conditions for access to a dataset, as the rules see them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessConditions<'a> {
    /// The access mode.
    pub mode: AccessMode,
    /// Whether the dataset is suspended.
    pub suspended: bool,
    /// Whether it is retired.
    pub retired: bool,
    /// The number of approvals needed.
    pub quorum: u32,
    /// Whether a decision covers members of the project who sign after it.
    pub later_members: Later,
    /// The number of the current release.
    pub current_release: u32,
    /// The agreement versions in force; none where one of the dataset's agreements has none.
    pub versions: &'a [VersionId],
    /// The form version in force, if the dataset has a form.
    pub form_version: Option<FormVersionId>,
}

impl<'a> AccessConditions<'a> {
    /// The conditions of a dataset, with the versions in force.
    pub const fn of(dataset: &Dataset, versions: &'a [VersionId], form_version: Option<FormVersionId>) -> Self {
        let (suspended, retired) = (dataset.is_suspended(), dataset.retirement.is_some());
        let Dataset { mode, quorum, later_members, current_release, .. } = *dataset;
        Self { mode, suspended, retired, quorum, later_members, current_release, versions, form_version }
    }

    /// Whether nothing can be asked for any more, given the request there is: who was asked to change theirs may still do so.
    pub fn closed_by_retirement(&self, request: Option<&AccessRequest>) -> bool {
        self.retired && request.is_none_or(|request| request.stage != Stage::Returned)
    }
}

/// Everything that a decision about an access request depends on.
#[derive(Clone, Copy, Debug)]
pub struct RequestSituation<'a> {
    /// The person who wants to act.
    pub actor: &'a Person,
    /// The dataset's conditions for access.
    pub conditions: AccessConditions<'a>,
    /// The dataset's reviewers.
    pub reviewers: &'a [PersonId],
    /// The owners of the dataset's organisation.
    pub owners: &'a [PersonId],
    /// The project that the request is for; when applying, the one it is to be for. None where signing is enough, and where
    /// it is to begin with the request.
    pub project: Option<ProjectSituation<'a>>,
    /// The people of that project: its lead and its members.
    pub members: &'a [PersonId],
    /// Of them, those who have signed every agreement under the request.
    pub signers: &'a [PersonId],
    /// The request in question. When applying: the applicant's newest request for that project that was not withdrawn.
    pub request: Option<&'a AccessRequest>,
    /// The answers that are saved in the request.
    pub saved: Option<&'a Answers>,
    /// The applicant's newest grant on the dataset for that project, active or not.
    pub grant: Option<&'a Grant>,
    /// The same of the actor, where that is another member.
    pub own_grant: Option<&'a Grant>,
    /// Whether access of the actor to the dataset is suspended, under whatever grant, also one that is over.
    pub is_suspended: bool,
    /// Whether the actor has decided on the request, in any round, before they became a member.
    pub has_decided: bool,
    /// What the actor has to sign, so that access by this request goes on.
    pub to_sign: Option<&'a ToSign>,
}
