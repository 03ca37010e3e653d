//! The certificate authorities that are trusted when the gateway is the client: of buckets, HTTP upstreams, mail and
//! database servers.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Those that browsers trust, and those of a file.
#[derive(Clone, Debug, Default)]
pub struct TrustedRoots {
    own: Vec<CertificateDer<'static>>,
}

/// The file can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", .file.display())]
pub struct RootsError {
    file: PathBuf,
    why: String,
}

impl TrustedRoots {
    /// With those of a file.
    ///
    /// # Errors
    /// When it can't be read or has no certificate.
    pub fn with_file(file: &Path) -> Result<Self, RootsError> {
        let wrong = |why: String| RootsError { file: file.to_owned(), why };
        let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
        let read = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let own = read.map_err(|error| wrong(error.to_string()))?;
        let (added, _) = RootCertStore::empty().add_parsable_certificates(own.iter().cloned());
        if added == 0 {
            return Err(wrong("has no certificate in PEM form".into()));
        }
        Ok(Self { own })
    }

    /// Those of the file, in DER form.
    pub fn certificates(&self) -> impl ExactSizeIterator<Item = Vec<u8>> {
        self.own.iter().map(|certificate| certificate.to_vec())
    }

    /// The settings of a TLS client that trusts them and has no certificate of its own.
    ///
    /// # Panics
    /// Never: the provider has the protocol versions that are asked for.
    pub fn client_config(&self) -> ClientConfig {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(self.own.iter().cloned());
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the protocol versions that are asked for")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}
