//! New versions of an agreement that those have to sign who signed an earlier one: until a day, or their access stops until
//! they have.

use serde::{Deserialize, Serialize};

use super::day::{Day, LONGEST_AHEAD};
use super::grant::Grant;
use super::ids::VersionId;
use super::words::words;
use super::{Refusal, TimeSpan, Timestamp};

/// A version of an agreement, and when it is too late for those who signed an earlier one: `None` where what they signed stays
/// good.
pub type Deadline = (u32, Option<Timestamp>);

/// What somebody has to sign, so that their access goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToSign {
    /// Their grant, which says by when.
    pub grant: Grant,
    /// The versions in force of the agreements that it rests on, of which they signed earlier ones. There is at least one.
    pub versions: Vec<VersionId>,
}

impl ToSign {
    /// Whether signing these versions is enough.
    pub fn is_covered_by(&self, signed: &[VersionId]) -> bool {
        self.versions.iter().all(|version| signed.contains(version))
    }
}

/// When a grant stops for somebody who signed the version `signed` of an agreement, and nothing since: at the first of the
/// days by which a later one has to be signed.
pub fn sign_by(signed: u32, versions: &[Deadline]) -> Option<Timestamp> {
    versions.iter().filter(|(number, _)| *number > signed).filter_map(|(_, by)| *by).min()
}

/// Whether a version may have to be signed by the end of a day.
///
/// # Errors
/// [`Refusal::NoEarlierVersion`] of the first version, which everybody signs anyhow; [`Refusal::SignByPast`] when the day is
/// over; [`Refusal::SignByTooLate`] when it is more than a hundred years away.
pub fn check_day(number: u32, day: Day, now: Timestamp) -> Result<Timestamp, Refusal> {
    if number <= 1 {
        return Err(Refusal::NoEarlierVersion);
    }
    let end = day.end();
    if end <= now {
        return Err(Refusal::SignByPast);
    }
    if end - now > LONGEST_AHEAD { Err(Refusal::SignByTooLate) } else { Ok(end) }
}

/// How often those are told who have to sign a new version: at once, and when so many days are left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reminder {
    /// It was published.
    Published,
    /// Thirty days are left.
    Month,
    /// Seven days are left.
    Week,
    /// One day is left.
    Day,
    /// Access has stopped.
    Stopped,
}

words! {
    Reminder {
        Published = "published",
        Month = "month",
        Week = "week",
        Day = "day",
        Stopped = "stopped",
    }
}

impl Reminder {
    /// How long before the end of the last day it is due; `None` for what is due at once.
    pub const fn before(self) -> Option<TimeSpan> {
        match self {
            Self::Published => None,
            Self::Month => Some(TimeSpan::days(30)),
            Self::Week => Some(TimeSpan::days(7)),
            Self::Day => Some(TimeSpan::days(1)),
            Self::Stopped => Some(TimeSpan(0)),
        }
    }

    /// The last one that is due at `now`: one message stands for those that were missed.
    pub fn due(sign_by: Timestamp, now: Timestamp) -> Self {
        let is_due = |reminder: &&Self| reminder.before().is_none_or(|before| sign_by - now <= before);
        Self::ALL.iter().rev().find(is_due).copied().unwrap_or(Self::Published)
    }

    /// When the next one is due after this one, if there is one.
    pub fn next(self, sign_by: Timestamp) -> Option<Timestamp> {
        let next = Self::ALL.iter().find(|reminder| **reminder > self)?;
        next.before().map(|before| sign_by - before)
    }

    /// Its place: a later one has a greater.
    pub const fn rank(self) -> i32 {
        self as i32 + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    proptest! {
        /// Whoever signs the newest version has nothing to sign; a later signature never stops access sooner.
        #[test]
        fn signing_a_later_version_never_makes_it_worse(days in prop::collection::vec(prop::option::of(-50_i64..50), 1..6)) {
            let versions: Vec<Deadline> =
                (1..).zip(&days).map(|(number, by)| (number, by.map(|days| NOW + TimeSpan::days(days)))).collect();
            let newest = versions.last().map_or(0, |(number, _)| *number);
            prop_assert_eq!(sign_by(newest, &versions), None);
            let late = |signed| sign_by(signed, &versions).map_or(i64::MAX, |by| by.0);
            for signed in 0..newest {
                prop_assert!(late(signed) <= late(signed + 1));
                // It rests on a day that one of the later versions has.
                prop_assert!(versions.iter().any(|(number, by)| *number > signed && by.map_or(i64::MAX, |by| by.0) == late(signed)) || late(signed) == i64::MAX);
            }
        }
    }

    #[test]
    fn reminders_come_at_their_days_and_missed_ones_are_not_made_up_for() {
        let due = |days| Reminder::due(NOW + TimeSpan::days(days), NOW);
        let wanted = [
            (90, Reminder::Published),
            (31, Reminder::Published),
            (30, Reminder::Month),
            (8, Reminder::Month),
            (7, Reminder::Week),
            (1, Reminder::Day),
            (0, Reminder::Stopped),
            (-3, Reminder::Stopped),
        ];
        for (days, reminder) in wanted {
            assert_eq!(due(days), reminder, "{days}");
            // The next one is due when it is said to be, and not before.
            let sign_by = NOW + TimeSpan::days(days);
            if let Some(next) = reminder.next(sign_by) {
                assert!(next > NOW && Reminder::due(sign_by, next) > reminder, "{days}");
                assert_eq!(Reminder::due(sign_by, next - TimeSpan(1)), reminder, "{days}");
            }
        }
    }

    #[test]
    fn a_day_that_is_over_stops_nobody_by_surprise() {
        let (yesterday, today) = (Day::of(NOW - TimeSpan::days(1)), Day::of(NOW));
        assert_eq!(check_day(2, yesterday, NOW), Err(Refusal::SignByPast));
        assert_eq!(check_day(2, today, NOW), Ok(today.end()));
        assert!(today.end() > NOW && Day::ending_at(today.end()) == today);
        assert_eq!(check_day(1, today, NOW), Err(Refusal::NoEarlierVersion));
        for far in ["9999-12-30", "9999-12-31", "2200-01-01"] {
            assert_eq!(check_day(2, far.parse().unwrap(), NOW), Err(Refusal::SignByTooLate), "{far}");
        }
    }
}
