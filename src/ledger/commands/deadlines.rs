//! Telling those who decide that a request still waits.

use crate::domain::access_request::deadlines::Nudge;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::RequestId;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{access_requests, datasets, deadlines};

/// Tells those who decide on a request that it still waits, once in a round, if its time has come.
///
/// # Errors
/// When the store fails.
pub fn nudge(tx: &mut Tx<'_>, id: RequestId, nudge: Nudge) -> Result<(), CommandError> {
    if !deadlines::is_reached(tx.conn, id, nudge, tx.now)? {
        return Ok(());
    }
    deadlines::set_done(tx.conn, id, nudge)?;
    let Some(stored) = access_requests::by_id(tx.conn, id)? else { return Ok(()) };
    let Some(dataset) = datasets::by_id(tx.conn, stored.request.dataset)? else { return Ok(()) };
    let (request, sent) = (&stored.request, stored.submitted_at.unwrap_or(stored.created_at));
    let told = reactions::deciding::nudge(tx, &dataset, (request, sent), nudge)?;
    let action = match nudge {
        Nudge::Reminder if told.is_empty() => return Ok(()),
        Nudge::Reminder => Action::RequestReminded,
        Nudge::Overdue => Action::RequestOverdue,
    };
    let mut event = Event::new(action, Actor::SYSTEM).dataset(&dataset.slug).project(request.project);
    event = event.subject(request.id).person(request.applicant).with("round", request.round);
    event.details.set("told", told.iter().map(ToString::to_string).collect::<Vec<_>>());
    tx.record(event);
    Ok(())
}
