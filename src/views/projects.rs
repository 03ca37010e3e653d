//! A person's projects, and one of them with its requests.

use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::access_request::commands::RequestAction;
use crate::domain::access_request::reading::may_read_as_member;
use crate::domain::access_request::rules::check_action as check_request;
use crate::domain::grant::{Grant, GrantState};
use crate::domain::ids::{PersonId, ProjectId};
use crate::domain::member::{INVITATION_DAY, Invitations, Member, check_invite, check_remove};
use crate::domain::membership::is_invited;
use crate::domain::person::Person;
use crate::domain::project::{Project, ProjectAction, ProjectSituation, permitted_actions};
use crate::domain::words::words;
use crate::store::request_lists::{self, RequestLine};
use crate::store::{AnyConnection, Cursor, PageOf, RequestFacts, Result, grants, members, people, projects};

/// Somebody's part in a project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// They lead it.
    Lead,
    /// They are a member.
    Member,
    /// They are invited.
    Invited,
}

words! {
    Part {
        Lead = "lead",
        Member = "member",
        Invited = "invited",
    }
}

/// A project in a list.
#[derive(Clone, Debug)]
pub struct ProjectRow {
    /// The project.
    pub project: Project,
    /// The reader's part in it.
    pub part: Part,
    /// Whether it is running.
    pub is_running: bool,
    /// How many of its requests that the reader may see wait, were returned or were approved.
    pub requests: usize,
}

/// A person's projects and requests.
#[derive(Clone, Debug)]
pub struct ProjectsView {
    /// The projects that they lead, are members of, or are invited to.
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
    person: &Person,
    (projects_after, requests_after): (&Cursor, &Cursor),
    now: Timestamp,
) -> Result<ProjectsView> {
    let PageOf { rows, next } = projects::of_person(conn, person, projects_after)?;
    let mut listed = Vec::with_capacity(rows.len());
    for project in rows {
        let Some(part) = part_of(conn, &project, person)? else { continue };
        let counts = |stage: Stage| matches!(stage, Stage::Submitted | Stage::Returned | Stage::Approved);
        let requests = if part == Part::Invited { Vec::new() } else { projects::requests(conn, project.id)? };
        let requests = requests.into_iter().filter(|(_, stage)| counts(*stage)).count();
        listed.push(ProjectRow { is_running: project.is_running(now), part, project, requests });
    }
    let requests = request_lists::of_person(conn, person.id, requests_after)?;
    Ok(ProjectsView { projects: PageOf { rows: listed, next }, requests })
}

/// Somebody's part in a project, if they have one.
fn part_of(conn: &mut AnyConnection, project: &Project, person: &Person) -> Result<Option<Part>> {
    if project.lead == person.id {
        return Ok(Some(Part::Lead));
    }
    if members::by_person(conn, project.id, person.id)?.is_some() {
        return Ok(Some(Part::Member));
    }
    let invitation = members::by_email(conn, project.id, &person.email)?;
    Ok(invitation.filter(|member| is_invited(person, &member.email, member.state)).map(|_| Part::Invited))
}

/// A request of a project, with the access that it led to.
#[derive(Clone, Debug)]
pub struct ProjectRequest {
    /// The request.
    pub line: RequestLine,
    /// The reader's grant, if it is active.
    pub grant: Option<Grant>,
    /// Whether the reader's grant is suspended.
    pub is_suspended: bool,
    /// Whether the reader may sign for themselves.
    pub may_sign: bool,
    /// Whether the reader has newer versions of the agreements to sign.
    pub has_to_sign: bool,
    /// The people who have signed every agreement of it.
    pub signers: Vec<PersonId>,
}

/// A member of a project, as its people see them.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Who it is.
    pub member: Member,
    /// The account's name, once they have joined.
    pub name: Option<String>,
    /// Whether the reader may remove them.
    pub may_remove: bool,
}

/// A project as its people see it.
#[derive(Clone, Debug)]
pub struct ProjectView {
    /// The project.
    pub project: Project,
    /// The name of the person who answers for it.
    pub lead: String,
    /// The reader's part in it.
    pub part: Part,
    /// Its members and those who are invited, beside the lead.
    pub members: Vec<MemberRow>,
    /// Whether the reader may invite others.
    pub may_invite: bool,
    /// Whether it is running.
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

/// A project as somebody with a part in it sees it; `None` for everybody else.
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
    let (Some(project), Some(actor)) = (projects::by_id(conn, id)?, people::by_id(conn, reader)?) else {
        return Ok(None);
    };
    let Some(part) = part_of(conn, &project, &actor)? else { return Ok(None) };
    let Some(lead) = people::by_id(conn, project.lead)? else { return Ok(None) };
    let invited = members::of_project(conn, id)?;
    let sent_today = members::invited_by(conn, actor.id, now - INVITATION_DAY)?;
    let may_invite = check_invite(&actor, &project, (Invitations { members: &invited, sent_today }, None), now).is_ok();
    let is_settled = projects::is_settled(conn, id)?;
    let permitted = permitted_actions(&ProjectSituation { actor: &actor, project: &project, is_settled });
    let is_running = project.is_running(now);
    // An invited person sees only the description.
    let (requests, members) = if part == Part::Invited {
        (PageOf { rows: Vec::new(), next: None }, Vec::new())
    } else {
        (requests_of(conn, id, reader, requests_after, now)?, member_rows(conn, &project, &actor, invited)?)
    };
    let lead = lead.name.to_string();
    Ok(Some(ProjectView { project, lead, part, members, may_invite, is_running, requests, permitted }))
}

fn requests_of(
    conn: &mut AnyConnection,
    id: ProjectId,
    reader: PersonId,
    after: &Cursor,
    now: Timestamp,
) -> Result<PageOf<ProjectRequest>> {
    let PageOf { rows, next } = request_lists::of_project(conn, id, after)?;
    let mut requests = Vec::with_capacity(rows.len());
    for line in rows {
        let Some(facts) = RequestFacts::of_request(conn, line.id, reader)? else { continue };
        if !facts.request().is_some_and(|request| may_read_as_member(request, &facts.members, reader)) {
            continue;
        }
        let own = grants::of_request(conn, line.id, reader)?;
        let is_suspended = own.as_ref().is_some_and(|grant| grant.state(now) == GrantState::Suspended);
        let grant = own.filter(|grant| grant.is_active(now));
        let may_sign = check_request(&facts.situation(), RequestAction::SignAsMember, now).is_ok();
        let has_to_sign = check_request(&facts.situation(), RequestAction::SignNewVersions, now).is_ok();
        requests.push(ProjectRequest { line, grant, is_suspended, may_sign, has_to_sign, signers: facts.signers });
    }
    Ok(PageOf { rows: requests, next })
}

/// The members whose place in the project is not over.
pub(super) fn member_rows(
    conn: &mut AnyConnection,
    project: &Project,
    reader: &Person,
    invited: Vec<Member>,
) -> Result<Vec<MemberRow>> {
    let ids: Vec<PersonId> = invited.iter().filter_map(|member| member.person).collect();
    let accounts = people::by_ids(conn, &ids)?;
    let row = |member: Member| MemberRow {
        name: accounts.iter().find(|person| Some(person.id) == member.person).map(|person| person.name.to_string()),
        may_remove: check_remove(reader, project, &member).is_ok(),
        member,
    };
    Ok(invited.into_iter().filter(|member| member.state.is_open()).map(row).collect())
}
