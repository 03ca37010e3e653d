//! `GET|HEAD /data/{slug}/{path}`

use std::rc::Rc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::deliver;
use super::data_request::DataRequest;
use super::lookup_cache::LookupCache;
use super::permit::{Gate, GateError};
use super::resolve::{Resolved, resolve};
use super::{listing, manifest};
use crate::app::App;
use crate::ledger::commands::admissions::IfOutdated;
use crate::web::auth::{Identified, identify, token_in_query};
use crate::web::error::WebError;

/// How often a file is looked up anew because something changed meanwhile.
const LOOKUPS: usize = 5;

/// `GET|HEAD /data/{slug}/{path}`: resolve → permit → answer.
pub async fn get(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    if token_in_query(request.query_string()) {
        return Err(WebError::TokenInUrl);
    }
    let address = request.uri().path().strip_prefix("/data/").ok_or(WebError::NotFound)?;
    let lookups = request.app_data::<Rc<LookupCache>>().cloned().unwrap_or_default();
    let Identified { caller, budget } = identify(&app, &request).await?;
    let gate = Gate { app: &app, data_request: DataRequest::of(&request), caller, budget };
    for attempt in 1..=LOOKUPS {
        let file = match look_up(&gate, &lookups, address).await? {
            Resolved::File(file) | Resolved::UnplannedZip(file) => file,
            other => return answer_list(&gate, &request, other).await,
        };
        // Where changes come faster than files can be looked up, what stands in the transaction decides.
        let if_outdated = if attempt < LOOKUPS { IfOutdated::LookUpAgain } else { IfOutdated::Compare };
        match deliver(&gate, &file, if_outdated).await {
            Err(GateError::LookUpAgain) => lookups.remove(address),
            Err(GateError::Failed(error)) => return Err(error),
            Ok(response) => return Ok(HttpResponse::from(response).map_into_boxed_body()),
        }
    }
    Err(WebError::Unavailable)
}

/// What an address leads to; files are remembered.
async fn look_up(gate: &Gate<'_>, lookups: &LookupCache, address: &str) -> Result<Resolved, WebError> {
    if let Some(file) = lookups.get(address) {
        return Ok(Resolved::File(file));
    }
    let resolved = resolve(gate.app, address, gate).await?;
    if let Resolved::File(file) = &resolved {
        lookups.put(address, file.clone());
    }
    Ok(resolved)
}

/// Answers what is not a file: a list of files, or a redirect to one.
async fn answer_list(gate: &Gate<'_>, request: &HttpRequest, resolved: Resolved) -> Result<HttpResponse, WebError> {
    match resolved {
        Resolved::Manifest(release, path, manifest) => {
            let permit = gate.permit_listing(&release, &path).await?;
            Ok(manifest::stream(gate.app, &release, manifest, permit))
        }
        Resolved::Folder(of, folder) => {
            let permit = gate.permit_listing(&of.1, &folder.path).await?;
            listing::folder(gate.app, request, *of, folder, permit).await
        }
        Resolved::Moved(to) => Ok(moved(&to)),
        Resolved::File(_) | Resolved::UnplannedZip(_) => Err(WebError::NotFound),
    }
}

fn moved(to: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::PERMANENT_REDIRECT).insert_header((header::LOCATION, to)).finish()
}
