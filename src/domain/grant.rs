//! Grants: this person may download this dataset from … until ….

use super::ids::{DatasetId, GrantId, PersonId, ProjectId};
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
    /// The project that it is for; `None` where signing was enough.
    pub project: Option<ProjectId>,
    /// The time from which it is valid.
    pub starts_at: Timestamp,
    /// The time at which it ends; it is not valid at that instant.
    pub ends_at: Timestamp,
    /// The newest release that it covers, where it does not cover later ones.
    pub last_release: Option<u32>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// The state of a grant at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantState {
    /// Downloads pass.
    Active,
    /// Its period is over, or has not begun.
    Inactive,
    /// It was revoked.
    Revoked,
}

words! {
    GrantState {
        Active = "active",
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
        } else if self.starts_at <= now && now < self.ends_at {
            GrantState::Active
        } else {
            GrantState::Inactive
        }
    }

    /// Whether downloads pass at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.state(now) == GrantState::Active
    }

    /// Whether it covers a release.
    pub fn covers(&self, release: u32) -> bool {
        self.last_release.is_none_or(|last| release <= last)
    }

    /// Whether its holder may apply again: it is not active, it ends soon, or it does not cover the current release.
    pub fn is_renewable(&self, current_release: u32, now: Timestamp) -> bool {
        !self.is_active(now) || self.ends_at - now <= ENDING_NOTICE || !self.covers(current_release)
    }

    /// Whether somebody may revoke it, with their role in the dataset's organisation.
    ///
    /// # Errors
    /// As [`Officer::check_steward`]; [`Refusal::AlreadyRevoked`], or [`Refusal::NoGrant`] once it has expired.
    pub fn decide_revoke(&self, by: Officer<'_>, now: Timestamp) -> Result<(), Refusal> {
        by.check_steward()?;
        match self.state(now) {
            GrantState::Active => Ok(()),
            GrantState::Revoked => Err(Refusal::AlreadyRevoked),
            GrantState::Inactive => Err(Refusal::NoGrant),
        }
    }
}

/// How long before a grant ends its holder is told.
pub const ENDING_NOTICE: TimeSpan = TimeSpan::days(14);
