//! Revoking grants, setting other ends, and telling their holders of them.

use super::batch::{BatchOutcome, act_on_each};
use super::organisations::officer;
use super::people::actor;
use crate::domain::Refusal;
use crate::domain::comment::Reason;
use crate::domain::dataset::SuspensionChange;
use crate::domain::day::Day;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::grant::ENDING_NOTICE;
use crate::domain::ids::{GrantId, PersonId};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::new_versions::{self, RestingOn};
use crate::store::{datasets, grants, members, projects};

/// Revokes a grant. From the commit on nothing is admitted under it.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn revoke(tx: &mut Tx<'_>, by: PersonId, id: GrantId, reason: &Reason) -> Result<(), CommandError> {
    let by = actor(tx, by)?;
    let grant = grants::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    let dataset = datasets::by_id(tx.conn, grant.dataset)?.ok_or(Refusal::NotFound)?;
    let officer = officer(tx, &by, dataset.organisation)?;
    grant.decide_revoke(officer, tx.now)?;
    grants::revoke(tx.conn, id, tx.now, reason.as_str())?;
    // Nothing is left to be used again, and its holder may apply anew.
    grants::set_suspended(tx.conn, id, None)?;
    tx.record(
        Event::new(Action::GrantRevoked, Actor::person(by.id, officer.acts_as()))
            .dataset(&dataset.slug)
            .subject(id)
            .person(grant.person)
            .private("reason", reason.as_str()),
    );
    Ok(reactions::mail::grant_revoked(tx, &dataset, &grant, reason)?)
}

/// Suspends a grant, or lets it be used again: the gate goes by it from the commit on. Says whether that changed anything.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn change_suspension(
    tx: &mut Tx<'_>,
    by: PersonId,
    id: GrantId,
    change: &SuspensionChange,
) -> Result<bool, CommandError> {
    let by = actor(tx, by)?;
    let grant = grants::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    let dataset = datasets::by_id(tx.conn, grant.dataset)?.ok_or(Refusal::NotFound)?;
    let officer = officer(tx, &by, dataset.organisation)?;
    let people = grant.project.map_or_else(|| Ok(Vec::new()), |project| members::people(tx.conn, project))?;
    let is_to_be_suspended = matches!(change, SuspensionChange::Suspend(_));
    if !grant.decide_suspension_change(officer, (is_to_be_suspended, &people), tx.now)? {
        return Ok(false);
    }
    grants::set_suspended(tx.conn, id, is_to_be_suspended.then_some(tx.now))?;
    let by = Actor::person(by.id, officer.acts_as());
    let event = match change {
        SuspensionChange::Suspend(reason) => Event::new(Action::GrantSuspended, by).private("reason", reason.as_str()),
        SuspensionChange::Restore => Event::new(Action::GrantResumed, by),
    };
    tx.record(event.dataset(&dataset.slug).project(grant.project).subject(id).person(grant.person));
    reactions::mail::grant_suspension_changed(tx, &dataset, &grant, change)?;
    Ok(true)
}

/// Sets another end for a grant: the gate goes by it from the commit on.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn change_end(
    tx: &mut Tx<'_>,
    by: PersonId,
    id: GrantId,
    (last_day, reason): (Day, &Reason),
) -> Result<(), CommandError> {
    let by = actor(tx, by)?;
    let grant = grants::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    let dataset = datasets::by_id(tx.conn, grant.dataset)?.ok_or(Refusal::NotFound)?;
    let officer = officer(tx, &by, dataset.organisation)?;
    let (project_end, people) = match grant.project {
        Some(project) => {
            let described = projects::by_id(tx.conn, project)?;
            (described.and_then(|project| project.description.end()), members::people(tx.conn, project)?)
        }
        None => (None, Vec::new()),
    };
    let ends_at = last_day.end();
    grant.decide_end_change(officer, ends_at, (project_end, &people), tx.now)?;
    grants::set_end(tx.conn, id, ends_at, ends_at < grant.ends_at)?;
    // Whether there is anything to sign depends on how long it lasts.
    new_versions::refresh(tx.conn, RestingOn::Signature(grant.request, grant.person), tx.now)?;
    tx.record(
        Event::new(Action::GrantEndChanged, Actor::person(by.id, officer.acts_as()))
            .dataset(&dataset.slug)
            .project(grant.project)
            .subject(id)
            .person(grant.person)
            .with("ended_at", grant.ends_at.to_string())
            .with("ends_at", ends_at.to_string())
            .private("reason", reason.as_str()),
    );
    Ok(reactions::mail::grant_end_changed(tx, &dataset, &grant, (ends_at, reason))?)
}

/// Revokes several grants, each as if it were alone: an event and a mail for each.
///
/// # Errors
/// When the store fails. What a rule refuses is in the outcome.
pub fn revoke_several(
    tx: &mut Tx<'_>,
    by: PersonId,
    ids: &[GrantId],
    reason: &Reason,
) -> Result<BatchOutcome<GrantId>, CommandError> {
    act_on_each(tx, ids, |tx, id| revoke(tx, by, *id, reason))
}

/// Tells the holders of grants that end soon, once each; says how many there were.
///
/// # Errors
/// When the store fails.
pub fn notify_ending(tx: &mut Tx<'_>) -> Result<usize, CommandError> {
    const AT_A_TIME: i64 = 100;
    let ending = grants::ending(tx.conn, tx.now, tx.now + ENDING_NOTICE, AT_A_TIME)?;
    for line in &ending {
        grants::set_noticed(tx.conn, line.grant.id, tx.now)?;
        reactions::mail::grant_ending(tx, line)?;
    }
    Ok(ending.len())
}
