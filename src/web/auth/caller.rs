//! Identifying whoever asks for data: a token, else the browser's session, else nobody.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;

use super::bearer::{authorization, credential};
use super::session::{SESSION, cookie_value};
use super::token_cache::{CachedToken, TokenCache};
use crate::app::App;
use crate::clock;
use crate::delivery::limits::{Budget, Client};
use crate::domain::admission::Caller;
use crate::domain::person::decide_sign_in;
use crate::domain::text::Sha256;
use crate::identity::secrets;
use crate::identity::tokens::{self, TokenError};
use crate::store::sessions;
use crate::web::error::WebError;

/// Who asks, and what they may still ask for.
pub struct Identified {
    /// Who asks.
    pub caller: Caller,
    /// The budget of the token or person.
    pub budget: Option<Arc<Budget>>,
}

/// Identifies the client of a request.
///
/// # Errors
/// [`WebError::InvalidToken`] for a token that is not ours, or when the session can't be looked up.
pub async fn identify(app: &App, request: &HttpRequest) -> Result<Identified, WebError> {
    if let Some(header) = authorization(request.headers())? {
        return identify_token(app, request.app_data::<Rc<TokenCache>>(), header);
    }
    let nobody = Identified { caller: Caller::Anonymous, budget: None };
    if request.headers().get(COOKIE).is_none() {
        return Ok(nobody);
    }
    let Some(secret) = cookie_value(request, SESSION, app.config.is_https()) else { return Ok(nobody) };
    let (hash, now) = (secrets::hash(&secret), clock::now());
    let found = app.gate_reads.read(move |conn| sessions::live(conn, hash, now)).await?;
    let Some((_, person)) = found.filter(|(_, person)| decide_sign_in(person).is_ok()) else { return Ok(nobody) };
    let budget = Some(app.budgets.budget_for(Client::Person(person.id)));
    Ok(Identified { caller: Caller::Session(person.id, hash), budget })
}

fn identify_token(app: &App, cache: Option<&Rc<TokenCache>>, header: &str) -> Result<Identified, WebError> {
    let (hash, now) = (Sha256::of(header.as_bytes()), clock::now());
    if let Some(cached) = cache.and_then(|cache| cache.get(hash, now)) {
        return Ok(Identified { caller: Caller::Token(cached.verified.id), budget: Some(cached.budget) });
    }
    let token = credential(header).ok_or(WebError::InvalidToken)?;
    let id = match tokens::verify(&app.keys, app.config.base(), &token, now) {
        Ok(verified) => {
            let budget = app.budgets.budget_for(Client::Token(verified.id));
            if let Some(cache) = cache {
                cache.put(hash, CachedToken { verified, budget });
            }
            verified.id
        }
        // Ours, but too late: the ledger says so, and records it.
        Err(TokenError::Expired(id)) => id,
        Err(TokenError::CutOff) => return Err(WebError::TokenCutOff),
        Err(TokenError::Invalid) => return Err(WebError::InvalidToken),
    };
    Ok(Identified { caller: Caller::Token(id), budget: Some(app.budgets.budget_for(Client::Token(id))) })
}
