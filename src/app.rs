//! The composition root: everything that a running Countersign owns. Two separately opened [`App`]s share nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::Mode;

use crate::config::Config;
use crate::delivery::connection::abort::Connections;
use crate::delivery::limits::{Budgets, ConnectionCounts};
use crate::delivery::memory::TransferMemory;
use crate::delivery::storage::Storage;
use crate::delivery::transfers::ActiveTransfers;
use crate::delivery::zip::layouts::Layouts;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::localised::Localised;
use crate::domain::organisation::OrganisationDescription;
use crate::domain::text::Language;
use crate::identity::keys::{KeyError, KeyRing, OpenedKeyRing};
use crate::identity::passwords::Passwords;
use crate::identity::throttle::Throttle;
use crate::ledger::commands::organisations::{FIRST, NewOrganisation, found_first};
use crate::ledger::{self, ClockPolicy, Ledger};
use crate::mail::{Transport, TransportError};
use crate::private_files::create_private_dir;
use crate::store::catalogue::CatalogueCache;
use crate::store::log::{self, LogArchive};
use crate::store::{self, Database, Priority, ReadPool};

/// Bytes of the disk that are kept for what known people do.
const STRANGERS_RESERVE: u64 = 256 * 1024 * 1024;

/// The application's parts, which all clones of one `App` share.
#[derive(Clone)]
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// The single writer, through which every change goes.
    pub ledger: Ledger,
    /// Read-only database connections.
    pub reads: ReadPool,
    /// Connections for what a download needs to know before it is admitted: pages, however many, don't take them.
    pub gate_reads: ReadPool,
    /// Connections for what a download reads while it is sent: plans and bodies of archives, lists.
    pub delivery_reads: ReadPool,
    /// A connection kept for noticing revocations, however busy the others are.
    pub revocation_reads: ReadPool,
    /// The archive of old log events.
    pub log_archive: LogArchive,
    /// The keys of the log and of tokens.
    pub keys: Arc<KeyRing>,
    /// Password hashing.
    pub passwords: Passwords,
    /// Counts and limits attempts to sign in.
    pub throttle: Arc<Throttle>,
    /// Access to the datasets' files.
    pub storage: Arc<Storage>,
    /// Client connections.
    pub connections: Arc<Connections>,
    /// How many connections each network has.
    pub connection_counts: Arc<ConnectionCounts>,
    /// Transfers that have not ended.
    pub transfers: Arc<ActiveTransfers>,
    /// Accounts for the memory that transfers hold.
    pub transfer_memory: Arc<TransferMemory>,
    /// Each client's remaining allowance.
    pub budgets: Arc<Budgets>,
    /// Planned layouts of ZIP archives.
    pub zip_layouts: Arc<Layouts>,
    /// Sends mail.
    pub mail_transport: Arc<Transport>,
    stopping: Arc<AtomicBool>,
    /// What the catalogue is narrowed and ordered by.
    pub catalogue: Arc<CatalogueCache>,
    /// Whether only a reserve is left of the disk.
    disk_is_low: Arc<AtomicBool>,
}

