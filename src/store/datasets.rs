//! Datasets.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::columns::{from_json, number, parse, signed, to_json, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{committees, dataset_agreements, dataset_tags, datasets, organisations};
use crate::domain::Timestamp;
use crate::domain::dataset::{AccessMode, Dataset, ImportSettings, Later, Retirement};
use crate::domain::ids::{AgreementId, CommitteeId, DatasetId, FormId, OrganisationId};
use crate::domain::preview::PreviewLevel;
use crate::domain::search::fold;
use crate::domain::text::Slug;

#[derive(Queryable, Selectable)]
#[diesel(table_name = datasets)]
pub(super) struct DatasetRow {
    pub(super) id: String,
    organisation_id: String,
    slug: String,
    title: String,
    summary: String,
    description: String,
    licence: String,
    publisher: String,
    info: String,
    related: String,
    mode: String,
    committee_id: Option<String>,
    grant_days: i32,
    policies: String,
    form_id: Option<String>,
    root: String,
    import_settings: String,
    file_count: i64,
    total_bytes: i64,
    current_release: i32,
    newest_release: i32,
    suspended_at: Option<i64>,
    retirement: Option<String>,
    published_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

/// Choices about a dataset that no query asks for.
#[derive(Serialize, Deserialize)]
struct Policies {
    later_releases: Later,
    later_members: Later,
    preview: PreviewLevel,
}

impl Policies {
    const fn of(dataset: &Dataset) -> Self {
        let Dataset { later_releases, later_members, preview, .. } = *dataset;
        Self { later_releases, later_members, preview }
    }
}

impl DatasetRow {
    fn with_lists(
        self,
        tags: Vec<String>,
        agreements: Vec<AgreementId>,
        (quorum, organisation_suspended): (u32, bool),
    ) -> Result<Dataset> {
        let policies: Policies = from_json("policies", &self.policies)?;
        Ok(Dataset {
            id: parse("dataset id", &self.id)?,
            organisation: parse("organisation id", &self.organisation_id)?,
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
            committee: self.committee_id.map(|id| parse("committee id", &id)).transpose()?,
            quorum,
            grant_days: u32::try_from(self.grant_days).unwrap_or(1),
            later_releases: policies.later_releases,
            later_members: policies.later_members,
            preview: policies.preview,
            agreements,
            form: self.form_id.map(|id| parse("form id", &id)).transpose()?,
            root: self.root,
            import_settings: from_json("import settings", &self.import_settings)?,
            file_count: unsigned(self.file_count),
            total_bytes: unsigned(self.total_bytes),
            current_release: number(self.current_release),
            newest_release: number(self.newest_release),
            suspended_at: self.suspended_at.map(Timestamp),
            retirement: self.retirement.map(|text| from_json("retirement", &text)).transpose()?,
            organisation_suspended,
            published_at: self.published_at.map(Timestamp),
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

/// The quorums of the committees that decide about these datasets.
fn quorums_of(conn: &mut AnyConnection, rows: &[DatasetRow]) -> Result<Vec<(String, i32)>> {
    let ids: Vec<&String> = rows.iter().filter_map(|row| row.committee_id.as_ref()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(committees::table.filter(committees::id.eq_any(ids)).select((committees::id, committees::quorum)).load(conn)?)
}

/// Of the organisations of these datasets, those that are suspended.
fn suspended_organisations(conn: &mut AnyConnection, rows: &[DatasetRow]) -> Result<Vec<String>> {
    let ids: Vec<&String> = rows.iter().map(|row| &row.organisation_id).collect();
    let suspended = organisations::table.filter(organisations::id.eq_any(ids));
    Ok(suspended.filter(organisations::suspended_at.is_not_null()).select(organisations::id).load(conn)?)
}

pub(super) fn complete(conn: &mut AnyConnection, rows: Vec<DatasetRow>) -> Result<Vec<Dataset>> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let (tags, agreements) = (tags_of(conn, &ids)?, agreements_of(conn, &ids)?);
    let (quorums, suspended) = (quorums_of(conn, &rows)?, suspended_organisations(conn, &rows)?);
    rows.into_iter()
        .map(|row| {
            let own = tags.iter().filter(|(id, _)| *id == row.id).map(|(_, tag)| tag.clone()).collect();
            let signed = agreements.iter().filter(|(id, _)| *id == row.id);
            let signed = signed.map(|(_, agreement)| parse("agreement id", agreement)).collect::<Result<_>>()?;
            let quorum = quorums.iter().find(|(id, _)| Some(id) == row.committee_id.as_ref());
            let quorum = quorum.map_or(1, |(_, quorum)| number(*quorum));
            let is_suspended = suspended.contains(&row.organisation_id);
            row.with_lists(own, signed, (quorum, is_suspended))
        })
        .collect()
}

/// The published dataset with this slug.
///
/// # Errors
/// When the database fails.
pub fn by_slug(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<Dataset>> {
    Ok(any_by_slug(conn, slug)?.filter(Dataset::is_published))
}

/// The dataset with this slug, which may be a draft.
///
/// # Errors
/// When the database fails.
pub fn any_by_slug(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<Dataset>> {
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
        .filter(datasets::published_at.is_not_null())
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
        .filter(datasets::published_at.is_not_null())
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
        .filter(datasets::published_at.is_not_null())
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
        .filter(datasets::published_at.is_not_null())
        .filter(datasets::id.ne(dataset.id.to_string()))
        .select(DatasetRow::as_select())
        .load(conn)?;
    let mut found = complete(conn, rows)?;
    found.sort_by_key(|other| named.iter().position(|slug| *slug == other.slug.as_str()));
    let limit = limit.saturating_sub(found.len());
    let shown: Vec<String> = found.iter().map(|other| other.id.to_string()).collect();
    let published = datasets::table
        .filter(datasets::published_at.is_not_null())
        .filter(datasets::retirement.is_null())
        .select(datasets::id);
    let ids: Vec<String> = dataset_tags::table
        .filter(dataset_tags::tag.eq_any(&dataset.tags))
        .filter(dataset_tags::dataset_id.eq_any(published))
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
        datasets::organisation_id.eq(dataset.organisation.to_string()),
        datasets::committee_id.eq(dataset.committee.map(|id: CommitteeId| id.to_string())),
        datasets::grant_days.eq(i32::try_from(dataset.grant_days).unwrap_or(i32::MAX)),
        datasets::policies.eq(to_json(&Policies::of(dataset))),
        datasets::form_id.eq(dataset.form.map(|id: FormId| id.to_string())),
        datasets::root.eq(&dataset.root),
        datasets::import_settings.eq(to_json(&dataset.import_settings)),
        datasets::suspended_at.eq(dataset.suspended_at.map(|at| at.0)),
        datasets::retirement.eq(dataset.retirement.as_ref().map(to_json)),
        datasets::published_at.eq(dataset.published_at.map(|at| at.0)),
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

/// Retires a dataset, or offers it again.
///
/// # Errors
/// When the database fails.
pub fn set_retired(conn: &mut AnyConnection, id: DatasetId, retirement: Option<&Retirement>) -> Result<()> {
    diesel::update(datasets::table.find(id.to_string()))
        .set(datasets::retirement.eq(retirement.map(to_json)))
        .execute(conn)?;
    raise_version(conn, id)
}

/// Makes a draft public.
///
/// # Errors
/// When the database fails.
pub fn set_published(conn: &mut AnyConnection, id: DatasetId, now: Timestamp) -> Result<()> {
    diesel::update(datasets::table.find(id.to_string()))
        .set((datasets::published_at.eq(Some(now.0)), datasets::updated_at.eq(now.0)))
        .execute(conn)?;
    raise_version(conn, id)
}

/// Notes where a dataset's files are.
///
/// # Errors
/// When the database fails.
pub fn set_root(conn: &mut AnyConnection, id: DatasetId, (root, settings): (&str, &ImportSettings)) -> Result<()> {
    diesel::update(datasets::table.find(id.to_string()))
        .set((datasets::root.eq(root), datasets::import_settings.eq(to_json(settings))))
        .execute(conn)?;
    raise_version(conn, id)
}

/// Gives a dataset to another organisation, and to the committee there that decides about it.
///
/// # Errors
/// When the database fails.
pub fn set_organisation(
    conn: &mut AnyConnection,
    id: DatasetId,
    (organisation, committee): (OrganisationId, Option<CommitteeId>),
    now: Timestamp,
) -> Result<()> {
    diesel::update(datasets::table.find(id.to_string()))
        .set((
            datasets::organisation_id.eq(organisation.to_string()),
            datasets::committee_id.eq(committee.map(|id| id.to_string())),
            datasets::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    raise_version(conn, id)
}

/// The version of the published dataset with this slug: every change of the dataset or its files raises it. What is read after it is
/// as new as it says, or newer.
///
/// # Errors
/// When the database fails.
pub fn version(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<u64>> {
    let version: Option<i64> = datasets::table
        .filter(datasets::slug.eq(slug.as_str()))
        .filter(datasets::published_at.is_not_null())
        .select(datasets::version)
        .first(conn)
        .optional()?;
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

/// Ids as columns hold them.
pub(super) fn texts(ids: &[OrganisationId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
