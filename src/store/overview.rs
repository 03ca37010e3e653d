//! What the overview of organisations counts.

use std::collections::BTreeMap;

use diesel::dsl::count;
use diesel::prelude::*;

use super::columns::unsigned;
use super::connection::AnyConnection;
use super::datasets::texts;
use super::error::Result;
use super::schema::{access_requests, datasets, grants, reviews};
use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::dataset::AccessMode;
use crate::domain::organisation::ManageScope;
use crate::domain::overview::Facts;

/// Requests and grants on what the scope covers: requests that were sent, and grants that end, between two times.
///
/// # Errors
/// When the database fails.
pub fn facts(
    conn: &mut AnyConnection,
    scope: &ManageScope,
    (since, now, until): (Timestamp, Timestamp, Timestamp),
) -> Result<Facts> {
    // The same for each query, which diesel has no common type for.
    macro_rules! covered {
        ($query:expr) => {{
            let query = $query.into_boxed();
            match scope {
                ManageScope::Of(organisations) => query.filter(datasets::organisation_id.eq_any(texts(organisations))),
                ManageScope::Everything => query,
            }
        }};
    }
    let requests = || {
        let decided_by_people = datasets::mode.eq(AccessMode::Approval.as_str());
        let of_dataset = datasets::table.on(access_requests::dataset_id.eq(datasets::id));
        access_requests::table.inner_join(of_dataset).filter(decided_by_people)
    };
    let sent: Vec<Option<i64>> = covered!(requests().filter(access_requests::submitted_at.ge(since.0)))
        .select(access_requests::submitted_at)
        .load(conn)?;
    let waiting: Vec<Option<i64>> = covered!(requests().filter(access_requests::stage.eq(Stage::Submitted.as_str())))
        .select(access_requests::submitted_at)
        .load(conn)?;
    let over = [Stage::Approved.as_str(), Stage::Rejected.as_str()];
    let votes = requests()
        .inner_join(reviews::table.on(reviews::request_id.eq(access_requests::id)))
        .filter(access_requests::stage.eq_any(over))
        .filter(reviews::round.eq(access_requests::round))
        .filter(reviews::at.ge(since.0));
    let votes: Vec<(String, Option<i64>, i64)> =
        covered!(votes).select((access_requests::id, access_requests::submitted_at, reviews::at)).load(conn)?;
    // The last vote decided.
    let mut decided: BTreeMap<String, (Timestamp, Timestamp)> = BTreeMap::new();
    for (id, sent, at) in votes {
        let times = decided.entry(id).or_insert((Timestamp(sent.unwrap_or(at)), Timestamp(at)));
        times.1 = times.1.max(Timestamp(at));
    }
    let active = || {
        let in_force = grants::starts_at.le(now.0).and(grants::ends_at.gt(now.0)).and(grants::revoked_at.is_null());
        grants::table.inner_join(datasets::table.on(grants::dataset_id.eq(datasets::id))).filter(in_force)
    };
    let endings: Vec<i64> =
        covered!(active().filter(grants::ends_at.lt(until.0))).select(grants::ends_at).load(conn)?;
    let people: i64 = covered!(active()).select(count(grants::person_id).aggregate_distinct()).first(conn)?;
    let times = |column: Vec<Option<i64>>| column.into_iter().flatten().map(Timestamp).collect();
    Ok(Facts {
        sent: times(sent),
        decided: decided.into_values().collect(),
        waiting: times(waiting),
        endings: endings.into_iter().map(Timestamp).collect(),
        people: unsigned(people),
    })
}
