//! Everything that the rules of access requests look at, read at one moment: by the ledger to decide, by views to say what
//! can be done.

use super::access_requests::{self, StoredRequest};
use super::connection::AnyConnection;
use super::error::Result;
use super::{
    agreements, committees, datasets, forms, grants, members, new_versions, organisation_members, people, projects,
    signatures,
};
use crate::domain::Timestamp;
use crate::domain::access_request::AccessRequest;
use crate::domain::access_request::reading::DecidingPeople;
use crate::domain::access_request::signing::ProjectTerms;
use crate::domain::access_request::situation::{AccessConditions, RequestSituation};
use crate::domain::dataset::{AccessMode, Dataset};
use crate::domain::grant::Grant;
use crate::domain::ids::{FormVersionId, PersonId, RequestId, VersionId};
use crate::domain::new_version::ToSign;
use crate::domain::person::Person;
use crate::domain::project::{Project, ProjectSituation, WantedProject};
use crate::domain::text::Slug;

/// Everything that a decision about a request depends on.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    /// The person who wants to act.
    pub actor: Person,
    /// The dataset that is asked for.
    pub dataset: Dataset,
    /// The agreement versions in force; none where one of the dataset's agreements has none.
    pub versions: Vec<VersionId>,
    /// The form version in force.
    pub form_version: Option<FormVersionId>,
    /// The dataset's reviewers.
    pub reviewers: Vec<PersonId>,
    /// The owners of the dataset's organisation.
    pub owners: Vec<PersonId>,
    /// The project that the request is for or is to be for, and whether what it says is settled.
    pub project: Option<(Project, bool)>,
    /// The people of that project; the applicant alone where there is none.
    pub members: Vec<PersonId>,
    /// Of them, those who have signed every agreement under the request.
    pub signers: Vec<PersonId>,
    /// The request; for somebody who applies, their newest one for that project that was not withdrawn.
    pub request: Option<StoredRequest>,
    /// The applicant's newest grant for that project; where signing is enough, for whatever it was.
    pub grant: Option<Grant>,
    /// The actor's own, where that is another member.
    pub own_grant: Option<Grant>,
    /// Whether access of the actor to the dataset is suspended, under whatever grant, also one that is over.
    pub is_suspended: bool,
    /// Whether the actor, where that is another member, has decided on the request.
    pub has_decided: bool,
    /// What the actor has to sign, so that access by the request goes on.
    pub to_sign: Option<ToSign>,
}

fn versions_in_force(conn: &mut AnyConnection, dataset: &Dataset) -> Result<Vec<VersionId>> {
    let mut versions = Vec::with_capacity(dataset.agreements.len());
    for agreement in &dataset.agreements {
        match agreements::id_in_force(conn, *agreement)? {
            Some(version) => versions.push(version),
            None => return Ok(Vec::new()),
        }
    }
    Ok(versions)
}

/// The members who have signed every agreement of a dataset under a request, as it was last submitted: what they signed before
/// may have been for another purpose.
fn signers(
    conn: &mut AnyConnection,
    stored: &StoredRequest,
    dataset: &Dataset,
    members: &[PersonId],
) -> Result<Vec<PersonId>> {
    let Some(since) = stored.submitted_at else { return Ok(Vec::new()) };
    let signed = signatures::signed_under(conn, stored.request.id, since)?;
    let has_signed = |person: &PersonId| {
        !dataset.agreements.is_empty()
            && dataset.agreements.iter().all(|agreement| signed.contains(&(*person, *agreement)))
    };
    Ok(members.iter().filter(|person| has_signed(person)).copied().collect())
}

