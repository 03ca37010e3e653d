//! Token records. The tokens themselves are never stored.

use diesel::prelude::*;

use super::columns::{from_json, parse, to_json};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::schema::tokens;
use crate::domain::Timestamp;
use crate::domain::api_token::scope_words;
use crate::domain::ids::{PersonId, TokenId};
use crate::domain::token::TokenRecord;

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens)]
pub(super) struct TokenRow {
    id: String,
    person_id: String,
    name: String,
    details: String,
    scopes: String,
    issued_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TryFrom<TokenRow> for TokenRecord {
    type Error = super::error::Error;
    fn try_from(row: TokenRow) -> Result<Self> {
        Ok(Self {
            id: parse("token id", &row.id)?,
            person: parse("person id", &row.person_id)?,
            name: row.name,
            details: from_json("token details", &row.details)?,
            scopes: row.scopes.split_whitespace().map(|word| parse("token scope", word)).collect::<Result<_>>()?,
            issued_at: Timestamp(row.issued_at),
            expires_at: Timestamp(row.expires_at),
            revoked_at: row.revoked_at.map(Timestamp),
            last_used_at: row.last_used_at.map(Timestamp),
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
            tokens::scopes.eq(scope_words(&token.scopes)),
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

/// A person's tokens that end after `since`, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_person(
    conn: &mut AnyConnection,
    person: PersonId,
    since: Timestamp,
    after: &Cursor,
) -> Result<PageOf<TokenRecord>> {
    let rows = tokens::table
        .filter(tokens::person_id.eq(person.to_string()))
        .filter(tokens::expires_at.gt(since.0))
        .filter(tokens::issued_at.lt(after.key).or(tokens::issued_at.eq(after.key).and(tokens::id.lt(&after.id))))
        .order((tokens::issued_at.desc(), tokens::id.desc()))
        .limit(READ)
        .select(TokenRow::as_select())
        .load(conn)?;
    let records = rows.into_iter().map(TokenRecord::try_from).collect::<Result<_>>()?;
    Ok(PageOf::cut(records, |token: &TokenRecord| Cursor::after(token.issued_at, token.id)))
}

/// A person's tokens that still work.
///
/// # Errors
/// When the database fails.
pub fn live_of(conn: &mut AnyConnection, person: PersonId, now: Timestamp) -> Result<Vec<TokenId>> {
    let ids: Vec<String> = tokens::table
        .filter(tokens::person_id.eq(person.to_string()))
        .filter(tokens::revoked_at.is_null())
        .filter(tokens::expires_at.gt(now.0))
        .order(tokens::id)
        .select(tokens::id)
        .load(conn)?;
    ids.iter().map(|id| parse("token id", id)).collect()
}

/// The number of a person's tokens that still work.
///
/// # Errors
/// When the database fails.
pub fn count_live(conn: &mut AnyConnection, person: PersonId, now: Timestamp) -> Result<i64> {
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
pub fn revoke(conn: &mut AnyConnection, id: TokenId, at: Timestamp) -> Result<()> {
    diesel::update(tokens::table.find(id.to_string())).set(tokens::revoked_at.eq(at.0)).execute(conn)?;
    Ok(())
}

/// Notes that a token was used.
///
/// # Errors
/// When the database fails.
pub fn touch(conn: &mut AnyConnection, id: TokenId, at: Timestamp) -> Result<()> {
    diesel::update(tokens::table.find(id.to_string())).set(tokens::last_used_at.eq(at.0)).execute(conn)?;
    Ok(())
}
