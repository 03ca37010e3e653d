//! Admissions: the gate decides inside the transaction that records the decision.

use super::accounts::Origin;
use crate::domain::admission::{Credential, Denial, Situation, decide};
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::{DatasetId, PersonId, TokenId, TransferId};
use crate::domain::path::FilePath;
use crate::domain::person::Role;
use crate::domain::text::{Sha256, Slug};
use crate::domain::token::TokenAction;
use crate::domain::{Instant, Span};
use crate::ledger::Tx;
use crate::ledger::gate::{GateState, is_active};
use crate::store::{self, AnyConnection, admissions, tokens};

/// Who is at the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bearer {
    /// Nobody who is known.
    Anonymous,
    /// A signed-in browser: whose, and the hash of its session's secret.
    Session(PersonId, Sha256),
    /// A token with a good signature.
    Token(TokenId),
}

/// How something is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// As it is.
    Plain,
    /// All of it as a ZIP archive; ranges are of the archive.
    Zip,
}

/// A wish to download, or to list.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Who.
    pub bearer: Bearer,
    /// From which dataset.
    pub dataset: DatasetId,
    /// Its slug.
    pub slug: Slug,
    /// Which file or folder.
    pub path: FilePath,
    /// As itself, or packed.
    pub shape: Shape,
    /// Listing or reading.
    pub action: TokenAction,
    /// GET or HEAD.
    pub method: &'static str,
    /// The byte ranges that will be sent, first and last inclusive; empty for the whole.
    pub ranges: Vec<(u64, u64)>,
    /// From where.
    pub origin: Origin,
    /// The gate's version at which the file was looked up; `None` to decide whatever it is now.
    pub seen: Option<u64>,
}

/// Leave to deliver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// What ties the end of the transfer to its beginning.
    pub transfer: TransferId,
    /// Whose access was used.
    pub person: Option<PersonId>,
}

/// How stale `last_used_at` may be.
const TOUCH_EVERY: Span = Span::minutes(1);

/// What the gate says, and on what it rests.
#[derive(Debug)]
pub struct Assessment {
    /// Whose access it is.
    pub person: Option<PersonId>,
    /// Whether the time of the token's last use is worth writing down.
    touch: Option<TokenId>,
    /// The decision.
    pub decision: Result<(), Denial>,
}

/// Decides from what the database holds now, without recording anything. What `gate` remembers must be of this
/// transaction.
///
/// # Errors
/// When the store fails. A dataset that is gone counts as suspended.
pub fn assess(
    conn: &mut AnyConnection,
    gate: &mut GateState,
    passage: &Passage,
    now: Instant,
) -> store::Result<Assessment> {
    let Some(dataset) = gate.dataset(conn, passage.dataset)? else {
        return Ok(Assessment { person: None, touch: None, decision: Err(Denial::DatasetSuspended) });
    };
    let token = match passage.bearer {
        Bearer::Token(id) => gate.token(conn, id)?.cloned(),
        Bearer::Anonymous | Bearer::Session(..) => None,
    };
    let (person, credential) = match (passage.bearer, &token) {
        (Bearer::Anonymous, _) => (None, Credential::None),
        (Bearer::Session(person, session), _) => {
            let person_suspended = gate.person_suspended(conn, person)?;
            let ended = gate.session_ends(conn, session)?.is_none_or(|ends| ends <= now);
            (Some(person), Credential::Session { ended, person_suspended })
        }
        (Bearer::Token(_), Some(token)) => {
            let credential = Credential::Token {
                person_suspended: token.person_suspended,
                revoked: token.revoked,
                expires_at: token.expires_at,
                details: &token.details,
            };
            (Some(token.person), credential)
        }
        // Signed by us, but not known: from before a restore, perhaps. It can't be revoked, so it is not let in.
        (Bearer::Token(_), None) => {
            (None, Credential::Token { person_suspended: false, revoked: true, expires_at: now, details: &[] })
        }
    };
    let (grant, request_waiting) = match person {
        Some(person) if dataset.mode.needs_agreement() => {
            let grant = gate.grant(conn, person, passage.dataset)?.cloned();
            let waiting =
                !is_active(grant.as_ref(), now) && admissions::request_waiting(conn, person, passage.dataset)?;
            (grant, waiting)
        }
        _ => (None, false),
    };
    let situation = Situation {
        mode: dataset.mode,
        dataset_suspended: dataset.suspended,
        dataset: &passage.slug,
        path: &passage.path,
        action: passage.action,
        credential,
        grant: grant.as_ref(),
        request_waiting,
    };
    let touch = match (passage.bearer, &token) {
        (Bearer::Token(id), Some(token)) => {
            token.last_used_at.is_none_or(|used| now - used > TOUCH_EVERY).then_some(id)
        }
        _ => None,
    };
    Ok(Assessment { person, touch, decision: decide(&situation, now) })
}

