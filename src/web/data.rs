//! `GET|HEAD /data/{slug}/{path}`: the gate, and what passes it.

use actix_web::body::{BodySize, MessageBody, SizedStream};
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::FutureExt;
use futures_util::stream::LocalBoxStream;

use super::failure::{Failure, wants_html};
use super::listing;
use super::state::App;
use super::viewer::{Viewer, origin};
use crate::delivery::body::{Plan, StillAllowed, post_end, stream};
use crate::delivery::conditions::{Conditions, Outcome, evaluate};
use crate::delivery::range::{self, Wanted};
use crate::delivery::storage::StorageError;
use crate::domain::Instant;
use crate::domain::admission::Denial;
use crate::domain::dataset::{AccessMode, Dataset, FileEntry};
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::domain::token::TokenAction;
use crate::identity::tokens;
use crate::ledger::commands::admission::{Admission, Bearer, Passage, TransferEnd, admit, assess, file_changed};
use crate::store::{datasets, files};

/// Names of query parameters that people put tokens in.
const TOKEN_PARAMETERS: [&str; 4] = ["access_token", "token", "bearer_token", "authorization"];

/// `GET|HEAD /data/{slug}/{path}`
pub async fn get(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    if token_in_query(&request) {
        return Err(Failure::TokenInUrl);
    }
    // The path as it was sent: it is decoded once, here and nowhere else.
    let raw = request.uri().path().strip_prefix("/data/").ok_or(Failure::NotFound)?;
    let (slug, rest) = raw.split_once('/').map_or((raw, None), |(slug, rest)| (slug, Some(rest)));
    let slug: Slug = slug.parse().map_err(|_| Failure::NotFound)?;
    let Some(rest) = rest else {
        return Ok(moved(&format!("/data/{slug}/")));
    };
    let path = FilePath::from_url(rest).map_err(|_| Failure::NotFound)?;
    let asks_folder = rest.is_empty() || rest.ends_with('/');
    let wanted = path.clone();
    let (dataset, file, folder) = app
        .reads
        .read(move |conn| {
            let Some(dataset) = datasets::by_slug(conn, &slug)? else { return Ok((None, None, None)) };
            let file = if asks_folder { None } else { files::find(conn, dataset.id, &wanted)? };
            let folder = if file.is_none() { files::find_folder(conn, dataset.id, &wanted)? } else { None };
            Ok((Some(dataset), file, folder))
        })
        .await?;
    let dataset = dataset.ok_or(Failure::NotFound)?;
    let bearer = bearer(&app, &request).await?;
    let gate = Gate { app: &app, request: &request, dataset: &dataset, bearer };
    if let Some(file) = file {
        return gate.deliver(file).await;
    }
    if let Some(manifest) = listing::Manifest::named(&path).filter(|_| folder.is_none()) {
        gate.pass(&path, TokenAction::List, Vec::new()).await?;
        return listing::manifest(&app, &dataset, manifest).await;
    }
    let folder = folder.ok_or(Failure::NotFound)?;
    if !asks_folder {
        return Ok(moved(&format!("/data/{}/{}/", dataset.slug, path.to_url())));
    }
    gate.pass(&path, TokenAction::List, Vec::new()).await?;
    listing::folder(&app, &request, &dataset, folder).await
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
async fn bearer(app: &App, request: &HttpRequest) -> Result<Bearer, Failure> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| Failure::InvalidToken)?;
        let token = credential(text).ok_or(Failure::InvalidToken)?;
        let verified = tokens::verify(&app.keys, app.config.base(), &token, Instant::now());
        return match verified {
            Ok(id) => Ok(Bearer::Token(id)),
            Err(tokens::TokenError::Expired | tokens::TokenError::Invalid) => Err(Failure::InvalidToken),
        };
    }
    if request.headers().get(header::COOKIE).is_none() {
        return Ok(Bearer::Anonymous);
    }
    let viewer = <Viewer as actix_web::FromRequest>::extract(request).await?;
    Ok(viewer.signed_in.map_or(Bearer::Anonymous, |who| Bearer::Session(who.person.id)))
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
    dataset: &'a Dataset,
    bearer: Bearer,
}

