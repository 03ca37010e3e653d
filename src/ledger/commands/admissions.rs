//! Admissions: whether a request may be served is decided in the same transaction that records the decision.

use crate::domain::admission::{AdmissionFacts, Caller, Credential, Denial, decide, ends_at, grant_used};
use crate::domain::dataset::AccessMode;
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::grant::Grant;
use crate::domain::ids::{DatasetId, GrantId, PersonId, ReleaseId, TokenId};
use crate::domain::origin::Origin;
use crate::domain::path::FilePath;
use crate::domain::release::FilePlace;
use crate::domain::text::{Sha256, Slug};
use crate::domain::token::DataAction;
use crate::domain::transfer::{ReachedLimit, ReadMethod, SentRanges, Taker};
use crate::domain::{TimeSpan, Timestamp};
use crate::ledger::access_cache::AccessCache;
use crate::ledger::denial_counts::DeniedClient;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::admissions::DatasetAccessRow;
use crate::store::{self, AnyConnection, admissions, files, releases, tokens};

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
    /// The release's number; 0 where the dataset has none yet.
    pub release: u32,
    /// The file or folder.
    pub path: FilePath,
    /// The form in which it is delivered.
    pub form: DeliveryForm,
    /// Listing or reading.
    pub action: DataAction,
    /// GET or HEAD.
    pub method: ReadMethod,
    /// What will be sent, where that is not the whole.
    pub ranges: Option<SentRanges>,
    /// The length of what will be sent, in bytes.
    pub bytes: u64,
    /// The client's address and user agent.
    pub origin: Origin,
    /// Whose connection the bytes are handed to.
    pub taker: Taker,
    /// The file as it was looked up; `None` where nothing of a file is delivered.
    pub looked_up: Option<LookedUp>,
}

/// What a file was when it was looked up, before the transaction that decides about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LookedUp {
    /// The version of the dataset at which it was read.
    pub version: u64,
    /// The dataset's access mode.
    pub mode: AccessMode,
    /// The release, where the address names it; else it must be the current one.
    pub release: Option<u32>,
    /// Whether a newer release has other files where it was.
    pub bytes_gone: bool,
    /// The hash of the file; `None` for a ZIP archive.
    pub sha256: Option<Sha256>,
    /// What to do at another version of the dataset.
    pub if_outdated: IfOutdated,
}

/// What to do about a file that was looked up at another version of its dataset than the present one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IfOutdated {
    /// It is to be looked up again.
    LookUpAgain,
    /// The rows are compared in the transaction: if they are as they were looked up, the decision stands on them.
    Compare,
}

