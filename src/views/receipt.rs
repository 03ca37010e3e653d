//! Receipts: a signature record with the proof that the log holds it.

use crate::domain::ids::{PersonId, SignatureId};
use crate::log::VerifierKey;
use crate::log::canonical::canonical;
use crate::log::merkle::inclusion_proof;
use crate::log::receipt::{InclusionProof, RECEIPT_VERSION, Receipt};
use crate::store::log::{Filter, LogArchive, TreeReader, Walk, select};
use crate::store::{AnyConnection, Result, agreements, signatures};

/// The receipt of a person's own signature; `None` when there is none of theirs with this id, and when its personal part was
/// erased.
///
/// # Errors
/// When the database fails.
pub fn of_signature(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    (id, person): (SignatureId, PersonId),
    log_key: &VerifierKey,
) -> Result<Option<Receipt>> {
    let found = signatures::by_id(conn, id)?;
    let Some(signature) = found.filter(|found| found.record.signer.person == person) else { return Ok(None) };
    let (record, index) = (signature.record, signature.event_index);
    let event = select(conn, archive, &Filter::default(), Walk::From(index), 1)?.pop();
    let Some(event) = event.filter(|event| event.index == index) else { return Ok(None) };
    let Some(private) = event.private else { return Ok(None) };
    let version = agreements::version(conn, record.agreement.version_id)?;
    let mut texts = version.map(|version| version.texts).unwrap_or_default().into_iter();
    let Some(text) = texts.find(|text| text.language == record.agreement.language) else { return Ok(None) };
    let mut tree = TreeReader::new(conn)?;
    let (size, checkpoint) = (tree.head().size(), tree.head().checkpoint.clone());
    let hashes = inclusion_proof(&mut tree, index, size)?;
    let body: serde_json::Value = serde_json::from_str(&event.body).unwrap_or_default();
    debug_assert_eq!(canonical(&body), event.body, "what is stored is canonical");
    Ok(Some(Receipt {
        v: RECEIPT_VERSION,
        record,
        text: text.body,
        event: body,
        private,
        proof: InclusionProof { index, hashes, checkpoint },
        log_key: log_key.to_string(),
    }))
}
