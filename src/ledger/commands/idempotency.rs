//! Requests that carry an `Idempotency-Key`: sent again, they do nothing, and are answered as the first time.

use crate::domain::ids::PersonId;
use crate::domain::text::Sha256;
use crate::domain::{Refusal, TimeSpan};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::idempotency;

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
    if let Some((request, answer)) = idempotency::find(tx.conn, person, &key.text, tx.now - REMEMBERED)? {
        return if request == key.request { Ok(answer) } else { Err(Refusal::KeyReused.into()) };
    }
    let answer = command(tx)?;
    idempotency::forget(tx.conn, tx.now - REMEMBERED)?;
    idempotency::insert(tx.conn, (person, &key.text), (key.request, &answer), tx.now)?;
    Ok(answer)
}