impl RequestFacts {
    /// Reads the facts for somebody who applies for a dataset; `None` if there is no such dataset, account or project of theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of_applicant(
        conn: &mut AnyConnection,
        slug: &Slug,
        person: PersonId,
        (wanted, now): (WantedProject, Timestamp),
    ) -> Result<Option<Self>> {
        let Some(dataset) = datasets::by_slug(conn, slug)? else { return Ok(None) };
        if dataset.mode != AccessMode::Approval {
            let request = access_requests::latest(conn, person, dataset.id, None)?;
            return Self::load(conn, person, dataset, request, (person, None));
        }
        let id = match wanted {
            WantedProject::New(None) => None,
            // It was begun a moment ago, by the same form.
            WantedProject::New(Some(id)) if projects::by_id(conn, id)?.is_none() => None,
            WantedProject::New(Some(id)) | WantedProject::Of(id) => Some(id),
            WantedProject::Latest => access_requests::latest_project(conn, person, dataset.id)?,
        };
        let project = match id {
            Some(id) if members::people(conn, id)?.contains(&person) => projects::by_id(conn, id)?,
            _ => None,
        };
        let project = match (project, wanted) {
            (None, _) if id.is_some() && wanted != WantedProject::Latest => return Ok(None),
            (Some(project), WantedProject::Latest) if !project.is_running(now) => None,
            (project, _) => project,
        };
        let request = access_requests::latest(conn, person, dataset.id, project.as_ref().map(|project| project.id))?;
        Self::load(conn, person, dataset, request, (person, project))
    }

    /// Reads the facts for somebody who acts on a request; `None` if there is no such request or account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of_request(conn: &mut AnyConnection, id: RequestId, actor: PersonId) -> Result<Option<Self>> {
        let Some(stored) = access_requests::by_id(conn, id)? else { return Ok(None) };
        let Some(dataset) = datasets::by_id(conn, stored.request.dataset)? else { return Ok(None) };
        let applicant = stored.request.applicant;
        let project = stored.request.project.map_or(Ok(None), |id| projects::by_id(conn, id))?;
        Self::load(conn, actor, dataset, Some(stored), (applicant, project))
    }

    fn load(
        conn: &mut AnyConnection,
        actor: PersonId,
        dataset: Dataset,
        request: Option<StoredRequest>,
        (applicant, project): (PersonId, Option<Project>),
    ) -> Result<Option<Self>> {
        let Some(actor) = people::by_id(conn, actor)? else { return Ok(None) };
        let members = match &project {
            Some(project) => members::people(conn, project.id)?,
            None => vec![applicant],
        };
        let signers = match &request {
            Some(stored) => signers(conn, stored, &dataset, &members)?,
            None => Vec::new(),
        };
        let id = project.as_ref().map(|project| project.id);
        // Where signing is enough there are no projects; what was revoked for one is revoked there too.
        let grant = match dataset.mode {
            AccessMode::Approval => grants::latest(conn, applicant, dataset.id, id)?,
            _ => grants::newest(conn, applicant, dataset.id)?,
        };
        let is_other = actor.id != applicant && members.contains(&actor.id);
        let own_grant = if is_other { grants::latest(conn, actor.id, dataset.id, id)? } else { None };
        let has_decided = match &request {
            Some(stored) if is_other => access_requests::was_decided_by(conn, stored.request.id, actor.id)?,
            _ => false,
        };
        let to_sign = match &request {
            Some(stored) => new_versions::to_sign(conn, stored.request.id, actor.id)?,
            None => None,
        };
        Ok(Some(Self {
            to_sign,
            members,
            signers,
            own_grant,
            is_suspended: grants::is_suspended(conn, actor.id, dataset.id)?,
            has_decided,
            grant,
            actor,
            versions: versions_in_force(conn, &dataset)?,
            form_version: match dataset.form {
                Some(form) => forms::id_in_force(conn, form)?,
                None => None,
            },
            reviewers: match dataset.committee {
                Some(committee) => committees::members(conn, committee)?,
                None => Vec::new(),
            },
            owners: organisation_members::owners(conn, dataset.organisation)?,
            project: match project {
                Some(project) => {
                    let is_settled = projects::is_settled(conn, project.id)?;
                    Some((project, is_settled))
                }
                None => None,
            },
            request,
            dataset,
        }))
    }

    /// These facts in the form that the rules take.
    pub fn situation(&self) -> RequestSituation<'_> {
        RequestSituation {
            actor: &self.actor,
            conditions: AccessConditions::of(&self.dataset, &self.versions, self.form_version),
            reviewers: &self.reviewers,
            owners: &self.owners,
            project: self.project_situation(),
            members: &self.members,
            signers: &self.signers,
            request: self.request(),
            saved: self.request.as_ref().map(|stored| &stored.answers),
            grant: self.grant.as_ref(),
            own_grant: self.own_grant.as_ref(),
            is_suspended: self.is_suspended,
            has_decided: self.has_decided,
            to_sign: self.to_sign.as_ref(),
        }
    }

    /// The people who decide.
    pub fn deciding(&self) -> DecidingPeople<'_> {
        DecidingPeople { reviewers: &self.reviewers, owners: &self.owners }
    }

    /// The project, in the form that its rules take.
    pub fn project_situation(&self) -> Option<ProjectSituation<'_>> {
        let (project, is_settled) = self.project.as_ref()?;
        Some(ProjectSituation { actor: &self.actor, project, is_settled: *is_settled })
    }

    /// What is asked about the project.
    pub fn project_terms(&self) -> ProjectTerms {
        ProjectTerms::of(self.dataset.mode, self.project_situation().as_ref())
    }

    /// When the project is over by itself.
    pub fn project_end(&self) -> Option<Timestamp> {
        self.project.as_ref().and_then(|(project, _)| project.description.end())
    }

    /// The request's state.
    pub fn request(&self) -> Option<&AccessRequest> {
        self.request.as_ref().map(|stored| &stored.request)
    }
}
