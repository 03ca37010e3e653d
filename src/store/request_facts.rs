//! Everything that the rules of access requests look at, read at one moment: by the ledger to decide, by views to say what
//! can be done.

use super::access_requests::{self, StoredRequest};
use super::connection::AnyConnection;
use super::error::Result;
use super::{agreements, datasets, forms, grants, people};
use crate::domain::access_request::AccessRequest;
use crate::domain::access_request::rules::{AccessConditions, RequestSituation};
use crate::domain::dataset::Dataset;
use crate::domain::grant::Grant;
use crate::domain::ids::{FormVersionId, PersonId, RequestId, VersionId};
use crate::domain::person::Person;
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
    /// The request; for somebody who applies, their newest one that was not withdrawn.
    pub request: Option<StoredRequest>,
    /// The applicant's newest grant.
    pub grant: Option<Grant>,
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

impl RequestFacts {
    /// Reads the facts for somebody who applies for a dataset; `None` if there is no such dataset or account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of_applicant(conn: &mut AnyConnection, slug: &Slug, person: PersonId) -> Result<Option<Self>> {
        let Some(dataset) = datasets::by_slug(conn, slug)? else { return Ok(None) };
        let request = access_requests::latest(conn, person, dataset.id)?;
        Self::load(conn, person, dataset, request, person)
    }

    /// Reads the facts for somebody who acts on a request; `None` if there is no such request or account.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of_request(conn: &mut AnyConnection, id: RequestId, actor: PersonId) -> Result<Option<Self>> {
        let Some(stored) = access_requests::by_id(conn, id)? else { return Ok(None) };
        let Some(dataset) = datasets::by_id(conn, stored.request.dataset)? else { return Ok(None) };
        let applicant = stored.request.applicant;
        Self::load(conn, actor, dataset, Some(stored), applicant)
    }

    fn load(
        conn: &mut AnyConnection,
        actor: PersonId,
        dataset: Dataset,
        request: Option<StoredRequest>,
        applicant: PersonId,
    ) -> Result<Option<Self>> {
        let Some(actor) = people::by_id(conn, actor)? else { return Ok(None) };
        Ok(Some(Self {
            actor,
            versions: versions_in_force(conn, &dataset)?,
            form_version: match dataset.form {
                Some(form) => forms::id_in_force(conn, form)?,
                None => None,
            },
            reviewers: datasets::reviewers(conn, dataset.id)?,
            grant: grants::latest(conn, applicant, dataset.id)?,
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
            request: self.request(),
            saved: self.request.as_ref().map(|stored| &stored.answers),
            grant: self.grant.as_ref(),
        }
    }

    /// The request's state.
    pub fn request(&self) -> Option<&AccessRequest> {
        self.request.as_ref().map(|stored| &stored.request)
    }
}
