//! What waits for somebody, what of theirs ends soon, and what they last did: the page after signing in.

use super::audit::{self, AuditEntry};
use super::manage::{Manager, OfferedDataset, offered};
use super::organisations::invitations;
use super::projects::{self, Part};
use crate::domain::access_request::Stage;
use crate::domain::access_request::commands::RequestAction;
use crate::domain::access_request::rules::check_action;
use crate::domain::event::Action;
use crate::domain::grant::ENDING_NOTICE;
use crate::domain::ids::RequestId;
use crate::domain::organisation::{Organisation, OrganisationRole};
use crate::domain::project::Project;
use crate::domain::text::Slug;
use crate::domain::{TimeSpan, Timestamp};
use crate::store::grants::GrantWithNames;
use crate::store::log::{Filter, LogArchive};
use crate::store::request_lists::{self, RequestLine};
use crate::store::review_queue::{self, QueueQuery};
use crate::store::{AnyConnection, Cursor, RequestFacts, Result, grants, tokens};

/// How long before its end a token is said to end soon: most are made for a week.
const TOKEN_ENDS_SOON: TimeSpan = TimeSpan::days(1);
/// How many requests that wait for a reviewer are named; the queue has all of them.
const REVIEWS_SHOWN: u64 = 5;
/// How many entries of the log are shown.
const ENTRIES_SHOWN: usize = 8;

/// Something that waits for somebody.
#[derive(Clone, Debug)]
pub enum Task {
    /// Their address is not proved yet.
    ProveEmail,
    /// They are invited to a project.
    JoinProject(Project),
    /// They are invited to run an organisation.
    RunOrganisation(Organisation, OrganisationRole),
    /// A dataset is offered to an organisation that they own.
    TakeDataset(Box<OfferedDataset>),
    /// A request of their project that they have not signed yet.
    SignAsMember(RequestLine),
    /// A newer version of what they signed for a grant has to be signed.
    SignNewVersions(GrantWithNames),
    /// Their request came back to them.
    Answer(RequestLine),
    /// They have begun a request.
    FinishDraft(RequestLine),
    /// A request that waits for their decision.
    Review(RequestLine),
}

impl Task {
    /// The word that ends the keys of its messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ProveEmail => "prove-email",
            Self::JoinProject(_) => "join-project",
            Self::RunOrganisation(..) => "run-organisation",
            Self::TakeDataset(_) => "take-dataset",
            Self::SignAsMember(_) => "sign-as-member",
            Self::SignNewVersions(_) => "sign-new-versions",
            Self::Answer(_) => "answer",
            Self::FinishDraft(_) => "finish-draft",
            Self::Review(_) => "review",
        }
    }

    /// Where it is done.
    pub fn address(&self) -> String {
        match self {
            Self::ProveEmail => "/account".to_owned(),
            Self::JoinProject(project) => format!("/projects/{}", project.id),
            Self::RunOrganisation(..) | Self::TakeDataset(_) => "/manage".to_owned(),
            Self::SignAsMember(line) => format!("/requests/{}/sign", line.id),
            Self::SignNewVersions(line) => format!("/requests/{}/new-versions", line.grant.request),
            Self::Answer(line) => format!("/requests/{}", line.id),
            Self::FinishDraft(line) => {
                let project = line.project.as_ref().map_or_else(String::new, |(id, _)| format!("?project={id}"));
                format!("/datasets/{}/request{project}", line.dataset)
            }
            Self::Review(line) => format!("/review/{}", line.id),
        }
    }

    /// The request that it is about, if it is about one.
    pub const fn request(&self) -> Option<&RequestLine> {
        match self {
            Self::SignAsMember(line) | Self::Answer(line) | Self::FinishDraft(line) | Self::Review(line) => Some(line),
            _ => None,
        }
    }

    /// The request and the dataset that it is about, if it is about any.
    pub fn request_and_dataset(&self) -> Option<(RequestId, &Slug)> {
        match self {
            Self::SignNewVersions(line) => Some((line.grant.request, &line.dataset)),
            _ => self.request().map(|line| (line.id, &line.dataset)),
        }
    }

    /// Since when it waits, where that is known.
    pub fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Review(line) | Self::SignAsMember(line) => line.submitted_at,
            _ => None,
        }
    }
}

/// What somebody's day begins with.
#[derive(Clone, Debug)]
pub struct Today {
    /// What waits for them, the most urgent first.
    pub tasks: Vec<Task>,
    /// How many requests wait for their decision, where not all of them are named.
    pub more_reviews: Option<u64>,
    /// Their requests that wait for others.
    pub waiting: Vec<RequestLine>,
    /// Their grants that end soon, the first first.
    pub grants: Vec<GrantWithNames>,
    /// The names of their tokens that end soon, and when.
    pub tokens: Vec<(String, Timestamp)>,
    /// Whether they may download anything.
    pub has_access: bool,
}

