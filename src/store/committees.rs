//! Committees and their members.

use diesel::prelude::*;

use super::columns::{from_json, number, parse, to_json};
use super::connection::AnyConnection;
use super::error::{Error, Result};
use super::schema::{committee_members, committees, datasets};
use crate::domain::committee::{Committee, Deadlines};
use crate::domain::ids::{CommitteeId, DatasetId, OrganisationId, PersonId};
use crate::domain::text::Slug;

type CommitteeRow = (String, String, String, String, i32, Option<i32>, Option<i32>);

fn with_members(conn: &mut AnyConnection, row: CommitteeRow) -> Result<Committee> {
    let (id, organisation, slug, name, quorum, remind_after, decide_within) = row;
    let id = parse("committee id", &id)?;
    Ok(Committee {
        members: members(conn, id)?,
        id,
        organisation: parse("organisation id", &organisation)?,
        slug: parse("committee slug", &slug)?,
        name: from_json("committee name", &name)?,
        quorum: number(quorum),
        deadlines: Deadlines::parse(remind_after.map(number), decide_within.map(number))
            .map_err(|error| Error::Corrupt(format!("a committee: {error}")))?,
    })
}

/// The members of a committee, in ascending order.
///
/// # Errors
/// When the database fails.
pub fn members(conn: &mut AnyConnection, committee: CommitteeId) -> Result<Vec<PersonId>> {
    let ids: Vec<String> = committee_members::table
        .filter(committee_members::committee_id.eq(committee.to_string()))
        .order(committee_members::person_id)
        .select(committee_members::person_id)
        .load(conn)?;
    ids.iter().map(|id| parse("person id", id)).collect()
}

/// The committee with this id.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: CommitteeId) -> Result<Option<Committee>> {
    let row: Option<CommitteeRow> = committees::table.find(id.to_string()).first(conn).optional()?;
    row.map(|row| with_members(conn, row)).transpose()
}

/// An organisation's committee with this slug.
///
/// # Errors
/// When the database fails.
pub fn by_slug(conn: &mut AnyConnection, organisation: OrganisationId, slug: &Slug) -> Result<Option<Committee>> {
    let row: Option<CommitteeRow> = committees::table
        .filter(committees::organisation_id.eq(organisation.to_string()))
        .filter(committees::slug.eq(slug.as_str()))
        .first(conn)
        .optional()?;
    row.map(|row| with_members(conn, row)).transpose()
}

/// An organisation's committees, by their slugs.
///
/// # Errors
/// When the database fails.
pub fn of_organisation(conn: &mut AnyConnection, organisation: OrganisationId) -> Result<Vec<Committee>> {
    let rows: Vec<CommitteeRow> = committees::table
        .filter(committees::organisation_id.eq(organisation.to_string()))
        .order(committees::slug)
        .load(conn)?;
    rows.into_iter().map(|row| with_members(conn, row)).collect()
}

/// The datasets about which a committee decides.
///
/// # Errors
/// When the database fails.
pub fn datasets_of(conn: &mut AnyConnection, committee: CommitteeId) -> Result<Vec<DatasetId>> {
    let ids: Vec<String> = datasets::table
        .filter(datasets::committee_id.eq(committee.to_string()))
        .order(datasets::id)
        .select(datasets::id)
        .load(conn)?;
    ids.iter().map(|id| parse("dataset id", id)).collect()
}

/// The datasets that a person reviews.
///
/// # Errors
/// When the database fails.
pub fn reviewed_by(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<DatasetId>> {
    let ids: Vec<String> = committee_members::table
        .inner_join(datasets::table.on(datasets::committee_id.eq(committee_members::committee_id.nullable())))
        .filter(committee_members::person_id.eq(person.to_string()))
        .order(datasets::id)
        .select(datasets::id)
        .load(conn)?;
    ids.iter().map(|id| parse("dataset id", id)).collect()
}

/// Whether a person is a member of any committee that decides about a dataset.
///
/// # Errors
/// When the database fails.
pub fn is_reviewer(conn: &mut AnyConnection, person: PersonId) -> Result<bool> {
    let found: Option<String> = committee_members::table
        .inner_join(datasets::table.on(datasets::committee_id.eq(committee_members::committee_id.nullable())))
        .filter(committee_members::person_id.eq(person.to_string()))
        .select(datasets::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Stores a committee with its members.
///
/// # Errors
/// When the database fails.
pub fn save(conn: &mut AnyConnection, committee: &Committee) -> Result<()> {
    let id = committee.id.to_string();
    let column = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let values = (
        committees::name.eq(to_json(&committee.name)),
        committees::quorum.eq(column(committee.quorum)),
        committees::remind_after.eq(committee.deadlines.remind_after().map(column)),
        committees::decide_within.eq(committee.deadlines.decide_within().map(column)),
    );
    if diesel::update(committees::table.find(&id)).set(values.clone()).execute(conn)? == 0 {
        let keys = (
            committees::id.eq(&id),
            committees::organisation_id.eq(committee.organisation.to_string()),
            committees::slug.eq(committee.slug.as_str()),
        );
        diesel::insert_into(committees::table).values((keys, values)).execute(conn)?;
    }
    diesel::delete(committee_members::table.filter(committee_members::committee_id.eq(&id))).execute(conn)?;
    for person in &committee.members {
        diesel::insert_into(committee_members::table)
            .values((committee_members::committee_id.eq(&id), committee_members::person_id.eq(person.to_string())))
            .execute(conn)?;
    }
    Ok(())
}
