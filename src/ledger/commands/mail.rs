//! Claiming messages for sending, and recording how that went.

use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::{TimeSpan, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::mail::{self, OutboxMail};

/// How long a claimed message is reserved for the replica that claimed it.
const CLAIM_DURATION: TimeSpan = TimeSpan::minutes(5);
/// The number of attempts before a message is given up.
pub const MAX_ATTEMPTS: u32 = 10;

/// Claims a message for sending; returns whether nobody else had claimed it.
///
/// # Errors
/// When the store fails.
pub fn claim(tx: &mut Tx<'_>, message: &OutboxMail) -> Result<bool, CommandError> {
    let until = tx.now + CLAIM_DURATION;
    Ok(mail::claim(tx.conn, message, until)?)
}

/// Records that a message was handed over.
///
/// # Errors
/// When the store fails.
pub fn sent(tx: &mut Tx<'_>, message: &OutboxMail) -> Result<(), CommandError> {
    mail::set_sent(tx.conn, message.id, tx.now)?;
    let event = Event::new(Action::MailSent, Actor::SYSTEM).subject(message.id).with("kind", message.kind.as_str());
    // So that erasing the person erases the address too.
    let event = event.person(message.person);
    tx.record(event.private("to", message.recipient.as_str()));
    Ok(())
}

/// Whether a message that could not be sent is tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// With growing pauses.
    Later,
    /// It was refused for good.
    Never,
}

/// Records that a message could not be sent, and when it is tried again, if it is.
///
/// # Errors
/// When the store fails.
pub fn failed(tx: &mut Tx<'_>, message: &OutboxMail, error: &str, retry: Retry) -> Result<(), CommandError> {
    let attempt = message.attempts + 1;
    let next_at = next_attempt(tx.now, attempt).filter(|_| retry == Retry::Later);
    mail::set_failed(tx.conn, message.id, error, next_at)?;
    let event = Event::new(Action::MailFailed, Actor::SYSTEM)
        .subject(message.id)
        .with("kind", message.kind.as_str())
        .with("attempt", attempt)
        .with("given_up", next_at.is_none())
        .outcome(Outcome::Failed)
        .person(message.person);
    tx.record(event.private("to", message.recipient.as_str()).private("error", error));
    Ok(())
}

/// When to try again after `attempt` tries: 30 seconds, then twice as long each time, at most 6 hours.
fn next_attempt(now: Timestamp, attempt: u32) -> Option<Timestamp> {
    if attempt >= MAX_ATTEMPTS {
        return None;
    }
    let wait = TimeSpan::seconds(30_i64 << attempt.saturating_sub(1).min(20));
    Some(now + wait.min(TimeSpan::hours(6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_and_ends() {
        let now = Timestamp(0);
        let waits: Vec<_> =
            (1..=MAX_ATTEMPTS).map(|n| next_attempt(now, n).map(|at| (at - now).whole_seconds())).collect();
        assert_eq!(waits[..3], [Some(30), Some(60), Some(120)]);
        assert!(waits.windows(2).take(8).all(|pair| pair[0] <= pair[1]));
        assert_eq!(waits[9], None);
    }
}
