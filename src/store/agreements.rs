//! Agreements and their versions. Versions are only ever added.

use diesel::prelude::*;

use super::columns::{from_json, number, parse, to_json};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{agreement_texts, agreement_versions, agreements};
use crate::domain::Timestamp;
use crate::domain::agreement::{AgreementText, AgreementVersion};
use crate::domain::ids::{AgreementId, OrganisationId, VersionId};
use crate::domain::localised::Localised;
use crate::domain::text::{Language, Slug};

/// Versions that are listed at most.
const MAX_VERSIONS: i64 = 200;

#[derive(Queryable, Selectable)]
#[diesel(table_name = agreement_versions)]
struct VersionRow {
    id: String,
    agreement_id: String,
    number: i32,
    title: String,
    statement: String,
    consent: String,
    kind: String,
    binding: String,
    published_at: i64,
    sign_by: Option<i64>,
}

/// The agreement with this slug: its id, and the organisation that it belongs to.
///
/// # Errors
/// When the database fails.
pub fn owned_by(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<(AgreementId, OrganisationId)>> {
    let found: Option<(String, String)> = agreements::table
        .filter(agreements::slug.eq(slug.as_str()))
        .select((agreements::id, agreements::organisation_id))
        .first(conn)
        .optional()?;
    found.map(|(id, owner)| Ok((parse("agreement id", &id)?, parse("organisation id", &owner)?))).transpose()
}

/// The id of the agreement with this slug.
///
/// # Errors
/// When the database fails.
pub fn id_of(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<AgreementId>> {
    Ok(owned_by(conn, slug)?.map(|(id, _)| id))
}

/// The agreements of an organisation, by their slugs, with the titles of their versions in force.
///
/// # Errors
/// When the database fails.
pub fn of_organisation(conn: &mut AnyConnection, organisation: OrganisationId) -> Result<Vec<(Slug, Localised)>> {
    let rows: Vec<(String, String)> = agreements::table
        .filter(agreements::organisation_id.eq(organisation.to_string()))
        .order(agreements::slug)
        .select((agreements::id, agreements::slug))
        .load(conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for (id, slug) in rows {
        let title: Option<String> = agreement_versions::table
            .filter(agreement_versions::agreement_id.eq(&id))
            .order(agreement_versions::number.desc())
            .select(agreement_versions::title)
            .first(conn)
            .optional()?;
        if let Some(title) = title {
            found.push((parse("agreement slug", &slug)?, from_json("agreement title", &title)?));
        }
    }
    Ok(found)
}

/// Gives an agreement to another organisation.
///
/// # Errors
/// When the database fails.
pub fn set_organisation(conn: &mut AnyConnection, id: AgreementId, organisation: OrganisationId) -> Result<()> {
    diesel::update(agreements::table.find(id.to_string()))
        .set(agreements::organisation_id.eq(organisation.to_string()))
        .execute(conn)?;
    Ok(())
}

/// The slugs of agreements with the titles of their versions in force, in the order of `ids`.
///
/// # Errors
/// When the database fails.
pub fn titles(conn: &mut AnyConnection, ids: &[AgreementId]) -> Result<Vec<(Slug, Localised)>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let row: Option<(String, String)> = agreement_versions::table
            .inner_join(agreements::table.on(agreements::id.eq(agreement_versions::agreement_id)))
            .filter(agreement_versions::agreement_id.eq(id.to_string()))
            .order(agreement_versions::number.desc())
            .select((agreements::slug, agreement_versions::title))
            .first(conn)
            .optional()?;
        if let Some((slug, title)) = row {
            found.push((parse("agreement slug", &slug)?, from_json("agreement title", &title)?));
        }
    }
    Ok(found)
}

/// Adds an agreement without versions.
///
/// # Errors
/// When the database fails.
pub fn insert(conn: &mut AnyConnection, id: AgreementId, organisation: OrganisationId, slug: &Slug) -> Result<()> {
    diesel::insert_into(agreements::table)
        .values((
            agreements::id.eq(id.to_string()),
            agreements::organisation_id.eq(organisation.to_string()),
            agreements::slug.eq(slug.as_str()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Adds a version with its texts.
///
/// # Errors
/// When the database fails.
pub fn insert_version(conn: &mut AnyConnection, version: &AgreementVersion) -> Result<()> {
    diesel::insert_into(agreement_versions::table)
        .values((
            agreement_versions::id.eq(version.id.to_string()),
            agreement_versions::agreement_id.eq(version.agreement.to_string()),
            agreement_versions::number.eq(i32::try_from(version.number).unwrap_or(i32::MAX)),
            agreement_versions::title.eq(to_json(&version.title)),
            agreement_versions::statement.eq(to_json(&version.statement)),
            agreement_versions::consent.eq(to_json(&version.consent)),
            agreement_versions::kind.eq(version.kind.as_str()),
            agreement_versions::binding.eq(version.binding.tag()),
            agreement_versions::published_at.eq(version.published_at.0),
            agreement_versions::sign_by.eq(version.sign_by.map(|at| at.0)),
        ))
        .execute(conn)?;
    for text in &version.texts {
        diesel::insert_into(agreement_texts::table)
            .values((
                agreement_texts::version_id.eq(version.id.to_string()),
                agreement_texts::language.eq(text.language.tag()),
                agreement_texts::body.eq(&text.body),
                agreement_texts::sha256.eq(text.sha256.to_string()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Takes back when it was too late to sign the versions of an agreement.
///
/// # Errors
/// When the database fails.
pub fn take_deadlines_back(conn: &mut AnyConnection, agreement: AgreementId) -> Result<()> {
    let all = agreement_versions::table.filter(agreement_versions::agreement_id.eq(agreement.to_string()));
    diesel::update(all).set(agreement_versions::sign_by.eq(None::<i64>)).execute(conn)?;
    Ok(())
}

/// Sets when it is too late to sign a version.
///
/// # Errors
/// When the database fails.
pub fn set_sign_by(conn: &mut AnyConnection, version: &AgreementVersion) -> Result<()> {
    diesel::update(agreement_versions::table.find(version.id.to_string()))
        .set(agreement_versions::sign_by.eq(version.sign_by.map(|at| at.0)))
        .execute(conn)?;
    Ok(())
}

/// When it is too late for those who signed an earlier version, of the versions before this one that have to be signed.
///
/// # Errors
/// When the database fails.
pub fn earlier_deadlines(conn: &mut AnyConnection, version: &AgreementVersion) -> Result<Vec<(u32, Timestamp)>> {
    let rows: Vec<(i32, Option<i64>)> = agreement_versions::table
        .filter(agreement_versions::agreement_id.eq(version.agreement.to_string()))
        .filter(agreement_versions::number.lt(i32::try_from(version.number).unwrap_or(i32::MAX)))
        .filter(agreement_versions::sign_by.is_not_null())
        .order(agreement_versions::number)
        .select((agreement_versions::number, agreement_versions::sign_by))
        .load(conn)?;
    let read = |(version, by): (i32, Option<i64>)| Some((number(version), Timestamp(by?)));
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The version in force: the newest.
///
/// # Errors
/// When the database fails.
pub fn in_force(conn: &mut AnyConnection, agreement: AgreementId) -> Result<Option<AgreementVersion>> {
    let row: Option<(VersionRow, String)> = agreement_versions::table
        .inner_join(agreements::table.on(agreements::id.eq(agreement_versions::agreement_id)))
        .filter(agreement_versions::agreement_id.eq(agreement.to_string()))
        .order(agreement_versions::number.desc())
        .select((VersionRow::as_select(), agreements::slug))
        .first(conn)
        .optional()?;
    row.map(|(row, slug)| with_texts(conn, row, &slug)).transpose()
}

/// The id of the version in force.
///
/// # Errors
/// When the database fails.
pub fn id_in_force(conn: &mut AnyConnection, agreement: AgreementId) -> Result<Option<VersionId>> {
    let id: Option<String> = agreement_versions::table
        .filter(agreement_versions::agreement_id.eq(agreement.to_string()))
        .order(agreement_versions::number.desc())
        .select(agreement_versions::id)
        .first(conn)
        .optional()?;
    id.map(|id| parse("version id", &id)).transpose()
}

/// The id of a version by its agreement's slug and its number.
///
/// # Errors
/// When the database fails.
pub fn id_of_version(conn: &mut AnyConnection, slug: &Slug, number: u32) -> Result<Option<VersionId>> {
    let id: Option<String> = agreement_versions::table
        .inner_join(agreements::table.on(agreements::id.eq(agreement_versions::agreement_id)))
        .filter(agreements::slug.eq(slug.as_str()))
        .filter(agreement_versions::number.eq(i32::try_from(number).unwrap_or(i32::MAX)))
        .select(agreement_versions::id)
        .first(conn)
        .optional()?;
    id.map(|id| parse("version id", &id)).transpose()
}

/// Numbers and times of publication of an agreement's versions, the newest first.
///
/// # Errors
/// When the database fails.
pub fn versions(conn: &mut AnyConnection, agreement: AgreementId) -> Result<Vec<(u32, Timestamp)>> {
    let rows: Vec<(i32, i64)> = agreement_versions::table
        .filter(agreement_versions::agreement_id.eq(agreement.to_string()))
        .order(agreement_versions::number.desc())
        .limit(MAX_VERSIONS)
        .select((agreement_versions::number, agreement_versions::published_at))
        .load(conn)?;
    Ok(rows.into_iter().map(|(version, at)| (number(version), Timestamp(at))).collect())
}

/// One version.
///
/// # Errors
/// When the database fails.
pub fn version(conn: &mut AnyConnection, id: VersionId) -> Result<Option<AgreementVersion>> {
    let row: Option<(VersionRow, String)> = agreement_versions::table
        .inner_join(agreements::table.on(agreements::id.eq(agreement_versions::agreement_id)))
        .filter(agreement_versions::id.eq(id.to_string()))
        .select((VersionRow::as_select(), agreements::slug))
        .first(conn)
        .optional()?;
    row.map(|(row, slug)| with_texts(conn, row, &slug)).transpose()
}

fn with_texts(conn: &mut AnyConnection, row: VersionRow, slug: &str) -> Result<AgreementVersion> {
    let texts: Vec<(String, String, String)> = agreement_texts::table
        .filter(agreement_texts::version_id.eq(&row.id))
        .order(agreement_texts::language)
        .select((agreement_texts::language, agreement_texts::body, agreement_texts::sha256))
        .load(conn)?;
    let texts = texts
        .into_iter()
        .map(|(language, body, sha256)| {
            Ok(AgreementText {
                language: Language::from_tag(&language).unwrap_or_default(),
                body,
                sha256: parse("agreement hash", &sha256)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(AgreementVersion {
        id: parse("version id", &row.id)?,
        agreement: parse("agreement id", &row.agreement_id)?,
        slug: parse("agreement slug", slug)?,
        number: number(row.number),
        title: from_json("agreement title", &row.title)?,
        statement: from_json("agreement statement", &row.statement)?,
        consent: from_json("agreement consent", &row.consent)?,
        kind: parse("agreement kind", &row.kind)?,
        binding: Language::from_tag(&row.binding).unwrap_or_default(),
        texts,
        published_at: Timestamp(row.published_at),
        sign_by: row.sign_by.map(Timestamp),
    })
}
