//! Ending projects, with everything that is for them.

use super::permitted;
use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::grant::GrantEnd;
use crate::domain::ids::{PersonId, ProjectId};
use crate::domain::person::Role;
use crate::domain::project::{Project, ProjectAction};
use crate::ledger::commands::access_requests::withdraw_for_project;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{datasets, grants, projects};

/// Ends a project: its requests are withdrawn, and nothing is admitted under its grants from the commit on.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn end(tx: &mut Tx<'_>, by: PersonId, id: ProjectId) -> Result<(), CommandError> {
    let project = permitted(tx, by, id, ProjectAction::End)?;
    end_everything(tx, Actor::person(by, Role::Applicant), &project)
}

/// Ends every project of a lead whose account was erased.
///
/// # Errors
/// When the store fails.
pub fn end_all(tx: &mut Tx<'_>, by: Actor, lead: PersonId) -> Result<(), CommandError> {
    for project in projects::not_ended(tx.conn, lead)? {
        end_everything(tx, by, &project)?;
    }
    Ok(())
}

/// Ends a project whatever its rules say: its lead's account was erased, or its lead has ended it.
fn end_everything(tx: &mut Tx<'_>, by: Actor, project: &Project) -> Result<(), CommandError> {
    withdraw_for_project(tx, by, project.id)?;
    projects::end(tx.conn, project.id, tx.now)?;
    end_grants(tx, by, project.id, (None, GrantEnd::ProjectEnded))?;
    tx.record(Event::new(Action::ProjectEnded, by).project(Some(project.id)).subject(project.id));
    Ok(())
}

/// Revokes the grants for a project: those of one of its people, or everybody's.
pub(super) fn end_grants(
    tx: &mut Tx<'_>,
    by: Actor,
    project: ProjectId,
    (person, because): (Option<PersonId>, GrantEnd),
) -> Result<(), CommandError> {
    let active = grants::running_of_project(tx.conn, project, tx.now)?;
    for grant in active.into_iter().filter(|grant| person.is_none_or(|person| grant.person == person)) {
        grants::revoke(tx.conn, grant.id, tx.now, "")?;
        let dataset = datasets::by_id(tx.conn, grant.dataset)?.ok_or(Refusal::NotFound)?;
        let event = Event::new(Action::GrantRevoked, by).dataset(&dataset.slug).project(Some(project));
        tx.record(event.subject(grant.id).person(grant.person).with("because", because.as_str()));
    }
    Ok(())
}
