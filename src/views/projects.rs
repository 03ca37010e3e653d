//! A person's projects, and one of them with its requests.

use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::grant::Grant;
use crate::domain::ids::{PersonId, ProjectId};
use crate::domain::project::{Project, ProjectAction, ProjectSituation, permitted_actions};
use crate::store::access_requests::{self, RequestLine};
use crate::store::{AnyConnection, Cursor, PageOf, Result, grants, people, projects};

/// A project in a list.
#[derive(Clone, Debug)]
pub struct ProjectRow {
    /// The project.
    pub project: Project,
    /// Whether it goes on.
    pub is_running: bool,
    /// How many of its requests are open or approved.
    pub requests: usize,
}

/// A person's projects and requests.
#[derive(Clone, Debug)]
pub struct ProjectsView {
    /// The projects that they lead.
    pub projects: PageOf<ProjectRow>,
    /// Their requests.
    pub requests: PageOf<RequestLine>,
}

/// The projects and requests of a person, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_person(
    conn: &mut AnyConnection,
    person: PersonId,
    (projects_after, requests_after): (&Cursor, &Cursor),
    now: Timestamp,
) -> Result<ProjectsView> {
    let PageOf { rows, next } = projects::of_lead(conn, person, projects_after)?;
    let mut listed = Vec::with_capacity(rows.len());
    for project in rows {
        let counted = |stage: Stage| !matches!(stage, Stage::Withdrawn | Stage::Rejected);
        let requests = projects::requests(conn, project.id)?.into_iter().filter(|(_, stage)| counted(*stage)).count();
        listed.push(ProjectRow { is_running: project.is_running(now), project, requests });
    }
    let requests = access_requests::of_person(conn, person, requests_after)?;
    Ok(ProjectsView { projects: PageOf { rows: listed, next }, requests })
}

/// A request of a project, with the access that it led to.
#[derive(Clone, Debug)]
pub struct ProjectRequest {
    /// The request.
    pub line: RequestLine,
    /// The grant that is active.
    pub grant: Option<Grant>,
}

/// A project as its people see it.
#[derive(Clone, Debug)]
pub struct ProjectView {
    /// The project.
    pub project: Project,
    /// The name of the person who answers for it.
    pub lead: String,
    /// Whether it goes on.
    pub is_running: bool,
    /// Its requests, the newest first.
    pub requests: PageOf<ProjectRequest>,
    /// What the reader may do.
    pub permitted: Vec<ProjectAction>,
}

impl ProjectView {
    /// Whether the reader may change what it says.
    pub fn may_edit(&self) -> bool {
        self.permitted.contains(&ProjectAction::Edit)
    }

    /// Whether the reader may end it.
    pub fn may_end(&self) -> bool {
        self.permitted.contains(&ProjectAction::End)
    }
}

/// A project of a person's; `None` for anybody else's.
///
/// # Errors
/// When the database fails.
pub fn show(
    conn: &mut AnyConnection,
    id: ProjectId,
    reader: PersonId,
    requests_after: &Cursor,
    now: Timestamp,
) -> Result<Option<ProjectView>> {
    let Some(project) = projects::by_id(conn, id)?.filter(|project| project.lead == reader) else { return Ok(None) };
    let Some(actor) = people::by_id(conn, reader)? else { return Ok(None) };
    let is_settled = projects::is_settled(conn, id)?;
    let permitted = permitted_actions(&ProjectSituation { actor: &actor, project: &project, is_settled });
    let PageOf { rows, next } = access_requests::of_project(conn, id, requests_after)?;
    let mut requests = Vec::with_capacity(rows.len());
    for line in rows {
        let grant = grants::of_request(conn, line.id, reader)?.filter(|grant| grant.is_active(now));
        requests.push(ProjectRequest { line, grant });
    }
    let (lead, is_running) = (actor.name.to_string(), project.is_running(now));
    Ok(Some(ProjectView { project, lead, is_running, requests: PageOf { rows: requests, next }, permitted }))
}
