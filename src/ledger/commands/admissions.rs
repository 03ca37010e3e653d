//! Admissions: whether a request may be served is decided in the same transaction that records the decision.

use crate::domain::admission::{AdmissionFacts, Caller, Credential, Denial, decide};
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::{DatasetId, PersonId, TokenId, TransferId};
use crate::domain::origin::Origin;
use crate::domain::path::FilePath;
use crate::domain::person::Role;
use crate::domain::text::Slug;
use crate::domain::token::TokenAction;
use crate::domain::transfer::{FileMismatch, Interruption, ReachedLimit, ReadMethod};
use crate::domain::{TimeSpan, Timestamp};
use crate::ledger::access_cache::AccessCache;
use crate::ledger::transaction::Tx;
use crate::store::{self, AnyConnection, admissions, tokens};

/// The form in which files are delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryForm {
    /// One file as it is.
    File,
    /// The whole dataset as a ZIP archive; ranges apply to the archive.
    Zip,
}

/// A request to download a file, or to list a folder.
#[derive(Clone, Debug)]
pub struct DownloadRequest {
    /// The client.
    pub caller: Caller,
    /// The dataset.
    pub dataset: DatasetId,
    /// The dataset's slug.
    pub slug: Slug,
    /// The file or folder.
    pub path: FilePath,
    /// The form in which it is delivered.
    pub form: DeliveryForm,
    /// Listing or reading.
    pub action: TokenAction,
    /// GET or HEAD.
    pub method: ReadMethod,
    /// The byte ranges that will be sent, first and last inclusive; empty for the whole.
    pub ranges: Vec<(u64, u64)>,
    /// The client's address and user agent.
    pub origin: Origin,
    /// The access epoch at which the file was looked up; `None` to decide regardless of the current one.
    pub looked_up_at_epoch: Option<u64>,
}

/// Permission to deliver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// The id that links the record of the transfer's end to this admission.
    pub transfer: TransferId,
    /// The person whose access was used.
    pub person: Option<PersonId>,
}

/// How far `last_used_at` may lag behind.
const TOUCH_EVERY: TimeSpan = TimeSpan::minutes(1);

/// The gate's decision, and whose access it was about.
#[derive(Debug)]
pub struct Assessment {
    /// The person whose access is used.
    pub person: Option<PersonId>,
    /// The token whose time of last use should be updated, if any.
    token_to_touch: Option<TokenId>,
    /// The decision.
    pub decision: Result<(), Denial>,
}

/// Decides from what the database holds now, without recording anything. What `access` holds must have been
/// read in this transaction.
///
/// # Errors
/// When the store fails. A dataset that is gone counts as suspended.
pub fn assess(
    conn: &mut AnyConnection,
    access: &mut AccessCache,
    request: &DownloadRequest,
    now: Timestamp,
) -> store::Result<Assessment> {
    let Some(dataset) = access.dataset(conn, request.dataset)? else {
        return Ok(Assessment { person: None, token_to_touch: None, decision: Err(Denial::DatasetSuspended) });
    };
    let token = match request.caller {
        Caller::Token(id) => access.token(conn, id)?.cloned(),
        Caller::Anonymous | Caller::Session(..) => None,
    };
    let (person, credential) = match (request.caller, &token) {
        (Caller::Anonymous, _) => (None, Credential::None),
        (Caller::Session(person, session), _) => {
            let person_suspended = access.person_suspended(conn, person)?;
            let ended = access.session_ends(conn, session)?.is_none_or(|ends| ends <= now);
            (Some(person), Credential::Session { ended, person_suspended })
        }
        (Caller::Token(_), Some(token)) => {
            let credential = Credential::Token {
                person_suspended: token.person_suspended,
                revoked: token.revoked,
                expires_at: token.expires_at,
                details: &token.details,
            };
            (Some(token.person), credential)
        }
        // The signature is ours but the token is not in the database, perhaps because an older backup was restored. It could
        // not be revoked, so it is refused.
        (Caller::Token(_), None) => {
            (None, Credential::Token { person_suspended: false, revoked: true, expires_at: now, details: &[] })
        }
    };
    let (grant, request_waiting) = match person {
        Some(person) if dataset.mode.needs_agreement() => {
            let grant = access.grant(conn, person, request.dataset)?.cloned();
            let waiting = !grant.as_ref().is_some_and(|grant| grant.is_active(now))
                && admissions::request_waiting(conn, person, request.dataset)?;
            (grant, waiting)
        }
        _ => (None, false),
    };
    let facts = AdmissionFacts {
        mode: dataset.mode,
        dataset_suspended: dataset.suspended,
        dataset: &request.slug,
        path: &request.path,
        action: request.action,
        credential,
        grant: grant.as_ref(),
        request_waiting,
    };
    let token_to_touch = match (request.caller, &token) {
        (Caller::Token(id), Some(token)) => {
            token.last_used_at.is_none_or(|used| now - used > TOUCH_EVERY).then_some(id)
        }
        _ => None,
    };
    Ok(Assessment { person, token_to_touch, decision: decide(&facts, now) })
}

