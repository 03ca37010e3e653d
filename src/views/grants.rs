//! Grants as the organisations see them that hold the data.

use crate::domain::Timestamp;
use crate::domain::grant::GrantState;
use crate::domain::ids::OrganisationId;
use crate::domain::organisation::{ManageScope, Officer, OrganisationRole};
use crate::domain::person::Person;
use crate::store::grants::{self, GrantWithNames};
use crate::store::{AnyConnection, Cursor, PageOf, Result};

/// A grant in a list.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// The grant, its holder and its dataset.
    pub line: GrantWithNames,
    /// Its state now.
    pub state: GrantState,
    /// Whether the reader may revoke it.
    pub may_revoke: bool,
}

/// A page of the grants that a reader with these roles sees, newest first, with `text` in the holder's name, address or dataset.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut AnyConnection,
    (scope, text): (&ManageScope, &str),
    after: &Cursor,
    (reader, roles): (&Person, &[(OrganisationId, OrganisationRole)]),
    now: Timestamp,
) -> Result<PageOf<GrantRow>> {
    let row = |line: GrantWithNames| {
        let role = roles.iter().find(|(organisation, _)| *organisation == line.organisation).map(|(_, role)| *role);
        let state = line.grant.state(now);
        let may_revoke = line.grant.decide_revoke(Officer { person: reader, role }, now).is_ok();
        GrantRow { line, state, may_revoke }
    };
    let PageOf { rows, next } = grants::search(conn, (scope, text), after)?;
    Ok(PageOf { rows: rows.into_iter().map(row).collect(), next })
}
