//! What was answered to requests that carried an `Idempotency-Key`.

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::idempotency_keys;
use crate::domain::Timestamp;
use crate::domain::ids::PersonId;
use crate::domain::text::Sha256;

/// The hash of the request that came with a key since `since`, and what was answered.
///
/// # Errors
/// When the database fails.
pub fn find(
    conn: &mut AnyConnection,
    person: PersonId,
    key: &str,
    since: Timestamp,
) -> Result<Option<(Sha256, String)>> {
    let found: Option<(String, String)> = idempotency_keys::table
        .find((person.to_string(), key))
        .filter(idempotency_keys::created_at.gt(since.0))
        .select((idempotency_keys::request, idempotency_keys::answer))
        .first(conn)
        .optional()?;
    found.map(|(request, answer)| Ok((parse("request hash", &request)?, answer))).transpose()
}

/// Remembers what was answered.
///
/// # Errors
/// When the database fails.
pub fn insert(
    conn: &mut AnyConnection,
    (person, key): (PersonId, &str),
    (request, answer): (Sha256, &str),
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::person_id.eq(person.to_string()),
            idempotency_keys::key.eq(key),
            idempotency_keys::request.eq(request.to_string()),
            idempotency_keys::answer.eq(answer),
            idempotency_keys::created_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets what is older.
///
/// # Errors
/// When the database fails.
pub fn forget(conn: &mut AnyConnection, until: Timestamp) -> Result<()> {
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::created_at.le(until.0))).execute(conn)?;
    Ok(())
}
