//! How much one client may ask for at a time: transfers that run, and requests in a second, by token and by address.
//! What is counted is found once for a connection or a token; counting takes no lock.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use crate::domain::ids::{PersonId, TokenId};
use crate::domain::transfer::{Limit, LimitSubject, ReachedLimit};

/// What a client may do at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// Transfers at the same time; 0 for any number.
    pub transfers: u32,
    /// Requests a second, over time; 0 for any number. As many may come at once.
    pub requests: u32,
}

/// What is allowed to whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// To a token, or to a browser's session.
    pub credential: Allowance,
    /// To an address.
    pub address: Allowance,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Client {
    /// One token.
    Token(TokenId),
    /// One person's browsers.
    Person(PersonId),
    /// One IPv4 address, or the IPv6 network that one household has (/64).
    Address(IpAddr),
}

impl Client {
    /// Of an address.
    pub fn at(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Address(address),
            IpAddr::V6(six) => {
                let network = u128::from(six) & !u128::from(u64::MAX);
                Self::Address(six.to_ipv4_mapped().map_or_else(|| IpAddr::V6(network.into()), IpAddr::V4))
            }
        }
    }

    const fn subject(self) -> LimitSubject {
        match self {
            Self::Token(_) => LimitSubject::Token,
            Self::Person(_) => LimitSubject::Person,
            Self::Address(_) => LimitSubject::Address,
        }
    }
}

/// A limit that was reached, and what to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// The limit.
    pub reached: ReachedLimit,
    /// Seconds after which it is worth trying again.
    pub retry_after: u64,
    /// Whether it is to be recorded; the log has one event a minute for each client.
    pub record: bool,
}

/// Seconds between two events about one client.
const RECORD_EVERY: u64 = 60;
const MICROS: u64 = 1_000_000;

/// What one client has of its allowance.
#[derive(Debug)]
pub struct Budget {
    client: Client,
    allowance: Allowance,
    running: AtomicU32,
    /// When the requests so far would all have come, at the pace that is allowed: microseconds since the start.
    paced_to: AtomicU64,
    /// When it may be recorded again that a limit was reached: seconds since the start.
    record_from: AtomicU64,
}

impl Budget {
    /// Takes a request and a transfer off the allowance.
    ///
    /// # Errors
    /// The limit that does not let it.
    fn take(&self, now: u64) -> Result<(), Rejection> {
        if self.allowance.requests > 0 {
            // The generic cell rate algorithm: one number tells how far ahead of the pace a client is.
            let pace = MICROS / u64::from(self.allowance.requests);
            let paced = self.paced_to.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paced_to| {
                let next = paced_to.max(now) + pace;
                (next <= now + MICROS).then_some(next)
            });
            if paced.is_err() {
                return Err(self.reached(Limit::Requests, self.allowance.requests, now));
            }
        }
        let allowed = self.allowance.transfers;
        let more = |running| (allowed == 0 || running < allowed).then_some(running + 1);
        match self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, more) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.reached(Limit::Transfers, allowed, now)),
        }
    }

    fn reached(&self, limit: Limit, allowed: u32, now: u64) -> Rejection {
        let reached = ReachedLimit { subject: self.client.subject(), limit, allowed };
        Rejection { reached, retry_after: 1, record: due(&self.record_from, now) }
    }

    fn give_back(&self) {
        self.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether something may be recorded again.
fn due(from: &AtomicU64, now: u64) -> bool {
    let seconds = now / MICROS;
    let later = |from| (seconds >= from).then_some(seconds + RECORD_EVERY);
    from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).is_ok()
}

/// Permission to run one transfer; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    budgets: [Option<Arc<Budget>>; 2],
}

impl Drop for Permit {
    fn drop(&mut self) {
        for budget in self.budgets.iter().flatten() {
            budget.give_back();
        }
    }
}

/// Everybody's budgets.
#[derive(Debug)]
pub struct Budgets {
    limits: Limits,
    start: Instant,
    known: Mutex<HashMap<Client, Weak<Budget>>>,
    /// When it may be recorded again that everything together was too much: seconds since the start.
    record_overload_from: AtomicU64,
}

