//! What the gate decides on, remembered from one admission to the next.
//!
//! The database's head row counts the changes that could matter (`gate_version`): every batch reads it under the lock that
//! lets nobody else write, so what is remembered at that version is what the transaction would read. Any command that
//! records such a change makes the rest of its batch read anew, and the next version known to every other process.

use std::collections::HashMap;

use crate::domain::Instant;
use crate::domain::grant::{Grant, GrantState};
use crate::domain::ids::{DatasetId, PersonId, TokenId};
use crate::domain::text::Sha256;
use crate::store::admissions::{self, GateRow, TokenGate};
use crate::store::{AnyConnection, Result, sessions};

/// Entries of each kind that are remembered at most.
const CAPACITY: usize = 10_000;

/// What was read of the gate's state.
#[derive(Debug, Default)]
pub struct GateState {
    version: u64,
    changed: bool,
    datasets: HashMap<DatasetId, Option<GateRow>>,
    tokens: HashMap<TokenId, Option<TokenGate>>,
    suspended: HashMap<PersonId, bool>,
    sessions: HashMap<Sha256, Option<Instant>>,
    grants: HashMap<(PersonId, DatasetId), Option<Grant>>,
}

/// Looks up or reads; what is remembered stays within bounds.
fn remembered<K, V, F>(map: &mut HashMap<K, V>, key: K, read: F) -> Result<&mut V>
where
    K: std::hash::Hash + Eq + Copy,
    F: FnOnce() -> Result<V>,
{
    if !map.contains_key(&key) {
        let value = read()?;
        if map.len() >= CAPACITY {
            map.clear();
        }
        map.insert(key, value);
    }
    Ok(map.get_mut(&key).expect("it was just put there"))
}

impl GateState {
    /// Begins a transaction in which the head says `version`.
    pub(super) fn begin(&mut self, version: u64) {
        if self.version != version || self.changed {
            self.forget();
        }
        self.version = version;
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        *self = Self { version: self.version, ..Self::default() };
    }

    /// Forgets what a command read that was undone, and that it would have changed something.
    pub(super) fn undo(&mut self, version_before: u64) {
        *self = Self { version: self.version, changed: version_before != self.version, ..Self::default() };
    }

    /// Notes that something changed: from here on everything is read anew.
    pub(super) fn changed(&mut self) {
        *self = Self { version: self.version, changed: true, ..Self::default() };
    }

    /// The version that this transaction will leave.
    pub const fn version(&self) -> u64 {
        self.version + self.changed as u64
    }

    /// The dataset.
    ///
    /// # Errors
    /// When the database fails.
    pub fn dataset(&mut self, conn: &mut AnyConnection, id: DatasetId) -> Result<Option<GateRow>> {
        Ok(*remembered(&mut self.datasets, id, || admissions::dataset(conn, id))?)
    }

    /// The token.
    ///
    /// # Errors
    /// When the database fails.
    pub fn token(&mut self, conn: &mut AnyConnection, id: TokenId) -> Result<Option<&TokenGate>> {
        Ok(remembered(&mut self.tokens, id, || admissions::token(conn, id))?.as_ref())
    }

    /// Notes that the token was used.
    pub fn token_used(&mut self, id: TokenId, at: Instant) {
        if let Some(Some(token)) = self.tokens.get_mut(&id) {
            token.last_used_at = Some(at);
        }
    }

    /// Whether the account is suspended.
    ///
    /// # Errors
    /// When the database fails.
    pub fn person_suspended(&mut self, conn: &mut AnyConnection, id: PersonId) -> Result<bool> {
        Ok(*remembered(&mut self.suspended, id, || admissions::person_suspended(conn, id))?)
    }

    /// When the session ends; `None` when it has.
    ///
    /// # Errors
    /// When the database fails.
    pub fn session_ends(&mut self, conn: &mut AnyConnection, session: Sha256) -> Result<Option<Instant>> {
        Ok(*remembered(&mut self.sessions, session, || sessions::ends(conn, session))?)
    }

    /// The person's newest grant on the dataset.
    ///
    /// # Errors
    /// When the database fails.
    pub fn grant(&mut self, conn: &mut AnyConnection, person: PersonId, dataset: DatasetId) -> Result<Option<&Grant>> {
        let key = (person, dataset);
        Ok(remembered(&mut self.grants, key, || admissions::grant(conn, person, dataset))?.as_ref())
    }
}

/// Whether a grant lets downloads pass at `now`.
pub fn is_active(grant: Option<&Grant>, now: Instant) -> bool {
    grant.is_some_and(|grant| grant.state(now) == GrantState::Active)
}
