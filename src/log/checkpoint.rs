//! Checkpoints: the log's head as a signed note (C2SP `tlog-checkpoint`, `signed-note`; Ed25519).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::domain::text::{Secret, Sha256};

/// The signature type byte of Ed25519 in signed notes.
const ED25519_TYPE: u8 = 1;

/// A head of the log: how many events, and the root over them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// The number of events.
    pub size: u64,
    /// The tree's root.
    pub root: Sha256,
}

/// Why a note is not a checkpoint of this log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// The text does not have the form of a checkpoint.
    #[error("is not a checkpoint")]
    Form,
    /// The checkpoint belongs to another log.
    #[error("is of the log {0:?}, not this one")]
    Origin(String),
    /// It carries no valid signature by the key.
    #[error("carries no good signature by the log's key")]
    Signature,
    /// The key's text is not of the right form.
    #[error("is not a signed-note key")]
    Key,
}

impl Checkpoint {
    /// The text that is signed.
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.0))
    }

    /// Reads a note and checks that `key` signed it.
    ///
    /// # Errors
    /// When it is not a checkpoint, of another log, or not signed by `key`.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        let signed = format!("{text}\n");
        let mut lines = text.lines();
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(NoteError::Form)?.to_owned();
        let size_text = lines.next().ok_or(NoteError::Form)?;
        let size: u64 = size_text.parse().map_err(|_| NoteError::Form)?;
        if size.to_string() != size_text {
            return Err(NoteError::Form);
        }
        let root = BASE64.decode(lines.next().ok_or(NoteError::Form)?).map_err(|_| NoteError::Form)?;
        let root = Sha256::from_slice(&root).ok_or(NoteError::Form)?;
        if origin != key.name {
            return Err(NoteError::Origin(origin));
        }
        let good = signatures.lines().any(|line| key.signed(line, signed.as_bytes()));
        if good { Ok(Self { origin, size, root }) } else { Err(NoteError::Signature) }
    }
}

/// The public half of a log's key: `name+hash+key`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// The log's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id: the first four bytes of SHA-256(name ‖ newline ‖ type ‖ key).
    fn id(&self) -> [u8; 4] {
        let mut bytes = self.name.clone().into_bytes();
        bytes.extend_from_slice(b"\n");
        bytes.push(ED25519_TYPE);
        bytes.extend_from_slice(&self.public);
        let hash = Sha256::of(&bytes).0;
        [hash[0], hash[1], hash[2], hash[3]]
    }

    fn signed(&self, line: &str, text: &[u8]) -> bool {
        let Some(rest) = line.strip_prefix("\u{2014} ") else { return false };
        let Some((name, encoded)) = rest.split_once(' ') else { return false };
        let Ok(bytes) = BASE64.decode(encoded) else { return false };
        name == self.name
            && bytes.len() == 68
            && bytes[..4] == self.id()
            && UnparsedPublicKey::new(&ED25519, &self.public).verify(text, &bytes[4..]).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![ED25519_TYPE];
        typed.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), BASE64.encode(typed))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let typed = BASE64.decode(key).map_err(|_| NoteError::Key)?;
        let (Some(&ED25519_TYPE), Ok(public)) =
            (typed.first(), <[u8; 32]>::try_from(typed.get(1..).unwrap_or_default()))
        else {
            return Err(NoteError::Key);
        };
        let key = Self { name: name.to_owned(), public };
        if name_is_good(name) && hex::encode(key.id()) == id { Ok(key) } else { Err(NoteError::Key) }
    }
}

/// Whether a log's name can stand in a note: not empty, no white space, no plus.
pub fn name_is_good(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// The private half of a log's key.
pub struct LogKey {
    pair: Ed25519KeyPair,
    /// Other keys are derived with it.
    derivation: hmac::Key,
    verifier: VerifierKey,
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.verifier)
    }
}

impl LogKey {
    /// Makes a key from a name and 32 secret bytes.
    ///
    /// # Errors
    /// [`NoteError::Key`] when the name can't stand in a note.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| NoteError::Key)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key)?;
        if !name_is_good(name) {
            return Err(NoteError::Key);
        }
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, seed);
        Ok(Self { pair, derivation, verifier: VerifierKey { name: name.to_owned(), public } })
    }

    /// A key for another purpose, which tells nothing of this one: HMAC-SHA256 of the purpose under the seed.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.derivation, purpose.as_bytes());
        tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
    }

    /// Reads the signer form of signed notes: `PRIVATE+KEY+name+hash+seed`.
    ///
    /// # Errors
    /// [`NoteError::Key`] when the text is not of that form.
    pub fn parse(text: &Secret) -> Result<Self, NoteError> {
        let rest = text.expose().trim().strip_prefix("PRIVATE+KEY+").ok_or(NoteError::Key)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(seed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let typed = BASE64.decode(seed).map_err(|_| NoteError::Key)?;
        let seed: &[u8; 32] = typed.get(1..).and_then(|seed| seed.try_into().ok()).ok_or(NoteError::Key)?;
        let key = Self::from_seed(name, seed)?;
        if typed[0] == ED25519_TYPE && hex::encode(key.verifier.id()) == id { Ok(key) } else { Err(NoteError::Key) }
    }

    /// The signer form for a fresh key.
    ///
    /// # Errors
    /// [`NoteError::Key`] when the name can't stand in a note.
    pub fn generate(name: &str, seed: &[u8; 32]) -> Result<Secret, NoteError> {
        let key = Self::from_seed(name, seed)?;
        let mut typed = vec![ED25519_TYPE];
        typed.extend_from_slice(seed);
        Ok(Secret::new(format!("PRIVATE+KEY+{name}+{}+{}", hex::encode(key.verifier.id()), BASE64.encode(typed))))
    }

    /// The public half.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signed note for a head.
    pub fn sign(&self, size: u64, root: Sha256) -> String {
        let text = Checkpoint { origin: self.verifier.name.clone(), size, root }.text();
        let mut signature = self.verifier.id().to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n\u{2014} {} {}\n", self.verifier.name, BASE64.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example key and note of the reference implementation of signed notes (golang.org/x/mod/sumdb/note).
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETER_SIGNER: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

    #[test]
    fn the_reference_keys_are_read() {
        let key: VerifierKey = PETER.parse().unwrap();
        assert_eq!(key.to_string(), PETER);
        let signer = LogKey::parse(&Secret::new(PETER_SIGNER)).unwrap();
        assert_eq!(signer.verifier(), &key);
    }

    #[test]
    fn the_reference_signature_verifies() {
        let key: VerifierKey = PETER.parse().unwrap();
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        assert!(key.signed(line, text.as_bytes()));
        assert!(!key.signed(line, b"other\n"));
    }

    #[test]
    fn a_checkpoint_opens_only_unchanged() {
        let key = LogKey::from_seed("example.org/log", &[9; 32]).unwrap();
        let note = key.sign(1204, Sha256::of(b"root"));
        let checkpoint = Checkpoint::open(&note, key.verifier()).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (1204, Sha256::of(b"root")));
        for (from, to) in
            [("1204", "1205"), ("1204", "01204"), ("example.org/log\n1", "example.org/lag\n1"), ("— ", "- ")]
        {
            assert!(Checkpoint::open(&note.replacen(from, to, 1), key.verifier()).is_err(), "{from} → {to}");
        }
        let other = LogKey::from_seed("example.org/log", &[8; 32]).unwrap();
        assert_eq!(Checkpoint::open(&note, other.verifier()), Err(NoteError::Signature));
    }
}
