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

/// The number of approvals in the present round that count: those of people who are still reviewers, and have neither become
/// members of the project nor stepped aside.
pub fn approvals(request: &AccessRequest, reviewers: &[PersonId], members: &[PersonId]) -> u32 {
    let counts = |person: &PersonId| {
        reviewers.contains(person) && !members.contains(person) && !request.recused.contains(person)
    };
    let approved = request.votes.iter().filter(|vote| vote.verdict == Verdict::Approve && counts(&vote.reviewer));
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
}

impl<'a> Deciders<'a> {
    /// All of them, each once.
    pub fn everybody(&self) -> impl Iterator<Item = &'a Person> {
        let others = self.owners.iter().filter(|person| !self.reviewers.contains(person));
        self.reviewers.iter().chain(others).copied()
    }

    /// Whether the approvals that there are, and those of the reviewers who have yet to vote, are enough.
    pub fn reaches(
        &self,
        request: &AccessRequest,
        (reviewers, members): (&[PersonId], &[PersonId]),
        quorum: u32,
    ) -> bool {
        let has_voted = |reviewer: &Person| request.votes.iter().any(|vote| vote.reviewer == reviewer.id);
        let to_vote = self.reviewers.iter().filter(|reviewer| !has_voted(reviewer)).count();
        let possible =
            approvals(request, reviewers, members).saturating_add(u32::try_from(to_vote).unwrap_or(u32::MAX));
        possible >= quorum.max(1)
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
    let is_out = |person: &Person| members.contains(&person.id) || request.recused.contains(&person.id);
    people.iter().filter(|person| !is_out(person) && may_decide(person)).collect()
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
    let deciders = Deciders { reviewers: able(reviewers, members, request), owners: Vec::new() };
    if deciders.reaches(request, (&ids, members), quorum) {
        return deciders;
    }
    Deciders { owners: able(owners, members, request), ..deciders }
}
