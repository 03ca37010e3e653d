//! Imports that are requested in the browser: requesting, claiming, ending, stopping.

use super::organisations::officer;
use super::people::actor;
use crate::domain::Refusal;
use crate::domain::dataset::Dataset;
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::ids::{ImportId, PersonId};
use crate::domain::import_job::{
    ATTEMPTS, CLAIM, ImportJob, ImportOrder, ImportOutcome, ImportState, check_cancel, check_request,
};
use crate::domain::person::Role;
use crate::domain::text::Slug;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{datasets, import_jobs};

/// Requests an import, which begins as soon as a gateway has time.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn request(tx: &mut Tx<'_>, by: PersonId, slug: &Slug, order: ImportOrder) -> Result<ImportId, CommandError> {
    let (person, dataset) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, dataset.organisation)?;
    let is_open = import_jobs::is_open(tx.conn, dataset.id)?;
    check_request(officer, (&order, is_open), tx.now)?;
    let (id, state) = (tx.id(), ImportState::Queued);
    let job = ImportJob {
        id,
        dataset: dataset.id,
        person: by,
        order,
        state,
        files: 0,
        bytes: 0,
        bytes_done: 0,
        outcome: None,
        attempts: 0,
        created_at: tx.now,
        updated_at: tx.now,
    };
    import_jobs::insert(tx.conn, &job)?;
    tx.record(event(Action::ImportBegun, Actor::person(by, officer.acts_as()), (&dataset, id)));
    Ok(id)
}

/// Claims the import that is to be run next, if there is one.
///
/// # Errors
/// When the store fails.
pub fn claim_next(tx: &mut Tx<'_>) -> Result<Option<ImportJob>, CommandError> {
    let Some(mut job) = import_jobs::next(tx.conn, tx.now)? else { return Ok(None) };
    if job.attempts >= ATTEMPTS {
        let key = Refusal::ImportGivenUp.key().to_owned();
        fail(tx, &job, &ImportOutcome::Refused { key })?;
        return Ok(None);
    }
    import_jobs::claim(tx.conn, job.id, tx.now + CLAIM, tx.now)?;
    job.attempts += 1;
    Ok(Some(job))
}

/// Notes how far an import is. Says whether it is to go on.
///
/// # Errors
/// When the store fails.
pub fn record_progress(tx: &mut Tx<'_>, job: &ImportJob) -> Result<bool, CommandError> {
    Ok(import_jobs::record_progress(tx.conn, job, tx.now + CLAIM, tx.now)?)
}

/// Ends an import that failed, with the reason. One whose dataset was switched to its release already is done all the same.
///
/// # Errors
/// When the store fails.
pub fn fail(tx: &mut Tx<'_>, job: &ImportJob, reason: &ImportOutcome) -> Result<(), CommandError> {
    if import_jobs::end(tx.conn, job.claim(), Some(reason), tx.now)? == Some(ImportState::Failed)
        && let Some(dataset) = datasets::by_id(tx.conn, job.dataset)?
    {
        let by = Actor::person(job.person, Role::Steward);
        tx.record(event(Action::ImportFailed, by, (&dataset, job.id)).outcome(Outcome::Failed));
    }
    Ok(())
}

/// Stops an import.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn cancel(tx: &mut Tx<'_>, by: PersonId, slug: &Slug, id: ImportId) -> Result<(), CommandError> {
    let (person, dataset) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, dataset.organisation)?;
    let job = import_jobs::by_id(tx.conn, id)?.filter(|job| job.dataset == dataset.id).ok_or(Refusal::NotFound)?;
    check_cancel(officer, &job)?;
    import_jobs::cancel(tx.conn, id, tx.now)?;
    tx.record(event(Action::ImportCancelled, Actor::person(by, officer.acts_as()), (&dataset, id)));
    Ok(())
}

fn find(tx: &mut Tx<'_>, slug: &Slug) -> Result<Dataset, CommandError> {
    Ok(datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?)
}

fn event(action: Action, by: Actor, (dataset, id): (&Dataset, ImportId)) -> Event {
    Event::new(action, by).dataset(&dataset.slug).subject(id)
}
