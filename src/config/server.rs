//! The keys outside any section, and `[tls]`: where to listen, and the address people use.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use url::Url;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::delivery::connection::tls::TlsFiles;
use crate::domain::origin::{Proxies, ProxyHeader, TrustedProxies};

section! {
    TlsSection, "tls." {
        certificate: PathBuf,
        key: PathBuf,
    }
}

/// Where to listen.
pub(super) fn listen(text: Option<String>) -> Result<SocketAddr, ConfigError> {
    let text = text.unwrap_or_else(|| "127.0.0.1:8080".into());
    text.parse().map_err(|_| key("listen", format!("{text:?} is not ADDRESS:PORT")))
}

/// The certificate, when TLS ends here.
pub(super) fn tls(form: TlsSection) -> Result<TlsFiles, ConfigError> {
    match (form.certificate, form.key) {
        (Some(certificate), Some(key)) => Ok(TlsFiles { certificate, key }),
        (None, _) => Err(key("tls.certificate", "is needed together with tls.key: a PEM file")),
        (_, None) => Err(key("tls.key", "is needed together with tls.certificate: a PEM file")),
    }
}

/// The proxies that are believed.
pub(super) fn proxies(
    listed: Option<Vec<String>>,
    header: Option<String>,
    tls_proxy: bool,
) -> Result<TrustedProxies, ConfigError> {
    if !tls_proxy && (listed.is_some() || header.is_some()) {
        let name = if listed.is_some() { "trusted_proxies" } else { "proxy_header" };
        return Err(key(name, "is for a proxy in front: set tls_proxy = true as well"));
    }
    let header = match header.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("x-forwarded-for") => ProxyHeader::XForwardedFor,
        Some("forwarded") => ProxyHeader::Forwarded,
        Some(_) => return Err(key("proxy_header", "must be X-Forwarded-For or Forwarded")),
    };
    if !tls_proxy {
        return Ok(TrustedProxies::default());
    }
    let Some(listed) = listed else { return Ok(TrustedProxies::new(Proxies::One, header)) };
    let network = |text: &String| {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        network.ok_or_else(|| {
            key("trusted_proxies", format!("{text:?} is neither an address nor a network such as 10.0.0.0/8"))
        })
    };
    let networks = listed.iter().map(network).collect::<Result<_, _>>()?;
    Ok(TrustedProxies::new(Proxies::Listed(networks), header))
}

/// The address people and clients use.
pub(super) fn public_url(
    text: Option<String>,
    listen: SocketAddr,
    tls_proxy: bool,
    tls: bool,
) -> Result<Url, ConfigError> {
    let name = "public_url";
    let scheme = if tls { "https" } else { "http" };
    let text = text.unwrap_or_else(|| format!("{scheme}://localhost:{}", listen.port()));
    let url = Url::parse(&text).map_err(|error| key(name, format!("{text:?}: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(key(name, "must begin with https:// (or http:// on this machine) and a host"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(key(name, "must be a host alone, without a path"));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "http" && !loopback {
        return Err(key(name, "must be https:// for anything but this machine itself, for passwords cross it"));
    }
    if url.scheme() == "https" && !tls_proxy && !tls {
        return Err(key(
            "tls_proxy",
            "must be true for an https:// public_url, for a proxy that ends TLS; or give tls.certificate and tls.key",
        ));
    }
    if url.scheme() == "http" && tls {
        return Err(key(name, "must be https:// where tls.certificate is given"));
    }
    Ok(url)
}
