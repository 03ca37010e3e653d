//! The transaction as a command sees it.

use aws_lc_rs::rand;
use uuid::Uuid;

use super::access_cache::AccessCache;
use super::completed_transfers::CompletedTransfers;
use super::denial_counts::DenialCounts;
use super::known_clients::KnownClients;
use crate::domain::Timestamp;
use crate::domain::event::{Action, Event};
use crate::domain::ids::MailId;
use crate::domain::notice::Notice;
use crate::domain::person::Person;
use crate::log::canonical;
use crate::log::indexed_fields::IndexedFields;
use crate::store::{self, AnyConnection};

/// A command's view of the transaction: the database, the time, and the log.
pub struct Tx<'a> {
    /// The database, inside the transaction.
    pub conn: &'a mut AnyConnection,
    /// The time of everything in this transaction.
    pub now: Timestamp,
    /// The same time as text.
    pub(super) now_text: &'a str,
    pub(super) size_before: u64,
    /// The rows that admissions depend on, as far as they were read.
    pub access: &'a mut AccessCache,
    pub(super) denials: &'a mut DenialCounts,
    pub(super) clients: &'a mut KnownClients,
    pub(super) completed: &'a mut CompletedTransfers,
    pub(super) entries: &'a mut Vec<store::log::Entry>,
    pub(super) after_commit: &'a mut AfterCommit,
    pub(super) random: &'a mut Randomness,
}

/// Random bytes, fetched many at a time.
#[derive(Debug)]
pub(super) struct Randomness {
    bytes: Box<[u8; 4096]>,
    used: usize,
}

impl Default for Randomness {
    fn default() -> Self {
        Self { bytes: Box::new([0; 4096]), used: 4096 }
    }
}

impl Randomness {
    /// Fetches the next bytes. The first time this takes a thread tens of milliseconds, whose generator gathers entropy, so
    /// the ledger's does it before its first transaction: within one, everybody who writes would wait.
    pub fn fetch(&mut self) {
        rand::fill(self.bytes.as_mut_slice()).expect("the system has randomness");
        self.used = 0;
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > self.bytes.len() {
            self.fetch();
        }
        let taken = self.bytes[self.used..self.used + N].try_into().expect("the slice has this length");
        self.used += N;
        taken
    }
}

/// The signals to send to the rest of the program after the commit.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct AfterCommit {
    /// Something was written, so writing works.
    pub wrote: bool,
    pub mail: bool,
    /// Somebody's access may have ended.
    pub access_changed: bool,
}

impl Tx<'_> {
    /// A fresh id.
    pub fn id<T: From<Uuid>>(&mut self) -> T {
        let millis = u64::try_from(self.now.0 / 1_000).unwrap_or(0);
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &self.random.take()).into_uuid())
    }

    /// Records an event; it is in the log if and when the transaction commits. Says at which index.
    pub fn record(&mut self, event: Event) -> u64 {
        if event.action == Action::AuditErased {
            self.clients.clear();
        }
        if event.action.changes_access() {
            self.access.invalidate(&event);
            self.after_commit.access_changed = true;
        }
        let sealed = canonical::seal(&event, self.id(), (self.now, self.now_text), self.random.take());
        let fields = IndexedFields {
            at: String::new(),
            action: event.action.as_str().to_owned(),
            actor: event.actor.person.map(|id| id.to_string()),
            organisation: event.organisation.map(String::from),
            dataset: event.dataset.map(String::from),
            project: event.project.map(|id| id.to_string()),
            subject: event.subject,
            ..IndexedFields::default()
        }
        .with_details(&event.details);
        self.entries.push(store::log::Entry { sealed, fields });
        self.size_before + self.entries.len() as u64 - 1
    }

    /// Queues mail to a person; it is sent after the transaction has committed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn queue_mail(&mut self, person: &Person, notice: &Notice) -> store::Result<()> {
        let id: MailId = self.id();
        let message = serde_json::to_string(notice).expect("notices always serialise");
        self.after_commit.mail = true;
        store::mail::insert(self.conn, id, person, notice.kind(), &message, self.now)
    }

    /// Rewrites the head row unchanged, to check that writing works.
    ///
    /// # Errors
    /// When writing fails.
    pub fn probe(&mut self) -> store::Result<()> {
        self.after_commit.wrote = true;
        store::log::rewrite_head(self.conn)
    }
}
