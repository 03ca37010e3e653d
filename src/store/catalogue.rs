//! The catalogue: datasets found by words, tag and mode.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::columns::{from_json, like_pattern, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ, ROWS};
use super::datasets::{DatasetRow, complete};
use super::error::Result;
use super::files::{STILL_THERE, column, end_of_prefix, open_ends};
use super::schema::{dataset_tags, datasets, files, organisations};
use crate::domain::dataset::{AccessMode, Dataset};
use crate::domain::localised::Localised;
use crate::domain::path::FilePath;
use crate::domain::search::{Query, rank};
use crate::domain::text::Slug;

/// A search of the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Words, each of which must occur somewhere, or begin the name of a file.
    pub query: Query,
    /// Finds only datasets with this mode.
    pub mode: Option<AccessMode>,
    /// Finds only datasets with this tag.
    pub tag: Option<String>,
    /// Finds only datasets of the organisation with this slug.
    pub organisation: Option<String>,
}

fn filtered(search: &Search) -> datasets::BoxedQuery<'_, <AnyConnection as Connection>::Backend> {
    let mut query = datasets::table.filter(datasets::published_at.is_not_null()).into_boxed();
    for piece in search.query.pieces() {
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
    if let Some(mode) = search.mode {
        query = query.filter(datasets::mode.eq(mode.as_str()));
    }
    if let Some(tag) = &search.tag {
        let tagged = dataset_tags::table.filter(dataset_tags::tag.eq(tag)).select(dataset_tags::dataset_id);
        query = query.filter(datasets::id.eq_any(tagged));
    }
    if let Some(slug) = &search.organisation {
        let owner = organisations::table.filter(organisations::slug.eq(slug)).select(organisations::id);
        query = query.filter(datasets::organisation_id.eq_any(owner));
    }
    query
}

/// Datasets that match: those that fit best first, and else in the catalogue's order.
///
/// # Errors
/// When the database fails.
pub fn search(conn: &mut AnyConnection, search: &Search, after: &Cursor) -> Result<PageOf<Dataset>> {
    if search.query.pieces().is_empty() { in_order(conn, search, after) } else { ranked(conn, search, after) }
}

fn in_order(conn: &mut AnyConnection, search: &Search, after: &Cursor) -> Result<PageOf<Dataset>> {
    let same_position = datasets::position.eq(after.key).and(datasets::id.gt(&after.id));
    let rows: Vec<(DatasetRow, i64)> = filtered(search)
        .filter(datasets::position.gt(after.key).or(same_position))
        .order((datasets::position, datasets::id))
        .limit(READ)
        .select((DatasetRow::as_select(), datasets::position))
        .load(conn)?;
    let page = PageOf::cut(rows, |(row, position)| Cursor { key: *position, id: row.id.clone() });
    let rows = page.rows.into_iter().map(|(row, _)| row).collect();
    Ok(PageOf { rows: complete(conn, rows)?, next: page.next })
}

/// By rank, which no database has in a column: the titles of all that match are read, and then the rows of one page.
fn ranked(conn: &mut AnyConnection, search: &Search, after: &Cursor) -> Result<PageOf<Dataset>> {
    let matching: Vec<(String, String)> = filtered(search)
        .order((datasets::position, datasets::id))
        .select((datasets::id, datasets::search_title))
        .load(conn)?;
    let mut places: Vec<Cursor> = matching
        .into_iter()
        .map(|(id, title)| Cursor { key: -i64::from(rank(&title, search.query.words())), id })
        .collect();
    places.sort_by_key(|place| place.key);
    let shown = places.iter().position(|place| place.id == after.id).map(|last| last + 1);
    // Where the last one shown is gone, the list goes on with those that fit less.
    let first = shown.unwrap_or_else(|| places.partition_point(|place| place.key <= after.key));
    let page = PageOf::cut(places.into_iter().skip(first).take(ROWS + 1).collect(), Cursor::clone);
    let ids: Vec<&str> = page.rows.iter().map(|place| place.id.as_str()).collect();
    let rows = datasets::table.filter(datasets::id.eq_any(&ids)).select(DatasetRow::as_select()).load(conn)?;
    let mut found = complete(conn, rows)?;
    found.sort_by_key(|dataset| ids.iter().position(|id| *id == dataset.id.to_string()));
    Ok(PageOf { rows: found, next: page.next })
}

/// How many datasets match.
///
/// # Errors
/// When the database fails.
pub fn count_matching(conn: &mut AnyConnection, search: &Search) -> Result<u64> {
    Ok(unsigned(filtered(search).count().get_result(conn)?))
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

/// The organisations that hold datasets: slug and name, those with the most datasets first.
///
/// # Errors
/// When the database fails.
pub fn holders(conn: &mut AnyConnection, limit: i64) -> Result<Vec<(Slug, Localised)>> {
    let counted = diesel::dsl::count(datasets::id);
    let rows: Vec<(String, String, i64)> = datasets::table
        .inner_join(organisations::table.on(organisations::id.eq(datasets::organisation_id)))
        .filter(datasets::published_at.is_not_null())
        .group_by((organisations::slug, organisations::name))
        .select((organisations::slug, organisations::name, counted))
        .order((counted.desc(), organisations::slug))
        .limit(limit)
        .load(conn)?;
    rows.iter()
        .map(|(slug, name, _)| Ok((parse("organisation slug", slug)?, from_json("organisation name", name)?)))
        .collect()
}

/// The tags in use, the commonest first, with how many datasets have each.
///
/// # Errors
/// When the database fails.
pub fn tags(conn: &mut AnyConnection, limit: i64) -> Result<Vec<(String, u64)>> {
    let counted = diesel::dsl::count(dataset_tags::dataset_id);
    let published = datasets::table.filter(datasets::published_at.is_not_null()).select(datasets::id);
    let rows: Vec<(String, i64)> = dataset_tags::table
        .filter(dataset_tags::dataset_id.eq_any(published))
        .group_by(dataset_tags::tag)
        .select((dataset_tags::tag, counted))
        .order((counted.desc(), dataset_tags::tag))
        .limit(limit)
        .load(conn)?;
    Ok(rows.into_iter().map(|(tag, n)| (tag, unsigned(n))).collect())
}
