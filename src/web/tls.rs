//! TLS, where it ends here: the certificate is read again when its file changes, without a restart.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::{ConfigError, TlsFiles};

/// How often it is looked whether the files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The certificate in use.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn wrong(key: &'static str, file: &Path, why: impl std::fmt::Display) -> ConfigError {
    ConfigError::Key { key, why: format!("{}: {why}", file.display()) }
}

/// Reads the certificate and its key.
///
/// # Errors
/// Which of the two files can't be used, and why.
pub fn read(files: &TlsFiles) -> Result<CertifiedKey, ConfigError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong("tls.certificate", &files.certificate, error))?;
    if chain.is_empty() {
        return Err(wrong("tls.certificate", &files.certificate, "has no certificate in PEM form"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong("tls.key", &files.key, error))?;
    CertifiedKey::from_der(chain, key, &default_provider())
        .map_err(|error| wrong("tls.key", &files.key, format!("does not go with the certificate: {error}")))
}

impl Certificate {
    /// Takes up the certificate in these files.
    ///
    /// # Errors
    /// As [`read`].
    pub fn load(files: &TlsFiles) -> Result<Arc<Self>, ConfigError> {
        let current = RwLock::new(Arc::new(read(files)?));
        Ok(Arc::new(Self { files: files.clone(), current }))
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.files.certificate, &self.files.key]
            .map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
    }

    /// Follows changes of the files, for ever. What can't be used is told, and the certificate before goes on.
    pub async fn follow(self: Arc<Self>) {
        let mut known = self.changed_at();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.changed_at();
            if now == known {
                continue;
            }
            known = now;
            match read(&self.files) {
                Ok(fresh) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                    tracing::info!(file = %self.files.certificate.display(), "the certificate was read again");
                }
                Err(error) => tracing::error!(%error, "the new certificate can't be used; the one before goes on"),
            }
        }
    }
}

/// The server's side of TLS: 1.2 and 1.3, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// When the library has none of these.
pub fn server_config(certificate: Arc<Certificate>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