/// What waits for somebody, and what of theirs ends soon. `reviews` says how many requests wait for their decision.
///
/// # Errors
/// When the database fails.
pub fn today(conn: &mut AnyConnection, reader: &Manager, reviews: u64, now: Timestamp) -> Result<Today> {
    let person = &reader.person;
    let mut tasks = Vec::new();
    if person.email_verified_at.is_none() {
        tasks.push(Task::ProveEmail);
    }
    tasks.extend(grants::to_sign_of(conn, person.id, now)?.into_iter().map(Task::SignNewVersions));
    let own = request_lists::of_person(conn, person.id, &Cursor::newest())?.rows;
    let in_stage = |stage: Stage| own.iter().filter(move |line| line.stage == stage).cloned();
    let may = |conn: &mut AnyConnection, line: &RequestLine, action: RequestAction| -> Result<bool> {
        let facts = RequestFacts::of_request(conn, line.id, person.id)?;
        Ok(facts.is_some_and(|facts| check_action(&facts.situation(), action, now).is_ok()))
    };
    let open = |conn: &mut AnyConnection, stage: Stage| -> Result<Vec<RequestLine>> {
        let checked = in_stage(stage).map(|line| Ok(may(conn, &line, RequestAction::SaveDraft)?.then_some(line)));
        Ok(checked.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    };
    tasks.extend(open(conn, Stage::Returned)?.into_iter().map(Task::Answer));
    add_projects(conn, reader, &mut tasks, now)?;
    tasks.extend(invitations(conn, person)?.into_iter().map(|(held, role)| Task::RunOrganisation(held, role)));
    tasks.extend(offered(conn, reader)?.into_iter().map(|offer| Task::TakeDataset(Box::new(offer))));
    let mut shown = 0;
    if reviews > 0 {
        // Owners are listed more than they may vote on.
        for line in review_queue::search(conn, &QueueQuery::waiting_for(person.id, now), None)?.rows {
            if shown < REVIEWS_SHOWN && may(conn, &line, RequestAction::Vote)? {
                shown += 1;
                tasks.push(Task::Review(line));
            }
        }
    }
    tasks.extend(open(conn, Stage::Draft)?.into_iter().map(Task::FinishDraft));
    let mut active = grants::active_of(conn, person.id, now)?;
    let has_access = !active.is_empty();
    active.retain(|line| line.grant.ends_at <= now + ENDING_NOTICE);
    active.sort_by_key(|line| line.grant.ends_at);
    let tokens = tokens::of_person(conn, person.id, now, &Cursor::newest())?.rows;
    let ends_soon = |end: Timestamp| end <= now + TOKEN_ENDS_SOON;
    let tokens = tokens.into_iter().filter(|token| token.is_live(now) && ends_soon(token.expires_at));
    Ok(Today {
        tasks,
        more_reviews: Some(reviews).filter(|reviews| *reviews > shown),
        waiting: in_stage(Stage::Submitted).collect(),
        grants: active,
        tokens: tokens.map(|token| (token.name, token.expires_at)).collect(),
        has_access,
    })
}

/// What projects wait for: that somebody joins them, or signs for themselves.
fn add_projects(conn: &mut AnyConnection, reader: &Manager, tasks: &mut Vec<Task>, now: Timestamp) -> Result<()> {
    let first = (&Cursor::newest(), &Cursor::newest());
    for row in projects::of_person(conn, &reader.person, first, now)?.projects.rows {
        match row.part {
            Part::Invited => tasks.push(Task::JoinProject(row.project)),
            Part::Member if row.is_running && row.requests > 0 => {
                let view = projects::show(conn, row.project.id, reader.person.id, &Cursor::newest(), now)?;
                let requests = view.into_iter().flat_map(|view| view.requests.rows);
                tasks.extend(
                    requests.filter(|request| request.may_sign).map(|request| Task::SignAsMember(request.line)),
                );
            }
            Part::Member | Part::Lead => {}
        }
    }
    Ok(())
}

/// What somebody last did: their newest entries in the log, without what only describes other entries, or was done for them.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn last_done(conn: &mut AnyConnection, archive: &LogArchive, reader: &Manager) -> Result<Vec<AuditEntry>> {
    let filter = Filter { person: Some(reader.person.id), ..Filter::default() };
    let (entries, _) = audit::page(conn, archive, &filter, None)?;
    let describes = [Action::ClientSeen, Action::DownloadsCompleted];
    let tells = |entry: &AuditEntry| {
        entry.recorded.as_ref().is_some_and(|recorded| {
            let is_own = recorded.person.as_ref().is_some_and(|(id, _)| *id == reader.person.id);
            is_own && !describes.contains(&recorded.action)
        })
    };
    Ok(entries.into_iter().filter(tells).take(ENTRIES_SHOWN).collect())
}
