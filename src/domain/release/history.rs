//! Where the files of all releases of a dataset are, and what may be published next.

use super::{Difference, Release};
use crate::domain::{Refusal, Timestamp};

/// What each release did to the files that were there before it, from release 1 on, without a gap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History(Vec<Edition>);

/// One release in a [`History`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edition {
    /// Where its files are.
    pub root: String,
    /// Whether it changes or drops files of the release before.
    pub loses_files: bool,
    /// The end of its embargo, if it has one and was not withdrawn.
    pub embargoed_until: Option<Timestamp>,
}

/// Where the bytes of a file are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FilePlace<'a> {
    /// Under this root.
    Under(&'a str),
    /// A newer release has put other files where they were.
    Gone,
}

/// Where the files of one release are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilePlaces {
    /// The number of the dataset's newest release.
    pub newest: u32,
    /// Where the files of the newest release are.
    pub root: String,
    /// All releases, where this one is not the newest.
    pub history: History,
}

impl FilePlaces {
    /// Where a file is that is there up to before the release `until`.
    pub fn of(&self, until: u32) -> FilePlace<'_> {
        if until > self.newest { FilePlace::Under(&self.root) } else { self.history.place(until) }
    }
}

impl History {
    /// The releases in the order of their numbers, from 1 on.
    pub const fn new(editions: Vec<Edition>) -> Self {
        Self(editions)
    }

