//! Accounts.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::columns::{like_pattern, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::schema::people;
use crate::domain::Timestamp;
use crate::domain::ids::PersonId;
use crate::domain::person::{ERASED_DOMAIN, Person};
use crate::domain::person_list::{PersonOrder, PersonSelection};
use crate::domain::search::{fold, words};
use crate::domain::text::{Email, Language, Secret};

#[derive(Queryable, Selectable)]
#[diesel(table_name = people)]
pub(super) struct PersonRow {
    id: String,
    email: String,
    name: String,
    affiliation: Option<String>,
    language: String,
    email_verified_at: Option<i64>,
    suspended_at: Option<i64>,
    administrator: bool,
    auditor: bool,
    created_at: i64,
}

impl TryFrom<PersonRow> for Person {
    type Error = super::error::Error;
    fn try_from(row: PersonRow) -> Result<Self> {
        Ok(Self {
            id: parse("person id", &row.id)?,
            email: parse("e-mail address", &row.email)?,
            name: parse("name", &row.name)?,
            affiliation: row.affiliation,
            language: Language::from_tag(&row.language).unwrap_or_default(),
            email_verified_at: row.email_verified_at.map(Timestamp),
            suspended_at: row.suspended_at.map(Timestamp),
            administrator: row.administrator,
            auditor: row.auditor,
            created_at: Timestamp(row.created_at),
        })
    }
}

/// The account with this id.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: PersonId) -> Result<Option<Person>> {
    people::table
        .find(id.to_string())
        .select(PersonRow::as_select())
        .first(conn)
        .optional()?
        .map(Person::try_from)
        .transpose()
}

/// The account with this address, and the hash of its password.
///
/// # Errors
/// When the database fails.
pub fn by_email(conn: &mut AnyConnection, email: &Email) -> Result<Option<(Person, Secret)>> {
    let row: Option<(PersonRow, String)> = people::table
        .filter(people::email_key.eq(email.key()))
        .select((PersonRow::as_select(), people::password_hash))
        .first(conn)
        .optional()?;
    row.map(|(row, hash)| Ok((row.try_into()?, Secret::new(hash)))).transpose()
}

/// The account that a person's number in the log or an address names. A number is taken as it is: the log may name an
/// account that is not there any more.
///
/// # Errors
/// When the database fails.
pub fn by_id_or_email(conn: &mut AnyConnection, text: &str) -> Result<Option<PersonId>> {
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let Ok(email) = text.parse() else { return Ok(None) };
    Ok(by_email(conn, &email)?.map(|(person, _)| person.id))
}

/// The hash of an account's password.
///
/// # Errors
/// When the database fails or there is no such account.
pub fn password_hash(conn: &mut AnyConnection, id: PersonId) -> Result<Secret> {
    let hash: String = people::table.find(id.to_string()).select(people::password_hash).first(conn)?;
    Ok(Secret::new(hash))
}

