//! One request at the gate: limits, admission, and only then the answer.

use std::rc::Rc;
use std::sync::Arc;

use actix_http::Response;
use actix_http::header;
use actix_web::http::StatusCode;

use super::answer::{DataBody, described, validated, with_body};
use super::asked::Asked;
use crate::delivery::archive::Archive;
use crate::delivery::conditions::{Conditions, Outcome, evaluate};
use crate::delivery::file::{FileBody, Plan};
use crate::delivery::limits::{Budget, Permit, Reached};
use crate::delivery::range::{self, Wanted};
use crate::delivery::storage::StorageError;
use crate::delivery::stream::StreamBody;
use crate::delivery::transfer::{Registered, Transfer};
use crate::domain::Instant;
use crate::domain::admission::Denial;
use crate::domain::dataset::Dataset;
use crate::domain::path::FilePath;
use crate::domain::token::TokenAction;
use crate::ledger;
use crate::ledger::commands::admission::{
    Admission, Answer, Bearer, Passage, Shape, admit, assess, file_changed, limit_reached,
};
use crate::ledger::gate::GateState;
use crate::web::failure::{Failure, wants_html};
use crate::web::shelf::{Content, Shelved};
use crate::web::state::App;

/// A request that the gate decides.
pub struct Gate<'a> {
    /// The application.
    pub app: &'a App,
    /// What is asked.
    pub asked: Asked<'a>,
    /// By whom.
    pub bearer: Bearer,
    /// What whoever asks may still ask for.
    pub credential: Option<Arc<Budget>>,
}

/// Leave to send a list, to be looked through with all that is being sent.
pub struct Leave {
    registered: Registered,
    _permit: Permit,
}

impl Leave {
    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.registered.wish().is_cut().is_some()
    }
}

/// Why a file is not delivered.
pub enum Turned {
    /// It was looked up before something changed. Nothing was recorded.
    Stale,
    /// For good.
    Away(Failure),
}

impl From<Failure> for Turned {
    fn from(failure: Failure) -> Self {
        Self::Away(failure)
    }
}

