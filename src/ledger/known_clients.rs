//! The clients that downloads came from lately: a credential, an IP address and a user agent together. What is personal of
//! a download stands in the event `client.seen`, once a day for each of them, and downloads name its place in the log.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::domain::admission::Caller;
use crate::domain::origin::Origin;
use crate::domain::{TimeSpan, Timestamp};

/// How long downloads name the same event.
const NAMED_FOR: TimeSpan = TimeSpan::hours(24);
/// Clients that are remembered at most; one that was forgotten is recorded once more.
const CAPACITY: usize = 10_000;

/// The clients of the last 24 hours, by the hash of what makes them.
#[derive(Debug, Default)]
pub(super) struct KnownClients {
    hasher: RandomState,
    clients: HashMap<u64, KnownClient>,
}

#[derive(Debug)]
struct KnownClient {
    caller: Caller,
    origin: Origin,
    index: u64,
    at: Timestamp,
}

impl KnownClients {
    /// The index of the event that describes a client.
    pub fn get(&self, caller: Caller, origin: &Origin, now: Timestamp) -> Option<u64> {
        let known = self.clients.get(&self.hasher.hash_one((caller, origin)))?;
        let is_it = known.caller == caller && known.origin == *origin && now < known.at + NAMED_FOR;
        is_it.then_some(known.index)
    }

    /// Remembers that the event at `index` describes a client. Where there are too many, half of them go, whichever they are.
    pub fn insert(&mut self, caller: Caller, origin: &Origin, index: u64, at: Timestamp) {
        if self.clients.len() >= CAPACITY {
            let mut keep = false;
            self.clients.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        let hash = self.hasher.hash_one((caller, origin));
        self.clients.insert(hash, KnownClient { caller, origin: origin.clone(), index, at });
    }

    /// Forgets clients whose events are not in the log: what was to be recorded from this index on was undone.
    pub fn forget_from(&mut self, index: u64) {
        self.clients.retain(|_, known| known.index < index);
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.clients.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_named_for_a_day_unless_its_event_was_undone() {
        let mut known = KnownClients::default();
        let origin = |agent: &str| Origin { ip: "192.0.2.1".into(), user_agent: agent.into() };
        let at = |hours| Timestamp(0) + TimeSpan::hours(hours);
        known.insert(Caller::Anonymous, &origin("curl"), 7, at(0));
        known.insert(Caller::Anonymous, &origin("wget"), 8, at(1));
        assert_eq!(known.get(Caller::Anonymous, &origin("curl"), at(23)), Some(7));
        assert_eq!(known.get(Caller::Anonymous, &origin("curl"), at(24)), None);
        assert_eq!(known.get(Caller::Token(uuid::Uuid::nil().into()), &origin("curl"), at(1)), None);
        known.forget_from(8);
        assert_eq!(known.get(Caller::Anonymous, &origin("wget"), at(1)), None);
        assert_eq!(known.get(Caller::Anonymous, &origin("curl"), at(1)), Some(7));
        for n in 0..50_000_u64 {
            known.insert(Caller::Anonymous, &origin(&n.to_string()), n, at(1));
        }
        assert!(known.clients.len() <= CAPACITY);
    }
}
