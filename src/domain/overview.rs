//! How requests, decisions, grants and downloads go: the figures that those who run an organisation look at.

use std::ops::AddAssign;

use super::{TimeSpan, Timestamp};

/// How many weeks an overview looks back.
pub const WEEKS_BACK: u32 = 12;
/// How many weeks of endings it looks ahead.
pub const WEEKS_AHEAD: u32 = 14;
/// From how many days on a request that waits counts into the next class.
pub const AGES: [i64; 4] = [0, 2, 5, 9];

/// So many weeks.
pub fn weeks(count: u32) -> TimeSpan {
    TimeSpan::days(7 * i64::from(count))
}

/// What is counted.
#[derive(Clone, Debug, Default)]
pub struct OverviewFacts {
    /// When requests were sent.
    pub sent: Vec<Timestamp>,
    /// When requests were sent that have been decided, and when that was.
    pub decided: Vec<(Timestamp, Timestamp)>,
    /// When the requests were sent that wait for a decision.
    pub waiting: Vec<Timestamp>,
    /// When grants end that are active.
    pub endings: Vec<Timestamp>,
    /// How many people have an active grant.
    pub people: u64,
    /// The downloads of a day, by its beginning.
    pub downloads: Vec<(Timestamp, DownloadCount)>,
}

/// How much was downloaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DownloadCount {
    /// How many downloads were admitted. One file may take several: programs fetch large files in parts.
    pub admitted: u64,
    /// How many bytes were sent.
    pub bytes: u64,
}

impl AddAssign for DownloadCount {
    fn add_assign(&mut self, more: Self) {
        self.admitted = self.admitted.saturating_add(more.admitted);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

impl FromIterator<Self> for DownloadCount {
    fn from_iter<I: IntoIterator<Item = Self>>(counts: I) -> Self {
        let mut total = Self::default();
        counts.into_iter().for_each(|count| total += count);
        total
    }
}

/// Seven days.
#[derive(Clone, Debug)]
pub struct Week {
    /// When they began.
    pub begins: Timestamp,
    /// How many requests were sent in them.
    pub sent: u64,
    /// How many were decided.
    pub decided: u64,
    /// Within what time half of those were decided.
    pub half_within: Option<TimeSpan>,
    /// Within what time nine of ten were.
    pub most_within: Option<TimeSpan>,
    /// The downloads.
    pub downloads: DownloadCount,
}

/// The figures.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The last weeks, the oldest first; the last one ends with today (UTC).
    pub weeks: Vec<Week>,
    /// Within what time half of the requests of all these weeks were decided.
    pub half_within: Option<TimeSpan>,
    /// How many requests wait, by age as in [`AGES`].
    pub waiting: [u64; AGES.len()],
    /// For how long the oldest has waited.
    pub oldest: Option<TimeSpan>,
    /// How many grants end in each of the next weeks; the first one begins now.
    pub endings: Vec<u64>,
    /// How many people have an active grant.
    pub people: u64,
}

impl Overview {
    /// The downloads of all these weeks.
    pub fn downloads(&self) -> DownloadCount {
        self.weeks.iter().map(|week| week.downloads).collect()
    }
}

/// From when on it counts what was sent, decided and downloaded: the beginning of a day, so many weeks before today's end.
pub fn since(now: Timestamp) -> Timestamp {
    Timestamp::of_day(now.days_since_1970() + 1) - weeks(WEEKS_BACK)
}

/// Until when it counts what ends.
pub fn until(now: Timestamp) -> Timestamp {
    now + weeks(WEEKS_AHEAD)
}

/// The figures of what is counted.
pub fn overview(facts: &OverviewFacts, now: Timestamp) -> Overview {
    let past = (0..WEEKS_BACK).map(|week| {
        let begins = since(now) + weeks(week);
        let is_in = |at: Timestamp| at >= begins && at < begins + weeks(1);
        let took = facts.decided.iter().filter(|(_, decided)| is_in(*decided));
        let took: Vec<TimeSpan> = took.map(|(sent, decided)| *decided - *sent).collect();
        Week {
            begins,
            sent: facts.sent.iter().filter(|at| is_in(**at)).count() as u64,
            decided: took.len() as u64,
            half_within: within(&took, 5),
            most_within: within(&took, 9),
            downloads: facts.downloads.iter().filter(|(day, _)| is_in(*day)).map(|(_, count)| *count).collect(),
        }
    });
    let all: Vec<TimeSpan> = facts.decided.iter().map(|(sent, decided)| *decided - *sent).collect();
    let mut waiting = [0; AGES.len()];
    for sent in &facts.waiting {
        let days = (now - *sent).whole_seconds() / TimeSpan::days(1).whole_seconds();
        let class = AGES.iter().rposition(|from| days >= *from).unwrap_or(0);
        waiting[class] += 1;
    }
    let mut endings = vec![0; WEEKS_AHEAD as usize];
    for end in &facts.endings {
        let week = usize::try_from((*end - now).0 / weeks(1).0).ok();
        if let Some(count) = week.and_then(|week| endings.get_mut(week)) {
            *count += 1;
        }
    }
    Overview {
        weeks: past.collect(),
        half_within: within(&all, 5),
        waiting,
        oldest: facts.waiting.iter().map(|sent| now - *sent).max(),
        endings,
        people: facts.people,
    }
}

/// The shortest time within which so many tenths were done; none of nothing.
pub(super) fn within<T: Copy + Ord>(took: &[T], tenths: usize) -> Option<T> {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * tenths).div_ceil(10).checked_sub(1)?;
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn ago(days: i64) -> Timestamp {
        NOW - TimeSpan::days(days)
    }

