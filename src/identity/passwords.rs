//! Passwords: argon2id at the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane), a bounded number at a time, on
//! threads of their own that yield to everything else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

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

/// What is to be hashed, by the network it came from, and the threads that hash it. Dropping it waits for their end: a thread
/// that draws a random number while the process exits makes aws-lc abort it.
#[derive(Debug)]
struct Jobs {
    queue: Arc<FairQueue<Option<Network>, Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Jobs {
    fn close(&self) {
        self.queue.close();
        // The lock is not held while the threads are waited for.
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.thread().id() != std::thread::current().id() {
                // A panic there has been reported already.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.close();
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
        let queue = Arc::new(FairQueue::<Option<Network>, Job>::new(MAX_WAITING));
        let jobs = Jobs { queue, threads: Mutex::default() };
        for n in 0..parallel {
            let queue = jobs.queue.clone();
            let thread = std::thread::Builder::new().name(format!("passwords-{n}")).spawn(move || {
                // On Linux this concerns the thread alone. Where it is refused, hashing only competes as before.
                let _ = rustix::process::nice(NICENESS);
                while let Some(job) = queue.pop() {
                    // A panic has been reported already, and whoever waits is told; the next job is not to suffer for it.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
            jobs.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(Self { jobs: Arc::new(jobs), dummy: Arc::default() })
    }

    /// Takes nothing more, finishes what somebody still waits for, and returns when the threads have ended.
    pub fn close(&self) {
        self.jobs.close();
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
                // The first of them: making it takes as long as verifying.
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
        self.jobs.queue.push(network, job).map_err(|_| HashingFailed)?;
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
    async fn the_last_clone_waits_for_what_is_being_hashed() {
        let passwords = Passwords::new(1).unwrap();
        let (begun, begin) = oneshot::channel();
        let (go, go_on) = std::sync::mpsc::channel::<()>();
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (clone, shared) = (passwords.clone(), done.clone());
        let waiting = tokio::spawn(async move {
            let work = move || {
                let _ = begun.send(());
                let _ = go_on.recv();
                shared.store(true, std::sync::atomic::Ordering::Release);
            };
            clone.queued(None, work).await
        });
        begin.await.unwrap();
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        // The work goes on only once the last clone is being dropped, or as good as that: without a wait it would come too late.
        let last = std::thread::spawn(move || drop(passwords));
        go.send(()).unwrap();
        last.join().unwrap();
        assert!(done.load(std::sync::atomic::Ordering::Acquire), "the process may exit now");
    }

    #[tokio::test]
    async fn an_account_that_is_not_there_has_no_right_password() {
        let passwords = Passwords::new(1).unwrap();
        let hash = passwords.hash(None, Secret::new("correct horse")).await.unwrap();
        assert!(passwords.verify(None, Secret::new("correct horse"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(None, Secret::new("correct horse"), None).await.unwrap());
    }
}
