//! Receipts: a signature record with the proof that the log holds it.

use crate::domain::ids::{PersonId, RequestId};
use crate::log::VerifierKey;
use crate::log::canonical::canonical;
use crate::log::merkle::inclusion_proof;
use crate::log::receipt::{InclusionProof, RECEIPT_VERSION, Receipt};
use crate::store::log::{Filter, LogArchive, TreeReader, Walk, select};
use crate::store::{AnyConnection, Result, access_requests, agreements, signatures};

/// The receipt of the newest signature under this person's request; `None` when there is none, and when its personal part
/// was erased.
///
/// # Errors
/// When the database fails.
pub fn of_request(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    (request, person): (RequestId, PersonId),
    log_key: &VerifierKey,
) -> Result<Option<Receipt>> {
    let own = access_requests::by_id(conn, request)?.is_some_and(|stored| stored.request.applicant == person);
    let Some(signature) = signatures::of_request(conn, request)?.filter(|_| own) else { return Ok(None) };
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