/// Permission to deliver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// The index of the event that is this admission; the record of the transfer's end names it.
    pub index: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The person whose access was used.
    pub person: Option<PersonId>,
    /// When it ends by itself.
    pub ends_at: Option<Timestamp>,
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
    /// The grant that an admission would rest on.
    grant: Option<GrantId>,
    /// When an admission would end by itself.
    pub ends_at: Option<Timestamp>,
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
        let decision = Err(Denial::DatasetSuspended);
        return Ok(Assessment { person: None, token_to_touch: None, grant: None, ends_at: None, decision });
    };
    let token = match request.caller {
        Caller::Token(id) => access.token(conn, id)?.cloned(),
        Caller::Anonymous | Caller::Session(..) => None,
    };
    let (person, credential) = match (request.caller, &token) {
        (Caller::Anonymous, _) => (None, Credential::None),
        (Caller::Session(person, session), _) => {
            let person_suspended = access.person_suspended(conn, person)?;
            let ends_at = access.session_ends(conn, session, now)?;
            (Some(person), Credential::Session { ends_at, person_suspended })
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
    let release = ReleaseId { dataset: request.dataset, number: request.release };
    let (release, bytes_gone) = (access.release(conn, release)?, bytes_gone(conn, request, &dataset)?);
    let (grants, request_waiting): (&[Grant], bool) = match person {
        Some(person) if dataset.mode.needs_agreement() => {
            let grants = access.grants(conn, person, request.dataset)?;
            let waiting = !grants.iter().any(|grant| grant.is_active(now))
                && admissions::request_waiting(conn, person, request.dataset)?;
            (grants, waiting)
        }
        _ => (&[], false),
    };
    let facts = AdmissionFacts {
        mode: dataset.mode,
        dataset_suspended: dataset.suspended,
        release,
        bytes_gone,
        dataset: &request.slug,
        path: &request.path,
        action: request.action,
        credential,
        grants,
        request_waiting,
    };
    let token_to_touch = match (request.caller, &token) {
        (Caller::Token(id), Some(token)) => {
            token.last_used_at.is_none_or(|used| now - used > TOUCH_EVERY).then_some(id)
        }
        _ => None,
    };
    let grant = grant_used(&facts, now).map(|grant| grant.id);
    let (ends_at, decision) = (ends_at(&facts, now), decide(&facts, now));
    Ok(Assessment { person, token_to_touch, grant, ends_at, decision })
}

/// Whether a newer release has other files where those were that are asked for. An archive that is running opens one file after another: what has
/// changed since it was looked up counts.
fn bytes_gone(conn: &mut AnyConnection, request: &DownloadRequest, dataset: &DatasetAccessRow) -> store::Result<bool> {
    let Some(looked_up) = request.looked_up else { return Ok(false) };
    if request.form == DeliveryForm::Zip && dataset.version != looked_up.version {
        let release = ReleaseId { dataset: request.dataset, number: request.release };
        return Ok(!releases::is_whole(conn, release, dataset.newest_release)?);
    }
    Ok(looked_up.bytes_gone)
}

/// The ledger's answer to a download request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdmissionOutcome {
    /// Deliver.
    Admitted(Admission),
    /// Do not.
    Denied(Denial),
    /// The cached lookup may be outdated; look the file up again. Nothing was recorded.
    LookUpAgain,
}

/// Whether a file is still what it was when it was looked up.
fn is_current(tx: &mut Tx<'_>, request: &DownloadRequest, looked_up: LookedUp) -> store::Result<bool> {
    let Some(dataset) = tx.access.dataset(tx.conn, request.dataset)? else { return Ok(true) };
    if dataset.version == looked_up.version {
        return Ok(true);
    }
    let (IfOutdated::Compare, Some(sha256)) = (looked_up.if_outdated, looked_up.sha256) else { return Ok(false) };
    let (mode, newest) = (dataset.mode, dataset.newest_release);
    if mode != looked_up.mode || looked_up.release.unwrap_or(dataset.current_release) != request.release {
        return Ok(false);
    }
    let release = ReleaseId { dataset: request.dataset, number: request.release };
    let Some(found) = files::find(tx.conn, release, &request.path)? else { return Ok(false) };
    let is_gone =
        found.until <= newest && releases::history(tx.conn, request.dataset)?.place(found.until) == FilePlace::Gone;
    Ok(found.entry.sha256 == sha256 && is_gone == looked_up.bytes_gone)
}

/// Admits or denies, and records it.
///
/// # Errors
/// When the store fails. A denial is a result, not an error: it is recorded too.
pub fn admit(tx: &mut Tx<'_>, request: &DownloadRequest) -> store::Result<AdmissionOutcome> {
    if let Some(looked_up) = request.looked_up
        && !is_current(tx, request, looked_up)?
    {
        return Ok(AdmissionOutcome::LookUpAgain);
    }
    let Assessment { person, token_to_touch, grant, ends_at, decision } = assess(tx.conn, tx.access, request, tx.now)?;
    let actor = Actor::downloader(person);
    if let Err(denial) = decision {
        if let Some(unrecorded) = tx.denials.count(denied_client(request), &request.slug, tx.now) {
            let event = event(Action::DownloadDenied, request, actor, client(tx, request, actor));
            let event = event.with("reason", denial.as_str()).outcome(Outcome::Refused);
            tx.record(with_unrecorded(event, unrecorded));
        }
        return Ok(AdmissionOutcome::Denied(denial));
    }
    let client = client(tx, request, actor);
    let event = match request.action {
        DataAction::List => event(Action::ListingAdmitted, request, actor, client),
        DataAction::Read => event(Action::DownloadAdmitted, request, actor, client).with("bytes", request.bytes),
    };
    let index = tx.record(if let Some(grant) = grant { event.with("grant", grant.to_string()) } else { event });
    if let Some(token) = token_to_touch {
        tokens::touch(tx.conn, token, tx.now)?;
        tx.access.token_used(token, tx.now);
    }
    Ok(AdmissionOutcome::Admitted(Admission { index, at: tx.now, person, ends_at }))
}