    /// Where a file is that is there up to before the release `until`; larger than any for one that is there now. It is where
    /// the last release that has it was, unless a newer one came to be there too.
    pub fn place(&self, until: u32) -> FilePlace<'_> {
        let last = self.0.len().min(until.saturating_sub(1) as usize);
        let Some(edition) = last.checked_sub(1).and_then(|place| self.0.get(place)) else { return FilePlace::Gone };
        if self.0[last..].iter().any(|later| later.root == edition.root) {
            return FilePlace::Gone;
        }
        FilePlace::Under(&edition.root)
    }

    /// Whether every file of a release is still there. What stands for no release has no files, and is whole.
    pub fn is_whole(&self, number: u32) -> bool {
        if number == 0 {
            return true;
        }
        let later = self.0.iter().zip(1..).skip(number as usize);
        later.filter(|(edition, _)| edition.loses_files).all(|(_, at)| self.place(at) != FilePlace::Gone)
    }

    /// The release after these.
    fn followed_by(&self, root: &str, difference: Difference) -> Self {
        let loses_files = difference.changed > 0 || difference.removed > 0;
        let next = Edition { root: root.to_owned(), loses_files, embargoed_until: None };
        Self(self.0.iter().cloned().chain([next]).collect())
    }

    /// Whether a release may follow. `current` is the number of the one that is delivered now.
    ///
    /// # Errors
    /// [`Refusal::EmbargoPast`]; [`Refusal::EmbargoOrder`] when it would be public before one that it builds on;
    /// [`Refusal::EmbargoLosesFiles`] when the current release would lose files before there is another.
    pub fn check_next(
        &self,
        current: u32,
        (root, difference): (&str, Difference),
        embargo: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let number = self.0.len() + 1;
        self.check_embargo(number, embargo, now)?;
        let is_losing = || self.is_whole(current) && !self.followed_by(root, difference).is_whole(current);
        if embargo.is_some() && is_losing() { Err(Refusal::EmbargoLosesFiles) } else { Ok(()) }
    }

    /// Whether the release in this place may be under embargo until then, or no longer be.
    fn check_embargo(&self, number: usize, until: Option<Timestamp>, now: Timestamp) -> Result<(), Refusal> {
        if until.is_some_and(|until| until <= now) {
            return Err(Refusal::EmbargoPast);
        }
        let until = until.unwrap_or(now);
        let ends = |editions: &[Edition]| -> Vec<Timestamp> {
            editions.iter().filter_map(|edition| edition.embargoed_until).filter(|end| *end > now).collect()
        };
        let before = ends(&self.0[..number - 1]);
        let after = ends(self.0.get(number..).unwrap_or_default());
        if before.iter().any(|end| *end > until) || after.iter().any(|end| *end < until) {
            return Err(Refusal::EmbargoOrder);
        }
        Ok(())
    }

    /// Whether the embargo of a release may end at another time, or now.
    ///
    /// # Errors
    /// [`Refusal::ReleaseWithdrawn`], [`Refusal::NoEmbargo`], [`Refusal::EmbargoPast`], [`Refusal::EmbargoOrder`].
    pub fn check_embargo_change(
        &self,
        release: &Release,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        release.decide_withdrawal()?;
        if release.embargo(now).is_none() {
            return Err(Refusal::NoEmbargo);
        }
        self.check_embargo(release.number as usize, until, now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(10);

    fn history(editions: &[(&str, bool, Option<i64>)]) -> History {
        let edition = |(root, loses_files, until): &(&str, bool, Option<i64>)| Edition {
            root: (*root).to_owned(),
            loses_files: *loses_files,
            embargoed_until: until.map(Timestamp),
        };
        History::new(editions.iter().map(edition).collect())
    }

    #[test]
    fn files_are_kept_where_no_newer_release_came() {
        let kept = history(&[("/1", false, None), ("/2", true, None), ("/2", true, None)]);
        assert_eq!(kept.place(2), FilePlace::Under("/1"));
        assert_eq!(kept.place(3), FilePlace::Gone);
        assert_eq!(kept.place(4), FilePlace::Under("/2"));
        assert_eq!(kept.place(u32::MAX), FilePlace::Under("/2"));
        assert_eq!([1, 2, 3].map(|number| kept.is_whole(number)), [false, false, true]);
        // Back to where the first one was.
        assert_eq!(history(&[("/1", false, None), ("/2", true, None), ("/1", false, None)]).place(2), FilePlace::Gone);
        assert_eq!(History::default().place(u32::MAX), FilePlace::Gone);
        assert!(History::default().is_whole(0) && kept.is_whole(0));
    }

    #[test]
    fn an_embargo_leaves_the_current_release_whole() {
        let one = history(&[("/1", false, None)]);
        let added = Difference { added: 1, ..Difference::default() };
        let changed = Difference { changed: 1, ..Difference::default() };
        let check = |root, difference, until| one.check_next(1, (root, difference), until, NOW);
        assert_eq!(check("/1", added, Some(Timestamp(11))), Ok(()));
        assert_eq!(check("/2", changed, Some(Timestamp(11))), Ok(()));
        assert_eq!(check("/1", changed, Some(Timestamp(11))), Err(Refusal::EmbargoLosesFiles));
        assert_eq!(check("/1", changed, None), Ok(()));
        assert_eq!(check("/1", added, Some(NOW)), Err(Refusal::EmbargoPast));
        // What the second release left, the third may not take either.
        let two = history(&[("/1", false, None), ("/2", true, Some(20))]);
        assert_eq!(two.check_next(1, ("/1", added), Some(Timestamp(20)), NOW), Err(Refusal::EmbargoLosesFiles));
        assert_eq!(two.check_next(1, ("/3", changed), Some(Timestamp(20)), NOW), Ok(()));
    }

    proptest! {
        #[test]
        fn releases_come_out_of_embargo_in_their_order(steps in prop::collection::vec((0..6_usize, prop::option::of(5..30_i64)), 1..20)) {
            let mut ends: Vec<Option<i64>> = Vec::new();
            for (place, until) in steps {
                let editions: Vec<_> = ends.iter().map(|end| ("/1", false, *end)).collect();
                let before = history(&editions);
                let place = place.min(ends.len());
                // One that is public stays so.
                if ends.get(place).is_some_and(|end| end.is_none_or(|end| end <= NOW.0)) {
                    continue;
                }
                if before.check_embargo(place + 1, until.map(Timestamp), NOW).is_err() {
                    continue;
                }
                if place == ends.len() { ends.push(until) } else { ends[place] = until }
                let open: Vec<i64> = ends.iter().map(|end| end.filter(|end| *end > NOW.0).unwrap_or(NOW.0)).collect();
                let under: Vec<i64> = open.iter().copied().filter(|end| *end > NOW.0).collect();
                prop_assert!(under.is_sorted());
                // None that is public was made after one that is not.
                let first = open.iter().position(|end| *end > NOW.0).unwrap_or(open.len());
                prop_assert!(open[first..].iter().all(|end| *end > NOW.0));
            }
        }
    }
}
