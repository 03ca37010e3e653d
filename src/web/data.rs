//! `GET|HEAD /data/{slug}/{path}`: the gate, and what passes it.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::FutureExt;

use super::failure::{Failure, wants_html};
use super::listing::{self, Manifest};
use super::shelf::{Shelf, Shelved};
use super::state::App;
use super::viewer::{Viewer, origin};
use crate::delivery::body::{FileBody, Plan, StillAllowed};
use crate::delivery::conditions::{Conditions, Outcome, evaluate};
use crate::delivery::range::{self, Wanted};
use crate::delivery::storage::StorageError;
use crate::delivery::transfer::Transfer;
use crate::domain::Instant;
use crate::domain::admission::Denial;
use crate::domain::dataset::{Dataset, FolderEntry};
use crate::domain::path::FilePath;
use crate::domain::text::{Sha256, Slug};
use crate::domain::token::TokenAction;
use crate::identity::tokens::{self, TokenError};
use crate::ledger::commands::admission::{Admission, Answer, Bearer, Passage, admit, assess, file_changed};
use crate::ledger::gate::GateState;
use crate::store::{datasets, files, log};

/// How often a file is looked up anew because something changed meanwhile.
const LOOKUPS: usize = 5;
/// Names of query parameters that people put tokens in.
const TOKEN_PARAMETERS: [&str; 4] = ["access_token", "token", "bearer_token", "authorization"];

/// `GET|HEAD /data/{slug}/{path}`
pub async fn get(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    if token_in_query(&request) {
        return Err(Failure::TokenInUrl);
    }
    // The path as it was sent: it is decoded once, here and nowhere else.
    let address = request.uri().path().strip_prefix("/data/").ok_or(Failure::NotFound)?;
    let shelf = request.app_data::<Rc<Shelf>>().cloned().unwrap_or_default();
    let gate = Gate { bearer: bearer(&app, &shelf, &request).await?, app: &app, request: &request };
    for _ in 0..LOOKUPS {
        let file = match shelf.file(address) {
            Some(file) => file,
            None => match look_up(&app, address).await? {
                Found::File(file) => {
                    shelf.put_file(address, file.clone());
                    file
                }
                Found::Moved(to) => return Ok(moved(&to)),
                Found::Manifest(dataset, path, manifest) => {
                    gate.list(&dataset, &path).await?;
                    return listing::manifest(&app, &dataset, manifest).await;
                }
                Found::Folder(dataset, folder) => {
                    gate.list(&dataset, &folder.path).await?;
                    return listing::folder(&app, &request, &dataset, folder).await;
                }
            },
        };
        match gate.deliver(&file).await {
            Err(Turned::Stale) => shelf.forget_files(),
            Err(Turned::Away(failure)) => return Err(failure),
            Ok(response) => return Ok(response),
        }
    }
    // Changes come faster than files can be looked up.
    Err(Failure::Unavailable)
}

/// What an address leads to.
enum Found {
    File(Rc<Shelved>),
    Folder(Dataset, FolderEntry),
    Manifest(Dataset, FilePath, Manifest),
    Moved(String),
}

async fn look_up(app: &App, address: &str) -> Result<Found, Failure> {
    let (slug, rest) = address.split_once('/').map_or((address, None), |(slug, rest)| (slug, Some(rest)));
    let slug: Slug = slug.parse().map_err(|_| Failure::NotFound)?;
    let Some(rest) = rest else { return Ok(Found::Moved(format!("/data/{slug}/"))) };
    let path = FilePath::from_url(rest).map_err(|_| Failure::NotFound)?;
    let asks_folder = rest.is_empty() || rest.ends_with('/');
    let wanted = path.clone();
    let (seen, dataset, file, folder) = app
        .reads
        .read(move |conn| {
            // First: what is read after it may be newer than it says, never older.
            let seen = log::gate_version(conn)?;
            let Some(dataset) = datasets::by_slug(conn, &slug)? else { return Ok((seen, None, None, None)) };
            let file = if asks_folder { None } else { files::find(conn, dataset.id, &wanted)? };
            let folder = if file.is_none() { files::find_folder(conn, dataset.id, &wanted)? } else { None };
            Ok((seen, Some(dataset), file, folder))
        })
        .await?;
    let dataset = dataset.ok_or(Failure::NotFound)?;
    if let Some(entry) = file {
        return Ok(Found::File(Rc::new(Shelved::new(Rc::new(dataset), entry, seen))));
    }
    if let Some(manifest) = Manifest::named(&path).filter(|_| folder.is_none()) {
        return Ok(Found::Manifest(dataset, path, manifest));
    }
    let folder = folder.ok_or(Failure::NotFound)?;
    if !asks_folder {
        return Ok(Found::Moved(format!("/data/{}/{}/", dataset.slug, path.to_url())));
    }
    Ok(Found::Folder(dataset, folder))
}

