//! What the headers of a request say of its client.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};

use crate::domain::origin::{Origin, TrustedProxies};

/// From where a request comes. Behind a proxy it is what the proxies that are believed say.
pub fn origin(headers: &HeaderMap, peer: Option<IpAddr>, proxies: &TrustedProxies) -> Origin {
    // Whatever a client has put into its part of a line, the proxy's part counts.
    let lines: Vec<_> =
        headers.get_all(proxies.header_name()).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let ip = peer.map(|peer| proxies.client(peer, lines.iter().map(AsRef::as_ref)).to_string()).unwrap_or_default();
    // Nor does a byte that is no text hide what a client says it is.
    let agent =
        headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
    Origin { ip, user_agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() }
}

/// Whether the client would rather have a page: a browser.
pub fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("text/html")
}
