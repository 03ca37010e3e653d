//! Limits on concurrent transfers and on requests per second, by token, person and address. A budget is looked up once for
//! a connection or a token; after that, counting is lock-free.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::domain::ids::{PersonId, TokenId};
use crate::domain::origin::Network;
use crate::domain::transfer::{Limit, LimitSubject, ReachedLimit};

/// The limits for one client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// Concurrent transfers; 0 for unlimited.
    pub transfers: u32,
    /// Average requests per second, 0 for unlimited; one second's worth may arrive in a burst.
    pub requests: u32,
}

/// The limits for every kind of client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// For a token, or for one person's browsers together.
    pub credential: Allowance,
    /// For an address.
    pub address: Allowance,
    /// For what comes from an address without a token or session.
    pub anonymous: Allowance,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Client {
    /// One token.
    Token(TokenId),
    /// One person's browsers.
    Person(PersonId),
    /// One network, whatever comes from it.
    Network(Network),
    /// What comes from one network without a token or session.
    Anonymous(Network),
}

impl Client {
    const fn subject(self) -> LimitSubject {
        match self {
            Self::Token(_) => LimitSubject::Token,
            Self::Person(_) => LimitSubject::Person,
            Self::Network(_) | Self::Anonymous(_) => LimitSubject::Address,
        }
    }
}

/// A limit that was reached, and what to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// The limit.
    pub reached: ReachedLimit,
    /// Seconds after which trying again makes sense.
    pub retry_after: u64,
    /// Whether to record it: the log gets at most one event a minute for each client.
    pub should_record: bool,
}

/// Seconds between two events about one client.
const RECORD_EVERY: u64 = 60;
/// How long a request may wait for its turn under a limit of requests per second.
const SLOWED_DOWN_AT_MOST: Duration = Duration::from_secs(10);
/// How often it tries.
const TRY_AGAIN: Duration = Duration::from_millis(40);
const MICROS: u64 = 1_000_000;

/// How much of its allowance one client has used.
#[derive(Debug)]
pub struct Budget {
    client: Client,
    allowance: Allowance,
    running: AtomicU32,
    /// The time by which all requests so far would have arrived at the allowed rate (the *theoretical arrival time* of the
    /// generic cell rate algorithm): microseconds since the start.
    paced_to: AtomicU64,
    /// The earliest time for the next event about a reached limit: seconds since the start.
    next_record_at: AtomicU64,
}

impl Budget {
    /// Takes a request and a transfer off the allowance.
    ///
    /// # Errors
    /// The limit that was exceeded.
    fn take(&self, now: u64) -> Result<(), Limit> {
        let pace = self.pace();
        if pace > 0 {
            // The generic cell rate algorithm: one number says how far ahead of the allowed rate a client is.
            let paced = self.paced_to.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paced_to| {
                let next = paced_to.max(now) + pace;
                (next <= now + MICROS).then_some(next)
            });
            if paced.is_err() {
                return Err(Limit::Requests);
            }
        }
        let allowed = self.allowance.transfers;
        let more = |running| (allowed == 0 || running < allowed).then_some(running + 1);
        if self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_err() {
            self.give_back_request();
            return Err(Limit::Transfers);
        }
        Ok(())
    }

    /// The microseconds from one request to the next at the allowed rate; 0 when the rate is unlimited.
    const fn pace(&self) -> u64 {
        if self.allowance.requests == 0 { 0 } else { MICROS / self.allowance.requests as u64 }
    }

    fn give_back_request(&self) {
        self.paced_to.fetch_sub(self.pace(), Ordering::Relaxed);
    }

    fn give_back_transfer(&self) {
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    /// The rejection for a limit that was exceeded. Making one claims this minute's event.
    fn reject(&self, limit: Limit, now: u64) -> Rejection {
        let allowed = match limit {
            Limit::Requests => self.allowance.requests,
            Limit::Transfers | Limit::Queue => self.allowance.transfers,
        };
        let reached = ReachedLimit { subject: self.client.subject(), limit, allowed };
        Rejection { reached, retry_after: 1, should_record: claim_record(&self.next_record_at, now) }
    }
}

/// Whether a minute has passed since the last event; if so, the next one is due a minute from now.
fn claim_record(from: &AtomicU64, now: u64) -> bool {
    let seconds = now / MICROS;
    let later = |from| (seconds >= from).then_some(seconds + RECORD_EVERY);
    from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).is_ok()
}