fn moved(to: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT).insert_header((header::LOCATION, to)).finish()
}

fn token_in_query(request: &HttpRequest) -> bool {
    let query = request.query_string();
    !query.is_empty()
        && url::form_urlencoded::parse(query.as_bytes())
            .any(|(name, _)| TOKEN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()))
}

/// Who is at the gate: a token by Bearer or Basic, else the browser's session, else nobody.
async fn bearer(app: &App, shelf: &Shelf, request: &HttpRequest) -> Result<Bearer, Failure> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| Failure::InvalidToken)?;
        let token = credential(text).ok_or(Failure::InvalidToken)?;
        let (hash, now) = (Sha256::of(token.as_bytes()), Instant::now());
        if let Some(verified) = shelf.token(hash, now) {
            return Ok(Bearer::Token(verified.id));
        }
        return match tokens::verify(&app.keys, app.config.base(), &token, now) {
            Ok(verified) => {
                shelf.put_token(hash, verified);
                Ok(Bearer::Token(verified.id))
            }
            // Ours, but too late: the ledger says so, and records it.
            Err(TokenError::Expired(id)) => Ok(Bearer::Token(id)),
            Err(TokenError::Invalid) => Err(Failure::InvalidToken),
        };
    }
    if request.headers().get(header::COOKIE).is_none() {
        return Ok(Bearer::Anonymous);
    }
    let viewer = <Viewer as actix_web::FromRequest>::extract(request).await?;
    Ok(viewer.signed_in.map_or(Bearer::Anonymous, |who| Bearer::Session(who.person.id, who.session.token_hash)))
}

