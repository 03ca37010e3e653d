//! `GET|HEAD /data/{slug}/{path}`: the gate, and what passes it.

mod answer;
mod asked;
mod corridor;
pub mod gate;

use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

pub use answer::disposition;
pub use asked::Peer;
use asked::{Asked, authorization, credential, token_in_query};
pub use corridor::Corridor;
use gate::{Gate, Turned};

use super::failure::Failure;
use super::listing::{self, Manifest};
use super::shelf::{Known, Shelf, Shelved};
use super::state::App;
use super::viewer::Viewer;
use crate::delivery::archive::plan;
use crate::delivery::limits::Client;
use crate::delivery::zip::Planner;
use crate::domain::Instant;
use crate::domain::dataset::{Dataset, FolderEntry};
use crate::domain::path::FilePath;
use crate::domain::text::{Sha256, Slug};
use crate::identity::tokens::{self, TokenError};
use crate::ledger::commands::admission::Bearer;
use crate::store::{datasets, files, log};

/// How often a file is looked up anew because something changed meanwhile.
const LOOKUPS: usize = 5;
/// Where everything here is.
const PREFIX: &str = "/data/";

/// `GET|HEAD /data/{slug}/{path}`
pub async fn get(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    // What the corridor decided is only put into words here.
    if let Some(failure) = request.extensions().get::<Failure>() {
        return Err(failure.clone());
    }
    if token_in_query(request.query_string()) {
        return Err(Failure::TokenInUrl);
    }
    // The path as it was sent: it is decoded once, here and nowhere else.
    let address = request.uri().path().strip_prefix(PREFIX).ok_or(Failure::NotFound)?;
    let shelf = request.app_data::<Rc<Shelf>>().cloned().unwrap_or_default();
    let (bearer, credential) = bearer(&app, &shelf, &request).await?;
    let whole_address = request.uri().path_and_query().map_or(address, |all| all.as_str());
    let asked = Asked {
        method: request.method(),
        address: whole_address,
        headers: request.headers(),
        peer: request.conn_data::<Peer>(),
    };
    let gate = Gate { app: &app, asked, bearer, credential };
    for _ in 0..LOOKUPS {
        let file = match shelf.file(address) {
            Some(file) => file,
            None => match look_up(&app, address, &gate).await? {
                Found::Refused(file) => file,
                Found::File(file) => {
                    shelf.put_file(address, file.clone());
                    file
                }
                Found::Moved(to) => return Ok(moved(&to)),
                Found::Manifest(dataset, path, manifest) => {
                    let leave = gate.list(&dataset, &path).await?;
                    return Ok(listing::manifest(&app, &dataset, manifest, leave));
                }
                Found::Folder(dataset, folder) => {
                    let _leave = gate.list(&dataset, &folder.path).await?;
                    return listing::folder(&app, &request, &dataset, folder).await;
                }
            },
        };
        match gate.deliver(&file).await {
            Err(Turned::Stale) => shelf.forget_files(),
            Err(Turned::Away(failure)) => return Err(failure),
            Ok(response) => return Ok(HttpResponse::from(response).map_into_boxed_body()),
        }
    }
    // Changes come faster than files can be looked up.
    Err(Failure::Unavailable)
}

/// What an address leads to.
enum Found {
    File(Rc<Shelved>),
    /// An archive that nobody needs to work out: the gate will refuse it, and record that.
    Refused(Rc<Shelved>),
    Folder(Dataset, FolderEntry),
    Manifest(Dataset, FilePath, Manifest),
    Moved(String),
}

async fn look_up(app: &App, address: &str, gate: &Gate<'_>) -> Result<Found, Failure> {
    let (slug, rest) = address.split_once('/').map_or((address, None), |(slug, rest)| (slug, Some(rest)));
    if let (Some(slug), None) = (slug.strip_suffix(".zip"), rest) {
        return archive(app, slug.parse().map_err(|_| Failure::NotFound)?, gate).await;
    }
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

/// All of a dataset as a ZIP archive.
async fn archive(app: &App, slug: Slug, gate: &Gate<'_>) -> Result<Found, Failure> {
    // The version first: what is read after it may be newer than it says, never older.
    let read = move |conn: &mut _| Ok((log::gate_version(conn)?, datasets::by_slug(conn, &slug)?));
    let (seen, dataset) = app.reads.read(read).await?;
    let dataset = dataset.ok_or(Failure::NotFound)?;
    let Some(_permit) = gate.would_pack(&dataset).await? else {
        let nothing = Arc::new(Planner::default().finish());
        return Ok(Found::Refused(Rc::new(Shelved::zip(Rc::new(dataset), nothing, seen))));
    };
    let mut known = app.archives.lock().await;
    let id = dataset.id;
    let now = app.reads.read(log::gate_version).await?;
    let (seen, layout) = match known.get(&id) {
        Some((seen, layout)) if *seen == now => (*seen, layout.clone()),
        _ => {
            let planned = app.reads.read(move |conn| Ok((log::gate_version(conn)?, Arc::new(plan(conn, id)?)))).await?;
            known.insert(id, planned.clone());
            planned
        }
    };
    Ok(Found::File(Rc::new(Shelved::zip(Rc::new(dataset), layout, seen))))
}

fn moved(to: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT).insert_header((header::LOCATION, to)).finish()
}

type Credential = std::sync::Arc<crate::delivery::limits::Budget>;

/// Who is at the gate: a token by Bearer or Basic, else the browser's session, else nobody; and what they may ask for.
async fn bearer(app: &App, shelf: &Shelf, request: &HttpRequest) -> Result<(Bearer, Option<Credential>), Failure> {
    if let Some(text) = authorization(request.headers()) {
        let text = text.map_err(|_| Failure::InvalidToken)?;
        let token = credential(text).ok_or(Failure::InvalidToken)?;
        let (hash, now) = (Sha256::of(text.as_bytes()), Instant::now());
        if let Some(known) = shelf.token(hash, now) {
            return Ok((Bearer::Token(known.verified.id), Some(known.budget)));
        }
        return match tokens::verify(&app.keys, app.config.base(), &token, now) {
            Ok(verified) => {
                let budget = app.budgets.of(Client::Token(verified.id));
                shelf.put_token(hash, Known { verified, budget: budget.clone() });
                Ok((Bearer::Token(verified.id), Some(budget)))
            }
            // Ours, but too late: the ledger says so, and records it.
            Err(TokenError::Expired(id)) => Ok((Bearer::Token(id), Some(app.budgets.of(Client::Token(id))))),
            Err(TokenError::Invalid) => Err(Failure::InvalidToken),
        };
    }
    if request.headers().get(header::COOKIE).is_none() {
        return Ok((Bearer::Anonymous, None));
    }
    let viewer = <Viewer as actix_web::FromRequest>::extract(request).await?;
    Ok(match viewer.signed_in {
        None => (Bearer::Anonymous, None),
        Some(who) => {
            let budget = app.budgets.of(Client::Person(who.person.id));
            (Bearer::Session(who.person.id, who.session.token_hash), Some(budget))
        }
    })
}
