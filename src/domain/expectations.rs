//! What somebody may expect who applies: how the last decisions on a dataset went.

use super::Timestamp;
use super::overview::within;

/// How many of the last decisions are looked at.
pub const DECISIONS_MAX: i64 = 50;
/// How few say nothing about the next one.
const DECISIONS_MIN: usize = 5;

/// A request on which people decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decided {
    /// When it was last sent.
    pub sent: Timestamp,
    /// When it was decided.
    pub decided: Timestamp,
    /// Whether it was approved.
    pub approved: bool,
}

/// How the last decisions went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expectations {
    /// How many there were.
    pub decisions: u64,
    /// How many of them approved.
    pub approved: u64,
    /// Within how many working days half of them were made.
    pub half_within: u32,
    /// Within how many working days nine of ten of them were made.
    pub most_within: u32,
}

/// What the last decisions let expect; `None` where there were too few.
pub fn expectations(decided: &[Decided]) -> Option<Expectations> {
    if decided.len() < DECISIONS_MIN {
        return None;
    }
    let took: Vec<u32> = decided.iter().map(|one| working_days(one.sent, one.decided)).collect();
    Some(Expectations {
        decisions: decided.len() as u64,
        approved: decided.iter().filter(|one| one.approved).count() as u64,
        half_within: within(&took, 5)?,
        most_within: within(&took, 9)?,
    })
}

/// How many days from Monday to Friday (UTC) begin after a moment, up to another: none on the same day.
pub fn working_days(from: Timestamp, to: Timestamp) -> u32 {
    // The first of January 1970 was a Thursday.
    let until = |at: Timestamp| {
        let day = at.days_since_1970() + 3;
        5 * day.div_euclid(7) + (day.rem_euclid(7) + 1).min(5)
    };
    u32::try_from(until(to) - until(from)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::TimeSpan;

    fn day(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}T12:00:00Z")).unwrap()
    }

    #[test]
    fn weekends_are_no_working_days() {
        for (from, to, expected) in [
            ("2026-11-30", "2026-11-30", 0),
            ("2026-11-30", "2026-12-01", 1),
            ("2026-11-27", "2026-11-28", 0),
            ("2026-11-27", "2026-11-30", 1),
            ("2026-11-28", "2026-11-29", 0),
            ("2026-11-28", "2026-11-30", 1),
            ("2026-11-23", "2026-11-30", 5),
            ("2026-12-01", "2026-11-30", 0),
        ] {
            assert_eq!(working_days(day(from), day(to)), expected, "{from} to {to}");
        }
    }

    #[test]
    fn few_decisions_say_nothing() {
        let one = Decided { sent: day("2026-11-23"), decided: day("2026-11-25"), approved: true };
        assert_eq!(expectations(&[one; 4]), None);
        let late = Decided { decided: day("2026-11-30"), approved: false, ..one };
        let seen = expectations(&[one, one, one, one, late]);
        assert_eq!(seen, Some(Expectations { decisions: 5, approved: 4, half_within: 2, most_within: 5 }));
    }

    proptest! {
        #[test]
        fn days_are_counted_one_by_one(start in 0i64..40_000, length in 0i64..60) {
            let (from, to) = (Timestamp::of_day(start), Timestamp::of_day(start + length));
            let is_working = |day: &i64| (day + 3) % 7 < 5;
            let counted = (start + 1..=start + length).filter(is_working).count();
            prop_assert_eq!(working_days(from, to) as usize, counted);
            prop_assert_eq!(working_days(from, to + TimeSpan::hours(23)) as usize, counted);
        }
    }
}
