//! Grants: this person may download this dataset from … until ….

use serde::{Deserialize, Serialize};

use super::day::LONGEST_AHEAD;
use super::ids::{DatasetId, GrantId, PersonId, ProjectId, RequestId};
use super::organisation::Officer;
use super::words::words;
use super::{Refusal, TimeSpan, Timestamp};

/// Permission to download a dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The holder.
    pub person: PersonId,
    /// The dataset that the holder may download.
    pub dataset: DatasetId,
    /// The request under which the holder signed what it rests on.
    pub request: RequestId,
    /// The project that it is for; `None` where signing was enough.
    pub project: Option<ProjectId>,
    /// The time from which it is valid.
    pub starts_at: Timestamp,
    /// The time at which it ends; it is not valid at that instant.
    pub ends_at: Timestamp,
    /// The time at which it stops until its holder has signed the newer versions of its agreements; none where nothing newer has
    /// to be signed.
    pub sign_by: Option<Timestamp>,
    /// The newest release that it covers, where it does not cover later ones.
    pub last_release: Option<u32>,
    /// Since when it is suspended, if it is.
    pub suspended_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Whether those who run the dataset have made it shorter than it was: then signing alone gives no new one.
    pub is_shortened: bool,
}

/// The state of a grant at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantState {
    /// Downloads pass.
    Active,
    /// It is suspended until those who run the dataset say otherwise.
    Suspended,
    /// It has stopped until its holder signs a newer version of an agreement.
    ToSign,
    /// Its period is over, or has not begun.
    Inactive,
    /// It was revoked.
    Revoked,
}

words! {
    GrantState {
        Active = "active",
        Suspended = "suspended",
        ToSign = "to-sign",
        Inactive = "inactive",
        Revoked = "revoked",
    }
}

/// Which grants a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GrantSelection {
    /// All of them.
    #[default]
    All,
    /// Those under which downloads pass.
    Active,
    /// Of these, those that end within [`ENDING_NOTICE`].
    EndingSoon,
    /// Those that are suspended.
    Suspended,
    /// Those that have stopped until their holders sign a newer version of an agreement.
    ToSign,
    /// Those whose period is over, or has not begun.
    Inactive,
    /// Those that were revoked.
    Revoked,
}

words! {
    GrantSelection {
        All = "all",
        Active = "active",
        EndingSoon = "ending-soon",
        Suspended = "suspended",
        ToSign = "to-sign",
        Inactive = "inactive",
        Revoked = "revoked",
    }
}

impl GrantSelection {
    /// Whether a grant is among them at `now`.
    pub fn includes(self, grant: &Grant, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Active => grant.is_active(now),
            Self::EndingSoon => grant.is_active(now) && grant.ends_at - now <= ENDING_NOTICE,
            Self::Suspended => grant.state(now) == GrantState::Suspended,
            Self::ToSign => grant.state(now) == GrantState::ToSign,
            Self::Inactive => grant.state(now) == GrantState::Inactive,
            Self::Revoked => grant.state(now) == GrantState::Revoked,
        }
    }
}

/// In which order a list shows grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GrantOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The one that ends, or ended, first.
    EndingFirst,
}

words! {
    GrantOrder {
        Newest = "newest",
        EndingFirst = "ending-first",
    }
}

/// Why a grant was revoked together with what it hung on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantEnd {
    /// Its project was ended.
    ProjectEnded,
    /// Its holder left the project.
    MemberLeft,
    /// The lead removed its holder from the project.
    MemberRemoved,
    /// A committee removed its holder from the project.
    MemberExcluded,
}

words! {
    GrantEnd {
        ProjectEnded = "project-ended",
        MemberLeft = "member-left",
        MemberRemoved = "member-removed",
        MemberExcluded = "member-excluded",
    }
}

