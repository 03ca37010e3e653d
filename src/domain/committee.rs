//! Committees: named groups of an organisation that decide on access requests.

use super::ids::{CommitteeId, OrganisationId, PersonId};
use super::localised::{Localised, LocalisedError};
use super::person::Person;
use super::text::{Email, Sha256, Slug, one_line};
use super::working_days::{Holidays, after_working_days};
use super::{Refusal, Timestamp};

/// A committee.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committee {
    /// Its id.
    pub id: CommitteeId,
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// Its name in addresses and files.
    pub slug: Slug,
    /// What it is called.
    pub name: Localised,
    /// The number of approvals needed.
    pub quorum: u32,
    /// How long it has for a decision.
    pub deadlines: Deadlines,
    /// Who decides, in ascending order.
    pub members: Vec<PersonId>,
}

/// How long a committee has for a decision, in working days after a request was sent; without a number there is no such
/// day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Deadlines {
    remind_after: Option<u32>,
    decide_within: Option<u32>,
}

/// Why a committee can't have so many days.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DeadlinesError {
    /// A reminder after no working day, or after too many.
    #[error("remind_after: must be from 1 to {} working days", Deadlines::LONGEST)]
    RemindAfter,
    /// A decision within no working day, or within too many.
    #[error("decide_within: must be from 1 to {} working days", Deadlines::LONGEST)]
    DecideWithin,
    /// A reminder when the decision is due already.
    #[error("remind_after: must be less than decide_within")]
    ReminderTooLate,
}

impl DeadlinesError {
    /// The field that is wrong.
    pub const fn field(self) -> &'static str {
        match self {
            Self::RemindAfter | Self::ReminderTooLate => "remind_after",
            Self::DecideWithin => "decide_within",
        }
    }

    /// The message about it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::RemindAfter => "error-remind-after",
            Self::DecideWithin => "error-decide-within",
            Self::ReminderTooLate => "error-reminder-too-late",
        }
    }
}

/// When somebody is to be told that a request still waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DueTimes {
    /// When those are reminded who have not voted.
    pub remind_at: Option<Timestamp>,
    /// When it is overdue: the first moment after the last day for a decision.
    pub due_at: Option<Timestamp>,
}

impl Deadlines {
    /// The most working days: about a year.
    pub const LONGEST: u32 = 250;

    /// Checks the numbers of days.
    ///
    /// # Errors
    /// The first error in them.
    pub fn parse(remind_after: Option<u32>, decide_within: Option<u32>) -> Result<Self, DeadlinesError> {
        let is_wrong = |days: u32| days == 0 || days > Self::LONGEST;
        if remind_after.is_some_and(is_wrong) {
            return Err(DeadlinesError::RemindAfter);
        }
        if decide_within.is_some_and(is_wrong) {
            return Err(DeadlinesError::DecideWithin);
        }
        match (remind_after, decide_within) {
            (Some(remind), Some(decide)) if remind >= decide => Err(DeadlinesError::ReminderTooLate),
            _ => Ok(Self { remind_after, decide_within }),
        }
    }

    /// After how many days those are reminded who have not voted.
    pub const fn remind_after(self) -> Option<u32> {
        self.remind_after
    }

    /// Within how many days it decides. When they are over, the organisation's owners are asked too.
    pub const fn decide_within(self) -> Option<u32> {
        self.decide_within
    }

    /// When these are reached by a request that was sent at a time.
    pub fn after(self, sent: Timestamp, holidays: &Holidays) -> DueTimes {
        let at = |days: Option<u32>| days.map(|days| after_working_days(sent, days, holidays));
        DueTimes { remind_at: at(self.remind_after), due_at: at(self.decide_within) }
    }
}

impl Committee {
    /// What it is at this moment, for telling whether it was changed since.
    pub fn fingerprint(&self) -> Sha256 {
        let ids: Vec<String> = self.members.iter().map(ToString::to_string).collect();
        let names: Vec<_> = self.name.0.iter().map(|(language, text)| format!("{}{text}", language.tag())).collect();
        let Deadlines { remind_after, decide_within } = self.deadlines;
        let numbers = format!("{} {remind_after:?} {decide_within:?}", self.quorum);
        Sha256::of(format!("{}\n{numbers}\n{}", names.join("\n"), ids.join("\n")).as_bytes())
    }
}

/// The description of a committee, from a file or a form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitteeDescription {
    /// Its name in addresses and files.
    pub slug: Slug,
    /// What it is called.
    pub name: Localised,
    /// The addresses of its members' accounts.
    pub members: Vec<Email>,
    /// The number of approvals needed.
    pub quorum: u32,
    /// How long it has for a decision; `None` where that stays as it is.
    pub deadlines: Option<Deadlines>,
}

/// Why a committee can't be set up as described.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitteeError {
    /// A name that can't be taken.
    #[error("name: {0}")]
    Name(LocalisedError),
    /// The quorum is 0.
    #[error("quorum: must be at least 1")]
    NoQuorum,
    /// Fewer members than approvals needed.
    #[error("members: {0} approvals need at least as many members")]
    TooFewMembers(u32),
    /// The same member twice.
    #[error("members: {0} is there twice")]
    MemberTwice(Email),
    /// Too many members.
    #[error("members: a committee has up to {COMMITTEE_MAX}")]
    TooManyMembers,
}