/// One transfer's place under the limits of its client; given back when dropped.
#[derive(Debug)]
pub struct LimitSlot {
    budgets: [Option<Arc<Budget>>; 2],
}

impl Drop for LimitSlot {
    fn drop(&mut self) {
        for budget in self.budgets.iter().flatten() {
            budget.give_back_transfer();
        }
    }
}

/// Everybody's budgets.
#[derive(Debug)]
pub struct Budgets {
    limits: Limits,
    start: Instant,
    known: Mutex<HashMap<Client, Weak<Budget>>>,
    /// The earliest time for the next event about a full ledger queue: seconds since the start.
    next_overload_record_at: AtomicU64,
}

impl Budgets {
    /// No clients yet, with these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            start: Instant::now(),
            known: Mutex::new(HashMap::new()),
            next_overload_record_at: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The rejection for a full ledger queue.
    pub fn overload_rejection(&self, allowed: usize) -> Rejection {
        let should_record = claim_record(&self.next_overload_record_at, self.now());
        let allowed = u32::try_from(allowed).unwrap_or(u32::MAX);
        let reached = ReachedLimit { subject: LimitSubject::Everybody, limit: Limit::Queue, allowed };
        Rejection { reached, retry_after: 5, should_record }
    }

    /// A client's budget. Looking it up takes a lock, so the result is worth keeping.
    pub fn budget_for(&self, client: Client) -> Arc<Budget> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = known.get(&client).and_then(Weak::upgrade) {
            return budget;
        }
        if known.len() == known.capacity() {
            known.retain(|_, budget| budget.strong_count() > 0);
        }
        let allowance = match client {
            Client::Token(_) | Client::Person(_) => self.limits.credential,
            Client::Network(_) => self.limits.address,
            Client::Anonymous(_) => self.limits.anonymous,
        };
        let budget = Arc::new(Budget {
            client,
            allowance,
            running: AtomicU32::new(0),
            paced_to: AtomicU64::new(0),
            next_record_at: AtomicU64::new(0),
        });
        known.insert(client, Arc::downgrade(&budget));
        budget
    }

    /// Takes a request and a transfer off each of these budgets, or off none. Who asks faster than is allowed is slowed
    /// down, and refused only after [`SLOWED_DOWN_AT_MOST`].
    ///
    /// # Errors
    /// The first limit that was exceeded.
    pub async fn take_or_wait(&self, budgets: [Option<Arc<Budget>>; 2]) -> Result<LimitSlot, Rejection> {
        let start = Instant::now();
        loop {
            match self.take(&budgets) {
                Ok(slot) => return Ok(slot),
                Err((_, Limit::Requests)) if start.elapsed() < SLOWED_DOWN_AT_MOST => {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Err((budget, limit)) => return Err(budget.reject(limit, self.now())),
            }
        }
    }

    /// Takes a request and a transfer off each of these budgets, or off none.
    ///
    /// # Errors
    /// The first budget that was exceeded, and which of its limits.
    fn take<'a>(&self, budgets: &'a [Option<Arc<Budget>>; 2]) -> Result<LimitSlot, (&'a Budget, Limit)> {
        let now = self.now();
        let mut slot = LimitSlot { budgets: [None, None] };
        for (place, budget) in budgets.iter().enumerate() {
            if let Some(budget) = budget {
                if let Err(limit) = budget.take(now) {
                    // The transfers taken before are given back with the slot.
                    slot.budgets.iter().flatten().for_each(|taken| taken.give_back_request());
                    return Err((budget, limit));
                }
                slot.budgets[place] = Some(budget.clone());
            }
        }
        Ok(slot)
    }
}

/// Connections of each network, so that one can't take all there are.
#[derive(Debug)]
pub struct ConnectionCounts {
    most: usize,
    counts: Mutex<HashMap<Network, usize>>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub struct ConnectionSlot {
    counts: Arc<ConnectionCounts>,
    network: Network,
}

impl ConnectionCounts {
    /// At most so many for each network.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts a connection from a network; `None` when it has as many as it may.
    pub fn take(self: &Arc<Self>, network: Network) -> Option<ConnectionSlot> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(ConnectionSlot { counts: self.clone(), network })
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut counts = self.counts.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets(transfers: u32, requests: u32) -> Budgets {
        let any = Allowance { transfers: 0, requests: 0 };
        Budgets::new(Limits { credential: Allowance { transfers, requests }, address: any, anonymous: any })
    }

