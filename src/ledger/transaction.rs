//! What a command sees of the transaction it runs in.

use aws_lc_rs::rand;
use uuid::Uuid;

use crate::domain::event::Event;
use crate::domain::ids::MailId;
use crate::domain::notice::Notice;
use crate::domain::person::Person;
use crate::domain::{Instant, Refusal};
use crate::log::canonical;
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
    pub(super) size_before: u64,
    pub(super) entries: &'a mut Vec<store::log::Entry>,
    pub(super) told: &'a mut Told,
}

/// What to tell the rest of the program once the transaction is committed.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Told {
    pub mail: bool,
    pub revoked: bool,
}

impl Tx<'_> {
    /// A fresh id.
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from(Uuid::now_v7())
    }

    /// Records an event; it is in the log if and when the transaction commits. Says at which index.
    pub fn record(&mut self, event: Event) -> u64 {
        let mut salt = [0; 16];
        rand::fill(&mut salt).expect("the system has randomness");
        let entry = store::log::Entry {
            action: event.action.as_str(),
            actor: event.actor.person.map(|id| id.to_string()),
            dataset: event.dataset.as_ref().map(ToString::to_string),
            subject: event.subject.clone(),
            sealed: canonical::seal(event, self.id(), self.now, salt),
        };
        self.entries.push(entry);
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

    /// Notes that something was revoked, so that running transfers are looked at after the commit.
    pub const fn revoked_something(&mut self) {
        self.told.revoked = true;
    }
}