/// Adds an account.
///
/// # Errors
/// When the database fails, or the address is taken.
pub fn insert(conn: &mut AnyConnection, person: &Person, password_hash: &str) -> Result<()> {
    diesel::insert_into(people::table)
        .values((
            people::id.eq(person.id.to_string()),
            people::email.eq(person.email.as_str()),
            people::email_key.eq(person.email.key()),
            people::name.eq(person.name.as_str()),
            people::affiliation.eq(person.affiliation.clone()),
            people::language.eq(person.language.tag()),
            people::password_hash.eq(password_hash),
            people::email_verified_at.eq(person.email_verified_at.map(|at| at.0)),
            people::suspended_at.eq(person.suspended_at.map(|at| at.0)),
            people::administrator.eq(person.administrator),
            people::auditor.eq(person.auditor),
            people::search.eq(search_text(person)),
            people::name_key.eq(name_key(person)),
            people::created_at.eq(person.created_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Stores what may change of an account: all but its id and password.
///
/// # Errors
/// When the database fails.
pub fn update(conn: &mut AnyConnection, person: &Person) -> Result<()> {
    diesel::update(people::table.find(person.id.to_string()))
        .set((
            people::email.eq(person.email.as_str()),
            people::email_key.eq(person.email.key()),
            people::name.eq(person.name.as_str()),
            people::affiliation.eq(person.affiliation.clone()),
            people::language.eq(person.language.tag()),
            people::email_verified_at.eq(person.email_verified_at.map(|at| at.0)),
            people::suspended_at.eq(person.suspended_at.map(|at| at.0)),
            people::administrator.eq(person.administrator),
            people::auditor.eq(person.auditor),
            people::search.eq(search_text(person)),
            people::name_key.eq(name_key(person)),
        ))
        .execute(conn)?;
    Ok(())
}

fn search_text(person: &Person) -> String {
    fold(&[person.name.as_str(), person.affiliation.as_deref().unwrap_or_default(), &person.email.key()].join("\n"))
}

/// What accounts are put in order by: the beginning of the name, folded.
fn name_key(person: &Person) -> String {
    const LONGEST: usize = 64;
    fold(person.name.as_str()).chars().take(LONGEST).collect()
}

/// Stores a new password's hash.
///
/// # Errors
/// When the database fails.
pub fn set_password(conn: &mut AnyConnection, id: PersonId, hash: &str) -> Result<()> {
    diesel::update(people::table.find(id.to_string())).set(people::password_hash.eq(hash)).execute(conn)?;
    Ok(())
}

/// The accounts with these ids.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut AnyConnection, ids: &[PersonId]) -> Result<Vec<Person>> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let rows =
        people::table.filter(people::id.eq_any(ids)).order(people::id).select(PersonRow::as_select()).load(conn)?;
    rows.into_iter().map(Person::try_from).collect()
}

/// How many administrators can act.
///
/// # Errors
/// When the database fails.
pub fn count_administrators(conn: &mut AnyConnection) -> Result<i64> {
    Ok(people::table
        .filter(people::administrator.eq(true))
        .filter(people::suspended_at.is_null())
        .count()
        .get_result(conn)?)
}

/// Which people are looked for.
#[derive(Clone, Debug, Default)]
pub struct PersonQuery {
    /// Words, each of which must be in the name, institution or address.
    pub text: String,
    /// Which of them.
    pub selection: PersonSelection,
    /// In which order they come.
    pub order: PersonOrder,
}

/// Narrows a query of accounts to those that are looked for.
macro_rules! narrowed {
    ($query:expr, $wanted:expr) => {{
        let mut query = $query;
        for word in words(&$wanted.text) {
            query = query.filter(people::search.like(like_pattern(&word)).escape('\\'));
        }
        let is_there = people::email.not_like(format!("%{ERASED_DOMAIN}"));
        match $wanted.selection {
            PersonSelection::All => query,
            PersonSelection::Administrators => query.filter(people::administrator.eq(true)),
            PersonSelection::Auditors => query.filter(people::auditor.eq(true)),
            PersonSelection::Unverified => query.filter(people::email_verified_at.is_null().and(is_there)),
            PersonSelection::Suspended => query.filter(people::suspended_at.is_not_null().and(is_there)),
        }
    }};
}

/// A page of the accounts that are looked for; `after` is where the page before ended.
///
/// # Errors
/// When the database fails.
pub fn search(conn: &mut AnyConnection, wanted: &PersonQuery, after: Option<&Cursor>) -> Result<PageOf<Person>> {
    let query = narrowed!(people::table.select(PersonRow::as_select()).into_boxed(), wanted);
    let rows: Vec<PersonRow> = match wanted.order {
        PersonOrder::Newest => {
            let Cursor { key, id } = after.cloned().unwrap_or(Cursor::newest());
            query
                .filter(people::created_at.lt(key).or(people::created_at.eq(key).and(people::id.lt(id))))
                .order((people::created_at.desc(), people::id.desc()))
                .limit(READ)
                .load(conn)?
        }
        PersonOrder::ByName => {
            let (name, id) = after.and_then(|after| after.id.rsplit_once('\n')).unwrap_or_default();
            query
                .filter(people::name_key.gt(name).or(people::name_key.eq(name).and(people::id.gt(id))))
                .order((people::name_key, people::id))
                .limit(READ)
                .load(conn)?
        }
    };
    let found = rows.into_iter().map(Person::try_from).collect::<Result<_>>()?;
    Ok(PageOf::cut(found, |person: &Person| match wanted.order {
        PersonOrder::Newest => Cursor::after(person.created_at, person.id),
        // The name as it was: who changes theirs meanwhile moves alone.
        PersonOrder::ByName => Cursor { key: 0, id: format!("{}\n{}", name_key(person), person.id) },
    }))
}

/// How many accounts are found in each selection.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut AnyConnection, wanted: &PersonQuery) -> Result<Vec<(PersonSelection, u64)>> {
    let mut found = Vec::with_capacity(PersonSelection::ALL.len());
    for selection in PersonSelection::ALL {
        let wanted = PersonQuery { selection, ..wanted.clone() };
        let number: i64 = narrowed!(people::table.into_boxed(), wanted).count().get_result(conn)?;
        found.push((selection, unsigned(number)));
    }
    Ok(found)
}

/// The names of these accounts, by id.
///
/// # Errors
/// When the database fails.
pub fn names(conn: &mut AnyConnection, ids: &[String]) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> =
        people::table.filter(people::id.eq_any(ids)).select((people::id, people::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The addresses of these accounts.
///
/// # Errors
/// When the database fails.
pub fn addresses(conn: &mut AnyConnection, ids: &BTreeSet<PersonId>) -> Result<HashMap<PersonId, String>> {
    // SQLite binds a limited number of values.
    const AT_A_TIME: usize = 500;
    let ids: Vec<String> = ids.iter().map(PersonId::to_string).collect();
    let mut found = HashMap::new();
    for some in ids.chunks(AT_A_TIME) {
        let rows: Vec<(String, String)> =
            people::table.filter(people::id.eq_any(some)).select((people::id, people::email)).load(conn)?;
        for (id, email) in rows {
            found.insert(parse("person id", &id)?, email);
        }
    }
    Ok(found)
}
