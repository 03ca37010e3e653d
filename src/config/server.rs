//! The keys outside any section, and `[tls]`: where to listen, and the address people use.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::delivery::connection::tls::TlsFiles;

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
