//! When requests that wait are to be brought to mind, and which of them are overdue.

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::{access_requests, datasets};
use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::access_request::deadlines::Nudge;
use crate::domain::committee::DueTimes;
use crate::domain::ids::{DatasetId, OrganisationId, RequestId};

/// Stores when those who decide on a request are told that it still waits.
///
/// # Errors
/// When the database fails.
pub fn set(conn: &mut AnyConnection, request: RequestId, times: DueTimes) -> Result<()> {
    let times = (
        access_requests::remind_at.eq(times.remind_at.map(|at| at.0)),
        access_requests::due_at.eq(times.due_at.map(|at| at.0)),
    );
    diesel::update(access_requests::table.find(request.to_string())).set(times).execute(conn)?;
    Ok(())
}

/// The requests for a dataset that wait, and when each was sent.
///
/// # Errors
/// When the database fails.
pub fn waiting(conn: &mut AnyConnection, dataset: DatasetId) -> Result<Vec<(RequestId, Timestamp)>> {
    let rows: Vec<(String, Option<i64>)> = access_requests::table
        .filter(access_requests::dataset_id.eq(dataset.to_string()))
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
        .select((access_requests::id, access_requests::submitted_at))
        .load(conn)?;
    let sent = rows.into_iter().filter_map(|(id, at)| at.map(|at| (id, Timestamp(at))));
    sent.map(|(id, at)| Ok((parse("request id", &id)?, at))).collect()
}

/// The datasets of an organisation about which a committee decides.
///
/// # Errors
/// When the database fails.
pub fn decided_by_committees(conn: &mut AnyConnection, organisation: OrganisationId) -> Result<Vec<DatasetId>> {
    let ids: Vec<String> = datasets::table
        .filter(datasets::organisation_id.eq(organisation.to_string()))
        .filter(datasets::committee_id.is_not_null())
        .order(datasets::id)
        .select(datasets::id)
        .load(conn)?;
    ids.iter().map(|id| parse("dataset id", id)).collect()
}

/// Some requests whose time has come, of those for which it was not done in their present round.
///
/// # Errors
/// When the database fails.
pub fn reached(conn: &mut AnyConnection, nudge: Nudge, now: Timestamp, limit: i64) -> Result<Vec<RequestId>> {
    let waiting = access_requests::table
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
        .limit(limit)
        .select(access_requests::id);
    let ids: Vec<String> = match nudge {
        Nudge::Reminder => waiting
            .filter(access_requests::remind_at.le(now.0))
            .filter(access_requests::reminded_round.lt(access_requests::round))
            .order((access_requests::remind_at, access_requests::id))
            .load(conn)?,
        Nudge::Overdue => waiting
            .filter(access_requests::due_at.le(now.0))
            .filter(access_requests::escalated_round.lt(access_requests::round))
            .order((access_requests::due_at, access_requests::id))
            .load(conn)?,
    };
    ids.iter().map(|id| parse("request id", id)).collect()
}

/// Notes that it was done for a request in its present round. Whoever heard that it is overdue needs no reminder any more.
///
/// # Errors
/// When the database fails.
pub fn set_done(conn: &mut AnyConnection, request: RequestId, nudge: Nudge) -> Result<()> {
    let row = access_requests::table.find(request.to_string());
    let round = access_requests::round;
    match nudge {
        Nudge::Reminder => diesel::update(row).set(access_requests::reminded_round.eq(round)).execute(conn)?,
        Nudge::Overdue => {
            let both = (access_requests::reminded_round.eq(round), access_requests::escalated_round.eq(round));
            diesel::update(row).set(both).execute(conn)?
        }
    };
    Ok(())
}
