//! The catalogue: datasets found by words, and what they are narrowed and ordered by.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::columns::{from_json, like_pattern, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::datasets::{DatasetRow, complete};
use super::error::{Result, corrupt};
use super::files::{STILL_THERE, column, end_of_prefix, open_ends};
use super::schema::{dataset_tags, datasets, files, organisations, releases};
use crate::domain::Timestamp;
use crate::domain::catalogue::CatalogueEntry;
use crate::domain::dataset::Dataset;
use crate::domain::ids::{DatasetId, OrganisationId};
use crate::domain::localised::Localised;
use crate::domain::path::FilePath;
use crate::domain::search::Query;
use crate::domain::text::Sha256;

/// The published datasets in which every word of a query occurs somewhere, or begins the name of a file.
fn matching(words: &Query) -> datasets::BoxedQuery<'_, <AnyConnection as Connection>::Backend> {
    let mut query = datasets::table.filter(datasets::published_at.is_not_null()).into_boxed();
    for piece in words.pieces() {
        type Condition<'a> =
            Box<dyn BoxableExpression<datasets::table, <AnyConnection as Connection>::Backend, SqlType = Bool> + 'a>;
        let contains = |word: &str| datasets::search.like(like_pattern(word)).escape('\\');
        let mut words = piece.split(' ');
        let mut found: Condition<'_> = Box::new(contains(words.next().unwrap_or_default()));
        for word in words {
            found = Box::new(found.and(contains(word)));
        }
        if Query::may_begin_file_name(piece) {
            // Nothing, the release that is being prepared, or one that is not public yet: each has its place in the index.
            let hidden = files::until_release
                .gt(datasets::current_release)
                .and(files::until_release.le(datasets::newest_release));
            let there = files::until_release
                .eq(STILL_THERE)
                .or(files::until_release.eq(datasets::newest_release + 1))
                .or(hidden);
            let named = files::table
                .filter(files::dataset_id.eq(datasets::id))
                .filter(there)
                // Hidden from SQLite, which would take the index of releases, with every row of the dataset, before that of names.
                .filter((files::from_release + 0).le(datasets::current_release))
                .filter(files::search.ge(piece))
                .filter(files::search.lt(end_of_prefix(piece)));
            found = Box::new(found.or(exists(named)));
        }
        query = query.filter(found);
    }
    query
}

/// What a dataset of the catalogue is narrowed and ordered by, as its row and those beside it say.
type EntryRow = (String, String, String, String, i64, String, Option<String>, Option<i64>);

/// A number that grows with every change of any dataset.
fn version(conn: &mut AnyConnection) -> Result<i64> {
    let sum = diesel::dsl::sql::<BigInt>("CAST(COALESCE(SUM(version), 0) AS BIGINT)");
    Ok(datasets::table.select(sum).get_result(conn)?)
}

/// The datasets of the catalogue, in its order: those that are published and not retired.
fn entries(conn: &mut AnyConnection) -> Result<Vec<CatalogueEntry>> {
    let current = releases::dataset_id.eq(datasets::id).and(releases::number.eq(datasets::current_release));
    let rows: Vec<EntryRow> = datasets::table
        .inner_join(organisations::table.on(organisations::id.eq(datasets::organisation_id)))
        .left_join(releases::table.on(current))
        .filter(datasets::published_at.is_not_null())
        .filter(datasets::retirement.is_null())
        .order((datasets::position, datasets::id))
        .select((
            datasets::id,
            datasets::mode,
            organisations::slug,
            datasets::licence,
            datasets::total_bytes,
            datasets::search_title,
            releases::formats.nullable(),
            releases::published_at.nullable(),
        ))
        .load(conn)?;
    let mut tags = tags(conn)?;
    rows.into_iter()
        .map(|(id, mode, organisation, licence, bytes, title, formats, changed_at)| {
            let tags = tags.remove(&id).unwrap_or_default();
            Ok(CatalogueEntry {
                id: parse("dataset id", &id)?,
                mode: parse("access mode", &mode)?,
                organisation,
                licence,
                formats: formats.map_or_else(|| Ok(Vec::new()), |formats| from_json("formats", &formats))?,
                tags,
                total_bytes: unsigned(bytes),
                changed_at: changed_at.map(Timestamp),
                title,
            })
        })
        .collect()
}

/// What the catalogue is narrowed and ordered by, kept until any dataset changes: with ten thousand of them it takes far longer
/// to read than to go through.
#[derive(Debug, Default)]
pub struct CatalogueCache(Mutex<Option<(i64, Arc<Vec<CatalogueEntry>>)>>);

