//! A request for a file, as far as the gate must know it, from whichever way it came in.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::delivery::limits::{Budget, Client};
use crate::delivery::outlet::Road;
use crate::delivery::wire::Connection;
use crate::domain::Instant;
use crate::domain::text::Sha256;
use crate::ledger::commands::accounts::Origin;
use crate::web::shelf::{Known, Shelf};
use crate::web::state::App;
use crate::web::viewer::origin;

/// Who is at the other end of a connection: put there when it is made, found with each of its requests.
pub struct Peer {
    /// The connection.
    pub connection: Rc<Connection>,
    /// The way straight to it, unless it is shared by several answers at a time.
    pub road: Option<Road>,
    /// What its address may still ask for.
    pub budget: Arc<Budget>,
    /// The last `Authorization` that was good here, and what it stands for: most connections only ever have one.
    pub last: RefCell<Option<(HeaderValue, Known)>>,
}

impl Peer {
    /// Of a new connection.
    pub const fn new(connection: Rc<Connection>, road: Option<Road>, budget: Arc<Budget>) -> Self {
        Self { connection, road, budget, last: RefCell::new(None) }
    }

    /// The token that stands in a header, if it is one that is known to be good.
    pub fn token(&self, shelf: &Shelf, header: &HeaderValue, now: Instant) -> Option<Known> {
        if let Some((last, known)) = &*self.last.borrow()
            && last == header
            && known.verified.is_timely(now)
        {
            return Some(known.clone());
        }
        let known = shelf.token(Sha256::of(header.as_bytes()), now)?;
        self.last.replace(Some((header.clone(), known.clone())));
        Some(known)
    }
}

/// A request.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// GET or HEAD.
    pub method: &'a Method,
    /// Path and query, as sent.
    pub address: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Over which connection.
    pub peer: Option<&'a Peer>,
}

impl<'a> Asked<'a> {
    /// Whether only the head of the answer is wanted.
    pub fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// A header as text.
    pub fn header(&self, name: HeaderName) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// From where it comes.
    pub fn origin(&self, app: &App) -> Origin {
        let peer = self.peer.and_then(|peer| peer.connection.peer()).map(|peer| peer.ip());
        origin(self.headers, peer, app.config.tls_proxy)
    }

    /// The budget of the address it comes from. Behind a proxy a connection has requests of many.
    pub fn budget(&self, app: &App, origin: &Origin) -> Option<Arc<Budget>> {
        if app.config.tls_proxy {
            return origin.ip.parse().ok().map(|address| app.budgets.of(Client::at(address)));
        }
        self.peer.map(|peer| peer.budget.clone())
    }
}

/// The token in an `Authorization` header: of the scheme Bearer (RFC 6750), or the password of Basic (RFC 7617).
pub fn credential(header: &str) -> Option<String> {
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

/// Names of query parameters that people put tokens in.
const TOKEN_PARAMETERS: [&str; 4] = ["access_token", "token", "bearer_token", "authorization"];

/// Whether somebody put a token where it does not belong.
pub fn token_in_query(query: &str) -> bool {
    !query.is_empty()
        && url::form_urlencoded::parse(query.as_bytes())
            .any(|(name, _)| TOKEN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()))
}

/// The `Authorization` header, if it is text.
pub fn authorization(headers: &HeaderMap) -> Option<Result<&str, header::ToStrError>> {
    headers.get(header::AUTHORIZATION).map(|value| value.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

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
