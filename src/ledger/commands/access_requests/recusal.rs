//! Stepping aside from a decision, and being let back.

use super::apply;
use super::step::ChangeContext;
use crate::domain::Refusal;
use crate::domain::access_request::commands::RequestCommand;
use crate::domain::access_request::rules::decide;
use crate::domain::comment::Reason;
use crate::domain::ids::{PersonId, RequestId};
use crate::domain::person::Role;
use crate::domain::text::Email;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{RequestFacts, people};

/// Somebody who could decide on a request steps aside. The owners are asked where the others can't reach the quorum.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn recuse(tx: &mut Tx<'_>, by: PersonId, request: RequestId, reason: &Reason) -> Result<(), CommandError> {
    let facts = RequestFacts::of_request(tx.conn, request, by)?.ok_or(Refusal::NotFound)?;
    let role = if facts.reviewers.contains(&by) { Role::Reviewer } else { Role::Owner };
    step(tx, facts, &RequestCommand::Recuse, (role, reason))
}

/// An owner of the organisation lets somebody decide again who has stepped aside.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn lift_recusal(
    tx: &mut Tx<'_>,
    by: PersonId,
    request: RequestId,
    (email, reason): (&Email, &Reason),
) -> Result<(), CommandError> {
    let facts = RequestFacts::of_request(tx.conn, request, by)?.ok_or(Refusal::NotFound)?;
    let person = people::by_email(tx.conn, email)?.map(|(person, _)| person.id);
    step(tx, facts, &RequestCommand::LiftRecusal { person }, (Role::Owner, reason))
}

fn step(
    tx: &mut Tx<'_>,
    facts: RequestFacts,
    command: &RequestCommand<'_>,
    (role, reason): (Role, &Reason),
) -> Result<(), CommandError> {
    let changes = decide(&facts.situation(), command, tx.now)?;
    let step = ChangeContext { comment: reason.into(), ..ChangeContext::by(facts.actor.id, role) };
    apply(tx, facts, &changes, &step)?;
    Ok(())
}