impl Budgets {
    /// With these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            start: Instant::now(),
            known: Mutex::new(HashMap::new()),
            record_overload_from: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// That more was waiting to be recorded than may.
    pub fn overload(&self, allowed: usize) -> Rejection {
        let record = due(&self.record_overload_from, self.now());
        let allowed = u32::try_from(allowed).unwrap_or(u32::MAX);
        let reached = ReachedLimit { subject: LimitSubject::Everybody, limit: Limit::Queue, allowed };
        Rejection { reached, retry_after: 5, record }
    }

    /// A client's budget. Worth keeping: it is found under a lock.
    pub fn of(&self, client: Client) -> Arc<Budget> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = known.get(&client).and_then(Weak::upgrade) {
            return budget;
        }
        if known.len() == known.capacity() {
            known.retain(|_, budget| budget.strong_count() > 0);
        }
        let allowance = match client {
            Client::Token(_) | Client::Person(_) => self.limits.credential,
            Client::Address(_) => self.limits.address,
        };
        let budget = Arc::new(Budget {
            client,
            allowance,
            running: AtomicU32::new(0),
            paced_to: AtomicU64::new(0),
            record_from: AtomicU64::new(0),
        });
        known.insert(client, Arc::downgrade(&budget));
        budget
    }

    /// Takes a request and a transfer off each of these budgets, or off none.
    ///
    /// # Errors
    /// The first limit that does not let it.
    pub fn take(&self, budgets: [Option<Arc<Budget>>; 2]) -> Result<Permit, Rejection> {
        let now = self.now();
        let mut permit = Permit { budgets: [None, None] };
        for (place, budget) in permit.budgets.iter_mut().zip(budgets) {
            if let Some(budget) = budget {
                // What was taken before is given back with the permit.
                budget.take(now)?;
                *place = Some(budget);
            }
        }
        Ok(permit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(transfers: u32, requests: u32) -> Budgets {
        let any = Allowance { transfers: 0, requests: 0 };
        Budgets::new(Limits { credential: Allowance { transfers, requests }, address: any })
    }

    #[test]
    fn transfers_are_given_back() {
        let budgets = budgets(2, 0);
        let token = budgets.of(Client::Token(TokenId(uuid::Uuid::nil())));
        let take = || budgets.take([None, Some(token.clone())]);
        let (first, _second) = (take().unwrap(), take().unwrap());
        let rejection = take().unwrap_err();
        let reached = ReachedLimit { subject: LimitSubject::Token, limit: Limit::Transfers, allowed: 2 };
        assert_eq!((rejection.reached, rejection.record), (reached, true));
        assert!(!take().unwrap_err().record, "recorded once a minute");
        drop(first);
        assert!(take().is_ok());
    }

    #[test]
    fn what_one_limit_refuses_the_other_does_not_count() {
        let budgets = Budgets::new(Limits {
            credential: Allowance { transfers: 1, requests: 0 },
            address: Allowance { transfers: 5, requests: 0 },
        });
        let address = budgets.of(Client::at("127.0.0.1".parse().unwrap()));
        let token = budgets.of(Client::Token(TokenId(uuid::Uuid::nil())));
        let _held = budgets.take([Some(address.clone()), Some(token.clone())]).unwrap();
        for _ in 0..10 {
            assert!(budgets.take([Some(address.clone()), Some(token.clone())]).is_err());
        }
        assert_eq!(address.running.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn requests_come_at_their_pace() {
        let budgets = budgets(0, 10);
        let budget = budgets.of(Client::Token(TokenId(uuid::Uuid::nil())));
        let at = |tenths: u64| budget.take(tenths * MICROS / 10).is_ok();
        assert_eq!((0..15).filter(|_| at(0)).count(), 10, "a second's worth at once");
        assert!(at(1) && !at(1) && at(2) && !at(2));
        assert_eq!((0..15).filter(|_| at(100)).count(), 10);
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let of = |text: &str| Client::at(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