/// The index of the event that describes the client: its credential, address and user agent. Recorded once a day for each.
fn client(tx: &mut Tx<'_>, request: &DownloadRequest, actor: Actor) -> u64 {
    if let Some(index) = tx.clients.get(request.caller, &request.origin, tx.now) {
        return index;
    }
    let event = with_credential(Event::new(Action::ClientSeen, actor), request.caller);
    let index = tx.record(request.origin.add_to(event));
    tx.clients.insert(request.caller, &request.origin, index, tx.now);
    index
}

/// Says by which token, or that it was by a session.
fn with_credential(event: Event, caller: Caller) -> Event {
    match caller {
        Caller::Token(id) => event.with("token", id.to_string()),
        Caller::Session(..) => event.with("session", true),
        Caller::Anonymous => event,
    }
}

fn denied_client(request: &DownloadRequest) -> DeniedClient {
    match request.caller {
        Caller::Anonymous => DeniedClient::Network(request.origin.network()),
        Caller::Session(person, _) => DeniedClient::Person(person),
        Caller::Token(id) => DeniedClient::Token(id),
    }
}

/// Says how many denials before this one were counted instead of recorded.
fn with_unrecorded(event: Event, unrecorded: u64) -> Event {
    if unrecorded == 0 { event } else { event.with("unrecorded", unrecorded) }
}

/// Records how many denials of the last minute were counted instead of recorded one by one.
///
/// # Errors
/// Never; commands may fail.
pub fn record_counted_denials(tx: &mut Tx<'_>) -> Result<(), CommandError> {
    for (client, dataset, unrecorded) in tx.denials.take_ended(tx.now) {
        let actor = match client {
            DeniedClient::Person(person) => Actor::downloader(Some(person)),
            DeniedClient::Network(_) | DeniedClient::Token(_) | DeniedClient::Anyone => Actor::ANONYMOUS,
        };
        let mut event = Event::new(Action::DownloadDenied, actor).dataset(&dataset).outcome(Outcome::Refused);
        if let DeniedClient::Token(id) = client {
            event = event.with("token", id.to_string());
        }
        if let DeniedClient::Network(Some(network)) = client {
            event = event.private("ip", network.to_string());
        }
        tx.record(with_unrecorded(event, unrecorded));
    }
    Ok(())
}

/// Records that a client exceeded a limit.
///
/// # Errors
/// When the store fails.
pub fn record_limit_reached(tx: &mut Tx<'_>, request: &DownloadRequest, reached: ReachedLimit) -> store::Result<()> {
    let actor = match request.caller {
        Caller::Session(person, _) => Actor::downloader(Some(person)),
        Caller::Token(_) | Caller::Anonymous => Actor::ANONYMOUS,
    };
    let client = client(tx, request, actor);
    let event = Event::new(Action::LimitReached, actor)
        .dataset(&request.slug)
        .with("client", client)
        .with("whose", reached.subject.as_str())
        .with("limit", reached.limit.as_str())
        .with("allowed", reached.allowed)
        .outcome(Outcome::Refused);
    tx.record(with_credential(event, request.caller));
    Ok(())
}

fn event(action: Action, request: &DownloadRequest, actor: Actor, client: u64) -> Event {
    let mut event = Event::new(action, actor)
        .dataset(&request.slug)
        .with("client", client)
        .with("release", request.release)
        .with("path", request.path.as_str());
    if request.method == ReadMethod::Head {
        event = event.with("method", request.method.as_str());
    }
    if let Some(ranges) = &request.ranges {
        event = event.with("ranges", ranges.to_string());
    }
    if request.form == DeliveryForm::Zip {
        event = event.with("archive", "zip");
    }
    with_credential(event, request.caller)
}
