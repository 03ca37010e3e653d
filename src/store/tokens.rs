//! Token records. The tokens themselves are never stored.

use diesel::prelude::*;

use super::schema::tokens;
use super::{AnyConnection, Result, from_json, parse, to_json};
use crate::domain::Instant;
use crate::domain::ids::{PersonId, TokenId};
use crate::domain::token::TokenRecord;

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens)]
pub(super) struct TokenRow {
    id: String,
    person_id: String,
    name: String,
    details: String,
    issued_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TryFrom<TokenRow> for TokenRecord {
    type Error = super::Error;
    fn try_from(row: TokenRow) -> Result<Self> {
        Ok(Self {
            id: parse("token id", &row.id)?,
            person: parse("person id", &row.person_id)?,
            name: row.name,
            details: from_json("token details", &row.details)?,
            issued_at: Instant(row.issued_at),
            expires_at: Instant(row.expires_at),
            revoked_at: row.revoked_at.map(Instant),
            last_used_at: row.last_used_at.map(Instant),
        })
    }
}

/// Adds a token's record.
///
/// # Errors
/// When the database fails.
pub fn insert(conn: &mut AnyConnection, token: &TokenRecord) -> Result<()> {
    diesel::insert_into(tokens::table)
        .values((
            tokens::id.eq(token.id.to_string()),
            tokens::person_id.eq(token.person.to_string()),
            tokens::name.eq(&token.name),
            tokens::details.eq(to_json(&token.details)),
            tokens::issued_at.eq(token.issued_at.0),
            tokens::expires_at.eq(token.expires_at.0),
            tokens::revoked_at.eq(None::<i64>),
            tokens::last_used_at.eq(None::<i64>),
        ))
        .execute(conn)?;
    Ok(())
}

/// One token's record.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: TokenId) -> Result<Option<TokenRecord>> {
    tokens::table
        .find(id.to_string())
        .select(TokenRow::as_select())
        .first(conn)
        .optional()?
        .map(TokenRecord::try_from)
        .transpose()
}

/// A person's tokens, newest first: those that still work, and those that ended in the last 90 days.
///
/// # Errors
/// When the database fails.
pub fn of_person(conn: &mut AnyConnection, person: PersonId, since: Instant) -> Result<Vec<TokenRecord>> {
    tokens::table
        .filter(tokens::person_id.eq(person.to_string()))
        .filter(tokens::expires_at.gt(since.0))
        .order((tokens::issued_at.desc(), tokens::id.desc()))
        .limit(200)
        .select(TokenRow::as_select())
        .load(conn)?
        .into_iter()
        .map(TokenRecord::try_from)
        .collect()
}

/// How many of a person's tokens still work.
///
/// # Errors
/// When the database fails.
pub fn count_live(conn: &mut AnyConnection, person: PersonId, now: Instant) -> Result<i64> {
    Ok(tokens::table
        .filter(tokens::person_id.eq(person.to_string()))
        .filter(tokens::revoked_at.is_null())
        .filter(tokens::expires_at.gt(now.0))
        .count()
        .get_result(conn)?)
}

/// Revokes a token.
///
/// # Errors
/// When the database fails.
pub fn revoke(conn: &mut AnyConnection, id: TokenId, at: Instant) -> Result<()> {
    diesel::update(tokens::table.find(id.to_string())).set(tokens::revoked_at.eq(at.0)).execute(conn)?;
    Ok(())
}

/// Notes that a token was used.
///
/// # Errors
/// When the database fails.
pub fn touch(conn: &mut AnyConnection, id: TokenId, at: Instant) -> Result<()> {
    diesel::update(tokens::table.find(id.to_string())).set(tokens::last_used_at.eq(at.0)).execute(conn)?;
    Ok(())
}