impl CatalogueCache {
    /// The datasets of the catalogue, as they are now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn entries(&self, conn: &mut AnyConnection) -> Result<Arc<Vec<CatalogueEntry>>> {
        // Before they are read: what changes in between is read again the next time.
        let version = version(conn)?;
        // The lock is held for a look and for a change of what is kept, never while the database is read.
        let kept = self.lock().as_ref().filter(|(of, _)| *of == version).map(|(_, entries)| entries.clone());
        if let Some(entries) = kept {
            return Ok(entries);
        }
        let entries = Arc::new(entries(conn)?);
        *self.lock() = Some((version, entries.clone()));
        Ok(entries)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(i64, Arc<Vec<CatalogueEntry>>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The published datasets that match a query; nothing where it has no words, and all match.
///
/// # Errors
/// When the database fails.
pub fn ids_matching(conn: &mut AnyConnection, query: &Query) -> Result<Option<HashSet<DatasetId>>> {
    if query.pieces().is_empty() {
        return Ok(None);
    }
    let ids: Vec<String> = matching(query).select(datasets::id).load(conn)?;
    Ok(Some(ids.iter().map(|id| parse("dataset id", id)).collect::<Result<_>>()?))
}

/// The tags of all datasets, by their ids.
fn tags(conn: &mut AnyConnection) -> Result<HashMap<String, Vec<String>>> {
    let rows: Vec<(String, String)> =
        dataset_tags::table.select((dataset_tags::dataset_id, dataset_tags::tag)).load(conn)?;
    let mut tags: HashMap<String, Vec<String>> = HashMap::new();
    for (id, tag) in rows {
        tags.entry(id).or_default().push(tag);
    }
    Ok(tags)
}

/// The published datasets of an organisation that are not retired, in the catalogue's order.
///
/// # Errors
/// When the database fails.
pub fn of_organisation(conn: &mut AnyConnection, owner: OrganisationId, after: &Cursor) -> Result<PageOf<Dataset>> {
    let same_position = datasets::position.eq(after.key).and(datasets::id.gt(&after.id));
    let rows: Vec<(DatasetRow, i64)> = datasets::table
        .filter(datasets::organisation_id.eq(owner.to_string()))
        .filter(datasets::published_at.is_not_null())
        .filter(datasets::retirement.is_null())
        .filter(datasets::position.gt(after.key).or(same_position))
        .order((datasets::position, datasets::id))
        .limit(READ)
        .select((DatasetRow::as_select(), datasets::position))
        .load(conn)?;
    let page = PageOf::cut(rows, |(row, position)| Cursor { key: *position, id: row.id.clone() });
    let rows = page.rows.into_iter().map(|(row, _)| row).collect();
    Ok(PageOf { rows: complete(conn, rows)?, next: page.next })
}

/// The hashes of the current releases of datasets, which their covers are drawn from. One without a release has none.
///
/// # Errors
/// When the database fails.
pub fn current_sums(conn: &mut AnyConnection, found: &[DatasetId]) -> Result<HashMap<DatasetId, Sha256>> {
    let ids: Vec<String> = found.iter().map(ToString::to_string).collect();
    let current = releases::dataset_id.eq(datasets::id).and(releases::number.eq(datasets::current_release));
    let rows: Vec<(String, Vec<u8>)> = datasets::table
        .inner_join(releases::table.on(current))
        .filter(datasets::id.eq_any(ids))
        .select((datasets::id, releases::sums_sha256))
        .load(conn)?;
    let parsed = |(id, sums): (String, Vec<u8>)| {
        let sums = Sha256::from_slice(&sums).ok_or_else(|| corrupt("hash of SHA256SUMS", &id))?;
        Ok((parse("dataset id", &id)?, sums))
    };
    rows.into_iter().map(parsed).collect()
}

/// Datasets by their ids, in the order of these.
///
/// # Errors
/// When the database fails.
pub fn by_ids(conn: &mut AnyConnection, ids: &[DatasetId]) -> Result<Vec<Dataset>> {
    let keys: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let rows = datasets::table.filter(datasets::id.eq_any(keys)).select(DatasetRow::as_select()).load(conn)?;
    let mut found = complete(conn, rows)?;
    found.sort_by_key(|dataset| ids.iter().position(|id| *id == dataset.id));
    Ok(found)
}

/// The first file of a dataset whose name begins with a word that is searched for.
///
/// # Errors
/// When the database fails.
pub fn file_found(conn: &mut AnyConnection, dataset: &Dataset, query: &Query) -> Result<Option<FilePath>> {
    for piece in query.pieces().iter().filter(|piece| Query::may_begin_file_name(piece)) {
        // One end at a time, in the order of the index; the first of them is the first of all.
        let mut first: Option<(String, String)> = None;
        for end in open_ends(dataset) {
            let found: Option<(String, String)> = files::table
                .filter(files::dataset_id.eq(dataset.id.to_string()))
                .filter(files::until_release.eq(end))
                .filter((files::from_release + 0).le(column(dataset.current_release)))
                .filter(files::search.ge(piece))
                .filter(files::search.lt(end_of_prefix(piece)))
                .order((files::search, files::path))
                .select((files::search, files::path))
                .first(conn)
                .optional()?;
            first = [first, found].into_iter().flatten().min();
        }
        if let Some((_, path)) = first {
            return Ok(Some(parse("file path", &path)?));
        }
    }
    Ok(None)
}

/// The names of organisations, by their slugs.
///
/// # Errors
/// When the database fails.
pub fn names_of(conn: &mut AnyConnection, slugs: &[&str]) -> Result<HashMap<String, Localised>> {
    let rows: Vec<(String, String)> = organisations::table
        .filter(organisations::slug.eq_any(slugs))
        .select((organisations::slug, organisations::name))
        .load(conn)?;
    rows.into_iter().map(|(slug, name)| Ok((slug, from_json("organisation name", &name)?))).collect()
}
