//! The rows that admissions depend on, cached from one batch to the next.
//!
//! The head row of the log counts the changes that could matter (the *access epoch*). Every batch reads it under the lock
//! that keeps every other writer out, so what was cached at that epoch is what the transaction would read. A command that
//! records such a change drops the rows it concerns, for the rest of its batch and for later ones, and its commit raises the
//! epoch, at which every other process reads everything anew.

use std::collections::HashMap;

use crate::domain::Timestamp;
use crate::domain::admission::ReleaseFacts;
use crate::domain::event::{Action, Event};
use crate::domain::grant::Grant;
use crate::domain::ids::{DatasetId, PersonId, ReleaseId, TokenId};
use crate::domain::text::Sha256;
use crate::store::admissions::{self, DatasetAccessRow, TokenAccessRow};
use crate::store::{AnyConnection, Result, grants, releases, sessions};

/// The maximum number of cached entries of each kind.
const CAPACITY: usize = 10_000;

/// Rows that admissions depend on, as of one access epoch.
#[derive(Debug, Default)]
pub struct AccessCache {
    epoch: u64,
    changed: bool,
    datasets: HashMap<DatasetId, Option<DatasetAccessRow>>,
    releases: HashMap<ReleaseId, ReleaseFacts>,
    tokens: HashMap<TokenId, Option<TokenAccessRow>>,
    suspended: HashMap<PersonId, bool>,
    sessions: HashMap<Sha256, Option<Timestamp>>,
    grants: HashMap<(PersonId, DatasetId), Vec<Grant>>,
}

/// Returns the cached value, or reads and caches it. A full map loses half of its entries first, whichever they are.
fn cached<K, V, F>(map: &mut HashMap<K, V>, key: K, read: F) -> Result<&mut V>
where
    K: std::hash::Hash + Eq + Copy,
    F: FnOnce() -> Result<V>,
{
    if !map.contains_key(&key) {
        let value = read()?;
        if map.len() >= CAPACITY {
            let mut keep = false;
            map.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        map.insert(key, value);
    }
    Ok(map.get_mut(&key).expect("it was just put there"))
}

impl AccessCache {
    /// Begins a transaction in which the head row is at `epoch`. What was read is kept if nobody else has raised it.
    pub(super) fn begin(&mut self, epoch: u64) {
        if self.epoch() != epoch {
            self.clear();
        }
        (self.epoch, self.changed) = (epoch, false);
    }

    /// Empties the cache.
    pub(super) fn clear(&mut self) {
        *self = Self { epoch: self.epoch, ..Self::default() };
    }

    /// Drops everything that an undone command has read, and its change of the epoch.
    pub(super) fn undo(&mut self, epoch_before: u64) {
        *self = Self { epoch: self.epoch, changed: epoch_before != self.epoch, ..Self::default() };
    }

    /// Notes that the event changes somebody's access: the rows that it concerns are read again.
    pub(super) fn invalidate(&mut self, event: &Event) {
        self.changed = true;
        let subject = event.subject.as_deref();
        match event.action {
            Action::TokenRevoked => self.tokens.retain(|id, _| subject != Some(id.to_string().as_str())),
            Action::SessionEnded | Action::AccountPasswordChanged => self.sessions.clear(),
            Action::GrantCreated
            | Action::GrantEndChanged
            | Action::GrantSuspended
            | Action::GrantResumed
            | Action::GrantRevoked
            | Action::AgreementPublished
            | Action::AgreementSignByChanged
            | Action::RequestNewVersionsSigned => self.grants.clear(),
            // It may ask for other agreements, which have other days.
            Action::DatasetPublished | Action::DatasetUpdated => {
                self.datasets.clear();
                self.grants.clear();
            }
            Action::DatasetFilesRefreshed
            | Action::DatasetSuspended
            | Action::DatasetRestored
            | Action::DatasetHandedOver
            | Action::OrganisationSuspended
            | Action::OrganisationRestored => self.datasets.clear(),
            Action::ReleasePublished
            | Action::ReleaseWithdrawn
            | Action::ReleaseEmbargoChanged
            | Action::ReleaseEmbargoEnded => {
                self.datasets.clear();
                self.releases.clear();
            }
            // An account's standing is in several of the maps.
            _ => *self = Self { epoch: self.epoch, changed: true, ..Self::default() },
        }
    }

    /// The epoch after this transaction.
    pub const fn epoch(&self) -> u64 {
        self.epoch + self.changed as u64
    }

    /// The dataset.
    ///
    /// # Errors
    /// When the database fails.
    pub fn dataset(&mut self, conn: &mut AnyConnection, id: DatasetId) -> Result<Option<DatasetAccessRow>> {
        Ok(*cached(&mut self.datasets, id, || admissions::dataset(conn, id))?)
    }

    /// The release.
    ///
    /// # Errors
    /// When the database fails.
    pub fn release(&mut self, conn: &mut AnyConnection, id: ReleaseId) -> Result<ReleaseFacts> {
        Ok(*cached(&mut self.releases, id, || releases::facts(conn, id))?)
    }

    /// The token.
    ///
    /// # Errors
    /// When the database fails.
    pub fn token(&mut self, conn: &mut AnyConnection, id: TokenId) -> Result<Option<&TokenAccessRow>> {
        Ok(cached(&mut self.tokens, id, || admissions::token(conn, id))?.as_ref())
    }

    /// Notes that the token was used.
    pub fn token_used(&mut self, id: TokenId, at: Timestamp) {
        if let Some(Some(token)) = self.tokens.get_mut(&id) {
            token.last_used_at = Some(at);
        }
    }

    /// Whether the account is suspended.
    ///
    /// # Errors
    /// When the database fails.
    pub fn person_suspended(&mut self, conn: &mut AnyConnection, id: PersonId) -> Result<bool> {
        Ok(*cached(&mut self.suspended, id, || admissions::person_suspended(conn, id))?)
    }

    /// When the session ends; `None` when it has. The end is put off while the session is used, so one that has come is
    /// read again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn session_ends(
        &mut self,
        conn: &mut AnyConnection,
        session: Sha256,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        if self.sessions.get(&session).is_some_and(|end| end.is_some_and(|end| end <= now)) {
            self.sessions.remove(&session);
        }
        Ok(*cached(&mut self.sessions, session, || sessions::ends(conn, session))?)
    }

    /// The person's grants on the dataset, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn grants(&mut self, conn: &mut AnyConnection, person: PersonId, dataset: DatasetId) -> Result<&[Grant]> {
        Ok(cached(&mut self.grants, (person, dataset), || grants::on_dataset(conn, person, dataset))?)
    }
}
