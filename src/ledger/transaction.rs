//! What a command sees of the transaction it runs in.

use aws_lc_rs::rand;
use uuid::Uuid;

use super::gate::GateState;
use crate::domain::event::Event;
use crate::domain::ids::MailId;
use crate::domain::notice::Notice;
use crate::domain::person::Person;
use crate::domain::{Instant, Refusal};
use crate::log::canonical;
use crate::log::index::Facts;
use crate::store::{self, AnyConnection};

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A rule said no.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<diesel::result::Error> for Refused {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A command's view of the transaction: the database, the time, and the log.
pub struct Tx<'a> {
    /// The database, inside the transaction.
    pub conn: &'a mut AnyConnection,
    /// The time of everything in this transaction.
    pub now: Instant,
    /// The same as text.
    pub(super) now_text: &'a str,
    pub(super) size_before: u64,
    /// What the gate decides on, as far as it was read.
    pub gate: &'a mut GateState,
    pub(super) entries: &'a mut Vec<store::log::Entry>,
    pub(super) told: &'a mut Told,
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
    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > self.bytes.len() {
            rand::fill(self.bytes.as_mut_slice()).expect("the system has randomness");
            self.used = 0;
        }
        let taken = self.bytes[self.used..self.used + N].try_into().expect("the slice has this length");
        self.used += N;
        taken
    }
}

/// What to tell the rest of the program once the transaction is committed.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Told {
    /// Something was written, so writing works.
    pub wrote: bool,
    pub mail: bool,
    pub revoked: bool,
}

impl Tx<'_> {
    /// A fresh id.
    pub fn id<T: From<Uuid>>(&mut self) -> T {
        let millis = u64::try_from(self.now.0 / 1_000).unwrap_or(0);
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &self.random.take()).into_uuid())
    }

    /// Records an event; it is in the log if and when the transaction commits. Says at which index.
    pub fn record(&mut self, event: Event) -> u64 {
        if event.action.changes_gate() {
            self.gate.changed();
        }
        let sealed = canonical::seal(&event, self.id(), (self.now, self.now_text), self.random.take());
        let facts = Facts {
            at: String::new(),
            action: event.action.as_str().to_owned(),
            actor: event.actor.person.map(|id| id.to_string()),
            dataset: event.dataset.map(String::from),
            person: event.details.get("person").and_then(|id| id.as_str()).map(str::to_owned),
            subject: event.subject,
        };
        self.entries.push(store::log::Entry { sealed, facts });
        self.size_before + self.entries.len() as u64 - 1
    }

    /// Queues mail to a person; it is sent after the transaction has committed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn tell(&mut self, person: &Person, notice: &Notice) -> store::Result<()> {
        let id: MailId = self.id();
        let message = serde_json::to_string(notice).expect("notices always serialise");
        self.told.mail = true;
        store::mail::insert(self.conn, id, person.email.as_str(), person.language, notice.kind(), &message, self.now)
    }

    /// Writes what is there already, to know that writing works.
    ///
    /// # Errors
    /// When it does not.
    pub fn probe(&mut self) -> store::Result<()> {
        self.told.wrote = true;
        store::log::rewrite_head(self.conn)
    }

    /// Notes that something was revoked, so that running transfers are looked at after the commit.
    pub const fn revoked_something(&mut self) {
        self.told.revoked = true;
    }
}
