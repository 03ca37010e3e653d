//! Slows down guessing: a limited number of tries for one account or from one network. A try counts before its outcome is
//! known, so that trying in parallel gains nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::text::Sha256;
use crate::domain::{TimeSpan, Timestamp};

/// The number of tries for one account, or by one person.
pub const PER_ACCOUNT: u32 = 10;
/// The number of tries from one network, which may be a whole hospital.
pub const PER_NETWORK: u32 = 100;
/// How long tries are remembered.
const TRY_WINDOW: TimeSpan = TimeSpan::minutes(15);
/// Keys remembered at most; then the older half is forgotten.
const CAPACITY: usize = 20_000;

type Tries = HashMap<Sha256, (u32, Timestamp)>;

/// Counts tries by key.
#[derive(Debug, Default)]
pub struct Throttle {
    // Keys are hashed, because they may be as long as the client likes.
    tries: Mutex<Tries>,
}

/// The network that an address belongs to: the address itself, or its /64 for IPv6, which one subscriber has whole.
pub fn network(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => ip.to_owned(),
    }
}

impl Throttle {
    /// Counts a try of `key`.
    ///
    /// # Errors
    /// How long to wait, when there were `limit` already.
    pub fn attempt(&self, key: &str, limit: u32, now: Timestamp) -> Result<(), TimeSpan> {
        let mut tries = self.tries();
        if tries.len() >= CAPACITY {
            forget_older(&mut tries, now);
        }
        let entry = tries.entry(Sha256::of(key.as_bytes())).or_insert((0, now));
        if now >= entry.1 + TRY_WINDOW {
            *entry = (0, now);
        }
        if entry.0 >= limit {
            return Err(entry.1 + TRY_WINDOW - now);
        }
        entry.0 += 1;
        Ok(())
    }

    /// Takes one try back: it was no guess.
    pub fn take_back(&self, key: &str) {
        if let Some((count, _)) = self.tries().get_mut(&Sha256::of(key.as_bytes())) {
            *count = count.saturating_sub(1);
        }
    }

    /// Forgets the tries of `key`.
    pub fn forgive(&self, key: &str) {
        self.tries().remove(&Sha256::of(key.as_bytes()));
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_older(tries: &mut Tries, now: Timestamp) {
    tries.retain(|_, (_, since)| now < *since + TRY_WINDOW);
    if tries.len() >= CAPACITY {
        let mut times: Vec<Timestamp> = tries.values().map(|(_, since)| *since).collect();
        let (_, median, _) = times.select_nth_unstable(CAPACITY / 2);
        let median = *median;
        tries.retain(|_, (_, since)| *since > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_after_tries_and_recovers() {
        let (throttle, now) = (Throttle::default(), Timestamp(0));
        for _ in 0..10 {
            assert_eq!(throttle.attempt("a", 10, now), Ok(()));
        }
        assert_eq!(throttle.attempt("a", 10, now), Err(TRY_WINDOW));
        assert_eq!(throttle.attempt("b", 10, now), Ok(()));
        throttle.take_back("a");
        assert_eq!(throttle.attempt("a", 10, now), Ok(()));
        assert_eq!(throttle.attempt("a", 10, now), Err(TRY_WINDOW));
        assert_eq!(throttle.attempt("a", 10, now + TRY_WINDOW), Ok(()));
        throttle.forgive("a");
        assert_eq!(throttle.attempt("a", 1, now), Ok(()));
    }

    #[test]
    fn a_flood_of_keys_forgets_only_the_older_ones() {
        let (throttle, late) = (Throttle::default(), Timestamp(0) + TimeSpan::minutes(1));
        for n in 0..CAPACITY - 1 {
            throttle.attempt(&format!("flood {n}"), 1, Timestamp(0)).unwrap();
        }
        throttle.attempt("guessed", 1, late).unwrap();
        throttle.attempt("one more", 1, late).unwrap();
        assert!(throttle.attempt("guessed", 1, late).is_err(), "a flood is no way to be forgotten");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_place() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
