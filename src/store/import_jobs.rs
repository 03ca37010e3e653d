//! Imports that were asked for in the browser.

use diesel::prelude::*;

use super::columns::{from_json, number, parse, signed, to_json, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::import_jobs;
use crate::domain::Timestamp;
use crate::domain::ids::{DatasetId, ImportId};
use crate::domain::import_job::{Claim, ImportJob, ImportOutcome, ImportState};

/// The states of an import that is not over.
const OPEN: [ImportState; 2] = [ImportState::Queued, ImportState::Running];

#[derive(Queryable, Selectable)]
#[diesel(table_name = import_jobs)]
struct JobRow {
    id: String,
    dataset_id: String,
    person_id: String,
    import_order: String,
    state: String,
    files: i64,
    bytes: i64,
    bytes_done: i64,
    outcome: Option<String>,
    attempts: i32,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<JobRow> for ImportJob {
    type Error = super::error::Error;
    fn try_from(row: JobRow) -> Result<Self> {
        Ok(Self {
            id: parse("import id", &row.id)?,
            dataset: parse("dataset id", &row.dataset_id)?,
            person: parse("person id", &row.person_id)?,
            order: from_json("order of an import", &row.import_order)?,
            state: parse("state of an import", &row.state)?,
            files: unsigned(row.files),
            bytes: unsigned(row.bytes),
            bytes_done: unsigned(row.bytes_done),
            outcome: row.outcome.map(|outcome| from_json("outcome of an import", &outcome)).transpose()?,
            attempts: number(row.attempts),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

/// The import with this id.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: ImportId) -> Result<Option<ImportJob>> {
    let row = import_jobs::table.find(id.to_string()).select(JobRow::as_select()).first(conn).optional()?;
    row.map(ImportJob::try_from).transpose()
}

/// The imports of a dataset, the newest first, as many as are shown.
///
/// # Errors
/// When the database fails.
pub fn of_dataset(conn: &mut AnyConnection, dataset: DatasetId) -> Result<Vec<ImportJob>> {
    const SHOWN: i64 = 10;
    let rows = import_jobs::table
        .filter(import_jobs::dataset_id.eq(dataset.to_string()))
        .order((import_jobs::created_at.desc(), import_jobs::id.desc()))
        .limit(SHOWN)
        .select(JobRow::as_select())
        .load(conn)?;
    rows.into_iter().map(ImportJob::try_from).collect()
}

/// Whether an import of a dataset waits or runs.
///
/// # Errors
/// When the database fails.
pub fn is_open(conn: &mut AnyConnection, dataset: DatasetId) -> Result<bool> {
    let open = import_jobs::table
        .filter(import_jobs::dataset_id.eq(dataset.to_string()))
        .filter(import_jobs::state.eq_any(OPEN.map(ImportState::as_str)));
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(conn)?)
}

/// The import that is to be run next: one whose claim has lapsed, else the one that waits longest.
///
/// # Errors
/// When the database fails.
pub fn next(conn: &mut AnyConnection, now: Timestamp) -> Result<Option<ImportJob>> {
    for state in [ImportState::Running, ImportState::Queued] {
        let row = import_jobs::table
            .filter(import_jobs::state.eq(state.as_str()))
            .filter(import_jobs::claimed_until.lt(now.0))
            .order((import_jobs::created_at, import_jobs::id))
            .select(JobRow::as_select())
            .first(conn)
            .optional()?;
        if let Some(row) = row {
            return row.try_into().map(Some);
        }
    }
    Ok(None)
}

/// Adds an import that waits.
///
/// # Errors
/// When the database fails, or one of the dataset is open.
pub fn insert(conn: &mut AnyConnection, job: &ImportJob) -> Result<()> {
    diesel::insert_into(import_jobs::table)
        .values((
            import_jobs::id.eq(job.id.to_string()),
            import_jobs::dataset_id.eq(job.dataset.to_string()),
            import_jobs::person_id.eq(job.person.to_string()),
            import_jobs::import_order.eq(to_json(&job.order)),
            import_jobs::state.eq(job.state.as_str()),
            import_jobs::files.eq(0_i64),
            import_jobs::bytes.eq(0_i64),
            import_jobs::bytes_done.eq(0_i64),
            import_jobs::claimed_until.eq(0_i64),
            import_jobs::attempts.eq(0),
            import_jobs::created_at.eq(job.created_at.0),
            import_jobs::updated_at.eq(job.updated_at.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Claims an open import for one more attempt, until a time.
///
/// # Errors
/// When the database fails.
pub fn claim(conn: &mut AnyConnection, id: ImportId, until: Timestamp, now: Timestamp) -> Result<()> {
    diesel::update(import_jobs::table.find(id.to_string()))
        .set((
            import_jobs::state.eq(ImportState::Running.as_str()),
            import_jobs::attempts.eq(import_jobs::attempts + 1),
            import_jobs::claimed_until.eq(until.0),
            import_jobs::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// The import that a claim is on, while it is open and nobody else has claimed it since.
#[diesel::dsl::auto_type(no_type_alias)]
fn claimed(claim: Claim) -> _ {
    let (id, attempt): (String, i32) = (claim.import.to_string(), claim.attempt.cast_signed());
    let running: &'static str = ImportState::Running.as_str();
    import_jobs::table
        .filter(import_jobs::id.eq(id))
        .filter(import_jobs::attempts.eq(attempt))
        .filter(import_jobs::state.eq(running))
}

/// Records how far an import is, and renews the claim on it. Says whether the claim still holds.
///
/// # Errors
/// When the database fails.
pub fn record_progress(
    conn: &mut AnyConnection,
    job: &ImportJob,
    claimed_until: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let renewed = diesel::update(claimed(job.claim()))
        .set((
            import_jobs::files.eq(signed(job.files)),
            import_jobs::bytes.eq(signed(job.bytes)),
            import_jobs::bytes_done.eq(signed(job.bytes_done)),
            import_jobs::claimed_until.eq(claimed_until.0),
            import_jobs::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(renewed > 0)
}

/// Records what came of an import that still has something to do. Says whether the claim still holds. What an earlier attempt
/// recorded stays.
///
/// # Errors
/// When the database fails.
pub fn record_outcome(conn: &mut AnyConnection, claim: Claim, outcome: &ImportOutcome) -> Result<bool> {
    let recorded = diesel::update(claimed(claim).filter(import_jobs::outcome.is_null()))
        .set(import_jobs::outcome.eq(to_json(outcome)))
        .execute(conn)?;
    Ok(recorded > 0 || diesel::select(diesel::dsl::exists(claimed(claim))).get_result(conn)?)
}

/// Ends an import that is claimed: it is done if an outcome was recorded, and failed with this one if not. Gives its state,
/// if the claim still holds.
///
/// # Errors
/// When the database fails.
pub fn end(
    conn: &mut AnyConnection,
    claim: Claim,
    failure: Option<&ImportOutcome>,
    now: Timestamp,
) -> Result<Option<ImportState>> {
    let outcome: Option<Option<String>> = claimed(claim).select(import_jobs::outcome).first(conn).optional()?;
    let Some(outcome) = outcome else { return Ok(None) };
    let state = if outcome.is_some() { ImportState::Done } else { ImportState::Failed };
    diesel::update(import_jobs::table.find(claim.import.to_string()))
        .set((
            import_jobs::state.eq(state.as_str()),
            import_jobs::outcome.eq(outcome.or_else(|| failure.map(to_json))),
            import_jobs::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(Some(state))
}

/// Ends an open import that somebody stopped, whoever has claimed it.
///
/// # Errors
/// When the database fails.
pub fn cancel(conn: &mut AnyConnection, id: ImportId, now: Timestamp) -> Result<()> {
    let open = import_jobs::table
        .filter(import_jobs::id.eq(id.to_string()))
        .filter(import_jobs::state.eq_any(OPEN.map(ImportState::as_str)));
    diesel::update(open)
        .set((import_jobs::state.eq(ImportState::Cancelled.as_str()), import_jobs::updated_at.eq(now.0)))
        .execute(conn)?;
    Ok(())
}
