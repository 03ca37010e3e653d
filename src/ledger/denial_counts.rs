//! Denied requests that are counted instead of recorded one by one, so that nobody fills the disk by asking for what they
//! may not have. The first of a minute are recorded: one for a network without a credential, 60 for a person or token. What
//! follows is said by number, in the next event or after the minute.

use std::collections::HashMap;

use crate::domain::ids::{PersonId, TokenId};
use crate::domain::origin::Network;
use crate::domain::text::Slug;
use crate::domain::{TimeSpan, Timestamp};

/// How long refusals of one client and dataset are counted together.
const WINDOW: TimeSpan = TimeSpan::minutes(1);
/// Clients and datasets that are told apart at most; further ones are counted together.
const CAPACITY: usize = 10_000;

/// Whose refusals are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeniedClient {
    /// Requests without a credential from one network; `None` if their addresses are not known.
    Network(Option<Network>),
    /// Requests by one person's browsers.
    Person(PersonId),
    /// Requests with one token.
    Token(TokenId),
    /// All that are not told apart.
    Anyone,
}

impl DeniedClient {
    /// How many of a minute are recorded. Those of a known person are evidence; nobody needs more of them than this.
    const fn recorded_each(self) -> u32 {
        match self {
            Self::Network(_) | Self::Anyone => 1,
            Self::Person(_) | Self::Token(_) => 60,
        }
    }
}

#[derive(Debug)]
struct Count {
    since: Timestamp,
    recorded: u32,
    unrecorded: u64,
}

/// Refusals of the last minute, by client and dataset.
#[derive(Debug, Default)]
pub struct DenialCounts(HashMap<(DeniedClient, Slug), Count>);

impl DenialCounts {
    /// Counts a refusal. `Some` when it is to be recorded, with the number of earlier ones that were not.
    pub(super) fn count(&mut self, client: DeniedClient, dataset: &Slug, now: Timestamp) -> Option<u64> {
        let mut key = (client, dataset.clone());
        if !self.0.contains_key(&key) && self.0.len() >= CAPACITY {
            key.0 = DeniedClient::Anyone;
        }
        let limit = key.0.recorded_each();
        let count = self.0.entry(key).or_insert(Count { since: now, recorded: 0, unrecorded: 0 });
        if now >= count.since + WINDOW {
            (count.since, count.recorded) = (now, 0);
        }
        if count.recorded >= limit {
            count.unrecorded += 1;
            return None;
        }
        count.recorded += 1;
        Some(std::mem::take(&mut count.unrecorded))
    }

    /// Takes the counts whose minute is over: the dataset and how many refusals of it were not recorded.
    pub(super) fn take_ended(&mut self, now: Timestamp) -> Vec<(DeniedClient, Slug, u64)> {
        let ended: Vec<_> = self
            .0
            .extract_if(|_, count| now >= count.since + WINDOW)
            .filter(|(_, count)| count.unrecorded > 0)
            .collect();
        ended.into_iter().map(|((client, dataset), count)| (client, dataset, count.unrecorded)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_minute_is_recorded_and_the_others_are_counted() {
        let (mut counts, slug): (_, Slug) = (DenialCounts::default(), "x-ray".parse().unwrap());
        let client = DeniedClient::Network(None);
        let at = |seconds| Timestamp(0) + TimeSpan::seconds(seconds);
        assert_eq!(counts.count(client, &slug, at(0)), Some(0));
        for second in 1..50 {
            assert_eq!(counts.count(client, &slug, at(second)), None);
        }
        assert_eq!(counts.count(client, &"other".parse().unwrap(), at(50)), Some(0));
        assert_eq!(counts.count(client, &slug, at(60)), Some(49));
        assert_eq!(counts.count(client, &slug, at(61)), None);
        assert_eq!(counts.take_ended(at(119)).len(), 0);
        assert_eq!(counts.take_ended(at(120)), [(client, slug, 1)]);
        assert_eq!(counts.take_ended(at(500)), []);
    }

    #[test]
    fn a_flood_of_clients_is_counted_together() {
        let (mut counts, slug): (_, Slug) = (DenialCounts::default(), "x-ray".parse().unwrap());
        let network = |n: u32| DeniedClient::Network(Some(Network::of(std::net::Ipv4Addr::from(n).into())));
        let recorded = (0..50_000).filter(|n| counts.count(network(*n), &slug, Timestamp(0)).is_some()).count();
        assert_eq!(recorded, CAPACITY + 1);
        assert!(counts.0.len() <= CAPACITY + 1);
    }
}
