//! Forms and their versions. Versions are only ever added.

use diesel::prelude::*;

use super::columns::{from_json, number, parse, to_json};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{form_versions, forms};
use crate::domain::Timestamp;
use crate::domain::form::FormVersion;
use crate::domain::ids::{FormId, FormVersionId, OrganisationId};
use crate::domain::localised::Localised;
use crate::domain::text::Slug;

/// Versions that are listed at most.
const MAX_VERSIONS: i64 = 200;

type VersionRow = (String, String, i32, String, String, i64, String);

macro_rules! versions {
    () => {
        form_versions::table.inner_join(forms::table.on(forms::id.eq(form_versions::form_id))).select((
            form_versions::id,
            form_versions::form_id,
            form_versions::number,
            form_versions::title,
            form_versions::sections,
            form_versions::published_at,
            forms::slug,
        ))
    };
}

fn version_of((id, form, version, title, sections, published_at, slug): VersionRow) -> Result<FormVersion> {
    Ok(FormVersion {
        id: parse("form version id", &id)?,
        form: parse("form id", &form)?,
        slug: parse("form slug", &slug)?,
        number: number(version),
        title: from_json("form title", &title)?,
        sections: from_json("form sections", &sections)?,
        published_at: Timestamp(published_at),
    })
}

/// The form with this slug: its id, and the organisation that it belongs to.
///
/// # Errors
/// When the database fails.
pub fn owned_by(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<(FormId, OrganisationId)>> {
    let found: Option<(String, String)> = forms::table
        .filter(forms::slug.eq(slug.as_str()))
        .select((forms::id, forms::organisation_id))
        .first(conn)
        .optional()?;
    found.map(|(id, owner)| Ok((parse("form id", &id)?, parse("organisation id", &owner)?))).transpose()
}

/// The slug of a form.
///
/// # Errors
/// When the database fails.
pub fn slug_of(conn: &mut AnyConnection, id: FormId) -> Result<Option<Slug>> {
    let slug: Option<String> = forms::table.find(id.to_string()).select(forms::slug).first(conn).optional()?;
    slug.map(|slug| parse("form slug", &slug)).transpose()
}

/// The id of the form with this slug.
///
/// # Errors
/// When the database fails.
pub fn id_of(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<FormId>> {
    Ok(owned_by(conn, slug)?.map(|(id, _)| id))
}

/// The forms of an organisation, by their slugs, with the titles of their versions in force.
///
/// # Errors
/// When the database fails.
pub fn of_organisation(conn: &mut AnyConnection, organisation: OrganisationId) -> Result<Vec<(Slug, Localised)>> {
    let rows: Vec<(String, String)> = forms::table
        .filter(forms::organisation_id.eq(organisation.to_string()))
        .order(forms::slug)
        .select((forms::id, forms::slug))
        .load(conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for (id, slug) in rows {
        let title: Option<String> = form_versions::table
            .filter(form_versions::form_id.eq(&id))
            .order(form_versions::number.desc())
            .select(form_versions::title)
            .first(conn)
            .optional()?;
        if let Some(title) = title {
            found.push((parse("form slug", &slug)?, from_json("form title", &title)?));
        }
    }
    Ok(found)
}

/// Gives a form to another organisation.
///
/// # Errors
/// When the database fails.
pub fn set_organisation(conn: &mut AnyConnection, id: FormId, organisation: OrganisationId) -> Result<()> {
    diesel::update(forms::table.find(id.to_string()))
        .set(forms::organisation_id.eq(organisation.to_string()))
        .execute(conn)?;
    Ok(())
}

/// Adds a form without versions.
///
/// # Errors
/// When the database fails.
pub fn insert(conn: &mut AnyConnection, id: FormId, organisation: OrganisationId, slug: &Slug) -> Result<()> {
    diesel::insert_into(forms::table)
        .values((
            forms::id.eq(id.to_string()),
            forms::organisation_id.eq(organisation.to_string()),
            forms::slug.eq(slug.as_str()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Adds a version.
///
/// # Errors
/// When the database fails.
pub fn insert_version(conn: &mut AnyConnection, version: &FormVersion) -> Result<()> {
    diesel::insert_into(form_versions::table)
        .values((
            form_versions::id.eq(version.id.to_string()),
            form_versions::form_id.eq(version.form.to_string()),
            form_versions::number.eq(i32::try_from(version.number).unwrap_or(i32::MAX)),
            form_versions::title.eq(to_json(&version.title)),
            form_versions::sections.eq(to_json(&version.sections)),
            form_versions::published_at.eq(version.published_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// The version in force: the newest.
///
/// # Errors
/// When the database fails.
pub fn in_force(conn: &mut AnyConnection, form: FormId) -> Result<Option<FormVersion>> {
    versions!()
        .filter(form_versions::form_id.eq(form.to_string()))
        .order(form_versions::number.desc())
        .first(conn)
        .optional()?
        .map(version_of)
        .transpose()
}

/// The id of the version in force.
///
/// # Errors
/// When the database fails.
pub fn id_in_force(conn: &mut AnyConnection, form: FormId) -> Result<Option<FormVersionId>> {
    let id: Option<String> = form_versions::table
        .filter(form_versions::form_id.eq(form.to_string()))
        .order(form_versions::number.desc())
        .select(form_versions::id)
        .first(conn)
        .optional()?;
    id.map(|id| parse("form version id", &id)).transpose()
}

/// One version.
///
/// # Errors
/// When the database fails.
pub fn version(conn: &mut AnyConnection, id: FormVersionId) -> Result<Option<FormVersion>> {
    let found = versions!().filter(form_versions::id.eq(id.to_string())).first(conn).optional()?;
    found.map(version_of).transpose()
}

/// One version by its number.
///
/// # Errors
/// When the database fails.
pub fn version_by_number(conn: &mut AnyConnection, form: FormId, number: u32) -> Result<Option<FormVersion>> {
    versions!()
        .filter(form_versions::form_id.eq(form.to_string()))
        .filter(form_versions::number.eq(i32::try_from(number).unwrap_or(i32::MAX)))
        .first(conn)
        .optional()?
        .map(version_of)
        .transpose()
}

/// Numbers and times of publication of a form's versions, the newest first.
///
/// # Errors
/// When the database fails.
pub fn versions_of(conn: &mut AnyConnection, form: FormId) -> Result<Vec<(u32, Timestamp)>> {
    let rows: Vec<(i32, i64)> = form_versions::table
        .filter(form_versions::form_id.eq(form.to_string()))
        .order(form_versions::number.desc())
        .limit(MAX_VERSIONS)
        .select((form_versions::number, form_versions::published_at))
        .load(conn)?;
    Ok(rows.into_iter().map(|(version, at)| (number(version), Timestamp(at))).collect())
}
