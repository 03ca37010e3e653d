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

/// A request that waits, and when those who decide on it are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The request.
    pub id: RequestId,
    /// When it was sent.
    pub sent: Timestamp,
    /// When they are told.
    pub times: DueTimes,
}

/// Stores when those who decide on a request are told that it still waits. A time that is yet to come is told when it comes,
/// whatever was told before.
///
/// # Errors
/// When the database fails.
pub fn set(conn: &mut AnyConnection, request: RequestId, times: DueTimes, now: Timestamp) -> Result<()> {
    let is_to_come = |at: Option<Timestamp>| at.is_some_and(|at| at > now);
    let columns = (
        access_requests::remind_at.eq(times.remind_at.map(|at| at.0)),
        access_requests::due_at.eq(times.due_at.map(|at| at.0)),
        is_to_come(times.remind_at).then(|| access_requests::reminded_round.eq(0)),
        is_to_come(times.due_at).then(|| access_requests::escalated_round.eq(0)),
    );
    diesel::update(access_requests::table.find(request.to_string())).set(columns).execute(conn)?;
    Ok(())
}

/// Forgets who was told which requests for a dataset are overdue, so that those are told who run it now.
///
/// # Errors
/// When the database fails.
pub fn forget_escalations(conn: &mut AnyConnection, dataset: DatasetId) -> Result<()> {
    let waiting = access_requests::table
        .filter(access_requests::dataset_id.eq(dataset.to_string()))
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()));
    diesel::update(waiting).set(access_requests::escalated_round.eq(0)).execute(conn)?;
    Ok(())
}

/// Whether it was told in a request's present round that it is overdue.
///
/// # Errors
/// When the database fails.
pub fn is_escalated(conn: &mut AnyConnection, request: RequestId) -> Result<bool> {
    let row = access_requests::table.find(request.to_string());
    Ok(row.select(access_requests::escalated_round.eq(access_requests::round)).first(conn)?)
}

/// The requests for a dataset that wait.
///
/// # Errors
/// When the database fails.
pub fn waiting(conn: &mut AnyConnection, dataset: DatasetId) -> Result<Vec<Waiting>> {
    type Row = (String, Option<i64>, Option<i64>, Option<i64>);
    let columns =
        (access_requests::id, access_requests::submitted_at, access_requests::remind_at, access_requests::due_at);
    let rows: Vec<Row> = access_requests::table
        .filter(access_requests::dataset_id.eq(dataset.to_string()))
        .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
        .select(columns)
        .load(conn)?;
    let read = |(id, sent, remind_at, due_at): Row| {
        let times = DueTimes { remind_at: remind_at.map(Timestamp), due_at: due_at.map(Timestamp) };
        Ok(Waiting { id: parse("request id", &id)?, sent: Timestamp(sent.unwrap_or_default()), times })
    };
    rows.into_iter().map(read).collect()
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

/// Narrows a query to requests whose time has come, of those for which it was not done in their present round.
macro_rules! reached {
    ($query:expr, $nudge:expr, $now:expr) => {{
        let query = $query.filter(access_requests::stage.eq(Stage::Submitted.as_str())).into_boxed();
        match $nudge {
            Nudge::Reminder => query
                .filter(access_requests::remind_at.le($now.0))
                .filter(access_requests::reminded_round.lt(access_requests::round))
                .order((access_requests::remind_at, access_requests::id)),
            Nudge::Overdue => query
                .filter(access_requests::due_at.le($now.0))
                .filter(access_requests::escalated_round.lt(access_requests::round))
                .order((access_requests::due_at, access_requests::id)),
        }
    }};
}

/// Some requests whose time has come.
///
/// # Errors
/// When the database fails.
pub fn reached(conn: &mut AnyConnection, nudge: Nudge, now: Timestamp, limit: i64) -> Result<Vec<RequestId>> {
    let found = reached!(access_requests::table.select(access_requests::id), nudge, now);
    let ids: Vec<String> = found.limit(limit).load(conn)?;
    ids.iter().map(|id| parse("request id", id)).collect()
}

/// Whether a request's time has come.
///
/// # Errors
/// When the database fails.
pub fn is_reached(conn: &mut AnyConnection, request: RequestId, nudge: Nudge, now: Timestamp) -> Result<bool> {
    let found = reached!(access_requests::table.find(request.to_string()).select(access_requests::id), nudge, now);
    Ok(found.first::<String>(conn).optional()?.is_some())
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
