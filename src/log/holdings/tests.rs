//! Holdings beside a model that marks every byte.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::transfer::SentRanges;

const SIZE: u64 = 12;

/// A transfer of one of two files by one of two people: of some parts or the whole; ended so, if at all.
#[derive(Clone, Debug)]
struct Made {
    person: u128,
    file: usize,
    parts: Option<Vec<(u64, u64)>>,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Complete,
    InterruptedAfter(u64),
    Unrecorded,
}

fn made() -> impl Strategy<Value = Made> {
    let part = (0..SIZE, 0..SIZE).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let parts = prop::option::of(prop::collection::vec(part, 1..3));
    let end = prop_oneof![Just(End::Complete), (0..=SIZE).prop_map(End::InterruptedAfter), Just(End::Unrecorded)];
    (0..2_u128, 0..2_usize, parts, end).prop_map(|(person, file, parts, end)| Made { person, file, parts, end })
}

fn person(number: u128) -> PersonId {
    Uuid::from_u128(number).into()
}

impl Made {
    fn ranges(&self) -> Option<SentRanges> {
        self.parts.clone().map(|parts| SentRanges { parts, size: SIZE })
    }

    /// The bytes that were to be sent: of several parts, with what stands between them.
    fn bytes(&self) -> u64 {
        const BETWEEN: u64 = 90;
        let parts = self.parts.as_deref().unwrap_or(&[(0, SIZE - 1)]);
        let length: u64 = parts.iter().map(|(first, last)| last - first + 1).sum();
        if parts.len() > 1 { length + BETWEEN } else { length }
    }

    fn event(&self, index: usize) -> String {
        let ranges = self.ranges().map_or_else(String::new, |ranges| format!("\"ranges\":\"{ranges}\","));
        let (person, file, bytes) = (person(self.person), self.file, self.bytes());
        format!(
            "{{\"action\":\"download.admitted\",\"actor\":{{\"id\":\"{person}\"}},\"at\":\"2026-11-24T09:41:0{}Z\",\
             \"dataset\":\"d\",\"details\":{{\"bytes\":{bytes},\"path\":\"f{file}\",{ranges}\"release\":1}}}}",
            index % 10
        )
    }

    /// The bytes of the file that came, as far as that is known.
    fn came(&self, sent: u64) -> Vec<u64> {
        match (self.parts.as_deref().unwrap_or(&[(0, SIZE - 1)]), self.end) {
            (parts, End::Complete) => parts.iter().flat_map(|(first, last)| *first..=*last).collect(),
            ([(first, _)], End::InterruptedAfter(_)) => (*first..first + sent).collect(),
            _ => Vec::new(),
        }
    }
}

proptest! {
    /// Beside a model that marks every byte that came.
    #[test]
    fn what_is_added_up_is_what_was_sent(all in prop::collection::vec(made(), 0..30)) {
        let mut holdings = Holdings::new(HoldingsFilter::default());
        for (index, made) in all.iter().enumerate() {
            holdings.add(DownloadFact::of(index as u64, &made.event(index)).unwrap());
        }
        let (mut came, mut sums) = (HashMap::<_, BTreeSet<u64>>::new(), HashMap::<_, (u64, u64, bool)>::new());
        for (index, made) in all.iter().enumerate() {
            let key = (made.person, made.file);
            let promised = made.bytes();
            let sent = match made.end {
                End::Complete => Some(promised),
                End::InterruptedAfter(bytes) => Some(bytes.min(promised)),
                End::Unrecorded => None,
            };
            let (bytes, at_most, is_open) = sums.entry(key).or_default();
            *bytes += sent.unwrap_or(0);
            *at_most += sent.unwrap_or(promised);
            *is_open |= sent.is_none();
            came.entry(key).or_default().extend(made.came(sent.unwrap_or(0)));
            match made.end {
                End::Unrecorded => {}
                End::Complete => holdings.add(DownloadFact::Completed(vec![(index as u64, index as u64)])),
                End::InterruptedAfter(bytes) => {
                    holdings.add(DownloadFact::Interrupted { transfer: index as u64, bytes, reason: None });
                }
            }
        }
        let found = holdings.finish();
        prop_assert_eq!(found.len(), sums.len());
        for ((number, file), (bytes, at_most, is_open)) in sums {
            let path: FilePath = format!("f{file}").parse().unwrap();
            let is_it = |holding: &&Holding| holding.person == Some(person(number)) && holding.path.as_ref() == Some(&path);
            let holding = found.iter().find(is_it).unwrap();
            prop_assert_eq!((holding.bytes, holding.at_most), (bytes, at_most));
            let is_whole = came.get(&(number, file)).is_some_and(|bytes| bytes.len() as u64 == SIZE);
            let expected = match (is_whole, is_open) {
                (true, _) => Received::Whole,
                (false, true) => Received::Unknown,
                (false, false) => Received::Part,
            };
            prop_assert_eq!(holding.received, expected);
        }
    }

    #[test]
    fn ends_of_nothing_add_nothing(first: u64, last: u64) {
        let mut holdings = Holdings::new(HoldingsFilter::default());
        holdings.add(DownloadFact::Completed(vec![(first, last)]));
        prop_assert!(holdings.finish().is_empty());
    }
}
