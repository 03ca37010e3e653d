//! A person's tokens, and the grants that new ones can use.

use crate::domain::ids::PersonId;
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::domain::token::{Authorization, DataAction, TokenRecord};
use crate::domain::{TimeSpan, Timestamp};
use crate::store::grants::{self, GrantWithNames};
use crate::store::{AnyConnection, Cursor, PageOf, Result, datasets, files, tokens};

/// A token in a list.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its record.
    pub record: TokenRecord,
    /// Whether it works, as far as the token itself decides.
    pub live: bool,
    /// Whether its owner may revoke it.
    pub may_revoke: bool,
}

/// The tokens page.
#[derive(Clone, Debug)]
pub struct TokensView {
    /// The grants that a new token can use.
    pub grants: Vec<GrantWithNames>,
    /// The person's tokens.
    pub tokens: PageOf<TokenRow>,
}

/// How long tokens that ended are still listed.
const LISTED_AFTER_END: TimeSpan = TimeSpan::days(30);

/// A person's tokens, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_person(conn: &mut AnyConnection, person: PersonId, after: &Cursor, now: Timestamp) -> Result<TokensView> {
    let row = |record: TokenRecord| TokenRow {
        live: record.is_live(now),
        may_revoke: record.decide_revoke(person, now).is_ok(),
        record,
    };
    let PageOf { rows, next } = tokens::of_person(conn, person, now - LISTED_AFTER_END, after)?;
    let tokens = PageOf { rows: rows.into_iter().map(row).collect(), next };
    Ok(TokensView { grants: grants::active_of(conn, person, now)?, tokens })
}

/// A dataset that a token covers, and a file of it to show how the token is used.
///
/// # Errors
/// When the database fails.
pub fn example(conn: &mut AnyConnection, details: &[Authorization]) -> Result<Option<(Slug, Option<FilePath>)>> {
    /// Files looked at for one that the token's paths cover.
    const LOOKED_AT: i64 = 1_000;
    let Some(first) = details.first() else { return Ok(None) };
    let Some(dataset) = datasets::by_slug(conn, &first.identifier)? else { return Ok(None) };
    let entries = files::all(conn, dataset.release(), "", LOOKED_AT)?;
    let covered = entries.into_iter().map(|entry| entry.path).find(|path| first.covers(DataAction::Read, path));
    Ok(Some((dataset.slug, covered)))
}
