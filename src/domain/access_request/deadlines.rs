//! Bringing to mind what waits for a decision.

use serde::{Deserialize, Serialize};

use super::quorum::{Deciders, approvals, each_once};
use super::{AccessRequest, Stage};
use crate::domain::Timestamp;
use crate::domain::ids::PersonId;
use crate::domain::person::Person;

/// Why people are told that a request still waits for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nudge {
    /// It has waited for so long that the committee wants to be reminded.
    Reminder,
    /// The days that the committee has for a decision are over.
    Overdue,
}

impl Nudge {
    /// Whom to tell about a request: those who have not voted and can; when it is overdue the organisation's owners too.
    pub fn recipients<'a>(
        self,
        request: &AccessRequest,
        deciders: &Deciders<'a>,
        able_owners: &[&'a Person],
    ) -> Vec<&'a Person> {
        let asked = not_voted(request, deciders.everybody());
        match self {
            Self::Reminder => asked,
            Self::Overdue => each_once(&asked, able_owners),
        }
    }
}

/// Those of some people who have not voted in the present round.
pub fn not_voted<'a>(request: &AccessRequest, people: impl Iterator<Item = &'a Person>) -> Vec<&'a Person> {
    people.filter(|person| request.votes.iter().all(|vote| vote.reviewer != person.id)).collect()
}

/// Whether a request that waits was to be decided by now.
pub fn is_overdue(stage: Stage, due_at: Option<Timestamp>, now: Timestamp) -> bool {
    stage == Stage::Submitted && due_at.is_some_and(|due| due <= now)
}

/// Whether one approval is missing after a vote, so that the next of the others decides.
pub fn is_one_missing(request: &AccessRequest, reviewers: &[PersonId], members: &[PersonId], quorum: u32) -> bool {
    request.stage == Stage::Submitted && approvals(request, reviewers, members).saturating_add(1) == quorum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TimeSpan;

    #[test]
    fn only_what_waits_is_overdue_and_from_its_moment_on() {
        let due = Timestamp::of_day(20_000);
        for (stage, due_at, now, expected) in [
            (Stage::Submitted, Some(due), due - TimeSpan(1), false),
            (Stage::Submitted, Some(due), due, true),
            (Stage::Submitted, None, due, false),
            (Stage::Returned, Some(due), due, false),
            (Stage::Approved, Some(due), due, false),
        ] {
            assert_eq!(is_overdue(stage, due_at, now), expected, "{stage} {now}");
        }
    }
}