/// Why the application can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder can't be made.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// Everybody on the machine may look into the data folder.
    #[error("{0}: others on this machine may look into it, and it holds keys; chmod 700 it")]
    FolderIsOpen(PathBuf),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A key is missing or wrong.
    #[error("key {0}")]
    Key(#[from] KeyError),
    /// Mail can't be sent as configured.
    #[error("mail: {0}")]
    Mail(#[from] TransportError),
    /// The log could not be begun.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// Refuses a folder that everybody on the machine may look into.
fn check_private(folder: &Path) -> Result<(), OpenError> {
    let failed = |error| OpenError::Folder(folder.to_owned(), error);
    let mode = Mode::from_raw_mode(std::fs::metadata(folder).map_err(failed)?.permissions().mode());
    if mode.intersects(Mode::RWXO) { Err(OpenError::FolderIsOpen(folder.to_owned())) } else { Ok(()) }
}

/// Connections for admitting downloads.
const GATE_READERS: u32 = 2;
/// Connections for what downloads read while they are sent.
const DELIVERY_READERS: u32 = 4;

/// Where keys are.
pub fn key_folder(config: &Config) -> PathBuf {
    config.data_dir.join("keys")
}

/// The file that keeps the newest head of the log, outside the database.
pub fn kept_head_file(config: &Config) -> PathBuf {
    key_folder(config).join("log.head")
}

impl App {
    /// Opens everything: folders, tables, keys. Begins the log if it is empty, and records keys that were made.
    ///
    /// # Errors
    /// The first part that can't be opened; also when there is no database.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        Self::open_with_clock(config, ClockPolicy::NeverBack)
    }

    /// Like [`Self::open`], but makes the database where there is none.
    ///
    /// # Errors
    /// The first part that can't be opened.
    pub fn open_or_make(config: Config) -> Result<Self, OpenError> {
        Self::make(config, ClockPolicy::NeverBack)
    }

    /// Like [`Self::open`], for an operator who says what to do about a clock that is behind the log.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_clock(config: Config, clock: ClockPolicy) -> Result<Self, OpenError> {
        config.database.check_exists()?;
        Self::make(config, clock)
    }

    fn make(config: Config, clock: ClockPolicy) -> Result<Self, OpenError> {
        let make =
            |folder: &Path| create_private_dir(folder).map_err(|error| OpenError::Folder(folder.to_owned(), error));
        make(&config.data_dir)?;
        check_private(&config.data_dir)?;
        if let Database::Sqlite(path) = &config.database
            && let Some(parent) = Path::new(path).parent()
        {
            make(parent)?;
        }
        config.database.migrate()?;
        let log_is_empty = log::size(&mut config.database.open()?)? == 0;
        let OpenedKeyRing { ring, created_keys } = KeyRing::open(&key_folder(&config), &config.log_name, log_is_empty)?;
        let transport = Transport::new(&config.mail)?;
        let app = Self::compose(config, ring, transport, clock)?;
        app.record_start_and_keys(created_keys)?;
        Ok(app)
    }

    /// Puts the parts together. The database must have been migrated.
    fn compose(config: Config, keys: KeyRing, transport: Transport, clock: ClockPolicy) -> store::Result<Self> {
        let connections = Connections::new(config.timeouts);
        let transfer_memory = Arc::new(TransferMemory::default());
        Ok(Self {
            ledger: Ledger::start(config.database.clone(), keys.log.clone(), Some(kept_head_file(&config)), clock)?,
            reads: config.database.read_pool(config.readers, Priority::Low)?,
            gate_reads: config.database.read_pool(GATE_READERS, Priority::Usual)?,
            delivery_reads: config.database.read_pool(DELIVERY_READERS, Priority::Usual)?,
            revocation_reads: config.database.read_pool(1, Priority::Usual)?,
            log_archive: config.log_archive(),
            zip_layouts: Arc::default(),
            keys: Arc::new(keys),
            passwords: Passwords::new(config.password_parallel)
                .map_err(|error| store::Error::Thread(error.to_string()))?,
            throttle: Arc::new(Throttle::default()),
            storage: Arc::new(Storage::new(config.s3.clone(), transfer_memory.clone(), &config.roots)),
            connection_counts: ConnectionCounts::new(config.address_connections),
            transfers: ActiveTransfers::new(connections.clone()),
            connections,
            transfer_memory,
            budgets: Arc::new(Budgets::new(config.limits)),
            mail_transport: Arc::new(transport),
            stopping: Arc::default(),
            catalogue: Arc::default(),
            disk_is_low: Arc::default(),
            config: Arc::new(config),
        })
    }

    fn record_start_and_keys(&self, created_keys: Vec<String>) -> Result<(), OpenError> {
        let empty = self.reads.read_blocking(log::size)? == 0;
        if !empty && created_keys.is_empty() {
            return Ok(());
        }
        let log_key = self.keys.log.verifier().to_string();
        let first = empty.then(|| self.first_organisation());
        self.ledger.run_blocking(move |tx| {
            if empty {
                tx.record(Event::new(Action::LogStarted, Actor::OPERATOR).with("log_key", log_key));
            }
            if let Some(first) = first {
                found_first(tx, first)?;
            }
            for key in created_keys {
                tx.record(Event::new(Action::KeyCreated, Actor::OPERATOR).with("key", key));
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The organisation with which an installation begins, called as the site is.
    fn first_organisation(&self) -> NewOrganisation {
        let name = self.config.site.name.as_deref().unwrap_or("Countersign");
        let name = Localised(Language::ALL.map(|language| (language, name.to_owned())).into());
        let description = OrganisationDescription::parse(&name, &Localised::default());
        let slug = FIRST.parse().expect("it is a slug");
        NewOrganisation { slug, description: description.expect("a site's name is one line") }
    }

    /// Looks at how much room the disk of the database has.
    pub fn look_at_disk(&self) {
        let is_low = !self.config.database.has_room_for(STRANGERS_RESERVE);
        match (self.disk_is_low.swap(is_low, Ordering::AcqRel), is_low) {
            (false, true) => tracing::warn!("the disk is nearly full: nothing is recorded for unknown clients"),
            (true, false) => tracing::info!("the disk has room again for what unknown clients do"),
            _ => {}
        }
    }

    /// Whether more than a reserve is left of the disk.
    pub fn has_room(&self) -> bool {
        !self.disk_is_low.load(Ordering::Acquire)
    }

    /// Whether something may be recorded for a client who is not known: not while only a reserve is left of the disk, which
    /// is for people who have signed in.
    pub fn may_record_for_strangers(&self) -> bool {
        self.has_room()
    }

    /// Stops admitting requests, because the server is shutting down.
    pub fn stop_admitting(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether the server is shutting down.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