impl Grant {
    /// The end of a grant that starts at `start` and lasts `days` days, or until its project ends.
    pub fn end(start: Timestamp, days: u32, project_end: Option<Timestamp>) -> Timestamp {
        let end = start + TimeSpan::days(i64::from(days));
        project_end.map_or(end, |project_end| end.min(project_end))
    }

    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> GrantState {
        if self.revoked_at.is_some() {
            GrantState::Revoked
        } else if now < self.starts_at || self.ends_at <= now {
            GrantState::Inactive
        } else if self.suspended_at.is_some() {
            GrantState::Suspended
        } else if self.sign_by.is_some_and(|by| by <= now) {
            GrantState::ToSign
        } else {
            GrantState::Active
        }
    }

    /// Whether it has begun, and neither ended nor was revoked, whether it is suspended and whatever its holder has yet to sign.
    pub fn is_running(&self, now: Timestamp) -> bool {
        matches!(self.state(now), GrantState::Active | GrantState::Suspended | GrantState::ToSign)
    }

    /// The time at which downloads stop by themselves: at its end, or before where its holder has something to sign.
    pub fn stops_at(&self) -> Timestamp {
        self.sign_by.map_or(self.ends_at, |by| by.min(self.ends_at))
    }

    /// Whether downloads pass at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.state(now) == GrantState::Active
    }

    /// Whether it covers a release.
    pub fn covers(&self, release: u32) -> bool {
        self.last_release.is_none_or(|last| release <= last)
    }

    /// Whether its holder may apply again: it is over, it ends soon, or it does not cover the current release.
    pub fn is_renewable(&self, current_release: u32, now: Timestamp) -> bool {
        !self.is_running(now) || self.ends_at - now <= ENDING_NOTICE || !self.covers(current_release)
    }

    /// Whether those who run the dataset have taken back what was granted, or a part of it: signing alone does not undo that.
    pub const fn was_taken_back(&self) -> bool {
        self.revoked_at.is_some() || self.is_shortened
    }

    /// Whether somebody may set another end, with their role in the dataset's organisation: sooner or later than it was, but not
    /// after its project's, and nobody prolongs their own access or that of a project that they are in.
    ///
    /// # Errors
    /// As [`Self::decide_revoke`]; [`Refusal::GrantEndSame`], [`Refusal::GrantEndPast`], [`Refusal::GrantEndTooLate`], or
    /// [`Refusal::OwnGrant`].
    pub fn decide_end_change(
        &self,
        by: Officer<'_>,
        end: Timestamp,
        (project_end, people): (Option<Timestamp>, &[PersonId]),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.decide_revoke(by, now)?;
        if end == self.ends_at {
            return Err(Refusal::GrantEndSame);
        }
        if end <= now {
            return Err(Refusal::GrantEndPast);
        }
        if end - now > LONGEST_AHEAD || project_end.is_some_and(|project_end| end > project_end) {
            return Err(Refusal::GrantEndTooLate);
        }
        let is_own = self.person == by.person.id || people.contains(&by.person.id);
        if end > self.ends_at && is_own { Err(Refusal::OwnGrant) } else { Ok(()) }
    }

    /// Whether somebody may suspend it or let it be used again, with their role in the dataset's organisation, and whether that
    /// changes anything. One that is over or revoked stays suspended until somebody lets it be used again; before that its holder
    /// can't apply anew. Nobody gives access back to themselves, or to a project that they are in.
    ///
    /// # Errors
    /// As [`Self::decide_revoke`]; [`Refusal::OwnGrant`].
    pub fn decide_suspension_change(
        &self,
        by: Officer<'_>,
        (is_to_be_suspended, people): (bool, &[PersonId]),
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        by.check_steward()?;
        if is_to_be_suspended {
            self.decide_revoke(by, now)?;
        }
        if self.suspended_at.is_some() == is_to_be_suspended {
            return Ok(false);
        }
        let is_own = self.person == by.person.id || people.contains(&by.person.id);
        if is_own && !is_to_be_suspended { Err(Refusal::OwnGrant) } else { Ok(true) }
    }

    /// Whether somebody may revoke it, with their role in the dataset's organisation.
    ///
    /// # Errors
    /// As [`Officer::check_steward`]; [`Refusal::AlreadyRevoked`], or [`Refusal::NoGrant`] once it has expired.
    pub fn decide_revoke(&self, by: Officer<'_>, now: Timestamp) -> Result<(), Refusal> {
        by.check_steward()?;
        match self.state(now) {
            GrantState::Active | GrantState::Suspended | GrantState::ToSign => Ok(()),
            GrantState::Revoked => Err(Refusal::AlreadyRevoked),
            GrantState::Inactive => Err(Refusal::NoGrant),
        }
    }
}

