//! Who may read a request, and what was signed with it.

use super::AccessRequest;
use super::quorum::may_decide;
use crate::domain::Refusal;
use crate::domain::ids::PersonId;
use crate::domain::person::Person;

/// The requests that somebody may see as reviewers do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReviewScope {
    /// Requests for the datasets that this person reviews, and for those of the organisations that they own. Their own are
    /// left out of every list.
    Decider(PersonId),
    /// All requests, for auditors.
    Everything,
}

/// The requests that somebody may see as reviewers do; `None` for somebody who neither audits nor decides. `decides` says
/// whether they review a dataset or own an organisation.
pub fn review_scope(reader: &Person, decides: bool) -> Option<ReviewScope> {
    if reader.may_audit() {
        return Some(ReviewScope::Everything);
    }
    (decides && may_decide(reader)).then_some(ReviewScope::Decider(reader.id))
}

/// The people who decide about a dataset's requests.
#[derive(Clone, Copy, Debug)]
pub struct DecidingPeople<'a> {
    /// Its reviewers.
    pub reviewers: &'a [PersonId],
    /// The owners of its organisation.
    pub owners: &'a [PersonId],
}

impl DecidingPeople<'_> {
    /// Whether somebody is one of them.
    pub fn include(&self, person: PersonId) -> bool {
        self.reviewers.contains(&person) || self.owners.contains(&person)
    }
}

/// Whether somebody may read a request as reviewers do, and if so which requests they may. Only its applicant may read one that
/// was never submitted.
///
/// # Errors
/// [`Refusal::Recused`] for somebody who has stepped aside; [`Refusal::NotFound`] for anybody else who may not.
pub fn check_read_case(
    reader: &Person,
    deciding: DecidingPeople<'_>,
    request: &AccessRequest,
) -> Result<ReviewScope, Refusal> {
    match review_scope(reader, deciding.include(reader.id)).filter(|_| request.round > 0) {
        Some(ReviewScope::Decider(person)) if request.recused.contains(&person) => Err(Refusal::Recused),
        Some(scope) => Ok(scope),
        None => Err(Refusal::NotFound),
    }
}

/// As [`check_read_case`], without the reason.
pub fn may_read_case(reader: &Person, deciding: DecidingPeople<'_>, request: &AccessRequest) -> bool {
    check_read_case(reader, deciding, request).is_ok()
}

/// Whether somebody may read a request as one of the people it is for: its applicant, and once it was submitted the members
/// of its project.
pub fn may_read_as_member(request: &AccessRequest, members: &[PersonId], reader: PersonId) -> bool {
    request.applicant == reader || request.round > 0 && members.contains(&reader)
}

/// Whether somebody may read all that was signed with a request: its signer, and those who read the request as reviewers do.
pub fn may_read_signature(
    reader: &Person,
    deciding: DecidingPeople<'_>,
    request: Option<&AccessRequest>,
    signer: PersonId,
) -> bool {
    reader.id == signer || request.is_some_and(|request| may_read_case(reader, deciding, request))
}