    #[test]
    fn figures_of_a_few_requests() {
        let facts = OverviewFacts {
            sent: vec![ago(1), ago(6), ago(8), ago(83)],
            decided: vec![(ago(9), ago(8)), (ago(13), ago(8)), (ago(12), ago(8))],
            waiting: vec![ago(0), ago(1), ago(4), ago(9), ago(30)],
            endings: vec![NOW + TimeSpan::days(6), NOW + TimeSpan::days(8), NOW + TimeSpan::days(97)],
            people: 3,
            downloads: [(8, 2, 70), (8, 1, 5), (0, 4, 1)]
                .map(|(days, admitted, bytes)| (ago(days), DownloadCount { admitted, bytes }))
                .to_vec(),
        };
        let seen = overview(&facts, NOW);
        assert_eq!(seen.weeks.iter().map(|week| week.sent).collect::<Vec<_>>(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        let week = &seen.weeks[10];
        assert_eq!(week.downloads, DownloadCount { admitted: 3, bytes: 75 });
        assert_eq!(seen.downloads(), DownloadCount { admitted: 7, bytes: 76 });
        assert_eq!((week.decided, week.half_within), (3, Some(TimeSpan::days(4))));
        assert_eq!((week.most_within, seen.half_within), (Some(TimeSpan::days(5)), Some(TimeSpan::days(4))));
        assert_eq!((seen.waiting, seen.oldest), ([2, 1, 0, 2], Some(TimeSpan::days(30))));
        assert_eq!((&seen.endings[..2], seen.endings[13]), (&[1, 1][..], 1));
    }

    #[test]
    fn nothing_has_no_figures() {
        let seen = overview(&OverviewFacts::default(), NOW);
        assert!(seen.half_within.is_none() && seen.oldest.is_none() && seen.weeks.len() == WEEKS_BACK as usize);
    }

    proptest! {
        #[test]
        fn everything_of_its_time_is_counted_once(days in prop::collection::vec(0i64..83, 0..60)) {
            let times: Vec<Timestamp> = days.iter().map(|day| ago(*day) - TimeSpan::hours(1)).collect();
            let facts = OverviewFacts {
                sent: times.clone(),
                decided: times.iter().map(|at| (*at - TimeSpan::days(1), *at)).collect(),
                waiting: times.clone(),
                endings: days.iter().map(|day| NOW + TimeSpan::days(*day)).collect(),
                people: 0,
                downloads: times.iter().map(|at| (*at, DownloadCount { admitted: 1, bytes: 2 })).collect(),
            };
            let seen = overview(&facts, NOW);
            let inside = days.len() as u64;
            prop_assert_eq!(seen.weeks.iter().map(|week| week.sent).sum::<u64>(), inside);
            prop_assert_eq!(seen.weeks.iter().map(|week| week.decided).sum::<u64>(), inside);
            prop_assert_eq!(seen.downloads(), DownloadCount { admitted: inside, bytes: 2 * inside });
            prop_assert_eq!(seen.waiting.iter().sum::<u64>(), days.len() as u64);
            prop_assert_eq!(seen.endings.iter().sum::<u64>(), days.len() as u64);
        }
    }
}
