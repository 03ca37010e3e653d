//! People as administrators and auditors see them.

use crate::domain::ids::PersonId;
use crate::domain::organisation::OrganisationRole;
use crate::domain::person::{Person, decide_restoration, decide_suspension};
use crate::domain::person_list::PersonSelection;
use crate::domain::{Refusal, Timestamp};
use crate::store::cursor::{CountedPage, page_or_first};
use crate::store::grants::{self, GrantWithNames};
use crate::store::people::PersonQuery;
use crate::store::request_lists::{self, RequestLine};
use crate::store::{AnyConnection, Cursor, PageOf, Result, organisation_members, people};

/// A person in a list.
#[derive(Clone, Debug)]
pub struct PersonLine {
    /// The account.
    pub person: Person,
    /// Its roles in organisations, each once.
    pub roles: Vec<OrganisationRole>,
    /// Whether the reader may suspend it, and it is not their own.
    pub may_suspend: bool,
}

/// A page of the people who are looked for, with what a reader may do about each.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut AnyConnection,
    wanted: &PersonQuery,
    after: Option<&Cursor>,
    reader: &Person,
) -> Result<CountedPage<PersonLine, PersonSelection>> {
    let PageOf { rows, next } = page_or_first(after, |after| people::search(conn, wanted, after))?;
    let acting = people::count_administrators(conn)?;
    let ids: Vec<PersonId> = rows.iter().map(|person| person.id).collect();
    let roles = organisation_members::roles_of_several(conn, &ids)?;
    let line = |person: Person| PersonLine {
        roles: roles.iter().filter(|(id, _)| *id == person.id).map(|(_, role)| *role).collect(),
        may_suspend: person.id != reader.id && decide_suspension(reader, &person, acting) == Ok(true),
        person,
    };
    let page = PageOf { rows: rows.into_iter().map(line).collect(), next };
    Ok(CountedPage { page, counts: people::counts(conn, wanted)? })
}

/// A person, with what the reader may see and do.
#[derive(Clone, Debug)]
pub struct PersonView {
    /// The account.
    pub person: Person,
    /// Their requests and active grants, for auditors.
    pub access: Option<(PageOf<RequestLine>, Vec<GrantWithNames>)>,
    /// Whether the reader may change their roles.
    pub may_change_roles: bool,
    /// Whether the reader may suspend the account; `false` if it is suspended already.
    pub suspension: std::result::Result<bool, Refusal>,
    /// Whether the reader may let the account act again.
    pub may_restore: bool,
}

impl PersonView {
    /// Whether the reader may suspend the account.
    pub fn may_suspend(&self) -> bool {
        self.suspension == Ok(true)
    }
}

/// A person; `None` when there is no such account.
///
/// # Errors
/// When the database fails.
pub fn show(
    conn: &mut AnyConnection,
    id: PersonId,
    requests_after: &Cursor,
    reader: &Person,
    now: Timestamp,
) -> Result<Option<PersonView>> {
    let Some(person) = people::by_id(conn, id)? else { return Ok(None) };
    let acting = people::count_administrators(conn)?;
    Ok(Some(PersonView {
        access: if reader.may_audit() {
            Some((request_lists::of_person(conn, id, requests_after)?, grants::active_of(conn, id, now)?))
        } else {
            None
        },
        may_change_roles: reader.may_administer(),
        suspension: decide_suspension(reader, &person, acting),
        may_restore: decide_restoration(reader, &person) == Ok(true),
        person,
    }))
}
