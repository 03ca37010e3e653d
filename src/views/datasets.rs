//! The catalogue, and a dataset's page: the dataset, the viewer's access to it, and what they can do next.

use crate::domain::Timestamp;
use crate::domain::access_request::rules::{AccessConditions, RequestAction, permitted_actions};
use crate::domain::access_request::{NextStep, Standing, may_renew, next_step, standing};
use crate::domain::dataset::{Dataset, FileEntry, FolderEntry};
use crate::domain::ids::{PersonId, ProjectId, ReleaseId};
use crate::domain::localised::Localised;
use crate::domain::organisation::{Officer, Organisation};
use crate::domain::path::FilePath;
use crate::domain::project::WantedProject;
use crate::domain::text::Slug;
use crate::store::catalogue::{self, Search};
use crate::store::cursor::{READ, ROWS};
use crate::store::{
    AnyConnection, Cursor, PageOf, RequestFacts, Result, agreements, datasets, files, grants, organisations, releases,
};

/// Somebody's access to a dataset, and what they can do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Access {
    /// How far they have come towards access.
    pub standing: Standing,
    /// The next step, if there is one.
    pub next: Option<NextStep>,
    /// Whether they may apply to prolong their access.
    pub may_renew: bool,
    /// The project that this is about, if it is about one.
    pub project: Option<(ProjectId, String)>,
}

/// An applicant's access to a dataset, and the actions that they may take.
pub fn access_of(facts: &RequestFacts, now: Timestamp) -> (Access, Vec<RequestAction>) {
    let situation = facts.situation();
    let standing = standing(&situation.conditions, Some(&facts.actor), facts.request(), facts.grant.as_ref(), now);
    let permitted = permitted_actions(&situation, now);
    let (next, may_renew) = (next_step(standing, &permitted), may_renew(standing, &permitted));
    let project = facts.project.as_ref().map(|(project, _)| (project.id, project.description.title.clone()));
    (Access { standing, next, may_renew, project }, permitted)
}

fn access_of_visitor(dataset: &Dataset, now: Timestamp) -> Access {
    let standing = standing(&AccessConditions::of(dataset, &[], None), None, None, None, now);
    Access { standing, next: next_step(standing, &[]), may_renew: false, project: None }
}

/// A dataset with a part of its files.
#[derive(Clone, Debug)]
pub struct DatasetView {
    /// The dataset.
    pub dataset: Dataset,
    /// The organisation that it belongs to, where there are several.
    pub organisation: Option<Organisation>,
    /// The viewer's access to it.
    pub access: Access,
    /// The folder that is shown.
    pub contents: FolderContents,
    /// The agreements that its users sign: names and titles.
    pub agreements: Vec<(Slug, Localised)>,
    /// Datasets that share tags with it.
    pub related: Vec<Dataset>,
    /// Its newest release, and when the embargo of that ends, if it is not public yet.
    pub coming: Option<(u32, Timestamp)>,
}

/// A page of a folder's contents.
#[derive(Clone, Debug)]
pub struct FolderContents {
    /// The folder.
    pub folder: FilePath,
    /// Folders in it.
    pub folders: Vec<FolderEntry>,
    /// The path after which its other folders come, if there are more.
    pub next_folders: Option<FilePath>,
    /// Files in it.
    pub files: Vec<FileEntry>,
    /// The path after which its other files come, if there are more.
    pub next_files: Option<FilePath>,
}

/// A dataset in the catalogue.
#[derive(Clone, Debug)]
pub struct Found {
    /// The dataset.
    pub dataset: Dataset,
    /// The first of its files that has the name that is searched for, if one has.
    pub file: Option<FilePath>,
}

/// A page of the catalogue.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Its datasets.
    pub found: Vec<Found>,
    /// The cursor of the next page, if there is one.
    pub next: Option<Cursor>,
    /// How many datasets match.
    pub total: u64,
}

/// A page of what the catalogue has.
///
/// # Errors
/// When the database fails.
pub fn catalogue(conn: &mut AnyConnection, search: &Search, after: &Cursor) -> Result<Catalogue> {
    let total = catalogue::count_matching(conn, search)?;
    let PageOf { rows, next } = catalogue::search(conn, search, after)?;
    let found = rows.into_iter().map(|dataset| {
        let file = catalogue::file_found(conn, &dataset, &search.query)?;
        Ok(Found { dataset, file })
    });
    Ok(Catalogue { found: found.collect::<Result<_>>()?, next, total })
}

