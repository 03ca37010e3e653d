//! Beginning, changing and ending projects.

pub mod ending;
pub mod members;

use super::people::actor;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{PersonId, ProjectId};
use crate::domain::person::Role;
use crate::domain::project::{Project, ProjectAction, ProjectDescription, ProjectSituation, check_action, check_begin};
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{self, projects};

/// Begins a project.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn begin(tx: &mut Tx<'_>, by: PersonId, description: &ProjectDescription) -> Result<ProjectId, CommandError> {
    let by = actor(tx, by)?;
    check_begin(&by)?;
    let id = tx.id();
    insert(tx, id, by.id, description)?;
    Ok(id)
}

/// Stores and records a project that begins.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    id: ProjectId,
    lead: PersonId,
    description: &ProjectDescription,
) -> store::Result<Project> {
    let description = description.clone();
    let project = Project { id, description, lead, ended_at: None, created_at: tx.now, updated_at: tx.now };
    projects::insert(tx.conn, &project)?;
    let event = Event::new(Action::ProjectBegun, Actor::person(lead, Role::Applicant));
    tx.record(described(event, &project));
    Ok(project)
}

/// Changes what a project says.
///
/// # Errors
/// [`Refusal::ProjectSettled`], another rule that says no, or when the store fails.
pub fn edit(
    tx: &mut Tx<'_>,
    by: PersonId,
    id: ProjectId,
    (description, seen_at): (&ProjectDescription, Timestamp),
) -> Result<(), CommandError> {
    let project = permitted(tx, by, id, ProjectAction::Edit)?;
    if project.updated_at != seen_at {
        return Err(Refusal::EditedMeanwhile.into());
    }
    if project.description != *description {
        change(tx, &project, by, description)?;
    }
    Ok(())
}

/// Stores and records what a project says from now on.
pub(super) fn change(
    tx: &mut Tx<'_>,
    project: &Project,
    by: PersonId,
    description: &ProjectDescription,
) -> store::Result<Project> {
    projects::describe(tx.conn, project.id, description, tx.now)?;
    let project = Project { description: description.clone(), updated_at: tx.now, ..project.clone() };
    let event = Event::new(Action::ProjectChanged, Actor::person(by, Role::Applicant));
    tx.record(described(event, &project));
    Ok(project)
}

/// An event with what a project says in its personal part, for people's words are theirs.
fn described(event: Event, project: &Project) -> Event {
    let description = &project.description;
    let mut event = event
        .project(Some(project.id))
        .subject(project.id)
        .private("title", description.title.as_str())
        .private("purpose", description.purpose.as_str())
        .private("institution", description.institution.as_str());
    if let Some(summary) = &description.lay_summary {
        event = event.private("lay_summary", summary.as_str());
    }
    for (name, day) in [("from", description.from), ("until", description.until)] {
        if let Some(day) = day {
            event = event.with(name, day.to_string());
        }
    }
    event
}

/// The project, if somebody may take the action.
fn permitted(tx: &mut Tx<'_>, by: PersonId, id: ProjectId, action: ProjectAction) -> Result<Project, CommandError> {
    let by = actor(tx, by)?;
    let project = projects::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    let is_settled = projects::is_settled(tx.conn, id)?;
    check_action(&ProjectSituation { actor: &by, project: &project, is_settled }, action)?;
    Ok(project)
}