/// The ledger's answer to a download request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdmissionOutcome {
    /// Deliver.
    Admitted(Admission),
    /// Do not.
    Denied(Denial),
    /// The cached lookup may be outdated; look the file up again. Nothing was recorded.
    Stale,
}

/// Admits or denies, and records it.
///
/// # Errors
/// When the store fails. A denial is a result, not an error: it is recorded too.
pub fn admit(tx: &mut Tx<'_>, request: &DownloadRequest) -> store::Result<AdmissionOutcome> {
    if request.looked_up_at_epoch.is_some_and(|epoch| epoch != tx.access.epoch()) {
        return Ok(AdmissionOutcome::Stale);
    }
    let Assessment { person, token_to_touch, decision } = assess(tx.conn, tx.access, request, tx.now)?;
    let actor = person.map_or(Actor::ANONYMOUS, |person| Actor::person(person, Role::Applicant));
    let transfer: TransferId = tx.id();
    tx.record(event(request, actor, transfer, decision));
    if let (Some(token), Ok(())) = (token_to_touch, decision) {
        tokens::touch(tx.conn, token, tx.now)?;
        tx.access.token_used(token, tx.now);
    }
    Ok(match decision {
        Ok(()) => AdmissionOutcome::Admitted(Admission { transfer, person }),
        Err(denial) => AdmissionOutcome::Denied(denial),
    })
}

/// Records that a client exceeded a limit.
///
/// # Errors
/// When the store fails.
pub fn record_limit_reached(tx: &mut Tx<'_>, request: &DownloadRequest, reached: ReachedLimit) -> store::Result<()> {
    let mut event = Event::new(Action::LimitReached, Actor::ANONYMOUS)
        .dataset(&request.slug)
        .with("whose", reached.subject.as_str())
        .with("limit", reached.limit.as_str())
        .with("allowed", reached.allowed)
        .outcome(Outcome::Refused);
    if let Caller::Token(id) = request.caller {
        event = event.with("token", id.to_string());
    }
    if let Caller::Session(person, _) = request.caller {
        event.actor = Actor::person(person, Role::Applicant);
    }
    tx.record(request.origin.on(event));
    Ok(())
}

fn event(request: &DownloadRequest, actor: Actor, transfer: TransferId, decision: Result<(), Denial>) -> Event {
    let action = match (decision, request.action) {
        (Err(_), _) => Action::DownloadDenied,
        (Ok(()), TokenAction::List) => Action::ListingAdmitted,
        (Ok(()), TokenAction::Read) => Action::DownloadAdmitted,
    };
    let mut event = Event::new(action, actor)
        .dataset(&request.slug)
        .subject(transfer)
        .with("method", request.method.as_str())
        .with("path", request.path.as_str());
    match request.caller {
        Caller::Token(id) => event = event.with("token", id.to_string()),
        Caller::Session(..) => event = event.with("session", true),
        Caller::Anonymous => {}
    }
    if !request.ranges.is_empty() {
        let ranges: Vec<_> = request.ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        event = event.with("ranges", ranges.join(","));
    }
    if request.form == DeliveryForm::Zip {
        event = event.with("archive", "zip");
    }
    if let Err(denial) = decision {
        event = event.with("reason", denial.as_str()).outcome(Outcome::Refused);
    }
    request.origin.on(event)
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
    pub interrupted: Option<Interruption>,
}

/// Records how a transfer ended.
///
/// # Errors
/// When the store fails.
pub fn record_transfer_end(tx: &mut Tx<'_>, end: &TransferEnd) -> store::Result<()> {
    let actor = end.admission.person.map_or(Actor::ANONYMOUS, |person| Actor::person(person, Role::Applicant));
    let event = match end.interrupted {
        None => Event::new(Action::DownloadFinished, actor),
        Some(reason) => {
            Event::new(Action::DownloadInterrupted, actor).with("reason", reason.as_str()).outcome(Outcome::Failed)
        }
    };
    tx.record(event.dataset(&end.slug).subject(end.admission.transfer).with("bytes", end.bytes));
    Ok(())
}

/// Records that a file is not what was imported, which is why it was not delivered.
///
/// # Errors
/// When the store fails.
pub fn record_file_changed(tx: &mut Tx<'_>, slug: &Slug, path: &FilePath, why: FileMismatch) -> store::Result<()> {
    let event = Event::new(Action::FileChanged, Actor::SYSTEM)
        .dataset(slug)
        .with("path", path.as_str())
        .with("why", why.as_str())
        .outcome(Outcome::Failed);
    tx.record(event);
    Ok(())
}
