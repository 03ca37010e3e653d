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

use crate::domain::Timestamp;
use crate::domain::gateway_state::CertificateState;

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

/// Until when the certificate in these files is valid, by its own word (RFC 5280, 4.1.2.5).
pub fn state_of(files: &TlsFiles) -> CertificateState {
    let end = read(files).ok().and_then(|key| valid_until(key.end_entity_cert().ok()?));
    end.map_or(CertificateState::Unusable, CertificateState::ValidUntil)
}

/// The end of a certificate's validity. It is only shown: whether a certificate is good is decided by those who connect.
fn valid_until(certificate: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    const UTC_TIME: u8 = 0x17;
    let (_, certificate, _) = der_value(certificate)?;
    let (_, mut rest, _) = der_value(certificate)?;
    if rest.first() == Some(&VERSION) {
        rest = der_value(rest)?.2;
    }
    // The serial number, the algorithm and the issuer come before it.
    for _ in 0..3 {
        rest = der_value(rest)?.2;
    }
    let (tag, validity, _) = der_value(rest)?;
    let (_, _, end) = der_value(validity)?;
    let (kind, end, _) = der_value(end)?;
    let end = std::str::from_utf8(end).ok().filter(|_| tag == SEQUENCE)?;
    let year_digits = if kind == UTC_TIME { 2 } else { 4 };
    let year: i32 = end.get(..year_digits)?.parse().ok()?;
    let year = match kind {
        UTC_TIME if year >= 50 => 1900 + year,
        UTC_TIME => 2000 + year,
        _ => year,
    };
    // The end of a certificate that has none.
    if year == 9999 {
        return Timestamp::parse("9999-12-30");
    }
    let of = |at: usize| end.get(year_digits + 2 * at..year_digits + 2 * at + 2);
    Timestamp::parse(&format!("{year:04}-{}-{}T{}:{}:{}Z", of(0)?, of(1)?, of(2)?, of(3)?, of(4)?))
}

/// The first value of some DER: its tag, its contents, and what comes after it.
fn der_value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((*tag, value, rest))
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What OpenSSL answers.
    fn openssl(arguments: &[&str], file: &Path) -> Vec<u8> {
        let done = Command::new("openssl").args(arguments).arg(file).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        done.stdout
    }

    #[test]
    fn the_end_of_a_certificate_is_read_as_openssl_reads_it() {
        // Until 2049 a year has two digits.
        for days in ["2", "20000"] {
            let (folder, asked) =
                (tempfile::tempdir().unwrap(), ["req", "-x509", "-newkey", "ec", "-nodes", "-days", days]);
            let form = ["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=a", "-outform", "DER", "-keyout"];
            let certificate = openssl(&[&asked[..], &form].concat(), &folder.path().join("key.pem"));
            let file = folder.path().join("certificate.der");
            std::fs::write(&file, &certificate).unwrap();
            let read = ["x509", "-inform", "DER", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"];
            let end = String::from_utf8(openssl(&read, &file)).unwrap();
            let end = end.trim().trim_start_matches("notAfter=").replace(' ', "T");
            assert!(valid_until(&certificate).is_some(), "{end}");
            assert_eq!(valid_until(&certificate), Timestamp::parse(&end), "{end}");
            for cut in 0..certificate.len() {
                let _ = valid_until(&certificate[..cut]);
            }
        }
    }

    #[test]
    fn a_certificate_without_an_end_is_valid_as_long_as_there_is_time() {
        // Nothing but the validity, from 2020 on, in a certificate without a version, number, algorithm or issuer.
        let end = b"\x18\x0f99991231235959Z";
        let validity = [&b"\x30\x20\x17\x0d200101000000Z"[..], end].concat();
        let body = [&b"\x02\x01\x01\x30\x00\x30\x00"[..], &validity].concat();
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        let body = [&[0x30, length(&body)], &body[..]].concat();
        let certificate = [&[0x30, length(&body)], &body[..]].concat();
        assert_eq!(valid_until(&certificate), Timestamp::parse("9999-12-30"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = valid_until(&bytes);
        }
    }
}