/// How many members a committee may have.
pub const COMMITTEE_MAX: usize = 200;
/// The longest name, in characters.
pub const COMMITTEE_NAME_MAX: usize = 200;

/// A committee that may be set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCommittee(CommitteeDescription);

impl NewCommittee {
    /// Checks a description.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(mut description: CommitteeDescription) -> Result<Self, CommitteeError> {
        let name = description.name.parsed(|text| one_line(text, COMMITTEE_NAME_MAX));
        description.name = name.map_err(|error| CommitteeError::Name(error.into()))?;
        if description.name.is_empty() {
            return Err(CommitteeError::Name(LocalisedError::EMPTY));
        }
        let CommitteeDescription { members, quorum, .. } = &description;
        // First: what follows compares them with each other.
        if members.len() > COMMITTEE_MAX {
            return Err(CommitteeError::TooManyMembers);
        }
        for (n, member) in members.iter().enumerate() {
            if members[..n].iter().any(|earlier| earlier.key() == member.key()) {
                return Err(CommitteeError::MemberTwice(member.clone()));
            }
        }
        if *quorum == 0 {
            return Err(CommitteeError::NoQuorum);
        }
        if members.len() < *quorum as usize {
            return Err(CommitteeError::TooFewMembers(*quorum));
        }
        Ok(Self(description))
    }

    /// Its name in addresses and files.
    pub const fn slug(&self) -> &Slug {
        &self.0.slug
    }

    /// The addresses of its members' accounts.
    pub fn members(&self) -> &[Email] {
        &self.0.members
    }

    /// The committee that this becomes, or makes of the one that is there.
    pub fn set_up(
        &self,
        (id, organisation): (CommitteeId, OrganisationId),
        mut members: Vec<PersonId>,
        present: Option<&Committee>,
    ) -> Committee {
        members.sort_unstable();
        let CommitteeDescription { slug, name, quorum, deadlines, .. } = self.0.clone();
        let deadlines = deadlines.or(present.map(|present| present.deadlines)).unwrap_or_default();
        Committee { id, organisation, slug, name, quorum, deadlines, members }
    }
}

/// Whether this account may be a member of a committee. An unverified address might belong to somebody else.
///
/// # Errors
/// [`Refusal::ReviewerUnknown`] or [`Refusal::ReviewerUnverified`], with the member's place in the list.
pub fn check_reviewer(place: usize, found: Option<&Person>) -> Result<PersonId, Refusal> {
    let person = found.ok_or(Refusal::ReviewerUnknown(place))?;
    if person.email_verified_at.is_none() { Err(Refusal::ReviewerUnverified(place)) } else { Ok(person.id) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::text::Language;

    type Bend = fn(&mut CommitteeDescription);

    #[test]
    fn what_could_not_decide_is_not_set_up() {
        let description = CommitteeDescription {
            slug: "imaging".parse().unwrap(),
            name: Localised(BTreeMap::from([(Language::English, " Imaging ".to_owned())])),
            members: vec!["a@demo.example".parse().unwrap(), "b@demo.example".parse().unwrap()],
            quorum: 2,
            deadlines: None,
        };
        let committee = NewCommittee::parse(description.clone()).unwrap();
        assert_eq!(committee.0.name.text(Language::English), "Imaging");
        let bends: [(&str, Bend); 5] = [
            ("name:", |d| d.name.0.clear()),
            ("quorum", |d| d.quorum = 0),
            ("members: 3 approvals", |d| d.quorum = 3),
            ("members: A@demo.example is there twice", |d| d.members.push("A@demo.example".parse().unwrap())),
            ("members: a committee has up to 200", |d| {
                d.members = (0..201).map(|n| format!("m{n}@demo.example").parse().unwrap()).collect();
            }),
        ];
        for (wanted, bend) in bends {
            let mut bent = description.clone();
            bend(&mut bent);
            let error = NewCommittee::parse(bent).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
    }

    #[test]
    fn a_reminder_comes_before_the_last_day_and_neither_after_a_year() {
        for (remind_after, decide_within, error) in [
            (Some(0), None, DeadlinesError::RemindAfter),
            (Some(251), None, DeadlinesError::RemindAfter),
            (None, Some(0), DeadlinesError::DecideWithin),
            (None, Some(251), DeadlinesError::DecideWithin),
            (Some(10), Some(10), DeadlinesError::ReminderTooLate),
        ] {
            assert_eq!(Deadlines::parse(remind_after, decide_within), Err(error));
        }
        for (remind_after, decide_within) in [(None, None), (Some(250), None), (Some(9), Some(10)), (None, Some(1))] {
            let deadlines = Deadlines::parse(remind_after, decide_within).unwrap();
            assert_eq!((deadlines.remind_after(), deadlines.decide_within()), (remind_after, decide_within));
        }
    }
}
