//! Tokens whose signatures one worker thread has verified. A cached token decides nothing: its standing is looked up in
//! the transaction of every admission.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::delivery::limits::Budget;
use crate::domain::Timestamp;
use crate::domain::text::Sha256;
use crate::identity::tokens::VerifiedToken;

/// Tokens that are cached at most.
const CAPACITY: usize = 4_096;

/// A token with a good signature, and what its client may still ask for.
#[derive(Clone, Debug)]
pub struct CachedToken {
    /// The token.
    pub verified: VerifiedToken,
    /// Its budget.
    pub budget: Arc<Budget>,
}

/// By the hash of the header that the token came in.
#[derive(Debug, Default)]
pub struct TokenCache(RefCell<HashMap<Sha256, CachedToken>>);

impl TokenCache {
    /// A token that was verified before, if it is still its time.
    pub fn get(&self, header: Sha256, now: Timestamp) -> Option<CachedToken> {
        self.0.borrow().get(&header).filter(|cached| cached.verified.is_timely(now)).cloned()
    }

    /// Caches a token.
    pub fn put(&self, header: Sha256, token: CachedToken) {
        let mut tokens = self.0.borrow_mut();
        if tokens.len() >= CAPACITY {
            tokens.clear();
        }
        tokens.insert(header, token);
    }
}
