//! What somebody may expect who applies: how the last decisions on a dataset went.

use super::Timestamp;
use super::overview::within;
use super::working_days::{Holidays, working_days};

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

/// What the last decisions let expect, of those who don't work on these holidays; `None` where there were too few.
pub fn expectations(decided: &[Decided], holidays: &Holidays) -> Option<Expectations> {
    if decided.len() < DECISIONS_MIN {
        return None;
    }
    let took: Vec<u32> = decided.iter().map(|one| working_days(one.sent, one.decided, holidays)).collect();
    Some(Expectations {
        decisions: decided.len() as u64,
        approved: decided.iter().filter(|one| one.approved).count() as u64,
        half_within: within(&took, 5)?,
        most_within: within(&took, 9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}T12:00:00Z")).unwrap()
    }

    #[test]
    fn few_decisions_say_nothing() {
        let one = Decided { sent: day("2026-11-23"), decided: day("2026-11-25"), approved: true };
        assert_eq!(expectations(&[one; 4], &Holidays::default()), None);
        let late = Decided { decided: day("2026-11-30"), approved: false, ..one };
        let seen = expectations(&[one, one, one, one, late], &Holidays::default());
        assert_eq!(seen, Some(Expectations { decisions: 5, approved: 4, half_within: 2, most_within: 5 }));
    }
}