    #[test]
    fn transfers_are_given_back() {
        let budgets = budgets(2, 0);
        let token = budgets.budget_for(Client::Token(TokenId(uuid::Uuid::nil())));
        let wanted = [None, Some(token)];
        let (first, _second) = (budgets.take(&wanted).unwrap(), budgets.take(&wanted).unwrap());
        assert_eq!(budgets.take(&wanted).unwrap_err().1, Limit::Transfers);
        drop(first);
        assert!(budgets.take(&wanted).is_ok());
    }

    #[test]
    fn who_is_refused_is_recorded_once_a_minute_and_who_only_waits_is_not() {
        let subject = LimitSubject::Token;
        for (transfers, requests, limit, allowed) in [(2, 0, Limit::Transfers, 2), (0, 2, Limit::Requests, 2)] {
            let budgets = budgets(transfers, requests);
            let wanted = [None, Some(budgets.budget_for(Client::Token(TokenId(uuid::Uuid::nil()))))];
            let _held = (budgets.take(&wanted).unwrap(), budgets.take(&wanted).unwrap());
            assert!(budgets.take(&wanted).is_err(), "one try of somebody who waits");
            let (budget, exceeded) = budgets.take(&wanted).unwrap_err();
            let rejection = budget.reject(exceeded, budgets.now());
            assert_eq!(rejection.reached, ReachedLimit { subject, limit, allowed });
            assert!(rejection.should_record);
            assert!(!budget.reject(exceeded, budgets.now()).should_record);
        }
    }

    #[test]
    fn what_one_limit_refuses_the_other_does_not_count() {
        let budgets = Budgets::new(Limits {
            credential: Allowance { transfers: 1, requests: 0 },
            address: Allowance { transfers: 5, requests: 0 },
            anonymous: Allowance { transfers: 5, requests: 0 },
        });
        let address = budgets.budget_for(Client::Network(Network::of("127.0.0.1".parse().unwrap())));
        let token = budgets.budget_for(Client::Token(TokenId(uuid::Uuid::nil())));
        let wanted = [Some(address.clone()), Some(token)];
        let _held = budgets.take(&wanted).unwrap();
        for _ in 0..10 {
            assert!(budgets.take(&wanted).is_err());
        }
        assert_eq!(address.running.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn requests_that_were_refused_use_up_nothing() {
        let allowance = Allowance { transfers: 1, requests: 5 };
        let address = Allowance { transfers: 0, requests: 5 };
        let budgets = Budgets::new(Limits { credential: allowance, address, anonymous: address });
        let address = budgets.budget_for(Client::Network(Network::of("127.0.0.1".parse().unwrap())));
        let token = budgets.budget_for(Client::Token(TokenId(uuid::Uuid::nil())));
        let wanted = [Some(address), Some(token)];
        let held = budgets.take(&wanted).unwrap();
        for _ in 0..20 {
            assert_eq!(budgets.take(&wanted).unwrap_err().1, Limit::Transfers);
        }
        drop(held);
        assert!(budgets.take(&wanted).is_ok());
    }

    #[test]
    fn requests_come_at_their_pace() {
        let budgets = budgets(0, 10);
        let budget = budgets.budget_for(Client::Token(TokenId(uuid::Uuid::nil())));
        let at = |tenths: u64| budget.take(tenths * MICROS / 10).is_ok();
        assert_eq!((0..15).filter(|_| at(0)).count(), 10, "a second's worth at once");
        assert!(at(1) && !at(1) && at(2) && !at(2));
        assert_eq!((0..15).filter(|_| at(100)).count(), 10);
    }

    #[test]
    fn one_network_can_not_have_all_connections() {
        let (counts, of) = (ConnectionCounts::new(2), |text: &str| Network::of(text.parse().unwrap()));
        let first = counts.take(of("192.0.2.1")).unwrap();
        let _second = counts.take(of("::ffff:192.0.2.1")).unwrap();
        assert!(counts.take(of("192.0.2.1")).is_none());
        assert!(counts.take(of("192.0.2.2")).is_some());
        drop(first);
        assert!(counts.take(of("192.0.2.1")).is_some());
        assert_eq!(counts.counts.lock().unwrap().len(), 1);
    }
}
