//! The clients that downloads came from lately: a credential, an IP address and a user agent together. What is personal of
//! a download stands in the event `client.seen`, once a day for each of them, and downloads name its place in the log.

use quick_cache::Equivalent;
use quick_cache::unsync::Cache;

use crate::domain::admission::Caller;
use crate::domain::origin::Origin;
use crate::domain::{TimeSpan, Timestamp};

/// How long downloads name the same event.
const NAMED_FOR: TimeSpan = TimeSpan::hours(24);
/// Clients that are remembered at most; one that was forgotten is recorded once more.
const CAPACITY: usize = 10_000;

/// The clients of the last 24 hours, with the event that describes each. When it is full, those that came once make room.
#[derive(Debug)]
pub(super) struct KnownClients(Cache<Client, Described>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Client {
    caller: Caller,
    origin: Origin,
}

/// A client that is looked for.
#[derive(Hash)]
struct ClientRef<'a> {
    caller: Caller,
    origin: &'a Origin,
}

impl Equivalent<Client> for ClientRef<'_> {
    fn equivalent(&self, client: &Client) -> bool {
        self.caller == client.caller && *self.origin == client.origin
    }
}

#[derive(Clone, Copy, Debug)]
struct Described {
    /// The index of the event.
    index: u64,
    at: Timestamp,
}

impl Default for KnownClients {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl KnownClients {
    /// The index of the event that describes a client.
    pub fn get(&self, caller: Caller, origin: &Origin, now: Timestamp) -> Option<u64> {
        let described = self.0.get(&ClientRef { caller, origin })?;
        (now < described.at + NAMED_FOR).then_some(described.index)
    }

    /// Remembers that the event at `index` describes a client.
    pub fn insert(&mut self, caller: Caller, origin: &Origin, index: u64, at: Timestamp) {
        self.0.insert(Client { caller, origin: origin.clone() }, Described { index, at });
    }

    /// Forgets clients whose events are not in the log: what was to be recorded from this index on was undone.
    pub fn forget_from(&mut self, index: u64) {
        self.0.retain(|_, described| described.index < index);
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
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
        assert!(known.0.len() <= CAPACITY);
    }
}