/// What the ledger answers to a wish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Deliver.
    Admitted(Admission),
    /// Do not.
    Denied(Denial),
    /// Look the file up again: what was known of it may be old. Nothing was recorded.
    Stale,
}

/// Admits or denies, and records it.
///
/// # Errors
/// When the store fails. A denial is a result, not an error: it is recorded too.
pub fn admit(tx: &mut Tx<'_>, passage: &Passage) -> store::Result<Answer> {
    if passage.seen.is_some_and(|version| version != tx.gate.version()) {
        return Ok(Answer::Stale);
    }
    let Assessment { person, touch, decision } = assess(tx.conn, tx.gate, passage, tx.now)?;
    let actor = person.map_or(Actor::ANONYMOUS, |person| Actor::person(person, Role::Applicant));
    let transfer: TransferId = tx.id();
    tx.record(event(passage, actor, transfer, decision));
    if let (Some(token), Ok(())) = (touch, decision) {
        tokens::touch(tx.conn, token, tx.now)?;
        tx.gate.token_used(token, tx.now);
    }
    Ok(match decision {
        Ok(()) => Answer::Admitted(Admission { transfer, person }),
        Err(denial) => Answer::Denied(denial),
    })
}

/// Records that somebody asked for more at a time than is allowed.
///
/// # Errors
/// When the store fails.
pub fn limit_reached(
    tx: &mut Tx<'_>,
    passage: &Passage,
    whose: &'static str,
    which: &'static str,
    allowed: u32,
) -> store::Result<()> {
    let mut event = Event::new(Action::LimitReached, Actor::ANONYMOUS)
        .dataset(&passage.slug)
        .with("whose", whose)
        .with("limit", which)
        .with("allowed", allowed)
        .outcome(Outcome::Refused);
    if let Bearer::Token(id) = passage.bearer {
        event = event.with("token", id.to_string());
    }
    if let Bearer::Session(person, _) = passage.bearer {
        event.actor = Actor::person(person, Role::Applicant);
    }
    tx.record(passage.origin.on(event));
    Ok(())
}

fn event(passage: &Passage, actor: Actor, transfer: TransferId, decision: Result<(), Denial>) -> Event {
    let action = match (decision, passage.action) {
        (Err(_), _) => Action::DownloadDenied,
        (Ok(()), TokenAction::List) => Action::ListingAdmitted,
        (Ok(()), TokenAction::Read) => Action::DownloadAdmitted,
    };
    let mut event = Event::new(action, actor)
        .dataset(&passage.slug)
        .subject(transfer)
        .with("method", passage.method)
        .with("path", passage.path.as_str());
    match passage.bearer {
        Bearer::Token(id) => event = event.with("token", id.to_string()),
        Bearer::Session(..) => event = event.with("session", true),
        Bearer::Anonymous => {}
    }
    if !passage.ranges.is_empty() {
        let ranges: Vec<_> = passage.ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        event = event.with("ranges", ranges.join(","));
    }
    if passage.shape == Shape::Zip {
        event = event.with("archive", "zip");
    }
    if let Err(denial) = decision {
        event = event.with("reason", denial.as_str()).outcome(Outcome::Refused);
    }
    passage.origin.on(event)
}

/// How a transfer ended.
#[derive(Clone, Debug)]
pub struct TransferEnd {
    /// The transfer.
    pub admission: Admission,
    /// Its dataset.
    pub slug: Slug,
    /// Bytes handed to the client's connection.
    pub bytes: u64,
    /// Why it was cut short; `None` when all was sent.
    pub interrupted: Option<&'static str>,
}

/// Records how a transfer ended.
///
/// # Errors
/// When the store fails.
pub fn finish(tx: &mut Tx<'_>, end: &TransferEnd) -> store::Result<()> {
    let actor = end.admission.person.map_or(Actor::ANONYMOUS, |person| Actor::person(person, Role::Applicant));
    let event = match end.interrupted {
        None => Event::new(Action::DownloadFinished, actor),
        Some(reason) => Event::new(Action::DownloadInterrupted, actor).with("reason", reason).outcome(Outcome::Failed),
    };
    tx.record(event.dataset(&end.slug).subject(end.admission.transfer).with("bytes", end.bytes));
    Ok(())
}

/// Records that a file is not what was imported, which is why it was not delivered.
///
/// # Errors
/// When the store fails.
pub fn file_changed(tx: &mut Tx<'_>, slug: &Slug, path: &FilePath, why: &str) -> store::Result<()> {
    let event = Event::new(Action::FileChanged, Actor::SYSTEM)
        .dataset(slug)
        .with("path", path.as_str())
        .with("why", why)
        .outcome(Outcome::Failed);
    tx.record(event);
    Ok(())
}
