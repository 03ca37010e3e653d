//! Working days: Monday to Friday, but for an organisation's holidays. Days are those of UTC.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};

use super::day::Day;
use super::text::{Sha256, one_line};
use super::{TimeSpan, Timestamp};

/// The days on which an organisation does not work, with what they are called.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Holidays(BTreeMap<Day, String>);

/// Why a list of holidays can't be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HolidaysError {
    /// A line, counted from 1, does not begin with a day.
    #[error("line {0} must begin with a day, such as 2027-01-01")]
    NoDay(usize),
    /// The name in a line can't be taken.
    #[error("the name in line {0} is too long, or has a character that can't stand there")]
    BadName(usize),
    /// The same day again.
    #[error("line {0} has a day that is there already")]
    Twice(usize),
    /// Too many of them.
    #[error("there may be up to {HOLIDAYS_MAX} holidays")]
    TooMany,
}

/// How many holidays an organisation may have.
pub const HOLIDAYS_MAX: usize = 1_000;
/// The longest name of a holiday, in characters.
const NAME_MAX: usize = 100;
/// The first of January 1970 was a Thursday: so many days after a Monday.
const AFTER_MONDAY: i64 = 3;

impl Holidays {
    /// Reads a list with a holiday a line: the day, and its name if it has one. Empty lines, and what follows a `#`, are for
    /// those who read the list.
    ///
    /// # Errors
    /// The first line that can't be read.
    pub fn parse(text: &str) -> Result<Self, HolidaysError> {
        // Some editors write a mark before the first line.
        let lines =
            text.trim_start_matches('\u{feff}').lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let pairs = (1..).zip(lines).filter(|(_, line)| !line.is_empty());
        Self::gathered(pairs.map(|(n, line)| {
            let (day, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            (n, day, name)
        }))
    }

    /// Takes days with their names, which may be empty.
    ///
    /// # Errors
    /// The first that can't be taken: its place, counted from 1, in place of a line.
    pub fn of<'a>(days: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, HolidaysError> {
        Self::gathered((1..).zip(days).map(|(n, (day, name))| (n, day, name)))
    }

    fn gathered<'a>(found: impl Iterator<Item = (usize, &'a str, &'a str)>) -> Result<Self, HolidaysError> {
        let mut days = BTreeMap::new();
        for (n, day, name) in found {
            let day: Day = day.parse().map_err(|_| HolidaysError::NoDay(n))?;
            let name = match name.trim() {
                "" => String::new(),
                // In a list the rest of the line would be a remark.
                name if name.contains('#') => return Err(HolidaysError::BadName(n)),
                name => one_line(name, NAME_MAX).map_err(|_| HolidaysError::BadName(n))?,
            };
            if days.insert(day, name).is_some() {
                return Err(HolidaysError::Twice(n));
            }
            if days.len() > HOLIDAYS_MAX {
                return Err(HolidaysError::TooMany);
            }
        }
        Ok(Self(days))
    }

    /// The days, with their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Day, &str)> {
        self.0.iter().map(|(day, name)| (*day, name.as_str()))
    }

    /// What they are at this moment, for telling whether they were changed since.
    pub fn fingerprint(&self) -> Sha256 {
        Sha256::of(self.to_string().as_bytes())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Holidays {
    /// The list that [`Holidays::parse`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.iter().try_for_each(|(day, name)| writeln!(f, "{}", format!("{day} {name}").trim_end()))
    }
}

fn is_weekday(day: i64) -> bool {
    (day + AFTER_MONDAY).rem_euclid(7) < 5
}

/// How many working days begin after a moment, up to another: none on the same day.
pub fn working_days(from: Timestamp, to: Timestamp, holidays: &Holidays) -> u32 {
    let (first, last) = (from.days_since_1970(), to.days_since_1970());
    let weekdays_until = |day: i64| {
        let day = day + AFTER_MONDAY;
        5 * day.div_euclid(7) + (day.rem_euclid(7) + 1).min(5)
    };
    if last <= first {
        return 0;
    }
    let between = holidays.0.range((Excluded(Day::of(from)), Included(Day::of(to))));
    let off = between.filter(|(day, _)| is_weekday(day.since_1970())).count();
    let off = i64::try_from(off).unwrap_or(i64::MAX);
    u32::try_from(weekdays_until(last) - weekdays_until(first) - off).unwrap_or(0)
}

