//! Passwords: argon2id at the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane), a bounded number at a time, on
//! threads of their own that yield to everything else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::oneshot;

use super::fair_queue::FairQueue;
use super::secrets;
use crate::domain::origin::Network;
use crate::domain::person::check_password;
use crate::domain::text::{Secret, TextError};

/// The number of passwords that may wait to be hashed. A further one takes the place of one from the network that has most
/// waiting, so that a flood delays nobody else for long.
const MAX_WAITING: usize = 256;
/// How much the threads that hash yield to others, in steps of `nice`.
const NICENESS: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// What is to be hashed, by the network it came from. Dropping it ends the threads that hash.
#[derive(Debug)]
struct Jobs(Arc<FairQueue<Option<Network>, Job>>);

impl Drop for Jobs {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Hashes and checks passwords off the threads that answer requests. Networks take turns.
#[derive(Clone, Debug)]
pub struct Passwords {
    jobs: Arc<Jobs>,
    /// The hash of a random password, verified when there is no account, so that the time taken reveals nothing.
    dummy: Arc<OnceLock<Secret>>,
}

/// Passwords can't be hashed now: too many wait, the process is stopping, or memory is short.
#[derive(Debug, thiserror::Error)]
#[error("passwords can't be hashed now")]
pub struct HashingFailed;

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

/// Hashes a random password to verify others against, unless that was done.
fn make_dummy(dummy: &OnceLock<Secret>) {
    if dummy.get().is_none()
        && let Ok(hash) = hash_blocking(&secrets::fresh())
    {
        let _ = dummy.set(hash);
    }
}

impl Passwords {
    /// At most `parallel` at a time. The threads end with the last clone.
    ///
    /// # Errors
    /// When a thread can't be started.
    pub fn new(parallel: usize) -> std::io::Result<Self> {
        let dummy = Arc::<OnceLock<Secret>>::default();
        let queue = Arc::new(FairQueue::<Option<Network>, Job>::new(MAX_WAITING));
        for n in 0..parallel {
            let (jobs, dummy) = (queue.clone(), dummy.clone());
            std::thread::Builder::new().name(format!("passwords-{n}")).spawn(move || {
                // On Linux this concerns the thread alone. Where it is refused, hashing only competes as before.
                let _ = rustix::process::nice(NICENESS);
                // Before the first try, which would otherwise tell by its time that there is no account.
                make_dummy(&dummy);
                while let Some(job) = jobs.pop() {
                    // A panic has been reported already, and whoever waits is told; the next job is not to suffer for it.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        Ok(Self { jobs: Arc::new(Jobs(queue)), dummy })
    }

    /// Hashes a password for a client of this network.
    ///
    /// # Errors
    /// When too many wait, the process is stopping, or memory is short.
    pub async fn hash(&self, network: Option<Network>, password: Secret) -> Result<Secret, HashingFailed> {
        self.queued(network, move || hash_blocking(&password)).await?
    }

    /// Checks a new password of somebody of whom this is known, for a client of this network.
    ///
    /// # Errors
    /// When too many wait, or the process is stopping.
    pub async fn check(
        &self,
        network: Option<Network>,
        password: Secret,
        about: Vec<String>,
    ) -> Result<Result<(), TextError>, HashingFailed> {
        let check = move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            check_password(password.expose(), &about)
        };
        self.queued(network, check).await
    }

    /// Whether `hash` is a hash of `password`. Without a hash the answer is `false`, after the same time.
    ///
    /// # Errors
    /// When too many wait, or the process is stopping.
    pub async fn verify(
        &self,
        network: Option<Network>,
        password: Secret,
        hash: Option<Secret>,
    ) -> Result<bool, HashingFailed> {
        let dummy = self.dummy.clone();
        self.queued(network, move || {
            let Some(checked) = hash.as_ref().or_else(|| dummy.get()) else {
                // Memory was short before. It takes as long as verifying.
                make_dummy(&dummy);
                return false;
            };
            verify_blocking(&password, checked) && hash.is_some()
        })
        .await
    }

    async fn queued<T: Send + 'static>(
        &self,
        network: Option<Network>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingFailed> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            // Whoever has gone meanwhile costs nothing.
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        });
        self.jobs.0.push(network, job).map_err(|_| HashingFailed)?;
        answered.await.map_err(|_| HashingFailed)
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

    #[tokio::test]
    async fn an_account_that_is_not_there_has_no_right_password() {
        let passwords = Passwords::new(1).unwrap();
        let hash = passwords.hash(None, Secret::new("correct horse")).await.unwrap();
        assert!(passwords.verify(None, Secret::new("correct horse"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(None, Secret::new("correct horse"), None).await.unwrap());
    }
}
