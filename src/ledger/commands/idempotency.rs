//! Requests that carry an `Idempotency-Key`: sent again, they do nothing, and are answered as the first time.

use crate::domain::ids::PersonId;
use crate::domain::text::Sha256;
use crate::domain::{Refusal, TimeSpan, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{self, AnyConnection, idempotency};

/// How long a key is remembered.
pub const REMEMBERED: TimeSpan = TimeSpan::days(1);

/// The key that a client gave a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// The hash of what was asked for under it.
    pub request: Sha256,
}

/// What was answered under a key before; [`Refusal::KeyReused`] when the key was given to another request.
///
/// # Errors
/// When the database fails.
pub fn answered_before(
    conn: &mut AnyConnection,
    person: PersonId,
    key: &Key,
    now: Timestamp,
) -> store::Result<Result<Option<String>, Refusal>> {
    Ok(match idempotency::find(conn, person, &key.text, now - REMEMBERED)? {
        Some((request, _)) if request != key.request => Err(Refusal::KeyReused),
        found => Ok(found.map(|(_, answer)| answer)),
    })
}

/// Runs a command, unless it was run under the same key before; gives what it gave then. A command that was refused is not
/// remembered: it may be tried again under its key.
///
/// # Errors
/// [`Refusal::KeyReused`] when the key was given to another request; whatever the command says.
pub fn once(
    tx: &mut Tx<'_>,
    person: PersonId,
    key: Option<&Key>,
    command: impl FnOnce(&mut Tx<'_>) -> Result<String, CommandError>,
) -> Result<String, CommandError> {
    let Some(key) = key else { return command(tx) };
    if let Some(answer) = answered_before(tx.conn, person, key, tx.now)?? {
        return Ok(answer);
    }
    let answer = command(tx)?;
    idempotency::forget(tx.conn, tx.now - REMEMBERED)?;
    idempotency::insert(tx.conn, (person, &key.text), (key.request, &answer), tx.now)?;
    Ok(answer)
}