/// The token in an `Authorization` header: of the scheme Bearer (RFC 6750), or the password of Basic (RFC 7617).
fn credential(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(BASE64.decode(rest).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

struct Gate<'a> {
    app: &'a App,
    request: &'a HttpRequest,
    bearer: Bearer,
}

/// Why a file is not delivered.
enum Turned {
    /// It was looked up before something changed.
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
    fn is_head(&self) -> bool {
        self.request.method() == Method::HEAD
    }

    /// Asks for admission; it is durable when this returns.
    async fn pass(&self, passage: Arc<Passage>) -> Result<Admission, Turned> {
        let (asked, ledger) = (passage.clone(), self.app.ledger.clone());
        let (slug, action) = (passage.slug.clone(), passage.action);
        let lost = move |answer| {
            if let (Answer::Admitted(admission), TokenAction::Read) = (answer, action) {
                drop(Transfer::new(ledger.clone(), admission, slug.clone()));
            }
        };
        let answer = self.app.ledger.ask(move |tx| admit(tx, &asked), lost).await.map_err(Failure::from)?;
        match answer {
            Answer::Admitted(admission) => Ok(admission),
            Answer::Stale => Err(Turned::Stale),
            Answer::Denied(Denial::Unauthenticated) if wants_html(self.request) => {
                Err(Failure::SignIn(self.request.uri().to_string()).into())
            }
            Answer::Denied(denial) => Err(Failure::Denied(denial, passage.slug.clone()).into()),
        }
    }

    fn passage(&self, dataset: &Dataset, path: &FilePath, action: TokenAction) -> Passage {
        Passage {
            bearer: self.bearer,
            dataset: dataset.id,
            slug: dataset.slug.clone(),
            path: path.clone(),
            action,
            method: if self.is_head() { "HEAD" } else { "GET" },
            ranges: Vec::new(),
            origin: origin(self.request, self.app.config.tls_proxy),
            seen: None,
        }
    }

    /// Asks whether a list may be shown.
    async fn list(&self, dataset: &Dataset, path: &FilePath) -> Result<(), Failure> {
        match self.pass(Arc::new(self.passage(dataset, path, TokenAction::List))).await {
            Ok(_) => Ok(()),
            Err(Turned::Away(failure)) => Err(failure),
            Err(Turned::Stale) => Err(Failure::Unavailable),
        }
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.request.headers().get(name).and_then(|value| value.to_str().ok())
    }

    async fn deliver(&self, file: &Rc<Shelved>) -> Result<HttpResponse, Turned> {
        let entry = &file.entry;
        let conditions = Conditions {
            if_match: self.header(header::IF_MATCH),
            if_none_match: self.header(header::IF_NONE_MATCH),
            if_modified_since: self.header(header::IF_MODIFIED_SINCE),
            if_unmodified_since: self.header(header::IF_UNMODIFIED_SINCE),
            if_range: self.header(header::IF_RANGE),
        };
        let outcome = evaluate(&conditions, &file.etag, entry.modified_at);
        // Ranges are defined for GET alone (RFC 9110 section 14.2).
        let wanted = match outcome {
            Outcome::Proceed if !self.is_head() => range::parse(self.header(header::RANGE), entry.size),
            _ => Wanted::Whole,
        };
        let mut passage = self.passage(&file.dataset, &entry.path, TokenAction::Read);
        passage.seen = Some(file.seen);
        if let Wanted::Parts(parts) = &wanted {
            passage.ranges = parts.iter().map(|part| (part.first, part.last)).collect();
        }
        let passage = Arc::new(passage);
        // Taken before the admission, so that no revocation after it goes unnoticed.
        let revoked = self.app.ledger.signals().revoked.subscribe();
        let admission = self.pass(passage.clone()).await?;
        let mut transfer = Transfer::new(self.app.ledger.clone(), admission, file.dataset.slug.clone());
        match (outcome, &wanted) {
            (Outcome::Failed, _) => {
                transfer.complete();
                return Err(Failure::Precondition.into());
            }
            (Outcome::NotModified, _) => {
                transfer.complete();
                let mut response = HttpResponse::NotModified();
                validators(&mut response, file);
                return Ok(response.finish());
            }
            (_, Wanted::Unsatisfiable) => {
                transfer.complete();
                return Err(Failure::Range(entry.size).into());
            }
            _ => {}
        }
        let opened = match self.open(file).await {
            Ok(opened) => opened,
            Err(error) => return Err(self.undeliverable(file, &error, transfer).into()),
        };
        let (mut response, plan) = match &wanted {
            Wanted::Parts(parts) => {
                let boundary = format!("countersign-{}", admission.transfer.0.simple());
                let plan = Plan::parts(parts, entry.size, &entry.media_type, &boundary);
                (HttpResponse::PartialContent(), plan)
            }
            Wanted::Whole | Wanted::Unsatisfiable => (HttpResponse::Ok(), Plan::whole(entry.size)),
        };
        validators(&mut response, file);
        describe(&mut response, file, &wanted, &plan);
        if self.is_head() {
            transfer.complete();
            return Ok(response.body(HeadBody(plan.length)));
        }
        Ok(response.body(FileBody::new(opened, plan, transfer, revoked, self.still_allowed(passage))))
    }

    /// Opens the file here if its way is in memory, else where waiting for the disk holds up nobody.
    async fn open(&self, file: &Shelved) -> Result<std::fs::File, StorageError> {
        if let Some(opened) = self.app.roots.open_cached(&file.dataset.root, &file.entry) {
            return Ok(opened);
        }
        let (roots, root, entry) = (self.app.roots.clone(), file.dataset.root.clone(), file.entry.clone());
        let opened = web::block(move || roots.open(&root, &entry)).await;
        opened.unwrap_or_else(|error| Err(StorageError::Io(std::io::Error::other(error))))
    }

    /// Asked after anything was revoked while this transfer runs: would it be admitted now?
    fn still_allowed(&self, passage: Arc<Passage>) -> StillAllowed {
        let reads = self.app.reads.clone();
        Box::new(move || {
            let (reads, passage) = (reads.clone(), passage.clone());
            async move {
                let now = Instant::now();
                let answer = reads.read(move |conn| assess(conn, &mut GateState::default(), &passage, now)).await;
                // What can't be known counts as revoked.
                answer.is_ok_and(|assessment| assessment.decision.is_ok())
            }
            .boxed()
        })
    }

    fn undeliverable(&self, file: &Shelved, error: &StorageError, mut transfer: Transfer) -> Failure {
        let (slug, path, why) = (file.dataset.slug.clone(), file.entry.path.clone(), error.to_string());
        tracing::error!(dataset = %slug, %path, %error, "a file can't be delivered");
        match error {
            StorageError::Changed(_) => {
                transfer.interrupt("file changed");
                self.app.ledger.post(move |tx| file_changed(tx, &slug, &path, &why));
                Failure::FileChanged
            }
            // Its storage may be back in a moment.
            StorageError::Io(_) => {
                transfer.interrupt("storage");
                Failure::Unavailable
            }
        }
    }
}

fn validators(response: &mut HttpResponseBuilder, file: &Shelved) {
    response
        .insert_header((header::ETAG, file.etag.as_str()))
        .insert_header((header::LAST_MODIFIED, file.last_modified.as_str()))
        .insert_header((header::CACHE_CONTROL, file.cache_control))
        .insert_header((header::VARY, "Authorization, Cookie"));
}

fn describe(response: &mut HttpResponseBuilder, file: &Shelved, wanted: &Wanted, plan: &Plan) {
    match &plan.boundary {
        None => response.insert_header((header::CONTENT_TYPE, file.entry.media_type.as_str())),
        Some(boundary) => {
            response.insert_header((header::CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}")))
        }
    };
    response
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_DISPOSITION, file.disposition.as_str()))
        .insert_header(("Repr-Digest", file.digest.as_str()))
        // A dataset may hold anything: as a page of ours it could do nothing.
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    if let (Wanted::Parts(parts), None) = (wanted, &plan.boundary)
        && let [part] = parts.as_slice()
    {
        response.insert_header((header::CONTENT_RANGE, part.content_range(file.entry.size)));
    }
}

