//! What the overview of organisations counts.

use diesel::dsl::{count, sql};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::columns::{from_json, parse, unsigned};
use super::connection::AnyConnection;
use super::datasets::texts;
use super::error::Result;
use super::grants::active;
use super::schema::{access_requests, datasets, download_counts, grants};
use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::localised::Localised;
use crate::domain::organisation::ManageScope;
use crate::domain::overview::{DownloadCount, OverviewFacts};
use crate::domain::text::Slug;

/// Narrows a query over datasets to those that a scope covers; each query is of a type of its own.
macro_rules! covered {
    ($scope:expr, $query:expr) => {{
        let query = $query.into_boxed();
        match $scope {
            ManageScope::Of(organisations) => query.filter(datasets::organisation_id.eq_any(texts(organisations))),
            ManageScope::Everything => query,
        }
    }};
}

/// Requests and grants on what the scope covers: requests that were sent since a time, and grants that end before one.
///
/// # Errors
/// When the database fails.
pub fn facts(
    conn: &mut AnyConnection,
    scope: &ManageScope,
    (since, now, until): (Timestamp, Timestamp, Timestamp),
) -> Result<OverviewFacts> {
    let requests =
        || access_requests::table.inner_join(datasets::table.on(access_requests::dataset_id.eq(datasets::id)));
    // Where signing was enough nobody was asked.
    let was_asked = access_requests::stage.ne(Stage::Approved.as_str()).or(access_requests::decided_at.is_not_null());
    let sent = requests().filter(access_requests::submitted_at.ge(since.0)).filter(was_asked);
    let sent: Vec<Option<i64>> = covered!(scope, sent).select(access_requests::submitted_at).load(conn)?;
    let waiting = requests().filter(access_requests::stage.eq(Stage::Submitted.as_str()));
    let waiting: Vec<Option<i64>> = covered!(scope, waiting).select(access_requests::submitted_at).load(conn)?;
    let decided = requests().filter(access_requests::decided_at.ge(since.0));
    let decided: Vec<(Option<i64>, Option<i64>)> =
        covered!(scope, decided).select((access_requests::submitted_at, access_requests::decided_at)).load(conn)?;
    let (endings, people) = grants_in_force(conn, scope, (now, until))?;
    let downloads = downloads_by_day(conn, scope, since)?;
    let times = |column: Vec<Option<i64>>| column.into_iter().flatten().map(Timestamp).collect();
    let decided = decided.into_iter().filter_map(|(sent, decided)| Some((Timestamp(sent?), Timestamp(decided?))));
    Ok(OverviewFacts {
        sent: times(sent),
        decided: decided.collect(),
        waiting: times(waiting),
        endings,
        people,
        downloads,
    })
}

/// The downloads of each day.
fn downloads_by_day(
    conn: &mut AnyConnection,
    scope: &ManageScope,
    since: Timestamp,
) -> Result<Vec<(Timestamp, DownloadCount)>> {
    let by_day = download_counts::table
        .inner_join(datasets::table.on(datasets::slug.eq(download_counts::dataset)))
        .filter(download_counts::day.ge(since.days_since_1970()))
        .group_by(download_counts::day)
        .select((download_counts::day, total("admitted"), total("bytes")));
    let rows: Vec<(i64, i64, i64)> = covered!(scope, by_day).load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(day, admitted, bytes)| {
            let count = DownloadCount { admitted: unsigned(admitted), bytes: unsigned(bytes) };
            (Timestamp::of_day(day), count)
        })
        .collect())
}

/// The sum of a column of numbers, as a number of the same size: PostgreSQL makes a larger one of it.
fn total(column: &str) -> SqlLiteral<BigInt> {
    sql(&format!("CAST(SUM(download_counts.{column}) AS BIGINT)"))
}

/// Datasets that were downloaded most since a time: their names, titles, and how many downloads were admitted.
///
/// # Errors
/// When the database fails.
pub fn most_downloaded(
    conn: &mut AnyConnection,
    scope: &ManageScope,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<(Slug, Localised, u64)>> {
    let by_dataset = download_counts::table
        .inner_join(datasets::table.on(datasets::slug.eq(download_counts::dataset)))
        .filter(download_counts::day.ge(since.days_since_1970()))
        .group_by((datasets::slug, datasets::title))
        .select((datasets::slug, datasets::title, total("admitted")));
    let rows: Vec<(String, String, i64)> = covered!(scope, by_dataset)
        .having(total("admitted").gt(0))
        .order((total("admitted").desc(), datasets::slug))
        .limit(limit)
        .load(conn)?;
    rows.into_iter()
        .map(|(slug, title, admitted)| Ok((parse("slug", &slug)?, from_json("title", &title)?, unsigned(admitted))))
        .collect()
}

/// When grants end that are in force, as far as that is before a time, and how many people have one.
fn grants_in_force(
    conn: &mut AnyConnection,
    scope: &ManageScope,
    (now, until): (Timestamp, Timestamp),
) -> Result<(Vec<Timestamp>, u64)> {
    let active =
        || grants::table.inner_join(datasets::table.on(grants::dataset_id.eq(datasets::id))).filter(active!(now));
    let endings = active().filter(grants::ends_at.lt(until.0));
    let endings: Vec<i64> = covered!(scope, endings).select(grants::ends_at).load(conn)?;
    let people: i64 = covered!(scope, active()).select(count(grants::person_id).aggregate_distinct()).first(conn)?;
    Ok((endings.into_iter().map(Timestamp).collect(), unsigned(people)))
}