/// How long before a grant ends its holder is told.
pub const ENDING_NOTICE: TimeSpan = TimeSpan::days(14);

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::organisation::OrganisationRole;
    use crate::domain::person::Person;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    #[test]
    fn an_end_is_set_by_others_within_what_was_agreed() {
        let id = |n: u128| PersonId(Uuid::from_u128(n));
        let days = |days: i64| NOW + TimeSpan::days(days);
        let grant = Grant {
            id: GrantId(Uuid::nil()),
            person: id(1),
            dataset: DatasetId(Uuid::nil()),
            request: RequestId(Uuid::nil()),
            project: None,
            starts_at: days(-10),
            ends_at: days(100),
            sign_by: None,
            last_release: None,
            suspended_at: None,
            revoked_at: None,
            is_shortened: false,
        };
        let change = |by: u128, role, grant: &Grant, end, project_end: Option<i64>| {
            let person = Person::fixture(id(by));
            let officer = Officer { person: &person, role };
            grant.decide_end_change(officer, days(end), (project_end.map(days), &[id(1), id(2)]), NOW)
        };
        let steward = Some(OrganisationRole::Steward);
        assert_eq!(change(7, steward, &grant, 50, None), Ok(()));
        assert_eq!(change(7, steward, &grant, 200, Some(200)), Ok(()));
        assert_eq!(change(7, steward, &grant, 201, Some(200)), Err(Refusal::GrantEndTooLate));
        assert_eq!(change(7, steward, &grant, 40_000, None), Err(Refusal::GrantEndTooLate));
        assert_eq!(change(7, steward, &grant, 0, None), Err(Refusal::GrantEndPast));
        assert_eq!(change(7, steward, &grant, 100, None), Err(Refusal::GrantEndSame));
        // The holder and the people of the project give themselves no time, but may take it.
        for own in [1, 2] {
            assert_eq!(change(own, steward, &grant, 101, None), Err(Refusal::OwnGrant));
            assert_eq!(change(own, steward, &grant, 99, None), Ok(()));
        }
        assert!(change(7, None, &grant, 50, None).is_err());
        // What is over or revoked is not brought back.
        let revoked = Grant { revoked_at: Some(NOW), ..grant.clone() };
        assert_eq!(change(7, steward, &revoked, 50, None), Err(Refusal::AlreadyRevoked));
        let suspended = Grant { suspended_at: Some(NOW), ..grant.clone() };
        let set = |by: u128, role, grant: &Grant, to: bool| {
            let person = Person::fixture(id(by));
            grant.decide_suspension_change(Officer { person: &person, role }, (to, &[id(1), id(2)]), NOW)
        };
        assert_eq!([set(7, steward, &grant, true), set(7, steward, &suspended, false)], [Ok(true); 2]);
        assert_eq!([set(7, steward, &grant, false), set(7, steward, &suspended, true)], [Ok(false); 2]);
        assert_eq!([1, 2].map(|own| set(own, steward, &suspended, false)), [Err(Refusal::OwnGrant); 2]);
        assert_eq!(set(1, steward, &grant, true), Ok(true));
        assert!(set(7, None, &grant, true).is_err());
        assert_eq!(set(7, steward, &revoked, true), Err(Refusal::AlreadyRevoked));
        let over_and_suspended = Grant { ends_at: days(-1), ..suspended.clone() };
        assert_eq!(set(7, steward, &over_and_suspended, false), Ok(true));
        assert_eq!(suspended.state(NOW), GrantState::Suspended);
        assert!(suspended.is_running(NOW) && !suspended.is_active(NOW));
        let over = Grant { ends_at: days(-1), ..grant.clone() };
        assert_eq!(change(7, steward, &over, 50, None), Err(Refusal::NoGrant));
        assert!(revoked.was_taken_back() && Grant { is_shortened: true, ..grant }.was_taken_back());
    }
}
