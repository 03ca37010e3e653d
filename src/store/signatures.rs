//! Signature records. They are only ever added.

use diesel::prelude::*;

use super::columns::{from_json, parse, signed, to_json, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{agreement_versions, signatures};
use crate::domain::Timestamp;
use crate::domain::ids::{AgreementId, PersonId, RequestId, SignatureId, VersionId};
use crate::domain::signature::SignatureRecord;

/// A signature record and its place in the log.
#[derive(Clone, Debug)]
pub struct StoredSignature {
    /// The record.
    pub record: SignatureRecord,
    /// Where `agreement.signed` is in the log.
    pub event_index: u64,
}

/// Adds a signature.
///
/// # Errors
/// When the database fails.
pub fn insert(conn: &mut AnyConnection, record: &SignatureRecord, event_index: u64) -> Result<()> {
    diesel::insert_into(signatures::table)
        .values((
            signatures::id.eq(record.id.to_string()),
            signatures::request_id.eq(record.request.to_string()),
            signatures::person_id.eq(record.signer.person.to_string()),
            signatures::version_id.eq(record.agreement.version_id.to_string()),
            signatures::record.eq(to_json(record)),
            signatures::event_index.eq(signed(event_index)),
            signatures::signed_at.eq(record.signed_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

fn read((record, index): (String, i64)) -> Result<StoredSignature> {
    Ok(StoredSignature { record: from_json("signature record", &record)?, event_index: unsigned(index) })
}

/// A signature.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: SignatureId) -> Result<Option<StoredSignature>> {
    signatures::table
        .find(id.to_string())
        .select((signatures::record, signatures::event_index))
        .first(conn)
        .optional()?
        .map(read)
        .transpose()
}

/// A signature by the same person under the same request, made before another one was.
///
/// # Errors
/// When the database fails.
pub fn before(conn: &mut AnyConnection, later: &StoredSignature) -> Result<Option<StoredSignature>> {
    signatures::table
        .filter(signatures::request_id.eq(later.record.request.to_string()))
        .filter(signatures::person_id.eq(later.record.signer.person.to_string()))
        .filter(signatures::signed_at.lt(later.record.signed_at.0))
        .order(signatures::event_index.desc())
        .select((signatures::record, signatures::event_index))
        .first(conn)
        .optional()?
        .map(read)
        .transpose()
}

/// The version of an agreement that somebody signed last, for whatever dataset.
///
/// # Errors
/// When the database fails.
pub fn last_signed_version(
    conn: &mut AnyConnection,
    person: PersonId,
    agreement: AgreementId,
) -> Result<Option<VersionId>> {
    let versions = agreement_versions::table
        .filter(agreement_versions::agreement_id.eq(agreement.to_string()))
        .select(agreement_versions::id);
    let id: Option<String> = signatures::table
        .filter(signatures::person_id.eq(person.to_string()))
        .filter(signatures::version_id.eq_any(versions))
        .order((signatures::signed_at.desc(), signatures::id.desc()))
        .select(signatures::version_id)
        .first(conn)
        .optional()?;
    id.map(|id| parse("version id", &id)).transpose()
}

/// Which agreements were signed under a request since a time, by whom.
///
/// # Errors
/// When the database fails.
pub fn signed_under(
    conn: &mut AnyConnection,
    request: RequestId,
    since: Timestamp,
) -> Result<Vec<(PersonId, AgreementId)>> {
    let rows: Vec<(String, String)> = signatures::table
        .inner_join(agreement_versions::table.on(agreement_versions::id.eq(signatures::version_id)))
        .filter(signatures::request_id.eq(request.to_string()))
        .filter(signatures::signed_at.ge(since.0))
        .select((signatures::person_id, agreement_versions::agreement_id))
        .load(conn)?;
    let read =
        |(person, agreement): &(String, String)| Ok((parse("person id", person)?, parse("agreement id", agreement)?));
    rows.iter().map(read).collect()
}

/// What a person signed under a request when it was submitted, in the order in which it was signed.
///
/// # Errors
/// When the database fails.
pub fn of_submission(
    conn: &mut AnyConnection,
    request: RequestId,
    person: PersonId,
    submitted_at: Timestamp,
) -> Result<Vec<StoredSignature>> {
    signatures::table
        .filter(signatures::request_id.eq(request.to_string()))
        .filter(signatures::person_id.eq(person.to_string()))
        .filter(signatures::signed_at.eq(submitted_at.0))
        .order(signatures::event_index)
        .select((signatures::record, signatures::event_index))
        .load(conn)?
        .into_iter()
        .map(read)
        .collect()
}

/// What a person signed last under a request since a time: one signature for each agreement, in the order in which they were
/// signed.
///
/// # Errors
/// When the database fails.
pub fn newest_of(
    conn: &mut AnyConnection,
    request: RequestId,
    person: PersonId,
    since: Timestamp,
) -> Result<Vec<StoredSignature>> {
    let all: Vec<(String, (String, i64))> = signatures::table
        .inner_join(agreement_versions::table.on(agreement_versions::id.eq(signatures::version_id)))
        .filter(signatures::request_id.eq(request.to_string()))
        .filter(signatures::person_id.eq(person.to_string()))
        .filter(signatures::signed_at.ge(since.0))
        .order(signatures::event_index)
        .select((agreement_versions::agreement_id, (signatures::record, signatures::event_index)))
        .load(conn)?;
    let mut newest: Vec<(String, (String, i64))> = Vec::new();
    for (agreement, signature) in all {
        newest.retain(|(earlier, _)| *earlier != agreement);
        newest.push((agreement, signature));
    }
    newest.into_iter().map(|(_, signature)| read(signature)).collect()
}