impl Gate<'_> {
    /// Asks for admission; it is durable when this returns.
    async fn pass(&self, registered: &Registered) -> Result<Admission, Turned> {
        let (asked, ledger) = (registered.wish().clone(), self.app.ledger.clone());
        let wish = registered.wish().clone();
        let lost = move |answer| {
            if let (Answer::Admitted(admission), TokenAction::Read) = (answer, wish.passage.action) {
                drop(Transfer::abandoned(ledger.clone(), admission, &wish.passage));
            }
        };
        let answer = match self.app.ledger.ask(move |tx| admit(tx, &asked.passage), lost).await {
            Ok(answer) => answer,
            Err(error) => {
                if matches!(error, ledger::Error::Busy) {
                    self.tell(&registered.wish().passage, self.app.budgets.overload(ledger::QUEUE_LENGTH));
                }
                return Err(Failure::from(error).into());
            }
        };
        match answer {
            Answer::Admitted(admission) => Ok(admission),
            Answer::Stale => Err(Turned::Stale),
            Answer::Denied(Denial::Unauthenticated) if wants_html(self.asked.headers) => {
                Err(Failure::SignIn(self.asked.address.to_owned()).into())
            }
            Answer::Denied(denial) => Err(Failure::Denied(denial, registered.wish().passage.slug.clone()).into()),
        }
    }

    fn passage(&self, dataset: &Dataset, path: &FilePath, action: TokenAction) -> Passage {
        Passage {
            bearer: self.bearer,
            dataset: dataset.id,
            slug: dataset.slug.clone(),
            path: path.clone(),
            action,
            method: if self.asked.is_head() { "HEAD" } else { "GET" },
            shape: Shape::Plain,
            ranges: Vec::new(),
            origin: self.asked.origin(self.app),
            seen: None,
        }
    }

    /// Takes the request off what the client may ask for.
    fn permit(&self, passage: &Passage) -> Result<Permit, Turned> {
        if self.app.is_closed() {
            return Err(Failure::Unavailable.into());
        }
        let address = self.asked.budget(self.app, &passage.origin);
        self.app.budgets.take([address, self.credential.clone()]).map_err(|reached| {
            self.tell(passage, reached);
            Failure::Limited(reached.which, reached.allowed, reached.retry_after).into()
        })
    }

    /// Records that a limit was reached, unless it was just recorded.
    fn tell(&self, passage: &Passage, reached: Reached) {
        if reached.tell {
            let passage = passage.clone();
            self.app
                .ledger
                .post(move |tx| limit_reached(tx, &passage, reached.whose, reached.which.as_str(), reached.allowed));
        }
    }

    fn register(&self, passage: Passage) -> Registered {
        Registered::new(passage, self.asked.peer.map(|peer| peer.connection.fuse().clone()))
    }

    /// Asks whether a list may be shown. What is given back is kept as long as it is being sent.
    pub async fn list(&self, dataset: &Dataset, path: &FilePath) -> Result<Leave, Failure> {
        let registered = self.register(self.passage(dataset, path, TokenAction::List));
        let admitted = match self.permit(&registered.wish().passage) {
            Ok(permit) => self.pass(&registered).await.map(|_| permit),
            Err(turned) => Err(turned),
        };
        match admitted {
            Ok(permit) => {
                registered.wish().admit();
                Ok(Leave { registered, _permit: permit })
            }
            Err(Turned::Away(failure)) => Err(failure),
            Err(Turned::Stale) => Err(Failure::Unavailable),
        }
    }

    /// Whether the archive of a dataset would be delivered, before the work of planning it; nothing is recorded.
    pub async fn would_pack(&self, dataset: &Dataset) -> Result<Option<Permit>, Failure> {
        let mut passage = self.passage(dataset, &FilePath::root(), TokenAction::Read);
        passage.shape = Shape::Zip;
        let permit = match self.permit(&passage) {
            Ok(permit) => permit,
            Err(Turned::Away(failure)) => return Err(failure),
            Err(Turned::Stale) => return Err(Failure::Unavailable),
        };
        let now = Instant::now();
        let read = move |conn: &mut _| assess(conn, &mut GateState::default(), &passage, now);
        let allowed = self.app.reads.read(read).await?.decision.is_ok();
        Ok(allowed.then_some(permit))
    }

    /// Delivers a file.
    pub async fn deliver(&self, file: &Rc<Shelved>) -> Result<Response<DataBody>, Turned> {
        let entry = &file.entry;
        let conditions = Conditions {
            if_match: self.asked.header(header::IF_MATCH),
            if_none_match: self.asked.header(header::IF_NONE_MATCH),
            if_modified_since: self.asked.header(header::IF_MODIFIED_SINCE),
            if_unmodified_since: self.asked.header(header::IF_UNMODIFIED_SINCE),
            if_range: self.asked.header(header::IF_RANGE),
        };
        let outcome = evaluate(&conditions, &file.etag_text, entry.modified_at);
        // Ranges are defined for GET alone (RFC 9110 section 14.2).
        let wanted = match outcome {
            Outcome::Proceed if !self.asked.is_head() => {
                match range::parse(self.asked.header(header::RANGE), entry.size) {
                    // Several parts at once are a server's to give or not; here they come from files of this machine.
                    Wanted::Parts(parts) if parts.len() > 1 && !matches!(file.content, Content::Local) => Wanted::Whole,
                    wanted => wanted,
                }
            }
            _ => Wanted::Whole,
        };
        let mut passage = self.passage(&file.dataset, &entry.path, TokenAction::Read);
        if let Content::Zip(_) = file.content {
            passage.shape = Shape::Zip;
        }
        passage.seen = Some(file.seen);
        if let Wanted::Parts(parts) = &wanted {
            passage.ranges = parts.iter().map(|part| (part.first, part.last)).collect();
        }
        let permit = self.permit(&passage)?;
        // Before the admission, so that no revocation after it goes unnoticed.
        let registered = self.register(passage);
        let admission = self.pass(&registered).await?;
        let mut transfer = Transfer::new(self.app.ledger.clone(), admission, registered, Some(permit));
        if let Content::Zip(layout) = &file.content
            && layout.files != file.dataset.file_count
        {
            let error = StorageError::Changed("the dataset was imported again");
            return Err(self.undeliverable(file, &error, transfer).into());
        }
        match (outcome, &wanted) {
            (Outcome::Failed, _) => {
                transfer.complete();
                return Err(Failure::Precondition.into());
            }
            (Outcome::NotModified, _) => {
                transfer.complete();
                return Ok(validated(StatusCode::NOT_MODIFIED, file));
            }
            (_, Wanted::Unsatisfiable) => {
                transfer.complete();
                return Err(Failure::Range(entry.size).into());
            }
            _ => {}
        }
        let plan = match &wanted {
            Wanted::Parts(parts) => {
                let boundary = format!("countersign-{}", admission.transfer.0.simple());
                Plan::parts(parts, entry.size, &entry.media_type, &boundary)
            }
            Wanted::Whole | Wanted::Unsatisfiable => Plan::whole(entry.size),
        };
        let response = described(file, &wanted, &plan);
        if self.asked.is_head() {
            transfer.complete();
            return Ok(response.set_body(DataBody::Head(plan.length)));
        }
        let length = plan.length;
        let start = if let Wanted::Parts(parts) = &wanted { parts[0].first } else { 0 };
        let (storage, root) = (&self.app.storage, &file.dataset.root);
        let road = self.asked.peer.and_then(|peer| peer.road.clone());
        let error = match &file.content {
            Content::Local => match storage.open(root, entry).await {
                Ok(opened) => {
                    let body = DataBody::File(Box::new(FileBody::of(opened, plan, transfer, road)));
                    return Ok(with_body(response, length, body));
                }
                Err(error) => error,
            },
            Content::Upstream => match storage.read(root, entry, start, length).await {
                Ok(reader) => {
                    let body = DataBody::Stream(Box::new(StreamBody::of(reader, length, transfer, road)));
                    return Ok(with_body(response, length, body));
                }
                Err(error) => error,
            },
            Content::Zip(layout) => {
                let parts = (self.app.reads.clone(), storage.clone());
                let dataset = (file.dataset.id, root.clone());
                let archive = Archive::new(parts, dataset, layout.clone(), (start, start + length));
                let body = DataBody::Stream(Box::new(StreamBody::of(archive, length, transfer, road)));
                return Ok(with_body(response, length, body));
            }
        };
        Err(self.undeliverable(file, &error, transfer).into())
    }

    fn undeliverable(&self, file: &Shelved, error: &StorageError, mut transfer: Transfer) -> Failure {
        let (slug, path, why) = (file.dataset.slug.clone(), file.entry.path.clone(), error.to_string());
        tracing::error!(dataset = %slug, %path, %error, "a file can't be delivered");
        transfer.interrupt(error.reason());
        if let StorageError::Changed(_) = error {
            self.app.ledger.post(move |tx| file_changed(tx, &slug, &path, &why));
        }
        match (error, &file.content) {
            (_, Content::Upstream) => Failure::Upstream,
            (StorageError::Changed(_), _) => Failure::FileChanged,
            // Its storage may be back in a moment.
            _ => Failure::Unavailable,
        }
    }
}
