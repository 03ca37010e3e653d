//! Permission at the gate: limits first, then the admission, which is durable before anything is delivered.

use std::sync::Arc;

use super::data_request::DataRequest;
use crate::app::App;
use crate::clock;
use crate::delivery::limits::{Budget, Permit, Rejection};
use crate::delivery::transfers::{Transfer, TransferRegistration};
use crate::domain::admission::{Caller, Denial};
use crate::domain::dataset::Dataset;
use crate::domain::path::FilePath;
use crate::domain::token::TokenAction;
use crate::ledger;
use crate::ledger::access_cache::AccessCache;
use crate::ledger::commands::admission::{
    Admission, AdmissionOutcome, DownloadRequest, Packing, admit, assess, limit_reached,
};
use crate::web::auth::wants_html;
use crate::web::error::WebError;

/// A request that the gate decides.
pub struct Gate<'a> {
    /// The application.
    pub app: &'a App,
    /// What is asked.
    pub data_request: DataRequest<'a>,
    /// By whom.
    pub caller: Caller,
    /// What the token or person may still ask for.
    pub budget: Option<Arc<Budget>>,
}

/// Permission to send a list. While it is held, the list is among the active transfers.
pub struct ListingPermit {
    registration: TransferRegistration,
    _permit: Permit,
}

impl ListingPermit {
    /// Whether the permission has ended.
    pub fn has_ended(&self) -> bool {
        self.registration.transfer().aborted().is_some()
    }
}

/// Why the gate does not deliver.
pub enum GateError {
    /// The file was looked up before something changed. Nothing was recorded.
    Stale,
    /// Nothing is delivered.
    Denied(WebError),
}

impl From<WebError> for GateError {
    fn from(error: WebError) -> Self {
        Self::Denied(error)
    }
}

/// A request that may be delivered.
pub struct Admitted {
    /// The admission, durable.
    pub admission: Admission,
    /// Its transfer, which records its own end.
    pub transfer: Transfer,
}

impl Gate<'_> {
    /// A request to the ledger.
    pub fn request(&self, dataset: &Dataset, path: &FilePath, action: TokenAction) -> DownloadRequest {
        DownloadRequest {
            caller: self.caller,
            dataset: dataset.id,
            slug: dataset.slug.clone(),
            path: path.clone(),
            packing: Packing::Plain,
            action,
            method: self.data_request.method,
            ranges: Vec::new(),
            origin: self.data_request.origin(self.app),
            looked_up_at_epoch: None,
        }
    }

    /// Asks for permission to deliver a file.
    pub async fn permit_download(&self, request: DownloadRequest) -> Result<Admitted, GateError> {
        let permit = self.check_limits(&request)?;
        let registration = self.register(request);
        let admission = self.admit(&registration).await?;
        let transfer = Transfer::new(self.app.ledger.clone(), admission, registration, permit);
        Ok(Admitted { admission, transfer })
    }

    /// Asks for permission to send a list.
    pub async fn permit_listing(&self, dataset: &Dataset, path: &FilePath) -> Result<ListingPermit, WebError> {
        let request = self.request(dataset, path, TokenAction::List);
        let permit = self.check_limits(&request)?;
        let registration = self.register(request);
        match self.admit(&registration).await {
            Ok(_) => {
                registration.transfer().set_admitted();
                Ok(ListingPermit { registration, _permit: permit })
            }
            Err(GateError::Denied(error)) => Err(error),
            Err(GateError::Stale) => Err(WebError::Unavailable),
        }
    }

    /// Whether the ZIP archive of a dataset would be delivered, before the work of planning it. Nothing is recorded. The
    /// permit is held while it is planned.
    pub async fn may_plan_zip(&self, dataset: &Dataset) -> Result<Option<Permit>, WebError> {
        let mut request = self.request(dataset, &FilePath::root(), TokenAction::Read);
        request.packing = Packing::Zip;
        let permit = self.check_limits(&request)?;
        let now = clock::now();
        let read = move |conn: &mut _| assess(conn, &mut AccessCache::default(), &request, now);
        let allowed = self.app.reads.read(read).await?.decision.is_ok();
        Ok(allowed.then_some(permit))
    }

    /// Registered before the admission is asked for, so that no revocation after it goes unnoticed.
    fn register(&self, request: DownloadRequest) -> TransferRegistration {
        let connection = self.data_request.peer.map(|peer| peer.connection.abort_handle().clone());
        self.app.transfers.register(request, connection)
    }

    /// Asks for admission; it is durable when this returns.
    async fn admit(&self, registration: &TransferRegistration) -> Result<Admission, GateError> {
        let asked = registration.transfer().clone();
        let (ledger, transfers, lost) = (self.app.ledger.clone(), self.app.transfers.clone(), asked.clone());
        let abandon = move |answer| {
            if let (AdmissionOutcome::Admitted(admission), TokenAction::Read) = (answer, lost.request.action) {
                drop(Transfer::abandoned(ledger.clone(), transfers.clone(), admission, &lost.request));
            }
        };
        let answer = self.app.ledger.admit(move |tx| admit(tx, &asked.request), abandon).await;
        let request = &registration.transfer().request;
        match answer {
            Ok(AdmissionOutcome::Admitted(admission)) => Ok(admission),
            Ok(AdmissionOutcome::Stale) => Err(GateError::Stale),
            Ok(AdmissionOutcome::Denied(Denial::Unauthenticated)) if wants_html(self.data_request.headers) => {
                Err(WebError::SignIn(self.data_request.address.to_owned()).into())
            }
            Ok(AdmissionOutcome::Denied(denial)) => Err(WebError::Denied(denial, request.slug.clone()).into()),
            Err(error) => {
                if matches!(error, ledger::Error::Busy) {
                    self.record_rejection(request, self.app.budgets.overload(ledger::QUEUE_LENGTH));
                }
                Err(WebError::from(error).into())
            }
        }
    }

    /// Counts the request against the client's limits.
    fn check_limits(&self, request: &DownloadRequest) -> Result<Permit, WebError> {
        if self.app.is_closed() {
            return Err(WebError::Unavailable);
        }
        let address = self.data_request.address_budget(self.app, &request.origin);
        self.app.budgets.take([address, self.budget.clone()]).map_err(|rejection| {
            self.record_rejection(request, rejection);
            WebError::Limited(rejection.reached.limit, rejection.reached.allowed, rejection.retry_after)
        })
    }

    /// Records that a limit was reached, unless it was just recorded.
    fn record_rejection(&self, request: &DownloadRequest, rejection: Rejection) {
        if rejection.record {
            let request = request.clone();
            self.app.ledger.record_later(move |tx| limit_reached(tx, &request, rejection.reached));
        }
    }
}
