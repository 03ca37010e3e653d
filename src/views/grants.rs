//! Grants as the organisations see them that hold the data.

use crate::domain::Timestamp;
use crate::domain::grant::{GrantSelection, GrantState};
use crate::domain::ids::OrganisationId;
use crate::domain::organisation::{Officer, OrganisationRole};
use crate::domain::person::Person;
use crate::store::cursor::{CountedPage, page_or_first};
use crate::store::grants::{self, GrantQuery, GrantWithNames};
use crate::store::{AnyConnection, Cursor, PageOf, Result};

/// A grant in a list.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// The grant, its holder and its dataset.
    pub line: GrantWithNames,
    /// Its state now.
    pub state: GrantState,
    /// Whether the reader may revoke or suspend it.
    pub may_revoke: bool,
    /// Whether the reader may let it be used again; for their own project a rule may still say no.
    pub may_resume: bool,
}

impl GrantRow {
    /// When it stops, or has stopped, because its holder has something to sign.
    pub fn sign_by(&self) -> Option<&Timestamp> {
        let waits = matches!(self.state, GrantState::Active | GrantState::ToSign);
        self.line.grant.sign_by.as_ref().filter(|_| waits)
    }
}

/// A reader with their roles.
pub type Reader<'a> = (&'a Person, &'a [(OrganisationId, OrganisationRole)]);

/// A page of the grants that are looked for, with what a reader may do about each.
///
/// # Errors
/// When the database fails.
pub fn page(
    conn: &mut AnyConnection,
    wanted: &GrantQuery,
    after: Option<&Cursor>,
    reader: Reader<'_>,
) -> Result<PageOf<GrantRow>> {
    let PageOf { rows, next } = grants::search(conn, wanted, after)?;
    Ok(PageOf { rows: rows.into_iter().map(|line| row(line, reader, wanted.now)).collect(), next })
}

/// The same, with how many are found in each state.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut AnyConnection,
    wanted: &GrantQuery,
    after: Option<&Cursor>,
    reader: Reader<'_>,
) -> Result<CountedPage<GrantRow, GrantSelection>> {
    let page = page_or_first(after, |after| page(conn, wanted, after, reader))?;
    Ok(CountedPage { page, counts: grants::counts(conn, wanted)? })
}

fn row(line: GrantWithNames, (person, roles): Reader<'_>, now: Timestamp) -> GrantRow {
    let role = roles.iter().find(|(organisation, _)| *organisation == line.organisation).map(|(_, role)| *role);
    let state = line.grant.state(now);
    let officer = Officer { person, role };
    let may_revoke = line.grant.decide_revoke(officer, now).is_ok();
    let may_resume = line.grant.decide_suspension_change(officer, (false, &[]), now) == Ok(true);
    GrantRow { line, state, may_revoke, may_resume }
}
