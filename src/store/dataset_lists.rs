//! Datasets as those list them who run organisations.

use diesel::prelude::*;

use super::columns::{like_pattern, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::datasets::{DatasetRow, complete, texts};
use super::error::Result;
use super::schema::{datasets, organisations};
use crate::domain::dataset::{Dataset, DatasetOrder, DatasetSelection, DatasetState};
use crate::domain::organisation::ManageScope;
use crate::domain::search::words;

/// Which datasets are looked for, by those who run organisations.
#[derive(Clone, Debug)]
pub struct DatasetQuery {
    /// Of which organisations.
    pub scope: ManageScope,
    /// Words, each of which must be in what they are found by.
    pub text: String,
    /// In which state they are.
    pub selection: DatasetSelection,
    /// In which order they come.
    pub order: DatasetOrder,
}

/// Narrows a query of datasets, joined with organisations, to those that are looked for.
macro_rules! narrowed {
    ($query:expr, $wanted:expr) => {{
        let mut query = $query;
        if let ManageScope::Of(organisations) = &$wanted.scope {
            query = query.filter(datasets::organisation_id.eq_any(texts(organisations)));
        }
        for word in words(&$wanted.text) {
            query = query.filter(datasets::search.like(like_pattern(&word)).escape('\\'));
        }
        let published = || datasets::published_at.is_not_null();
        let delivered = || published().and(datasets::suspended_at.is_null()).and(organisations::suspended_at.is_null());
        match $wanted.selection {
            DatasetSelection::All => query,
            DatasetSelection::In(DatasetState::Draft) => query.filter(datasets::published_at.is_null()),
            DatasetSelection::In(DatasetState::Suspended) => query.filter(
                published().and(datasets::suspended_at.is_not_null().or(organisations::suspended_at.is_not_null())),
            ),
            DatasetSelection::In(DatasetState::Retired) => {
                query.filter(delivered().and(datasets::retirement.is_not_null()))
            }
            DatasetSelection::In(DatasetState::Published) => {
                query.filter(delivered().and(datasets::retirement.is_null()))
            }
        }
    }};
}

/// A page of the datasets that are looked for; `after` is where the page before ended.
///
/// # Errors
/// When the database fails.
pub fn search(conn: &mut AnyConnection, wanted: &DatasetQuery, after: Option<&Cursor>) -> Result<PageOf<Dataset>> {
    let all = datasets::table
        .inner_join(organisations::table.on(organisations::id.eq(datasets::organisation_id)))
        .select((DatasetRow::as_select(), datasets::position))
        .into_boxed();
    let query = narrowed!(all, wanted);
    let found: Vec<(DatasetRow, i64)> = match wanted.order {
        DatasetOrder::Catalogue => {
            let Cursor { key, id } = after.cloned().unwrap_or(Cursor::first());
            query
                .filter(datasets::position.gt(key).or(datasets::position.eq(key).and(datasets::id.gt(id))))
                .order((datasets::position, datasets::id))
                .limit(READ)
                .load(conn)?
        }
        DatasetOrder::EditedLast => {
            let Cursor { key, id } = after.cloned().unwrap_or(Cursor::newest());
            query
                .filter(datasets::updated_at.lt(key).or(datasets::updated_at.eq(key).and(datasets::id.lt(id))))
                .order((datasets::updated_at.desc(), datasets::id.desc()))
                .limit(READ)
                .load(conn)?
        }
    };
    let (rows, positions): (Vec<DatasetRow>, Vec<i64>) = found.into_iter().unzip();
    let rows = complete(conn, rows)?.into_iter().zip(positions).collect();
    let PageOf { rows, next } = PageOf::cut(rows, |(dataset, position): &(Dataset, i64)| match wanted.order {
        DatasetOrder::Catalogue => Cursor { key: *position, id: dataset.id.to_string() },
        DatasetOrder::EditedLast => Cursor::after(dataset.updated_at, dataset.id),
    });
    Ok(PageOf { rows: rows.into_iter().map(|(dataset, _)| dataset).collect(), next })
}

/// How many datasets are found in each selection.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut AnyConnection, wanted: &DatasetQuery) -> Result<Vec<(DatasetSelection, u64)>> {
    let mut found = Vec::with_capacity(DatasetSelection::ALL.len());
    for selection in DatasetSelection::ALL {
        let wanted = DatasetQuery { selection, ..wanted.clone() };
        let all = datasets::table
            .inner_join(organisations::table.on(organisations::id.eq(datasets::organisation_id)))
            .into_boxed();
        let number: i64 = narrowed!(all, wanted).count().get_result(conn)?;
        found.push((selection, unsigned(number)));
    }
    Ok(found)
}
