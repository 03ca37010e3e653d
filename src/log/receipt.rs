//! Receipts: a signature's event, its personal part, the texts, and the proof that the log holds it. They verify
//! offline, years later, with nothing but the log's public key.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::{PrivatePart, canonical};
use super::checkpoint::{Checkpoint, NoteError, VerifierKey};
use super::merkle::{inclusion_holds, leaf_hash};
use crate::domain::event::Action;
use crate::domain::signature::SignatureRecord;
use crate::domain::text::Sha256;

/// The version of the receipt form.
pub const RECEIPT_VERSION: u32 = 1;

/// A receipt for a signature.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The form's version.
    pub v: u32,
    /// The signature record.
    pub record: SignatureRecord,
    /// The exact text that was signed, Markdown.
    pub text: String,
    /// The event in the log, as an object.
    pub event: Value,
    /// The event's personal part.
    pub private: PrivatePart,
    /// Where the event is in the log, and the proof of it.
    pub proof: InclusionProof,
    /// The log's verifier key, `name+hash+key`.
    pub log_key: String,
}

/// The proof that an event is in a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InclusionProof {
    /// The event's place.
    pub index: u64,
    /// Sibling hashes from the leaf up.
    pub hashes: Vec<Sha256>,
    /// The checkpoint the proof leads to, a signed note.
    pub checkpoint: String,
}

/// Why a receipt is not valid.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The receipt has another version.
    #[error("the receipt is of form {0}; this program knows form {RECEIPT_VERSION}")]
    Version(u32),
    /// The key in it is not the one that was given.
    #[error("the receipt is of another log than the key given")]
    OtherLog,
    /// The key in it is not a key.
    #[error("the log's key in the receipt {0}")]
    Key(NoteError),
    /// Its checkpoint is not good.
    #[error("the receipt's checkpoint {0}")]
    Checkpoint(NoteError),
    /// The proof does not lead to the checkpoint.
    #[error("the event is not in the log that the checkpoint describes")]
    NotIncluded,
    /// The personal part is not what the event commits to.
    #[error("the personal part is not what the log recorded")]
    Private,
    /// The record says something else than the event.
    #[error("the record's `{0}` is not what the log recorded")]
    Record(&'static str),
    /// The text is not the one that was signed.
    #[error("the text is not the one that was signed")]
    Text,
}

impl Receipt {
    /// Checks everything that the receipt says, against `key` if one is given, else against the key in it.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(&self, key: Option<&VerifierKey>) -> Result<Checkpoint, ReceiptError> {
        if self.v != RECEIPT_VERSION {
            return Err(ReceiptError::Version(self.v));
        }
        let own: VerifierKey = self.log_key.parse().map_err(ReceiptError::Key)?;
        if key.is_some_and(|key| *key != own) {
            return Err(ReceiptError::OtherLog);
        }
        let checkpoint = Checkpoint::open(&self.proof.checkpoint, &own).map_err(ReceiptError::Checkpoint)?;
        let leaf = leaf_hash(canonical(&self.event).as_bytes());
        if !inclusion_holds(self.proof.index, checkpoint.size, leaf, &self.proof.hashes, checkpoint.root) {
            return Err(ReceiptError::NotIncluded);
        }
        let said = self.event.get("private").and_then(Value::as_str);
        if self.private.commitment().map(|hash| hash.to_string()).as_deref() != said {
            return Err(ReceiptError::Private);
        }
        self.check_record()?;
        if Sha256::of(self.text.as_bytes()) != self.record.agreement.text_sha256 {
            return Err(ReceiptError::Text);
        }
        Ok(checkpoint)
    }

    /// The record must say nothing that the event does not bind.
    fn check_record(&self) -> Result<(), ReceiptError> {
        let details = self.event.get("details");
        let detail = |name: &str| details.and_then(|details| details.get(name)).cloned();
        let record = &self.record;
        let form = record.form.as_ref().and_then(|form| serde_json::to_value(form).ok());
        let checks: [(&'static str, Option<Value>, Option<Value>); 8] = [
            ("action", self.event.get("action").cloned(), Some(Action::AgreementSigned.as_str().into())),
            ("id", self.event.get("subject").cloned(), Some(record.id.to_string().into())),
            ("dataset", self.event.get("dataset").cloned(), Some(record.dataset.as_str().into())),
            ("project", self.event.get("project").cloned(), record.project.map(|id| id.to_string().into())),
            ("request", detail("request"), Some(record.request.to_string().into())),
            ("agreement", detail("agreement"), serde_json::to_value(&record.agreement).ok()),
            ("form", detail("form"), form),
            ("signer", Some(self.private.data.clone().into()), serde_json::to_value(&record.signer).ok()),
        ];
        for (name, recorded, said) in checks {
            if recorded != said {
                return Err(ReceiptError::Record(name));
            }
        }
        if detail("signed_at") != Some(record.signed_at.to_string().into()) {
            return Err(ReceiptError::Record("signed_at"));
        }
        Ok(())
    }
}