/// The end of the working day that is so many after a moment: the first instant of the day after it.
pub fn after_working_days(from: Timestamp, count: u32, holidays: &Holidays) -> Timestamp {
    let (mut day, mut left) = (from.days_since_1970(), count);
    while left > 0 {
        day += 1;
        let is_off = || holidays.0.contains_key(&Day::of(Timestamp::of_day(day)));
        if is_weekday(day) && !is_off() {
            left -= 1;
        }
    }
    Timestamp::of_day(day) + TimeSpan::days(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noon(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}T12:00:00Z")).unwrap()
    }

    #[test]
    fn weekends_and_holidays_are_no_working_days() {
        let none = Holidays::default();
        let holidays = Holidays::parse("2026-12-25 Christmas\n2026-12-26\n").unwrap();
        for (from, to, holidays, expected) in [
            ("2026-11-30", "2026-11-30", &none, 0),
            ("2026-11-30", "2026-12-01", &none, 1),
            ("2026-11-27", "2026-11-28", &none, 0),
            ("2026-11-27", "2026-11-30", &none, 1),
            ("2026-11-28", "2026-11-29", &none, 0),
            ("2026-11-28", "2026-11-30", &none, 1),
            ("2026-11-23", "2026-11-30", &none, 5),
            ("2026-12-01", "2026-11-30", &none, 0),
            ("2026-12-24", "2026-12-28", &none, 2),
            ("2026-12-24", "2026-12-28", &holidays, 1),
            ("2026-12-25", "2026-12-28", &holidays, 1),
        ] {
            assert_eq!(working_days(noon(from), noon(to), holidays), expected, "{from} to {to}");
        }
    }

    #[test]
    fn a_list_is_read_line_by_line_and_written_back() {
        let list = "\u{feff}# 2027\n2027-02-08 除夕 # observed\n\n  2027-01-01\t New Year’s Day \n2027-05-01\n";
        let holidays = Holidays::parse(list).unwrap();
        assert_eq!(holidays.to_string(), "2027-01-01 New Year’s Day\n2027-02-08 除夕\n2027-05-01\n");
        assert_eq!(Holidays::parse(&holidays.to_string()), Ok(holidays));
        for (list, error) in [
            ("2027-01-01\nNew Year", HolidaysError::NoDay(2)),
            ("2027-02-30 no day", HolidaysError::NoDay(1)),
            ("\n2027-01-01 a\n2027-01-01 b", HolidaysError::Twice(3)),
            ("2027-01-01 a\u{1}b", HolidaysError::BadName(1)),
        ] {
            assert_eq!(Holidays::parse(list), Err(error), "{list}");
        }
        let many: Vec<String> = (0..1_001).map(|n| Day::of(Timestamp::of_day(n)).to_string()).collect();
        assert_eq!(Holidays::parse(&many.join("\n")), Err(HolidaysError::TooMany));
    }

    proptest! {
        #[test]
        fn days_are_counted_one_by_one(start in 0i64..40_000, length in 0i64..60, off in prop::collection::vec(0i64..60, 0..9)) {
            let off: Vec<i64> = off.into_iter().map(|day| start + day).collect();
            let days = off.iter().map(|day| (Day::of(Timestamp::of_day(*day)), String::new()));
            let holidays = Holidays(days.collect());
            let (from, to) = (Timestamp::of_day(start), Timestamp::of_day(start + length));
            let is_working = |day: &i64| (day + 3) % 7 < 5 && !off.contains(day);
            let counted = (start + 1..=start + length).filter(is_working).count();
            prop_assert_eq!(working_days(from, to, &holidays) as usize, counted);
            prop_assert_eq!(working_days(from, to + TimeSpan::hours(23), &holidays) as usize, counted);
        }

        #[test]
        fn the_end_of_a_working_day_is_the_first_moment_at_which_so_many_are_over(
            start in 0i64..40_000, hours in 0i64..24, count in 0u32..40, off in prop::collection::vec(0i64..60, 0..9),
        ) {
            let days = off.iter().map(|day| (Day::of(Timestamp::of_day(start + day)), String::new()));
            let holidays = Holidays(days.collect());
            let from = Timestamp::of_day(start) + TimeSpan::hours(hours);
            let end = after_working_days(from, count, &holidays);
            prop_assert_eq!(working_days(from, end - TimeSpan(1), &holidays), count);
            if count > 0 {
                prop_assert_eq!(working_days(from, end - TimeSpan::days(1) - TimeSpan(1), &holidays), count - 1);
            }
        }
    }
}
