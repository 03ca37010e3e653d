//! Telling those who decide that requests still wait.

use crate::domain::access_request::deadlines::Nudge;
use crate::domain::event::{Action, Actor, Event};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{access_requests, datasets, deadlines};

/// How many requests one command takes up.
const AT_A_TIME: i64 = 20;

/// Tells those who decide about some of the requests whose time has come, each once in a round.
///
/// # Errors
/// When the store fails.
pub fn nudge_some(tx: &mut Tx<'_>, nudge: Nudge) -> Result<(), CommandError> {
    for id in deadlines::reached(tx.conn, nudge, tx.now, AT_A_TIME)? {
        // Also where nobody can be told: it is not looked at again.
        deadlines::set_done(tx.conn, id, nudge)?;
        let Some(stored) = access_requests::by_id(tx.conn, id)? else { continue };
        let Some(dataset) = datasets::by_id(tx.conn, stored.request.dataset)? else { continue };
        let (request, sent) = (&stored.request, stored.submitted_at.unwrap_or(stored.created_at));
        let told = reactions::deciding::nudge(tx, &dataset, (request, sent), nudge)?;
        let action = match nudge {
            Nudge::Reminder => Action::RequestReminded,
            Nudge::Overdue => Action::RequestOverdue,
        };
        let mut event = Event::new(action, Actor::SYSTEM).dataset(&dataset.slug).project(request.project);
        event = event.subject(request.id).person(request.applicant).with("round", request.round);
        event.details.set("told", told.iter().map(ToString::to_string).collect::<Vec<_>>());
        tx.record(event);
    }
    Ok(())
}
