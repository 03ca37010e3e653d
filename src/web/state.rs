//! What every handler can reach.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::Config;
use crate::delivery::limits::Budgets;
use crate::delivery::storage::Storage;
use crate::delivery::zip::Layout;
use crate::domain::ids::DatasetId;
use crate::identity::keys::KeyRing;
use crate::identity::passwords::Passwords;
use crate::identity::throttle::Throttle;
use crate::ledger::Ledger;
use crate::mail::Transport;
use crate::store::log::LogArchive;
use crate::store::{ReadPool, Result};

/// Layouts of archives, each with the gate's version that it was worked out at.
type Layouts = HashMap<DatasetId, (u64, Arc<Layout>)>;

/// The application's parts. One for all threads.
#[derive(Clone)]
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// The one door for changes.
    pub ledger: Ledger,
    /// For reading.
    pub reads: ReadPool,
    /// For looking whether something was revoked, whatever everybody else reads.
    pub watch: ReadPool,
    /// Where old events are.
    pub log_archive: LogArchive,
    /// Keys.
    pub keys: Arc<KeyRing>,
    /// Password hashing.
    pub passwords: Passwords,
    /// Failures to sign in.
    pub throttle: Arc<Throttle>,
    /// Where datasets' files are.
    pub storage: Arc<Storage>,
    /// What clients may still ask for.
    pub budgets: Arc<Budgets>,
    /// Where everything is in the archives of datasets, at the gate's version; one is worked out at a time.
    pub archives: Arc<tokio::sync::Mutex<Layouts>>,
    /// How mail leaves.
    pub transport: Arc<Transport>,
    closed: Arc<AtomicBool>,
}

impl App {
    /// Puts the parts together. The database must have been migrated.
    ///
    /// # Errors
    /// When the database can't be opened.
    pub fn new(config: Config, keys: KeyRing, transport: Transport) -> Result<Self> {
        Ok(Self {
            ledger: Ledger::start(config.database.clone(), keys.log.clone())?,
            reads: config.database.read_pool(config.readers)?,
            watch: config.database.read_pool(1)?,
            log_archive: config.log_archive(),
            archives: Arc::default(),
            keys: Arc::new(keys),
            passwords: Passwords::new(config.password_parallel),
            throttle: Arc::new(Throttle::default()),
            storage: Arc::new(Storage::new(config.s3.clone())),
            budgets: Arc::new(Budgets::new(config.limits)),
            transport: Arc::new(transport),
            closed: Arc::default(),
            config: Arc::new(config),
        })
    }

    /// Lets nothing more pass the gate: the server is stopping.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether the gate is closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
