//! Organisations.

use diesel::prelude::*;

use super::columns::{from_json, parse, to_json};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::{Error, Result};
use super::schema::organisations;
use crate::domain::Timestamp;
use crate::domain::ids::OrganisationId;
use crate::domain::organisation::Organisation;
use crate::domain::text::Slug;
use crate::domain::working_days::Holidays;

#[derive(Queryable, Selectable)]
#[diesel(table_name = organisations)]
struct OrganisationRow {
    id: String,
    slug: String,
    name: String,
    about: String,
    suspended_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<OrganisationRow> for Organisation {
    type Error = super::error::Error;
    fn try_from(row: OrganisationRow) -> Result<Self> {
        Ok(Self {
            id: parse("organisation id", &row.id)?,
            slug: parse("organisation slug", &row.slug)?,
            name: from_json("organisation name", &row.name)?,
            about: from_json("about an organisation", &row.about)?,
            suspended_at: row.suspended_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

/// The organisation with this id.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: OrganisationId) -> Result<Option<Organisation>> {
    let row = organisations::table.find(id.to_string()).select(OrganisationRow::as_select()).first(conn).optional()?;
    row.map(Organisation::try_from).transpose()
}

/// The organisation with this slug.
///
/// # Errors
/// When the database fails.
pub fn by_slug(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<Organisation>> {
    let row = organisations::table
        .filter(organisations::slug.eq(slug.as_str()))
        .select(OrganisationRow::as_select())
        .first(conn)
        .optional()?;
    row.map(Organisation::try_from).transpose()
}

/// The organisations with these ids, in the order in which they were made.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut AnyConnection, ids: &[OrganisationId]) -> Result<Vec<Organisation>> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let rows = organisations::table
        .filter(organisations::id.eq_any(ids))
        .order((organisations::created_at, organisations::id))
        .select(OrganisationRow::as_select())
        .load(conn)?;
    rows.into_iter().map(Organisation::try_from).collect()
}

/// The only organisation there is; `None` where there are none or several.
///
/// # Errors
/// When the database fails.
pub fn only(conn: &mut AnyConnection) -> Result<Option<Organisation>> {
    let mut rows = organisations::table.limit(2).select(OrganisationRow::as_select()).load(conn)?;
    if rows.len() == 1 { rows.pop().map(Organisation::try_from).transpose() } else { Ok(None) }
}

/// Whether there is one.
///
/// # Errors
/// When the database fails.
pub fn are_any(conn: &mut AnyConnection) -> Result<bool> {
    let id: Option<String> = organisations::table.select(organisations::id).first(conn).optional()?;
    Ok(id.is_some())
}

/// Whether there are several.
///
/// # Errors
/// When the database fails.
pub fn are_several(conn: &mut AnyConnection) -> Result<bool> {
    let ids: Vec<String> = organisations::table.limit(2).select(organisations::id).load(conn)?;
    Ok(ids.len() > 1)
}

/// The organisation with this id, where there are several: where there is one, nobody speaks of organisations.
///
/// # Errors
/// When the database fails.
pub fn among_several(conn: &mut AnyConnection, id: OrganisationId) -> Result<Option<Organisation>> {
    if are_several(conn)? { by_id(conn, id) } else { Ok(None) }
}

/// A page of organisations, in the order in which they were made.
///
/// # Errors
/// When the database fails.
pub fn page(conn: &mut AnyConnection, after: &Cursor) -> Result<PageOf<Organisation>> {
    let (at, id) = (after.key, after.id.clone());
    let later = organisations::created_at.gt(at).or(organisations::created_at.eq(at).and(organisations::id.gt(id)));
    let rows = organisations::table
        .filter(later)
        .order((organisations::created_at, organisations::id))
        .limit(READ)
        .select(OrganisationRow::as_select())
        .load(conn)?;
    let rows = rows.into_iter().map(Organisation::try_from).collect::<Result<_>>()?;
    Ok(PageOf::cut(rows, |row: &Organisation| Cursor::after(row.created_at, row.id)))
}

/// The days on which an organisation does not work.
///
/// # Errors
/// When the database fails.
pub fn holidays(conn: &mut AnyConnection, id: OrganisationId) -> Result<Holidays> {
    let list: String = organisations::table.find(id.to_string()).select(organisations::holidays).first(conn)?;
    Holidays::parse(&list).map_err(|error| Error::Corrupt(format!("holidays: {error}")))
}

/// Stores the days on which an organisation does not work.
///
/// # Errors
/// When the database fails.
pub fn set_holidays(conn: &mut AnyConnection, id: OrganisationId, holidays: &Holidays) -> Result<()> {
    let row = organisations::table.find(id.to_string());
    diesel::update(row).set(organisations::holidays.eq(holidays.to_string())).execute(conn)?;
    Ok(())
}

/// Adds an organisation.
///
/// # Errors
/// When the database fails, or the slug is taken.
pub fn insert(conn: &mut AnyConnection, organisation: &Organisation) -> Result<()> {
    diesel::insert_into(organisations::table)
        .values((
            organisations::id.eq(organisation.id.to_string()),
            organisations::slug.eq(organisation.slug.as_str()),
            organisations::name.eq(to_json(&organisation.name)),
            organisations::about.eq(to_json(&organisation.about)),
            organisations::suspended_at.eq(organisation.suspended_at.map(|at| at.0)),
            organisations::created_at.eq(organisation.created_at.0),
            organisations::updated_at.eq(organisation.updated_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Stores what an organisation says of itself.
///
/// # Errors
/// When the database fails.
pub fn update(conn: &mut AnyConnection, organisation: &Organisation) -> Result<()> {
    diesel::update(organisations::table.find(organisation.id.to_string()))
        .set((
            organisations::name.eq(to_json(&organisation.name)),
            organisations::about.eq(to_json(&organisation.about)),
            organisations::updated_at.eq(organisation.updated_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Suspends an organisation, or ends that.
///
/// # Errors
/// When the database fails.
pub fn set_suspended(conn: &mut AnyConnection, id: OrganisationId, at: Option<Timestamp>) -> Result<()> {
    diesel::update(organisations::table.find(id.to_string()))
        .set(organisations::suspended_at.eq(at.map(|at| at.0)))
        .execute(conn)?;
    Ok(())
}
