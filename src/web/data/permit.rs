//! Checks the limits, then asks the ledger for admission. The admission is durable before any byte is sent.

use std::sync::Arc;

use super::cached_file::ServedRelease;
use super::data_request::DataRequest;
use crate::app::App;
use crate::clock;
use crate::delivery::limits::{Budget, LimitSlot, Rejection};
use crate::delivery::transfers::{Transfer, TransferRegistration};
use crate::domain::admission::Caller;
use crate::domain::path::FilePath;
use crate::domain::token::DataAction;
use crate::domain::transfer::Taker;
use crate::ledger;
use crate::ledger::access_cache::AccessCache;
use crate::ledger::commands::admissions::{
    Admission, AdmissionOutcome, DeliveryForm, DownloadRequest, admit, assess, record_limit_reached,
};
use crate::views::releases::ReleaseName;
use crate::web::error::WebError;

/// A request at the gate: the HTTP request, the client that made it, and what is left of that client's limits.
pub struct Gate<'a> {
    /// The application.
    pub app: &'a App,
    /// The HTTP request.
    pub data_request: DataRequest<'a>,
    /// The identified client.
    pub caller: Caller,
    /// The budget of the token or person.
    pub budget: Option<Arc<Budget>>,
}

/// Permission to send a list. While it is held, the list is among the active transfers.
pub struct ListingPermit {
    registration: TransferRegistration,
    _slot: LimitSlot,
}

impl ListingPermit {
    /// Whether the list has been aborted.
    pub fn has_ended(&self) -> bool {
        self.registration.transfer().abort_reason().is_some()
    }
}

/// Why the gate does not deliver.
pub enum GateError {
    /// The file was looked up before something changed. Nothing was recorded; look it up again.
    LookUpAgain,
    /// Nothing is delivered: the request was denied, limited, or could not be recorded.
    Failed(WebError),
}

impl From<WebError> for GateError {
    fn from(error: WebError) -> Self {
        Self::Failed(error)
    }
}

/// The release that is asked for.
fn name_of(request: &DownloadRequest) -> ReleaseName {
    ReleaseName { slug: request.slug.clone(), number: request.release }
}

impl Gate<'_> {
    /// The request as the ledger takes it.
    pub fn new_request(&self, release: &ServedRelease, path: &FilePath, action: DataAction) -> DownloadRequest {
        DownloadRequest {
            caller: self.caller,
            dataset: release.dataset,
            slug: release.slug.clone(),
            release: release.number,
            path: path.clone(),
            form: DeliveryForm::File,
            action,
            method: self.data_request.method,
            ranges: None,
            bytes: 0,
            origin: self.data_request.origin(self.app),
            taker: if self.app.config.tls_proxy { Taker::Proxy } else { Taker::Client },
            looked_up: None,
        }
    }

    /// Asks for permission to deliver a file. Dropping the transfer records how it ended.
    pub async fn permit_download(&self, request: DownloadRequest) -> Result<Transfer, GateError> {
        let slot = self.take_limit_slot(&request).await?;
        let registration = self.register(request);
        let admission = self.ask_ledger(&registration).await?;
        Ok(Transfer::new(self.app.ledger.clone(), admission, registration, slot))
    }

    /// Asks for permission to send a list.
    pub async fn permit_listing(&self, release: &ServedRelease, path: &FilePath) -> Result<ListingPermit, WebError> {
        let request = self.new_request(release, path, DataAction::List);
        let slot = self.take_limit_slot(&request).await?;
        let registration = self.register(request);
        match self.ask_ledger(&registration).await {
            Ok(admission) => {
                registration.transfer().set_admitted(admission.ends_at);
                Ok(ListingPermit { registration, _slot: slot })
            }
            Err(GateError::Failed(error)) => Err(error),
            Err(GateError::LookUpAgain) => Err(WebError::Unavailable),
        }
    }

    /// Checks, without recording anything, whether the ZIP archive of a release would be delivered, so that no layout is
    /// planned in vain. The slot is kept until planning ends.
    pub async fn permit_zip_planning(&self, release: &ServedRelease) -> Result<Option<LimitSlot>, WebError> {
        let mut request = self.new_request(release, &FilePath::root(), DataAction::Read);
        request.form = DeliveryForm::Zip;
        let slot = self.take_limit_slot(&request).await?;
        let now = clock::now();
        let read = move |conn: &mut _| assess(conn, &mut AccessCache::default(), &request, now);
        let allowed = self.app.gate_reads.read(read).await?.decision.is_ok();
        Ok(allowed.then_some(slot))
    }

    /// Registers the transfer before its admission is asked for, so that no revocation after the admission misses it.
    fn register(&self, request: DownloadRequest) -> TransferRegistration {
        let connection = self.data_request.peer.map(|peer| peer.connection.abort_handle().clone());
        self.app.transfers.register(request, connection)
    }

    /// Asks for admission; it is durable when this returns.
    async fn ask_ledger(&self, registration: &TransferRegistration) -> Result<Admission, GateError> {
        let registered = registration.transfer().clone();
        let (ledger, transfers, abandoned) = (self.app.ledger.clone(), self.app.transfers.clone(), registered.clone());
        let abandon = move |answer| {
            if let (AdmissionOutcome::Admitted(admission), DataAction::Read) = (answer, abandoned.request.action) {
                drop(Transfer::new_abandoned(ledger.clone(), transfers.clone(), admission, &abandoned.request));
            }
        };
        let answer = self.app.ledger.admit(move |tx| admit(tx, &registered.request), abandon).await;
        let request = &registration.transfer().request;
        match answer {
            Ok(AdmissionOutcome::Admitted(admission)) => Ok(admission),
            Ok(AdmissionOutcome::LookUpAgain) => Err(GateError::LookUpAgain),
            Ok(AdmissionOutcome::Denied(denial)) => Err(WebError::Denied(denial, name_of(request)).into()),
            Err(error) => {
                if matches!(error, ledger::Error::Busy) {
                    self.record_rejection(request, self.app.budgets.overload_rejection(ledger::QUEUE_LENGTH));
                }
                Err(WebError::from(error).into())
            }
        }
    }

    /// Takes a slot under the client's limits for the request. Who asks faster than is allowed is slowed down: clients that
    /// ask many times at once, such as rclone, take a refusal for a file that is not there.
    async fn take_limit_slot(&self, request: &DownloadRequest) -> Result<LimitSlot, WebError> {
        self.check_open()?;
        let address = self.data_request.address_budget(self.app, &request.origin);
        let own = self.budget.clone().or_else(|| self.data_request.anonymous_budget(self.app, &request.origin));
        let slot = self.app.budgets.take_or_wait([address, own]).await.map_err(|rejection| {
            self.record_rejection(request, rejection);
            WebError::Limited(rejection.reached.limit, rejection.reached.allowed, rejection.retry_after)
        })?;
        // It may have waited for its turn.
        self.check_open()?;
        Ok(slot)
    }

    /// Refuses everybody while the process stops, and strangers while the disk has only its reserve.
    fn check_open(&self) -> Result<(), WebError> {
        let is_stranger = matches!(self.caller, Caller::Anonymous);
        let is_closed = self.app.is_stopping() || is_stranger && !self.app.may_record_for_strangers();
        if is_closed { Err(WebError::Unavailable) } else { Ok(()) }
    }

    /// Records that a limit was reached, at most once a minute for each client.
    fn record_rejection(&self, request: &DownloadRequest, rejection: Rejection) {
        if rejection.should_record {
            let request = request.clone();
            self.app.ledger.record_later(move |tx| record_limit_reached(tx, &request, rejection.reached));
        }
    }
}
