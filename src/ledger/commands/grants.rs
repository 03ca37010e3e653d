//! Revoking grants, and telling their holders of the end.

use super::batch::{BatchOutcome, act_on_each};
use super::organisations::officer;
use super::people::actor;
use crate::domain::Refusal;
use crate::domain::comment::Reason;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::grant::ENDING_NOTICE;
use crate::domain::ids::{GrantId, PersonId};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{datasets, grants};

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
    tx.record(
        Event::new(Action::GrantRevoked, Actor::person(by.id, officer.acts_as()))
            .dataset(&dataset.slug)
            .subject(id)
            .person(grant.person)
            .private("reason", reason.as_str()),
    );
    Ok(reactions::mail::grant_revoked(tx, &dataset, &grant, reason)?)
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
