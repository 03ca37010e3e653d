//! Buffers for file contents: reused, never zeroed again, and a count of what all transfers hold at the moment, which
//! keeps their sum within bounds whatever the number of clients.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// The largest piece read at a time.
pub const LARGE: usize = 512 * 1024;
/// The pieces once much is held: many slow clients then hold little each.
const SMALL: usize = 32 * 1024;
/// Bytes held by all transfers from which on pieces are small.
const MUCH: u64 = 32 * 1024 * 1024;
/// Between them: what is encrypted at a time, or handed to a connection that is shared.
const MIDDLE: usize = 128 * 1024;
/// Buffers of a size that a thread keeps for later.
const KEPT: usize = 4;

/// Bytes handed to connections of which it is not known yet whether they are gone.
static HELD: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Whether all transfers together hold much.
pub fn is_much_held() -> bool {
    HELD.load(Ordering::Relaxed) >= MUCH
}

/// How large the next piece may be.
pub fn piece() -> usize {
    if is_much_held() { SMALL } else { LARGE }
}

/// A transfer's share of what is held.
#[derive(Debug, Default)]
pub struct Held(u64);

impl Held {
    /// Now it is this much.
    pub fn set(&mut self, bytes: u64) {
        if bytes > self.0 {
            HELD.fetch_add(bytes - self.0, Ordering::Relaxed);
        } else {
            HELD.fetch_sub(self.0 - bytes, Ordering::Relaxed);
        }
        self.0 = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// How large a buffer for so many bytes is.
const fn class_of(length: usize) -> usize {
    if length <= SMALL {
        length
    } else if length <= MIDDLE {
        MIDDLE
    } else {
        LARGE
    }
}

/// A buffer that goes back to its thread's spares when nobody has it any more.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// One of `length` bytes, whatever they are.
    pub fn of(length: usize) -> Self {
        let class = class_of(length);
        let take = |spare: &mut Vec<Vec<u8>>| {
            let place = spare.iter().rposition(|bytes| bytes.len() == class)?;
            Some(spare.swap_remove(place))
        };
        // Zeroed once in its life.
        let bytes = SPARE.with_borrow_mut(take).unwrap_or_else(|| vec![0; class]);
        Self { bytes, length }
    }

    /// The bytes, to be written.
    pub fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    /// As shared bytes.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.len() == LARGE || bytes.len() == MIDDLE {
            SPARE.with_borrow_mut(|spare| {
                if spare.iter().filter(|kept| kept.len() == bytes.len()).count() < KEPT {
                    spare.push(bytes);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_have_their_length_and_come_back() {
        let mut buffer = Buffer::of(100_000);
        buffer.as_mut().fill(7);
        let bytes = buffer.freeze();
        assert_eq!((bytes.len(), bytes[99_999]), (100_000, 7));
        drop(bytes);
        assert_eq!(SPARE.with_borrow(Vec::len), 1);
        assert_eq!(Buffer::of(LARGE).as_ref().len(), LARGE);
    }

    #[test]
    fn what_is_held_is_given_back() {
        let mut held = Held::default();
        held.set(MUCH);
        assert_eq!(piece(), SMALL);
        drop(held);
        assert_eq!(piece(), LARGE);
    }
}