/// The part of a folder to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Its first folders and files.
    Beginning,
    /// Folders after this one.
    Folders(FilePath),
    /// Files after this one.
    Files(FilePath),
}

/// Related datasets shown.
const MAX_RELATED: usize = 5;

/// A dataset as somebody sees it; `None` when there is no such dataset or folder.
///
/// # Errors
/// When the database fails.
pub fn show(
    conn: &mut AnyConnection,
    slug: &Slug,
    viewer: Option<PersonId>,
    (folder, place): (&FilePath, &Place),
    now: Timestamp,
) -> Result<Option<DatasetView>> {
    let facts = match viewer {
        Some(person) => facts_of(conn, slug, person, now)?,
        None => None,
    };
    let (dataset, access) = if let Some(facts) = facts {
        let (access, _) = access_of(&facts, now);
        (facts.dataset, access)
    } else {
        let Some(dataset) = datasets::by_slug(conn, slug)? else { return Ok(None) };
        let access = access_of_visitor(&dataset, now);
        (dataset, access)
    };
    let Some(contents) = contents(conn, &dataset, folder, place)? else { return Ok(None) };
    let organisation = organisations::among_several(conn, dataset.organisation)?;
    let related = datasets::related(conn, &dataset, MAX_RELATED)?;
    let agreements = agreements::titles(conn, &dataset.agreements)?;
    let coming = match dataset.newest() {
        ReleaseId { number, .. } if number > dataset.current_release => {
            let newest = releases::facts(conn, dataset.newest())?;
            newest.embargoed_until.filter(|end| !newest.withdrawn && *end > now).map(|end| (number, end))
        }
        _ => None,
    };
    Ok(Some(DatasetView { dataset, organisation, access, contents, agreements, related, coming }))
}

/// How far somebody has come: with their newest request or, if that gives no access, with one that does.
fn facts_of(conn: &mut AnyConnection, slug: &Slug, person: PersonId, now: Timestamp) -> Result<Option<RequestFacts>> {
    let newest = RequestFacts::of_applicant(conn, slug, person, (WantedProject::Latest, now))?;
    let Some(facts) = &newest else { return Ok(None) };
    if facts.grant.as_ref().is_some_and(|grant| grant.is_active(now)) {
        return Ok(newest);
    }
    let granted = grants::on_dataset(conn, person, facts.dataset.id)?;
    let other = granted.into_iter().find(|grant| grant.is_active(now)).and_then(|grant| grant.project);
    let Some(other) = other else { return Ok(newest) };
    RequestFacts::of_applicant(conn, slug, person, (WantedProject::Of(other), now))
}

fn contents(
    conn: &mut AnyConnection,
    dataset: &Dataset,
    folder: &FilePath,
    place: &Place,
) -> Result<Option<FolderContents>> {
    if files::find_folder(conn, dataset.release(), folder)?.is_none() {
        return Ok(None);
    }
    let (folders_after, files_after) = match place {
        Place::Beginning => (Some(""), Some("")),
        Place::Folders(after) => (Some(after.as_str()), None),
        Place::Files(after) => (None, Some(after.as_str())),
    };
    let mut folders = match folders_after {
        Some(after) => files::folders_in(conn, dataset.release(), folder, after, READ)?,
        None => Vec::new(),
    };
    let mut files = match files_after {
        Some(after) => files::files_in(conn, dataset.release(), folder, after, READ)?,
        None => Vec::new(),
    };
    let next_folders = cut(&mut folders, |entry| &entry.path);
    let next_files = cut(&mut files, |entry| &entry.path);
    Ok(Some(FolderContents { folder: folder.clone(), folders, next_folders, files, next_files }))
}

/// Cuts entries that were read one too many; gives the path of the last one when there are more.
pub(super) fn cut<T>(entries: &mut Vec<T>, path: impl Fn(&T) -> &FilePath) -> Option<FilePath> {
    let more = entries.len() > ROWS;
    entries.truncate(ROWS);
    entries.last().filter(|_| more).map(|last| path(last).clone())
}

/// Whether somebody may suspend a dataset, or let it be delivered again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SuspensionChanges {
    /// Suspend it, for a reason.
    pub suspend: bool,
    /// Deliver it again.
    pub restore: bool,
}

/// Which of the two somebody may do.
pub fn suspension_changes(dataset: &Dataset, by: Officer<'_>) -> SuspensionChanges {
    let may = |suspend| dataset.decide_suspension_change(by, suspend) == Ok(true);
    SuspensionChanges { suspend: may(true), restore: may(false) }
}
