//! How much all active transfers hold in memory together. The more it is, the smaller are the pieces that each may hold, so
//! that the sum stays within bounds whatever the number of clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest piece of a file or stream.
const LARGE_PIECE: usize = 512 * 1024;
/// The largest piece while much is held.
const SMALL_PIECE: usize = 32 * 1024;
/// Bytes held by all transfers from which on pieces are small.
const MUCH: u64 = 32 * 1024 * 1024;

/// The bytes that all transfers of one gateway hold.
#[derive(Debug, Default)]
pub struct TransferMemory(AtomicU64);

impl TransferMemory {
    /// Whether pieces must be small now.
    pub fn is_scarce(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= MUCH
    }

    /// How large the next piece may be, of so many bytes that are left.
    pub fn piece_of(&self, left: u64) -> usize {
        let largest = if self.is_scarce() { SMALL_PIECE } else { LARGE_PIECE };
        usize::try_from(left).unwrap_or(usize::MAX).min(largest)
    }
}

/// One transfer's share.
#[derive(Debug)]
pub struct HeldMemory {
    memory: Arc<TransferMemory>,
    bytes: u64,
}

impl HeldMemory {
    /// Nothing is held yet.
    pub const fn new(memory: Arc<TransferMemory>) -> Self {
        Self { memory, bytes: 0 }
    }

    /// Now so much is held.
    pub fn set(&mut self, bytes: u64) {
        if bytes > self.bytes {
            self.memory.0.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            self.memory.0.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Drop for HeldMemory {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_shrink_while_much_is_held() {
        let memory = Arc::new(TransferMemory::default());
        let mut held = HeldMemory::new(memory.clone());
        assert_eq!((memory.piece_of(100), memory.piece_of(u64::MAX)), (100, LARGE_PIECE));
        held.set(MUCH);
        assert_eq!(memory.piece_of(u64::MAX), SMALL_PIECE);
        drop(held);
        assert_eq!(memory.piece_of(u64::MAX), LARGE_PIECE);
    }
}
