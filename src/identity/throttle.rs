//! Slows down guessing: so many failures for one address or from one place, then a pause.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::{Instant, Span};

/// Failures before a pause.
const FREE_FAILURES: u32 = 10;
/// How long failures are remembered.
const WINDOW: Span = Span::minutes(15);
/// Keys remembered at most; the oldest are forgotten first.
const CAPACITY: usize = 20_000;

/// Counts failures by key.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Throttle {
    /// How long `key` must wait, if it must.
    pub fn pause(&self, key: &str, now: Instant) -> Option<Span> {
        let failures = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (count, since) = failures.get(key)?;
        let ends = *since + WINDOW;
        (*count >= FREE_FAILURES && now < ends).then(|| ends - now)
    }

    /// Notes a failure.
    pub fn fail(&self, key: &str, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if failures.len() >= CAPACITY {
            failures.retain(|_, (_, since)| now < *since + WINDOW);
            if failures.len() >= CAPACITY {
                failures.clear();
            }
        }
        let entry = failures.entry(key.to_owned()).or_insert((0, now));
        if now >= entry.1 + WINDOW {
            *entry = (0, now);
        }
        entry.0 += 1;
    }

    /// Forgets the failures of `key`.
    pub fn forgive(&self, key: &str) {
        self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_after_failures_and_recovers() {
        let (throttle, now) = (Throttle::default(), Instant(0));
        for _ in 0..FREE_FAILURES {
            assert_eq!(throttle.pause("a", now), None);
            throttle.fail("a", now);
        }
        assert_eq!(throttle.pause("a", now), Some(WINDOW));
        assert_eq!(throttle.pause("b", now), None);
        assert_eq!(throttle.pause("a", now + WINDOW), None);
        throttle.forgive("a");
        assert_eq!(throttle.pause("a", now), None);
    }
}
