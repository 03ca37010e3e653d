//! Passwords: argon2id at the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane), a bounded number at a time.

use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::domain::text::Secret;

/// Hashes and checks passwords off the threads that answer requests.
#[derive(Clone, Debug)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Bounds the passwords that are being hashed or wait for it.
    line: Arc<Semaphore>,
}

/// The number of passwords that may wait to be hashed. Further ones are refused, so that a flood delays nobody for long.
const MAX_WAITING_HASHES: usize = 64;

/// Passwords can't be hashed now: too many wait, the process is stopping, or memory is short.
#[derive(Debug, thiserror::Error)]
#[error("passwords can't be hashed now")]
pub struct HashingFailed;

/// The hash of a random password, verified when there is no account, so that the time taken reveals nothing.
static DUMMY_HASH: LazyLock<Secret> =
    LazyLock::new(|| hash_blocking(&super::secrets::fresh()).unwrap_or_else(|_| Secret::new("")));

/// Hashes on this thread.
///
/// # Errors
/// When memory is short.
pub fn hash_blocking(password: &Secret) -> Result<Secret, HashingFailed> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes()).map_err(|_| HashingFailed)?;
    Ok(Secret::new(hash.to_string()))
}

fn verify_blocking(password: &Secret, hash: &Secret) -> bool {
    PasswordHash::new(hash.expose())
        .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

impl Passwords {
    /// At most `parallel` at a time.
    pub fn new(parallel: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(parallel)),
            line: Arc::new(Semaphore::new(parallel + MAX_WAITING_HASHES)),
        }
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// When the process is stopping or memory is short.
    pub async fn hash(&self, password: Secret) -> Result<Secret, HashingFailed> {
        self.with_place(move || hash_blocking(&password)).await?
    }

    /// Whether `hash` is a hash of `password`. Without a hash the answer is `false`, after the same time.
    ///
    /// # Errors
    /// When the process is stopping.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, HashingFailed> {
        self.with_place(move || {
            if let Some(hash) = hash {
                verify_blocking(&password, &Secret::new(hash))
            } else {
                verify_blocking(&password, &DUMMY_HASH);
                false
            }
        })
        .await
    }

    async fn with_place<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingFailed> {
        let _in_line = self.line.try_acquire().map_err(|_| HashingFailed)?;
        let place = self.places.clone().acquire_owned().await.map_err(|_| HashingFailed)?;
        tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        })
        .await
        .map_err(|_| HashingFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_argon2id_at_the_recommended_parameters() {
        let password = Secret::new("correct horse battery staple");
        let hash = hash_blocking(&password).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert!(verify_blocking(&password, &hash));
        assert!(!verify_blocking(&Secret::new("Correct horse battery staple"), &hash));
        assert!(!verify_blocking(&password, &Secret::new("nonsense")));
    }
}
