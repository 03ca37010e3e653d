//! The gateway's keys, in the folder `keys` of the data folder, readable by their owner only.
//!
//! `log.key` signs checkpoints (Ed25519). `token-….pem` sign tokens (ECDSA P-256); the newest signs, all verify.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;

use super::secrets;
use crate::clock;
use crate::domain::text::{Email, Secret, Sha256};
use crate::log::{LogKey, VerifierKey};
use crate::private_files::write_private_file;

/// A key can't be read or created.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system reported an error.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file does not hold a key of the expected kind.
    #[error("{0}: does not hold a key of the right form")]
    Form(PathBuf),
    /// The log has events, but the key that signs its heads is not there.
    #[error("{0}: is missing, and the log was begun with it; bring it back from a backup, or check data_dir")]
    LogKeyLost(PathBuf),
}

/// A public key as RFC 7517 shows it.
#[derive(Clone, Serialize, Debug)]
pub struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    x: String,
    y: String,
}

/// A key for tokens.
pub struct TokenKey {
    /// The public half.
    pub jwk: Jwk,
    /// The key for signing.
    pub encoding: EncodingKey,
    /// The key for verifying.
    pub decoding: DecodingKey,
}

/// All keys.
pub struct KeyRing {
    /// Signs checkpoints.
    pub log: Arc<LogKey>,
    folder: PathBuf,
    /// Sign and verify tokens; the last is the newest and never missing.
    tokens: RwLock<LoadedKeys>,
}

struct LoadedKeys {
    keys: Vec<Arc<TokenKey>>,
    /// When the folder was last looked at.
    at: std::time::Instant,
}

/// How long the keys read from the folder are used before it is read again for keys that another process created.
const KEY_RELOAD_INTERVAL: Duration = Duration::from_secs(2);

fn load(folder: &Path) -> Result<LoadedKeys, KeyError> {
    let keys = token_files(folder)?.iter().map(|file| token_key(file).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
    Ok(LoadedKeys { keys, at: std::time::Instant::now() })
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("log", &self.log).finish_non_exhaustive()
    }
}

/// The key ring that was opened, with the keys that were created for it.
#[derive(Debug)]
pub struct OpenedKeyRing {
    /// The ring.
    pub ring: KeyRing,
    /// The public names of keys that were just created and are to be recorded.
    pub created_keys: Vec<String>,
}

impl KeyRing {
    /// Reads the keys in `folder`, and makes those that are missing; but a log that has events goes on with its own key
    /// or not at all.
    ///
    /// # Errors
    /// When a key can't be read or created.
    pub fn open(folder: &Path, log_name: &str, log_is_empty: bool) -> Result<OpenedKeyRing, KeyError> {
        crate::private_files::create_private_dir(folder).map_err(|error| KeyError::File(folder.to_owned(), error))?;
        let mut created_keys = Vec::new();
        let log_file = folder.join("log.key");
        if !log_file.exists() {
            if !log_is_empty {
                return Err(KeyError::LogKeyLost(log_file));
            }
            let text =
                LogKey::generate(log_name, &secrets::random::<32>()).map_err(|_| KeyError::Form(log_file.clone()))?;
            write_secret(&log_file, text.expose())?;
            created_keys.push(log_key(&log_file)?.verifier().to_string());
        }
        let log = Arc::new(log_key(&log_file)?);
        if token_files(folder)?.is_empty() {
            created_keys.push(Self::rotate(folder)?);
        }
        let tokens = RwLock::new(load(folder)?);
        Ok(OpenedKeyRing { ring: Self { log, folder: folder.to_owned(), tokens }, created_keys })
    }

    /// The verifier key of a log that exists. No key is created.
    ///
    /// # Errors
    /// When the log's key can't be read.
    pub fn log_verifier(folder: &Path) -> Result<VerifierKey, KeyError> {
        Ok(log_key(&folder.join("log.key"))?.verifier().clone())
    }

