//! Calendar days, in UTC.

use std::fmt;
use std::str::FromStr;

use super::text::TextError;
use super::{TimeSpan, Timestamp};

/// How far ahead a day may be that somebody sets: about a hundred years, in which nothing overflows.
pub const LONGEST_AHEAD: TimeSpan = TimeSpan::days(36_500);

/// A calendar day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// The day of a time, in UTC.
    pub fn of(at: Timestamp) -> Self {
        Self(at.civil().date())
    }

    /// The day whose end this is: the first instant after it.
    pub fn ending_at(end: Timestamp) -> Self {
        Self::of(end - TimeSpan::days(1))
    }

    /// The first instant after it, in UTC.
    pub fn end(self) -> Timestamp {
        Timestamp::of_day(self.since_1970() + 1)
    }

    /// How many days it is after the first of January 1970.
    pub fn since_1970(self) -> i64 {
        i64::from((self.0 - jiff::civil::date(1970, 1, 1)).get_days())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        text.parse().map(Self).map_err(|_| TextError::Form)
    }
}