impl Gate<'_> {
    fn passage(&self, path: &FilePath, action: TokenAction, ranges: Vec<(u64, u64)>) -> Passage {
        Passage {
            bearer: self.bearer,
            dataset: self.dataset.id,
            slug: self.dataset.slug.clone(),
            path: path.clone(),
            action,
            method: if self.request.method() == Method::HEAD { "HEAD" } else { "GET" },
            ranges,
            origin: origin(self.request, self.app.config.tls_proxy),
        }
    }

    /// Asks for admission; it is durable when this returns.
    async fn pass(
        &self,
        path: &FilePath,
        action: TokenAction,
        ranges: Vec<(u64, u64)>,
    ) -> Result<(Admission, Passage), Failure> {
        let passage = self.passage(path, action, ranges);
        let asked = passage.clone();
        let answer = self.app.ledger.run(move |tx| admit(tx, &asked)).await?;
        match answer {
            Ok(admission) => Ok((admission, passage)),
            Err(Denial::Unauthenticated) if wants_html(self.request) => {
                Err(Failure::SignIn(self.request.uri().to_string()))
            }
            Err(denial) => Err(Failure::Denied(denial, self.dataset.slug.clone())),
        }
    }

    async fn deliver(&self, entry: FileEntry) -> Result<HttpResponse, Failure> {
        let etag = format!("\"{}\"", entry.sha256);
        let text = |name: header::HeaderName| self.request.headers().get(name).and_then(|value| value.to_str().ok());
        let conditions = Conditions {
            if_match: text(header::IF_MATCH),
            if_none_match: text(header::IF_NONE_MATCH),
            if_modified_since: text(header::IF_MODIFIED_SINCE),
            if_unmodified_since: text(header::IF_UNMODIFIED_SINCE),
            if_range: text(header::IF_RANGE),
        };
        let outcome = evaluate(&conditions, &etag, entry.modified_at);
        let is_head = self.request.method() == Method::HEAD;
        // Ranges are defined for GET alone (RFC 9110 section 14.2).
        let wanted = match outcome {
            Outcome::Proceed if !is_head => range::parse(text(header::RANGE), entry.size),
            _ => Wanted::Whole,
        };
        let ranges = match &wanted {
            Wanted::Parts(parts) => parts.iter().map(|part| (part.first, part.last)).collect(),
            Wanted::Whole | Wanted::Unsatisfiable => Vec::new(),
        };
        let (admission, passage) = self.pass(&entry.path, TokenAction::Read, ranges).await?;
        let end = |interrupted| TransferEnd { admission, slug: self.dataset.slug.clone(), bytes: 0, interrupted };
        match (outcome, &wanted) {
            (Outcome::Failed, _) => {
                post_end(self.app.ledger.clone(), end(None));
                return Err(Failure::Precondition);
            }
            (Outcome::NotModified, _) => {
                post_end(self.app.ledger.clone(), end(None));
                let mut response = HttpResponse::NotModified();
                self.validators(&mut response, &entry, &etag);
                return Ok(response.finish());
            }
            (_, Wanted::Unsatisfiable) => {
                post_end(self.app.ledger.clone(), end(None));
                return Err(Failure::Range(entry.size));
            }
            _ => {}
        }
        let (app, root, opening) = (self.app.clone(), self.dataset.root.clone(), entry.clone());
        let opened = web::block(move || app.roots.open(&root, &opening)).await;
        let file = match opened {
            Ok(Ok(file)) => file,
            Ok(Err(error)) => return Err(self.undeliverable(&entry, &error, end(Some("file changed")))),
            Err(error) => return Err(super::failure::internal(&error)),
        };
        let plan = match &wanted {
            Wanted::Parts(parts) => {
                let boundary = format!("countersign-{}", admission.transfer.0.simple());
                Plan::parts(parts, entry.size, &entry.media_type, &boundary)
            }
            Wanted::Whole | Wanted::Unsatisfiable => Plan::whole(entry.size),
        };
        let mut response = match &wanted {
            Wanted::Parts(_) => HttpResponse::PartialContent(),
            Wanted::Whole | Wanted::Unsatisfiable => HttpResponse::Ok(),
        };
        self.validators(&mut response, &entry, &etag);
        self.describe(&mut response, &entry, &wanted, &plan);
        if is_head {
            post_end(self.app.ledger.clone(), end(None));
            return Ok(response.body(HeadBody(plan.length)));
        }
        let length = plan.length;
        let ledger = self.app.ledger.clone();
        let body: LocalBoxStream<'static, _> =
            Box::pin(stream(file, plan, ledger, end(None), self.still_allowed(passage)));
        Ok(response.body(SizedStream::new(length, body)))
    }

    /// Asked after anything was revoked while this transfer runs: would it be admitted now?
    fn still_allowed(&self, passage: Passage) -> StillAllowed {
        let reads = self.app.reads.clone();
        Box::new(move || {
            let (reads, passage) = (reads.clone(), passage.clone());
            async move {
                let answer = reads.read(move |conn| assess(conn, &passage, Instant::now())).await;
                // What can't be known counts as revoked.
                answer.is_ok_and(|assessment| assessment.decision.is_ok())
            }
            .boxed()
        })
    }

    fn undeliverable(&self, entry: &FileEntry, error: &StorageError, end: TransferEnd) -> Failure {
        tracing::error!(dataset = %self.dataset.slug, path = %entry.path, %error, "a file can't be delivered");
        post_end(self.app.ledger.clone(), end);
        let (slug, path, why) = (self.dataset.slug.clone(), entry.path.clone(), error.to_string());
        if let Err(error) = self.app.ledger.post(move |tx| file_changed(tx, &slug, &path, &why)) {
            tracing::warn!(%error, "that a file has changed can't be recorded");
        }
        Failure::FileChanged
    }

    fn validators(&self, response: &mut HttpResponseBuilder, entry: &FileEntry, etag: &str) {
        let seconds = u64::try_from(entry.modified_at.unix_seconds()).unwrap_or(0);
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let cache = match self.dataset.mode {
            AccessMode::Open => "public, no-cache",
            AccessMode::Agreement | AccessMode::Approval => "private, no-store",
        };
        response
            .insert_header((header::ETAG, etag))
            .insert_header((header::LAST_MODIFIED, httpdate::fmt_http_date(modified)))
            .insert_header((header::CACHE_CONTROL, cache))
            .insert_header((header::VARY, "Authorization, Cookie"));
    }

    fn describe(&self, response: &mut HttpResponseBuilder, entry: &FileEntry, wanted: &Wanted, plan: &Plan) {
        let media_type = plan
            .boundary
            .as_ref()
            .map_or_else(|| entry.media_type.clone(), |boundary| format!("multipart/byteranges; boundary={boundary}"));
        response
            .insert_header((header::CONTENT_TYPE, media_type))
            .insert_header((header::ACCEPT_RANGES, "bytes"))
            .insert_header((header::CONTENT_DISPOSITION, disposition(entry.path.name())))
            .insert_header(("Repr-Digest", format!("sha-256=:{}:", BASE64.encode(entry.sha256.0))))
            // A dataset may hold anything: as a page of ours it could do nothing.
            .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
        if let (Wanted::Parts(parts), None) = (wanted, &plan.boundary)
            && let [part] = parts.as_slice()
        {
            response.insert_header((header::CONTENT_RANGE, part.content_range(entry.size)));
        }
    }
}

/// `Content-Disposition` with the name in both forms (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
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
