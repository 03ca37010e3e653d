//! The rows that the gate needs to decide an admission, read in the transaction that records it.

use diesel::prelude::*;

use super::columns::{from_json, number, parse, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{access_requests, datasets, organisations, people, tokens};
use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::dataset::AccessMode;
use crate::domain::ids::{DatasetId, PersonId, TokenId};
use crate::domain::token::Authorization;

/// A dataset as the gate sees it.
#[derive(Clone, Copy, Debug)]
pub struct DatasetAccessRow {
    /// The access mode.
    pub mode: AccessMode,
    /// Whether it or its organisation is suspended.
    pub suspended: bool,
    /// The number of its current release.
    pub current_release: u32,
    /// The number of its newest release, whatever its state.
    pub newest_release: u32,
    /// Its version, as [`datasets::version`](super::datasets::version) counts it.
    pub version: u64,
}

/// A token as the gate sees it.
#[derive(Clone, Debug)]
pub struct TokenAccessRow {
    /// The owner.
    pub person: PersonId,
    /// Whether that account is suspended.
    pub person_suspended: bool,
    /// Whether it was revoked.
    pub revoked: bool,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The datasets and paths that it covers.
    pub details: Vec<Authorization>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// The dataset.
///
/// # Errors
/// When the database fails.
pub fn dataset(conn: &mut AnyConnection, id: DatasetId) -> Result<Option<DatasetAccessRow>> {
    type Row = (String, (Option<i64>, Option<i64>), (i32, i32), i64);
    let releases = (datasets::current_release, datasets::newest_release);
    let suspended = (datasets::suspended_at, organisations::suspended_at);
    let columns = (datasets::mode, suspended, releases, datasets::version);
    let row: Option<Row> = datasets::table
        .inner_join(organisations::table.on(organisations::id.eq(datasets::organisation_id)))
        .filter(datasets::id.eq(id.to_string()))
        .select(columns)
        .first(conn)
        .optional()?;
    row.map(|(mode, suspended, (current, newest), version)| {
        let mode = parse("access mode", &mode)?;
        Ok(DatasetAccessRow {
            mode,
            suspended: suspended.0.or(suspended.1).is_some(),
            current_release: number(current),
            newest_release: number(newest),
            version: unsigned(version),
        })
    })
    .transpose()
}

/// The token; `None` when it is not known.
///
/// # Errors
/// When the database fails.
pub fn token(conn: &mut AnyConnection, id: TokenId) -> Result<Option<TokenAccessRow>> {
    type Row = (String, Option<i64>, Option<i64>, i64, String, Option<i64>);
    let row: Option<Row> = tokens::table
        .inner_join(people::table.on(people::id.eq(tokens::person_id)))
        .filter(tokens::id.eq(id.to_string()))
        .select((
            tokens::person_id,
            people::suspended_at,
            tokens::revoked_at,
            tokens::expires_at,
            tokens::details,
            tokens::last_used_at,
        ))
        .first(conn)
        .optional()?;
    row.map(|(person, suspended, revoked, expires, details, used)| {
        Ok(TokenAccessRow {
            person: parse("person id", &person)?,
            person_suspended: suspended.is_some(),
            revoked: revoked.is_some(),
            expires_at: Timestamp(expires),
            details: from_json("token details", &details)?,
            last_used_at: used.map(Timestamp),
        })
    })
    .transpose()
}

/// Whether an account is suspended; one that is not known counts as suspended.
///
/// # Errors
/// When the database fails.
pub fn person_suspended(conn: &mut AnyConnection, id: PersonId) -> Result<bool> {
    let row: Option<Option<i64>> =
        people::table.find(id.to_string()).select(people::suspended_at).first(conn).optional()?;
    Ok(row.is_none_or(|suspended| suspended.is_some()))
}

/// Whether the person has a request for the dataset that waits for a decision.
///
/// # Errors
/// When the database fails.
pub fn request_waiting(conn: &mut AnyConnection, person: PersonId, dataset: DatasetId) -> Result<bool> {
    let found: Option<String> = access_requests::table
        .filter(access_requests::person_id.eq(person.to_string()))
        .filter(access_requests::dataset_id.eq(dataset.to_string()))
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
        .select(access_requests::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}
