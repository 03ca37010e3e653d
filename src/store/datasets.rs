//! Datasets and their reviewers.

use diesel::prelude::*;

use super::columns::{from_json, parse, signed, to_json, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::files::number;
use super::schema::{dataset_agreements, dataset_reviewers, dataset_tags, datasets};
use crate::domain::Timestamp;
use crate::domain::dataset::{AccessMode, Dataset};
use crate::domain::ids::{AgreementId, DatasetId, FormId, PersonId};
use crate::domain::search::fold;
use crate::domain::text::Slug;

#[derive(Queryable, Selectable)]
#[diesel(table_name = datasets)]
pub(super) struct DatasetRow {
    pub(super) id: String,
    slug: String,
    title: String,
    summary: String,
    description: String,
    licence: String,
    publisher: String,
    info: String,
    related: String,
    mode: String,
    quorum: i32,
    grant_days: i32,
    later_releases: String,
    later_members: String,
    form_id: Option<String>,
    root: String,
    file_count: i64,
    total_bytes: i64,
    current_release: i32,
    newest_release: i32,
    suspended_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl DatasetRow {
    fn with_lists(self, tags: Vec<String>, agreements: Vec<AgreementId>) -> Result<Dataset> {
        Ok(Dataset {
            id: parse("dataset id", &self.id)?,
            slug: parse("slug", &self.slug)?,
            title: from_json("title", &self.title)?,
            summary: from_json("summary", &self.summary)?,
            description: from_json("description", &self.description)?,
            licence: self.licence,
            publisher: from_json("publisher", &self.publisher)?,
            tags,
            info: from_json("info", &self.info)?,
            related: from_json("related datasets", &self.related)?,
            mode: parse("access mode", &self.mode)?,
            quorum: u32::try_from(self.quorum).unwrap_or(1),
            grant_days: u32::try_from(self.grant_days).unwrap_or(1),
            later_releases: parse("later releases", &self.later_releases)?,
            later_members: parse("later members", &self.later_members)?,
            agreements,
            form: self.form_id.map(|id| parse("form id", &id)).transpose()?,
            root: self.root,
            file_count: unsigned(self.file_count),
            total_bytes: unsigned(self.total_bytes),
            current_release: number(self.current_release),
            newest_release: number(self.newest_release),
            suspended_at: self.suspended_at.map(Timestamp),
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

fn tags_of(conn: &mut AnyConnection, ids: &[String]) -> Result<Vec<(String, String)>> {
    Ok(dataset_tags::table
        .filter(dataset_tags::dataset_id.eq_any(ids))
        .order((dataset_tags::dataset_id, dataset_tags::tag))
        .select((dataset_tags::dataset_id, dataset_tags::tag))
        .load(conn)?)
}

/// What the users of these datasets sign, in order.
fn agreements_of(conn: &mut AnyConnection, ids: &[String]) -> Result<Vec<(String, String)>> {
    Ok(dataset_agreements::table
        .filter(dataset_agreements::dataset_id.eq_any(ids))
        .order((dataset_agreements::dataset_id, dataset_agreements::place))
        .select((dataset_agreements::dataset_id, dataset_agreements::agreement_id))
        .load(conn)?)
}

pub(super) fn complete(conn: &mut AnyConnection, rows: Vec<DatasetRow>) -> Result<Vec<Dataset>> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let (tags, agreements) = (tags_of(conn, &ids)?, agreements_of(conn, &ids)?);
    rows.into_iter()
        .map(|row| {
            let own = tags.iter().filter(|(id, _)| *id == row.id).map(|(_, tag)| tag.clone()).collect();
            let signed = agreements.iter().filter(|(id, _)| *id == row.id);
            let signed = signed.map(|(_, agreement)| parse("agreement id", agreement)).collect::<Result<_>>()?;
            row.with_lists(own, signed)
        })
        .collect()
}

/// The dataset with this slug.
///
/// # Errors
/// When the database fails.
pub fn by_slug(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<Dataset>> {
    let rows = datasets::table.filter(datasets::slug.eq(slug.as_str())).select(DatasetRow::as_select()).load(conn)?;
    Ok(complete(conn, rows)?.pop())
}

/// The dataset with this id.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: DatasetId) -> Result<Option<Dataset>> {
    let rows = datasets::table.find(id.to_string()).select(DatasetRow::as_select()).load(conn)?;
    Ok(complete(conn, rows)?.pop())
}

/// Names of datasets and when they changed, in the catalogue's order, as many as a sitemap may have.
///
/// # Errors
/// When the database fails.
pub fn sitemap_entries(conn: &mut AnyConnection) -> Result<Vec<(Slug, Timestamp)>> {
    const MOST: i64 = 49_999;
    let rows: Vec<(String, i64)> = datasets::table
        .order((datasets::position, datasets::id))
        .limit(MOST)
        .select((datasets::slug, datasets::updated_at))
        .load(conn)?;
    rows.into_iter().map(|(slug, at)| Ok((parse("slug", &slug)?, Timestamp(at)))).collect()
}

/// Datasets whose users sign an agreement, in the catalogue's order.
///
/// # Errors
/// When the database fails.
pub fn with_agreement(conn: &mut AnyConnection, agreement: AgreementId, limit: i64) -> Result<Vec<Dataset>> {
    let signed = dataset_agreements::table
        .filter(dataset_agreements::agreement_id.eq(agreement.to_string()))
        .select(dataset_agreements::dataset_id);
    let rows = datasets::table
        .filter(datasets::id.eq_any(signed))
        .filter(datasets::mode.ne(AccessMode::Open.as_str()))
        .order((datasets::position, datasets::id))
        .limit(limit)
        .select(DatasetRow::as_select())
        .load(conn)?;
    complete(conn, rows)
}

/// Datasets whose users fill in a form, in the catalogue's order.
///
/// # Errors
/// When the database fails.
pub fn with_form(conn: &mut AnyConnection, form: FormId, limit: i64) -> Result<Vec<Dataset>> {
    let rows = datasets::table
        .filter(datasets::form_id.eq(form.to_string()))
        .order((datasets::position, datasets::id))
        .limit(limit)
        .select(DatasetRow::as_select())
        .load(conn)?;
    complete(conn, rows)
}

/// Other datasets: those that its publisher names, in that order; then those that share tags, as many as make `limit` in all.
///
/// # Errors
/// When the database fails.
pub fn related(conn: &mut AnyConnection, dataset: &Dataset, limit: usize) -> Result<Vec<Dataset>> {
    let named: Vec<&str> = dataset.related.iter().map(Slug::as_str).collect();
    let rows = datasets::table
        .filter(datasets::slug.eq_any(&named))
        .filter(datasets::id.ne(dataset.id.to_string()))
        .select(DatasetRow::as_select())
        .load(conn)?;
    let mut found = complete(conn, rows)?;
    found.sort_by_key(|other| named.iter().position(|slug| *slug == other.slug.as_str()));
    let limit = limit.saturating_sub(found.len());
    let shown: Vec<String> = found.iter().map(|other| other.id.to_string()).collect();
    let ids: Vec<String> = dataset_tags::table
        .filter(dataset_tags::tag.eq_any(&dataset.tags))
        .filter(dataset_tags::dataset_id.ne(dataset.id.to_string()))
        .filter(dataset_tags::dataset_id.ne_all(shown))
        .group_by(dataset_tags::dataset_id)
        .order((diesel::dsl::count(dataset_tags::tag).desc(), dataset_tags::dataset_id))
        .limit(signed(limit as u64))
        .select(dataset_tags::dataset_id)
        .load(conn)?;
    let rows = datasets::table.filter(datasets::id.eq_any(&ids)).select(DatasetRow::as_select()).load(conn)?;
    let mut tagged = complete(conn, rows)?;
    tagged.sort_by_key(|dataset| ids.iter().position(|id| *id == dataset.id.to_string()));
    found.extend(tagged);
    Ok(found)
}

/// Whether a dataset is being made or replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Save {
    /// The dataset is new.
    Insert,
    /// The dataset exists and is replaced.
    Update,
}

/// Stores a dataset with its tags and agreements; what its releases hold is `imports`' own.
///
/// # Errors
/// When the database fails.
pub fn save(conn: &mut AnyConnection, dataset: &Dataset, position: i64, how: Save) -> Result<()> {
    let id = dataset.id.to_string();
    let values = (
        datasets::title.eq(to_json(&dataset.title)),
        datasets::summary.eq(to_json(&dataset.summary)),
        datasets::description.eq(to_json(&dataset.description)),
        datasets::licence.eq(&dataset.licence),
        datasets::publisher.eq(to_json(&dataset.publisher)),
        datasets::info.eq(to_json(&dataset.info)),
        datasets::related.eq(to_json(&dataset.related)),
        datasets::mode.eq(dataset.mode.as_str()),
        datasets::quorum.eq(i32::try_from(dataset.quorum).unwrap_or(i32::MAX)),
        datasets::grant_days.eq(i32::try_from(dataset.grant_days).unwrap_or(i32::MAX)),
        datasets::later_releases.eq(dataset.later_releases.as_str()),
        datasets::later_members.eq(dataset.later_members.as_str()),
        datasets::form_id.eq(dataset.form.map(|id: FormId| id.to_string())),
        datasets::root.eq(&dataset.root),
        datasets::suspended_at.eq(dataset.suspended_at.map(|at| at.0)),
        datasets::updated_at.eq(dataset.updated_at.0),
        datasets::search.eq(search_text(dataset)),
        datasets::search_title.eq(search_title(dataset)),
        datasets::position.eq(position),
    );
    match how {
        Save::Insert => {
            let keys = (
                datasets::id.eq(&id),
                datasets::slug.eq(dataset.slug.as_str()),
                datasets::created_at.eq(dataset.created_at.0),
                datasets::version.eq(1_i64),
                datasets::current_release.eq(0),
                datasets::newest_release.eq(0),
                datasets::file_count.eq(0_i64),
                datasets::total_bytes.eq(0_i64),
            );
            diesel::insert_into(datasets::table).values((keys, values)).execute(conn)?;
        }
        Save::Update => {
            diesel::update(datasets::table.find(&id)).set(values).execute(conn)?;
            raise_version(conn, dataset.id)?;
        }
    }
    diesel::delete(dataset_tags::table.filter(dataset_tags::dataset_id.eq(&id))).execute(conn)?;
    diesel::delete(dataset_agreements::table.filter(dataset_agreements::dataset_id.eq(&id))).execute(conn)?;
    for (place, agreement) in (0..).zip(&dataset.agreements) {
        diesel::insert_into(dataset_agreements::table)
            .values((
                dataset_agreements::dataset_id.eq(&id),
                dataset_agreements::place.eq::<i32>(place),
                dataset_agreements::agreement_id.eq(agreement.to_string()),
            ))
            .execute(conn)?;
    }
    for tag in &dataset.tags {
        diesel::insert_into(dataset_tags::table)
            .values((dataset_tags::dataset_id.eq(&id), dataset_tags::tag.eq(tag)))
            .execute(conn)?;
    }
    Ok(())
}

/// What a search finds first.
fn search_title(dataset: &Dataset) -> String {
    let words = dataset.title.0.values().chain(&dataset.tags).map(String::as_str).chain([dataset.slug.as_str()]);
    fold(&words.collect::<Vec<_>>().join("\n"))
}

fn search_text(dataset: &Dataset) -> String {
    let texts = [&dataset.title, &dataset.summary, &dataset.description, &dataset.publisher];
    let words = texts.into_iter().flat_map(|text| text.0.values()).chain(&dataset.tags);
    let words = words.map(String::as_str).chain([dataset.slug.as_str(), &dataset.licence]);
    fold(&words.collect::<Vec<_>>().join("\n"))
}

/// Suspends a dataset, or lets it be delivered again.
///
/// # Errors
/// When the database fails.
pub fn set_suspended(conn: &mut AnyConnection, id: DatasetId, at: Option<Timestamp>) -> Result<()> {
    diesel::update(datasets::table.find(id.to_string()))
        .set(datasets::suspended_at.eq(at.map(|at| at.0)))
        .execute(conn)?;
    raise_version(conn, id)
}

/// The version of the dataset with this slug: every change of the dataset or its files raises it. What is read after it is
/// as new as it says, or newer.
///
/// # Errors
/// When the database fails.
pub fn version(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<u64>> {
    let version: Option<i64> =
        datasets::table.filter(datasets::slug.eq(slug.as_str())).select(datasets::version).first(conn).optional()?;
    Ok(version.map(unsigned))
}

/// Makes what was looked up of a dataset outdated.
///
/// # Errors
/// When the database fails.
pub fn raise_version(conn: &mut AnyConnection, id: DatasetId) -> Result<()> {
    diesel::update(datasets::table.find(id.to_string()))
        .set(datasets::version.eq(datasets::version + 1_i64))
        .execute(conn)?;
    Ok(())
}

/// A dataset's place in the catalogue.
///
/// # Errors
/// When the database fails.
pub fn position(conn: &mut AnyConnection, id: DatasetId) -> Result<i64> {
    Ok(datasets::table.find(id.to_string()).select(datasets::position).first(conn)?)
}

/// The reviewers of a dataset.
///
/// # Errors
/// When the database fails.
pub fn reviewers(conn: &mut AnyConnection, id: DatasetId) -> Result<Vec<PersonId>> {
    let ids: Vec<String> = dataset_reviewers::table
        .filter(dataset_reviewers::dataset_id.eq(id.to_string()))
        .order(dataset_reviewers::person_id)
        .select(dataset_reviewers::person_id)
        .load(conn)?;
    ids.iter().map(|id| parse("person id", id)).collect()
}

/// Whether a person reviews any dataset.
///
/// # Errors
/// When the database fails.
pub fn is_reviewer(conn: &mut AnyConnection, person: PersonId) -> Result<bool> {
    let found: Option<String> = dataset_reviewers::table
        .filter(dataset_reviewers::person_id.eq(person.to_string()))
        .select(dataset_reviewers::dataset_id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// The datasets that a person reviews.
///
/// # Errors
/// When the database fails.
pub fn reviewed_by(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<Dataset>> {
    let own = dataset_reviewers::table
        .filter(dataset_reviewers::person_id.eq(person.to_string()))
        .select(dataset_reviewers::dataset_id);
    let rows = datasets::table
        .filter(datasets::id.eq_any(own))
        .order(datasets::id)
        .select(DatasetRow::as_select())
        .load(conn)?;
    complete(conn, rows)
}

/// Replaces a dataset's reviewers.
///
/// # Errors
/// When the database fails.
pub fn set_reviewers(conn: &mut AnyConnection, id: DatasetId, people: &[PersonId]) -> Result<()> {
    diesel::delete(dataset_reviewers::table.filter(dataset_reviewers::dataset_id.eq(id.to_string()))).execute(conn)?;
    for person in people {
        diesel::insert_into(dataset_reviewers::table)
            .values((
                dataset_reviewers::dataset_id.eq(id.to_string()),
                dataset_reviewers::person_id.eq(person.to_string()),
            ))
            .execute(conn)?;
    }
    Ok(())
}
