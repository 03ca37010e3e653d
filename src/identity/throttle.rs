//! Slows down guessing: a limited number of tries of one kind for one account or from one network. A try counts before its
//! outcome is known, so that trying in parallel gains nothing; one that turns out to be no guess is given back.
//!
//! Nobody can lock a person out: tries from browsers that have signed in to the account before are counted apart from all
//! others, and a mailed link makes a browser one of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::attempt::{AttemptKind, CountedBy};
use crate::domain::ids::PersonId;
use crate::domain::origin::Network;
use crate::domain::text::Sha256;
use crate::domain::{TimeSpan, Timestamp};

/// How long tries are remembered.
const TRY_WINDOW: TimeSpan = TimeSpan::minutes(15);
/// Keys remembered at most; then the older half is forgotten.
const CAPACITY: usize = 20_000;

/// Something that is limited. A network may be a whole class room or hospital.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt<'a> {
    /// Signing in from this network.
    SignInFrom(Network),
    /// Signing in to this account, by the key of its address.
    SignIn(&'a str),
    /// Signing in to this account from a browser that has signed in to it before.
    SignInFromKnownBrowser(&'a str),
    /// Registering from this network.
    RegisterFrom(Network),
    /// Asking for a link to choose a new password, from this network.
    AskForReset(Network),
    /// Choosing a new password by a mailed link, from this network.
    ResetFrom(Network),
    /// Proving again who one is.
    Prove(PersonId),
    /// Asking for another link to verify an address.
    VerifyAgain(PersonId),
    /// Asking for a link to another address.
    ChangeEmail(PersonId),
    /// Asking for what is not theirs; counted so that the log does not fill.
    RefusedAccess(PersonId),
    /// Using a token for what it is not good for; counted likewise, by itself.
    RefusedScope(PersonId),
}

impl Attempt<'_> {
    /// How many are let through in a quarter of an hour.
    const fn limit(self) -> u32 {
        match self {
            Self::RegisterFrom(_) => 600,
            Self::RefusedAccess(_) | Self::RefusedScope(_) => 50,
            Self::SignInFrom(_) | Self::AskForReset(_) | Self::ResetFrom(_) => 100,
            Self::SignIn(_)
            | Self::SignInFromKnownBrowser(_)
            | Self::Prove(_)
            | Self::VerifyAgain(_)
            | Self::ChangeEmail(_) => 10,
        }
    }

    /// What was tried.
    pub const fn kind(self) -> AttemptKind {
        match self {
            Self::SignInFrom(_) | Self::SignIn(_) | Self::SignInFromKnownBrowser(_) => AttemptKind::SignIn,
            Self::RegisterFrom(_) => AttemptKind::Register,
            Self::AskForReset(_) => AttemptKind::AskForReset,
            Self::ResetFrom(_) => AttemptKind::Reset,
            Self::Prove(_) => AttemptKind::Prove,
            Self::VerifyAgain(_) => AttemptKind::VerifyAgain,
            Self::ChangeEmail(_) => AttemptKind::ChangeEmail,
            Self::RefusedAccess(_) | Self::RefusedScope(_) => AttemptKind::RefusedAccess,
        }
    }

    /// By what tries of this kind are counted.
    pub const fn counted_by(self) -> CountedBy {
        match self {
            Self::SignIn(_)
            | Self::SignInFromKnownBrowser(_)
            | Self::Prove(_)
            | Self::VerifyAgain(_)
            | Self::ChangeEmail(_)
            | Self::RefusedAccess(_)
            | Self::RefusedScope(_) => CountedBy::Account,
            Self::SignInFrom(_) | Self::RegisterFrom(_) | Self::AskForReset(_) | Self::ResetFrom(_) => {
                CountedBy::Network
            }
        }
    }
}

impl fmt::Display for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignInFrom(network) => write!(f, "sign in from {network}"),
            Self::SignIn(account) => write!(f, "sign in {account}"),
            Self::SignInFromKnownBrowser(account) => write!(f, "sign in, known browser {account}"),
            Self::RegisterFrom(network) => write!(f, "register from {network}"),
            Self::AskForReset(network) => write!(f, "ask for reset from {network}"),
            Self::ResetFrom(network) => write!(f, "reset from {network}"),
            Self::Prove(person) => write!(f, "prove {person}"),
            Self::VerifyAgain(person) => write!(f, "verify again {person}"),
            Self::ChangeEmail(person) => write!(f, "change email {person}"),
            Self::RefusedAccess(person) => write!(f, "refused access {person}"),
            Self::RefusedScope(person) => write!(f, "refused scope {person}"),
        }
    }
}

