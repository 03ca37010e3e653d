//! Imports that were asked for in the browser.

use diesel::prelude::*;

use super::columns::{from_json, parse, signed, to_json, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::schema::import_jobs;
use crate::domain::Timestamp;
use crate::domain::ids::{DatasetId, ImportId};
use crate::domain::import_job::{ImportJob, ImportOutcome, ImportState};

#[derive(Queryable, Selectable)]
#[diesel(table_name = import_jobs)]
struct JobRow {
    id: String,
    dataset_id: String,
    person_id: String,
    settings: String,
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
            order: from_json("order of an import", &row.settings)?,
            state: parse("state of an import", &row.state)?,
            files: unsigned(row.files),
            bytes: unsigned(row.bytes),
            bytes_done: unsigned(row.bytes_done),
            outcome: row.outcome.map(|outcome| from_json("outcome of an import", &outcome)).transpose()?,
            attempts: u32::try_from(row.attempts).unwrap_or(0),
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

/// The import that is to be run next: one that waits, or one that nobody goes on with.
///
/// # Errors
/// When the database fails.
pub fn next(conn: &mut AnyConnection, now: Timestamp) -> Result<Option<ImportJob>> {
    let row = import_jobs::table
        .filter(import_jobs::state.eq_any([ImportState::Queued.as_str(), ImportState::Running.as_str()]))
        .filter(import_jobs::claimed_until.lt(now.0))
        .order((import_jobs::created_at, import_jobs::id))
        .select(JobRow::as_select())
        .first(conn)
        .optional()?;
    row.map(ImportJob::try_from).transpose()
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
            import_jobs::root.eq(&job.order.root),
            import_jobs::settings.eq(to_json(&job.order)),
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

/// Notes how far an open import is, and until when it is claimed. Says whether it is still open.
///
/// # Errors
/// When the database fails.
pub fn note(conn: &mut AnyConnection, job: &ImportJob, claimed_until: Timestamp, now: Timestamp) -> Result<bool> {
    let open = import_jobs::table
        .filter(import_jobs::id.eq(job.id.to_string()))
        .filter(import_jobs::state.eq_any([ImportState::Queued.as_str(), ImportState::Running.as_str()]));
    let noted = diesel::update(open)
        .set((
            import_jobs::state.eq(ImportState::Running.as_str()),
            import_jobs::files.eq(signed(job.files)),
            import_jobs::bytes.eq(signed(job.bytes)),
            import_jobs::bytes_done.eq(signed(job.bytes_done)),
            import_jobs::claimed_until.eq(claimed_until.0),
            import_jobs::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(noted > 0)
}

/// Notes that an open import is taken up once more.
///
/// # Errors
/// When the database fails.
pub fn count_attempt(conn: &mut AnyConnection, id: ImportId) -> Result<()> {
    diesel::update(import_jobs::table.find(id.to_string()))
        .set(import_jobs::attempts.eq(import_jobs::attempts + 1))
        .execute(conn)?;
    Ok(())
}

/// Ends an open import. Says whether it was open.
///
/// # Errors
/// When the database fails.
pub fn end(
    conn: &mut AnyConnection,
    id: ImportId,
    (state, outcome): (ImportState, Option<&ImportOutcome>),
    now: Timestamp,
) -> Result<bool> {
    let open = import_jobs::table
        .filter(import_jobs::id.eq(id.to_string()))
        .filter(import_jobs::state.eq_any([ImportState::Queued.as_str(), ImportState::Running.as_str()]));
    let ended = diesel::update(open)
        .set((
            import_jobs::state.eq(state.as_str()),
            import_jobs::outcome.eq(outcome.map(to_json)),
            import_jobs::updated_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(ended > 0)
}
