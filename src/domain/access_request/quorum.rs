//! Who decides about a request, and when their approvals are enough.

use super::{AccessRequest, Verdict};
use crate::domain::ids::PersonId;
use crate::domain::person::Person;

/// Whether an account is in a state to decide: not suspended, and its address verified, for an unverified address might
/// belong to somebody else.
pub const fn may_decide(person: &Person) -> bool {
    person.suspended_at.is_none() && person.email_verified_at.is_some()
}

/// The people whom an approval of the request gives a grant: its applicant, and the other members who have signed.
pub fn granted_by_approval(request: &AccessRequest, members: &[PersonId], signers: &[PersonId]) -> Vec<PersonId> {
    let others = members.iter().filter(|member| **member != request.applicant && signers.contains(member));
    [request.applicant].into_iter().chain(others.copied()).collect()
}

/// Whether somebody has no part in the decision: they are a member of the project, or have stepped aside.
fn is_out(person: PersonId, members: &[PersonId], request: &AccessRequest) -> bool {
    members.contains(&person) || request.recused.contains(&person)
}

/// The number of approvals in the present round that count: those of people who are still reviewers, and have neither become
/// members of the project nor stepped aside.
pub fn approvals(request: &AccessRequest, reviewers: &[PersonId], members: &[PersonId]) -> u32 {
    let counts = |person: PersonId| reviewers.contains(&person) && !is_out(person, members, request);
    let approved = request.votes.iter().filter(|vote| vote.verdict == Verdict::Approve && counts(vote.reviewer));
    u32::try_from(approved.count()).unwrap_or(u32::MAX)
}

/// Whether one more approval after `earlier` ones reaches the quorum.
pub fn next_approval_reaches_quorum(earlier: u32, quorum: u32) -> bool {
    earlier.saturating_add(1) >= quorum.max(1)
}

/// The people who are asked to decide about a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deciders<'a> {
    /// The dataset's reviewers who can vote.
    pub reviewers: Vec<&'a Person>,
    /// The organisation's owners, where the reviewers can't reach the quorum any more.
    pub owners: Vec<&'a Person>,
    /// Who can bring about a decision.
    pub reach: QuorumReach,
}

/// Who can bring about a decision on a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum QuorumReach {
    /// The reviewers: those who can still vote are enough.
    #[default]
    Reviewers,
    /// An owner alone: the reviewers who can still vote are too few.
    Owners,
    /// Nobody.
    Nobody,
}

/// The people of two lists, each once.
pub fn each_once<'a>(first: &[&'a Person], others: &[&'a Person]) -> Vec<&'a Person> {
    let added = others.iter().filter(|other| first.iter().all(|person| person.id != other.id));
    first.iter().chain(added).copied().collect()
}

impl<'a> Deciders<'a> {
    /// All of them, each once.
    pub fn everybody(&self) -> impl Iterator<Item = &'a Person> {
        each_once(&self.reviewers, &self.owners).into_iter()
    }

    /// Those who were not asked before: reviewers who could not decide then, and the owners where the reviewers could still do
    /// it alone.
    #[must_use]
    pub fn newly_asked(mut self, before: &Self) -> Self {
        self.reviewers.retain(|reviewer| !before.reviewers.iter().any(|earlier| earlier.id == reviewer.id));
        if !before.owners.is_empty() {
            self.owners.clear();
        }
        self
    }
}

/// Those of some people who are in a state to decide about a request of these members, and have not stepped aside.
pub fn able<'a>(people: &'a [Person], members: &[PersonId], request: &AccessRequest) -> Vec<&'a Person> {
    people.iter().filter(|person| !is_out(person.id, members, request) && may_decide(person)).collect()
}

/// The people who can decide about a request of these members: the dataset's reviewers, and the owners of its organisation
/// where those who can vote are too few for the quorum.
pub fn deciders<'a>(
    reviewers: &'a [Person],
    owners: &'a [Person],
    members: &[PersonId],
    request: &AccessRequest,
    quorum: u32,
) -> Deciders<'a> {
    let ids: Vec<PersonId> = reviewers.iter().map(|reviewer| reviewer.id).collect();
    let reviewers = able(reviewers, members, request);
    let to_vote = reviewers.iter().filter(|reviewer| !request.votes.iter().any(|vote| vote.reviewer == reviewer.id));
    let reachable =
        approvals(request, &ids, members).saturating_add(u32::try_from(to_vote.count()).unwrap_or(u32::MAX));
    if reachable >= quorum.max(1) {
        return Deciders { reviewers, owners: Vec::new(), reach: QuorumReach::Reviewers };
    }
    let owners = able(owners, members, request);
    let reach = if owners.is_empty() { QuorumReach::Nobody } else { QuorumReach::Owners };
    Deciders { reviewers, owners, reach }
}
