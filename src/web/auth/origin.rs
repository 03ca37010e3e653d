//! What the headers of a request say of its client.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};

use crate::domain::origin::Origin;

/// From where a request comes. Behind a proxy it is what the proxy, the last to write, says.
pub fn origin(headers: &HeaderMap, peer: Option<IpAddr>, behind_proxy: bool) -> Origin {
    // A proxy may add a line of its own below the client's.
    let forwarded = headers.get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    let said = forwarded.filter(|_| behind_proxy).and_then(|list| list.rsplit(',').next()).map(str::trim);
    let ip = said
        .and_then(|text| text.parse::<IpAddr>().ok())
        .or(peer)
        .map(|ip| ip.to_canonical().to_string())
        .unwrap_or_default();
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    Origin { ip, user_agent: agent.chars().filter(|c| !c.is_control()).take(300).collect() }
}

/// Whether the client would rather have a page: a browser.
pub fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("text/html")
}