/// `Content-Disposition` with the name in both forms (RFC 6266, RFC 8187).
pub(super) fn disposition(name: &str) -> String {
    const ATTR_CHAR: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'!')
        .remove(b'#')
        .remove(b'$')
        .remove(b'&')
        .remove(b'+')
        .remove(b'-')
        .remove(b'.')
        .remove(b'^')
        .remove(b'_')
        .remove(b'`')
        .remove(b'|')
        .remove(b'~');
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    let encoded = percent_encoding::utf8_percent_encode(name, ATTR_CHAR);
    if plain == name {
        format!("attachment; filename=\"{plain}\"")
    } else {
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    }
}

/// No body, but the length of the one that GET would have.
struct HeadBody(u64);

impl MessageBody for HeadBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<bytes::Bytes, Self::Error>>> {
        std::task::Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_both_forms() {
        assert_eq!(disposition("a b.csv"), "attachment; filename=\"a b.csv\"");
        assert_eq!(
            disposition("胸\"部.csv"),
            "attachment; filename=\"___.csv\"; filename*=UTF-8''%E8%83%B8%22%E9%83%A8.csv"
        );
    }

    #[test]
    fn credentials_in_both_schemes() {
        assert_eq!(credential("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(credential("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(credential(&format!("Basic {}", BASE64.encode("token:abc"))).as_deref(), Some("abc"));
        for bad in ["abc", "Basic !!!", "Digest x", "Basic YWJj", ""] {
            assert_eq!(credential(bad), None, "{bad}");
        }
    }
}
