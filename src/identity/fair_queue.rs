//! A bounded queue whose owners take turns, so that one who puts in many things does not make the others wait for all of
//! them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Things that wait, by their owner.
pub struct FairQueue<K, T> {
    capacity: usize,
    /// Held to put something in or to take something out, never while anything is done with it.
    waiting: Mutex<Waiting<K, T>>,
    /// Signalled when something was put in, and when the queue was closed.
    changed: Condvar,
}

struct Waiting<K, T> {
    of: HashMap<K, VecDeque<T>>,
    /// The owners that have something waiting, the next one first.
    turns: VecDeque<K>,
    count: usize,
    closed: bool,
}

/// The queue is full, and nobody has more in it than this owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl<K, T> fmt::Debug for FairQueue<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FairQueue").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash, T> FairQueue<K, T> {
    /// An empty queue that holds at most `capacity` things.
    pub fn new(capacity: usize) -> Self {
        let waiting = Waiting { of: HashMap::new(), turns: VecDeque::new(), count: 0, closed: false };
        Self { capacity, waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    /// Puts something in. When the queue is full, the newest thing of the owner who has most makes room: it is dropped.
    ///
    /// # Errors
    /// [`Full`] when that owner would be this one.
    pub fn push(&self, owner: K, thing: T) -> Result<(), Full> {
        let mut waiting = self.lock();
        let dropped = if waiting.count >= self.capacity { Some(waiting.make_room(&owner)?) } else { None };
        let own = waiting.of.entry(owner.clone()).or_default();
        let is_first = own.is_empty();
        own.push_back(thing);
        if is_first {
            waiting.turns.push_back(owner);
        }
        waiting.count += 1;
        drop(waiting);
        // Only now: dropping it may run code of its own.
        drop(dropped);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes the oldest thing of the owner whose turn it is, and waits for one if there is none. `None` once the queue is
    /// closed and empty.
    pub fn pop(&self) -> Option<T> {
        let mut waiting = self.lock();
        loop {
            if let Some(thing) = waiting.take() {
                return Some(thing);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing more will be put in.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<K, T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, T> Waiting<K, T> {
    fn take(&mut self) -> Option<T> {
        let owner = self.turns.pop_front()?;
        let own = self.of.get_mut(&owner)?;
        let thing = own.pop_front()?;
        if own.is_empty() {
            self.of.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        self.count -= 1;
        Some(thing)
    }

    /// Takes the newest thing of the owner who has most, if that is more than `owner` has.
    fn make_room(&mut self, owner: &K) -> Result<T, Full> {
        let own = self.of.get(owner).map_or(0, VecDeque::len);
        let (most, things) = self.of.iter_mut().max_by_key(|(_, things)| things.len()).ok_or(Full)?;
        if things.len() <= own + 1 {
            return Err(Full);
        }
        let most = most.clone();
        let newest = things.pop_back().ok_or(Full)?;
        if things.is_empty() {
            self.of.remove(&most);
            self.turns.retain(|turn| *turn != most);
        }
        self.count -= 1;
        Ok(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_take_turns() {
        let queue = FairQueue::new(100);
        for n in 0..10 {
            queue.push("flood", n).unwrap();
        }
        queue.push("one", 100).unwrap();
        queue.push("two", 200).unwrap();
        queue.close();
        let order: Vec<i32> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [0, 100, 200, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn who_has_most_makes_room() {
        let queue = FairQueue::new(4);
        for n in 0..4 {
            queue.push("flood", n).unwrap();
        }
        assert_eq!(queue.push("flood", 4), Err(Full));
        queue.push("one", 100).unwrap();
        queue.push("two", 200).unwrap();
        assert_eq!(queue.push("one", 101), Err(Full), "two each would leave nobody better off");
        queue.close();
        let left: Vec<i32> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(left, [0, 100, 200, 1]);
    }

    #[test]
    fn who_waits_is_woken() {
        let queue = std::sync::Arc::new(FairQueue::new(4));
        let consumer = {
            let queue = queue.clone();
            std::thread::spawn(move || std::iter::from_fn(|| queue.pop()).collect::<Vec<i32>>())
        };
        queue.push((), 1).unwrap();
        queue.push((), 2).unwrap();
        queue.close();
        assert_eq!(consumer.join().unwrap(), [1, 2]);
    }
}
