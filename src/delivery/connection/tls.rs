//! TLS, where it ends here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Where the certificate is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first; PEM.
    pub certificate: PathBuf,
    /// Its private key; PEM.
    pub key: PathBuf,
}

/// One of the files can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {}: {why}", .file.display())]
pub struct TlsError {
    /// The setting that names the file.
    setting: &'static str,
    file: PathBuf,
    why: String,
}

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

fn wrong(setting: &'static str, file: &Path, why: impl std::fmt::Display) -> TlsError {
    TlsError { setting, file: file.to_owned(), why: why.to_string() }
}

/// Reads the certificate and its key.
///
/// # Errors
/// Which of the two files can't be used, and why.
pub fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
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
    /// Loads the certificate in these files.
    ///
    /// # Errors
    /// As [`read`].
    pub fn load(files: &TlsFiles) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(read(files)?));
        Ok(Arc::new(Self { files: files.clone(), current }))
    }

    /// When the files were last changed.
    pub fn modified(&self) -> [Option<SystemTime>; 2] {
        [&self.files.certificate, &self.files.key]
            .map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok())
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// As [`read`]; the certificate in use stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = read(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
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