/// The tries of one key within a window.
#[derive(Clone, Copy, Debug)]
struct Tried {
    count: u32,
    since: Timestamp,
    recorded: bool,
}

/// A try that is not let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Throttled {
    /// How long to wait.
    pub wait: TimeSpan,
    /// Whether to record it: the log gets one event for each key and window.
    pub should_record: bool,
}

type Tries = HashMap<Sha256, Tried>;

/// Counts tries by key.
#[derive(Debug, Default)]
pub struct Throttle {
    // Keys are hashed, because they may be as long as the client likes.
    tries: Mutex<Tries>,
}

impl Throttle {
    /// Counts a try.
    ///
    /// # Errors
    /// How long to wait, when there were as many already as are let through.
    pub fn attempt(&self, attempt: Attempt<'_>, now: Timestamp) -> Result<(), Throttled> {
        let mut tries = self.tries();
        if tries.len() >= CAPACITY {
            forget_older(&mut tries, now);
        }
        let fresh = Tried { count: 0, since: now, recorded: false };
        let tried = tries.entry(key(attempt)).or_insert(fresh);
        if now >= tried.since + TRY_WINDOW {
            *tried = fresh;
        }
        if tried.count >= attempt.limit() {
            let should_record = !std::mem::replace(&mut tried.recorded, true);
            return Err(Throttled { wait: tried.since + TRY_WINDOW - now, should_record });
        }
        tried.count += 1;
        Ok(())
    }

    /// Gives a try back: it was no guess, or was never checked.
    pub fn give_back(&self, attempt: Attempt<'_>) {
        if let Some(tried) = self.tries().get_mut(&key(attempt)) {
            tried.count = tried.count.saturating_sub(1);
        }
    }

    /// Forgets the tries.
    pub fn forgive(&self, attempt: Attempt<'_>) {
        self.tries().remove(&key(attempt));
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(attempt: Attempt<'_>) -> Sha256 {
    Sha256::of(attempt.to_string().as_bytes())
}

fn forget_older(tries: &mut Tries, now: Timestamp) {
    tries.retain(|_, tried| now < tried.since + TRY_WINDOW);
    if tries.len() >= CAPACITY {
        let mut times: Vec<Timestamp> = tries.values().map(|tried| tried.since).collect();
        let (_, median, _) = times.select_nth_unstable(CAPACITY / 2);
        let median = *median;
        tries.retain(|_, tried| tried.since > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_after_tries_and_recovers() {
        let (throttle, now) = (Throttle::default(), Timestamp(0));
        let (a, b) = (Attempt::SignIn("a"), Attempt::SignIn("b"));
        for _ in 0..10 {
            assert_eq!(throttle.attempt(a, now), Ok(()));
        }
        assert_eq!(throttle.attempt(a, now), Err(Throttled { wait: TRY_WINDOW, should_record: true }));
        let again = Err(Throttled { wait: TRY_WINDOW, should_record: false });
        assert_eq!(throttle.attempt(a, now), again, "recorded once");
        assert_eq!(throttle.attempt(b, now), Ok(()));
        assert_eq!(throttle.attempt(Attempt::SignInFromKnownBrowser("a"), now), Ok(()), "its owner is not locked out");
        throttle.give_back(a);
        assert_eq!(throttle.attempt(a, now), Ok(()));
        assert_eq!(throttle.attempt(a, now), again);
        assert_eq!(throttle.attempt(a, now + TRY_WINDOW), Ok(()));
        throttle.forgive(a);
        assert_eq!(throttle.attempt(a, now), Ok(()));
    }

    #[test]
    fn a_flood_of_keys_forgets_only_the_older_ones() {
        let (throttle, late) = (Throttle::default(), Timestamp(0) + TimeSpan::minutes(1));
        for n in 0..CAPACITY - 1 {
            throttle.attempt(Attempt::SignIn(&format!("flood {n}")), Timestamp(0)).unwrap();
        }
        for _ in 0..10 {
            throttle.attempt(Attempt::SignIn("guessed"), late).unwrap();
        }
        throttle.attempt(Attempt::SignIn("one more"), late).unwrap();
        assert!(throttle.attempt(Attempt::SignIn("guessed"), late).is_err(), "a flood is no way to be forgotten");
    }
}