    /// Makes a new key for tokens; gateways that run take it up within seconds, and the old ones still verify. Says its `kid`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn rotate(folder: &Path) -> Result<String, KeyError> {
        let failed = |_| KeyError::Form(folder.to_owned());
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).map_err(failed)?;
        let stamp: String = clock::now().to_string().chars().filter(char::is_ascii_digit).collect();
        let file = folder.join(format!("token-{stamp}.pem"));
        let lines: Vec<String> = BASE64
            .encode(pkcs8.as_ref())
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        write_secret(&file, &pem)?;
        Ok(token_key(&file)?.jwk.kid)
    }

    /// What a browser keeps that has signed in to this account: an HMAC of the address, in base64url.
    pub fn known_browser_tag(&self, email: &Email) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.log.derive("countersign known browser"));
        BASE64URL.encode(hmac::sign(&key, email.key().as_bytes()))
    }

    /// The key that signs new tokens.
    pub fn newest(&self) -> Arc<TokenKey> {
        self.with_fresh(|keys| keys.last().cloned()).expect("the ring is never opened without a token key")
    }

    /// The key with this id.
    pub fn find(&self, kid: &str) -> Option<Arc<TokenKey>> {
        let find = |keys: &[Arc<TokenKey>]| keys.iter().find(|key| key.jwk.kid == kid).cloned();
        // This is a separate statement so that the read lock is released before the folder is read again.
        let known = find(&self.loaded().keys);
        known.or_else(|| self.with_fresh(find))
    }

    fn loaded(&self) -> RwLockReadGuard<'_, LoadedKeys> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the folder again if that was a while ago: keys may have been created at the command line.
    fn with_fresh<T>(&self, look: impl FnOnce(&[Arc<TokenKey>]) -> T) -> T {
        if self.loaded().at.elapsed() > KEY_RELOAD_INTERVAL {
            let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
            // Once an interval, however many ask and whatever comes of it: anybody may name a key that is not there.
            let is_due = tokens.at.elapsed() > KEY_RELOAD_INTERVAL;
            tokens.at = std::time::Instant::now();
            match if is_due { load(&self.folder) } else { return look(&tokens.keys) } {
                Ok(loaded) if !loaded.keys.is_empty() => *tokens = loaded,
                Ok(_) => tracing::error!(folder = %self.folder.display(), "the keys of tokens are gone"),
                Err(error) => tracing::error!(%error, "the keys of tokens can't be read again"),
            }
        }
        look(&self.loaded().keys)
    }

    /// The public keys (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        self.with_fresh(|keys| serde_json::json!({ "keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>() }))
    }
}

fn write_secret(file: &Path, text: &str) -> Result<(), KeyError> {
    write_private_file(file, text.as_bytes()).map_err(|error| KeyError::File(file.to_owned(), error))
}

fn read(file: &Path) -> Result<Secret, KeyError> {
    fs::read_to_string(file).map(Secret::new).map_err(|error| KeyError::File(file.to_owned(), error))
}

fn log_key(file: &Path) -> Result<LogKey, KeyError> {
    LogKey::parse(&read(file)?).map_err(|_| KeyError::Form(file.to_owned()))
}

fn token_files(folder: &Path) -> Result<Vec<PathBuf>, KeyError> {
    let failed = |error| KeyError::File(folder.to_owned(), error);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(failed)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("token-") && path.extension().is_some_and(|extension| extension == "pem")
        })
        .collect();
    files.sort();
    Ok(files)
}

fn token_key(file: &Path) -> Result<TokenKey, KeyError> {
    let wrong = || KeyError::Form(file.to_owned());
    let pem = read(file)?;
    let body: String = pem.expose().lines().filter(|line| !line.starts_with("-----")).collect();
    let pkcs8 = BASE64.decode(body).map_err(|_| wrong())?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).map_err(|_| wrong())?;
    // An uncompressed point: 0x04, x, y.
    let point = pair.public_key().as_ref();
    let (x, y) = (BASE64URL.encode(&point[1..33]), BASE64URL.encode(&point[33..65]));
    let thumbprint = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let kid = BASE64URL.encode(Sha256::of(thumbprint.as_bytes()).0);
    let decoding = DecodingKey::from_ec_components(&x, &y).map_err(|_| wrong())?;
    let jwk = Jwk { kty: "EC", crv: "P-256", alg: "ES256", usage: "sig", kid, x, y };
    Ok(TokenKey { jwk, encoding: EncodingKey::from_ec_der(&pkcs8), decoding })
}
