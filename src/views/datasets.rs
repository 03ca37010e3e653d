//! The catalogue, and a dataset's page: the dataset, the viewer's access to it, and what they can do next.

use std::collections::{BTreeMap, HashMap};

use crate::domain::Timestamp;
use crate::domain::access_request::commands::RequestAction;
use crate::domain::access_request::rules::permitted_actions;
use crate::domain::access_request::situation::AccessConditions;
use crate::domain::access_request::{NextStep, Stage, Standing, may_renew, next_step, standing};
use crate::domain::catalogue::{Arranged, Facet, FacetChoices, FacetCount, Order, OwnState, arrange};
use crate::domain::dataset::{AccessMode, Dataset, FileEntry, FolderEntry};
use crate::domain::expectations::{Expectations, expectations};
use crate::domain::ids::{DatasetId, PersonId, ProjectId, ReleaseId, RequestId};
use crate::domain::localised::Localised;
use crate::domain::organisation::{Officer, Organisation};
use crate::domain::path::FilePath;
use crate::domain::project::WantedProject;
use crate::domain::release::Release;
use crate::domain::search::Query;
use crate::domain::text::{Sha256, Slug};
use crate::store::catalogue::CatalogueCache;
use crate::store::cursor::{READ, ROWS};
use crate::store::{
    AnyConnection, Cursor, PageOf, RequestFacts, Result, access_requests, agreements, catalogue, committees, datasets,
    files, grants, organisations, releases,
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
    /// The request under which newer versions of the agreements have to be signed, and when access stops otherwise.
    pub to_sign: Option<(RequestId, Timestamp)>,
}

/// An applicant's access to a dataset, and the actions that they may take.
pub fn access_of(facts: &RequestFacts, now: Timestamp) -> (Access, Vec<RequestAction>) {
    let situation = facts.situation();
    let standing = standing(&situation.conditions, Some(&facts.actor), facts.request(), facts.grant.as_ref(), now);
    let permitted = permitted_actions(&situation, now);
    let (next, may_renew) = (next_step(standing, &permitted), may_renew(standing, &permitted));
    let project = facts.project.as_ref().map(|(project, _)| (project.id, project.description.title.clone()));
    let running = facts.grant.as_ref().filter(|grant| grant.is_running(now) && grant.suspended_at.is_none());
    let to_sign = running.filter(|grant| grant.sign_by.is_some()).map(|grant| (grant.request, grant.stops_at()));
    (Access { standing, next, may_renew, project, to_sign }, permitted)
}

fn access_of_visitor(dataset: &Dataset, now: Timestamp) -> Access {
    let standing = standing(&AccessConditions::of(dataset, &[], None), None, None, None, now);
    Access { standing, next: next_step(standing, &[]), may_renew: false, project: None, to_sign: None }
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
    /// Its current release.
    pub release: Option<Release>,
    /// Its newest release, and when the embargo of that ends, if it is not public yet.
    pub coming: Option<(u32, Timestamp)>,
    /// How the last decisions on it went, where people decide and have done so often enough.
    pub expectations: Option<Expectations>,
    /// Within how many working days the committee says that it decides.
    pub decide_within: Option<u32>,
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
    /// The hash of its current release, which its cover is drawn from; nothing without one.
    pub cover: Option<Sha256>,
    /// Its formats.
    pub formats: Vec<String>,
    /// When its current release was published.
    pub changed_at: Option<Timestamp>,
    /// How far the reader has come.
    pub standing: Standing,
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
    /// How many datasets match the words and the choices.
    pub matching: u64,
    /// How many match the words.
    pub total: u64,
    /// What it can be narrowed by.
    pub counts: BTreeMap<Facet, Vec<FacetCount>>,
    /// The names of the organisations among that.
    pub organisations: HashMap<String, Localised>,
}

/// What the catalogue is searched for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Words, each of which must occur somewhere, or begin the name of a file.
    pub query: Query,
    /// What it is narrowed to.
    pub choices: FacetChoices,
    /// The order of the list.
    pub order: Order,
}

/// A page of what the catalogue has, as a reader sees it.
///
/// # Errors
/// When the database fails.
pub fn catalogue(
    conn: &mut AnyConnection,
    cache: &CatalogueCache,
    search: &Search,
    (reader, after): (Option<PersonId>, &Cursor),
    now: Timestamp,
) -> Result<Catalogue> {
    let entries = cache.entries(conn)?;
    let matching = catalogue::ids_matching(conn, &search.query)?;
    let own = reader.map_or_else(|| Ok(HashMap::new()), |reader| own_states(conn, reader, now))?;
    let found = entries.iter().filter(|entry| matching.as_ref().is_none_or(|ids| ids.contains(&entry.id)));
    let own_state = |id: DatasetId| own.get(&id).copied().flatten();
    let Arranged { ids, total, counts } =
        arrange(found, own_state, &search.choices, (&search.query, search.order), now);
    let PageOf { rows: page, next } = page_after(&ids, after);
    let mut sums = catalogue::current_sums(conn, &page)?;
    let found = catalogue::by_ids(conn, &page)?.into_iter().map(|dataset| {
        let file = catalogue::file_found(conn, &dataset, &search.query)?;
        let cover = sums.remove(&dataset.id);
        let entry = entries.iter().find(|entry| entry.id == dataset.id);
        let (formats, changed_at) = entry.map(|entry| (entry.formats.clone(), entry.changed_at)).unwrap_or_default();
        // Where the reader has asked or may download, the same function says it as on the dataset's page.
        let related = reader.filter(|_| own.contains_key(&dataset.id));
        let facts = related.map_or(Ok(None), |reader| facts_of(conn, &dataset.slug, reader, now))?;
        let standing = match facts {
            Some(facts) => access_of(&facts, now).0.standing,
            None => access_of_visitor(&dataset, now).standing,
        };
        Ok(Found { dataset, cover, formats, changed_at, standing, file })
    });
    let found = found.collect::<Result<_>>()?;
    let slugs: Vec<&str> = counts.get(&Facet::Organisation).into_iter().flatten().map(|c| c.value.as_str()).collect();
    let organisations = catalogue::names_of(conn, &slugs)?;
    Ok(Catalogue { found, next, matching: ids.len() as u64, total, counts, organisations })
}

/// How far a person has come with every dataset that they have asked for or may download.
fn own_states(
    conn: &mut AnyConnection,
    person: PersonId,
    now: Timestamp,
) -> Result<HashMap<DatasetId, Option<OwnState>>> {
    let mut own: HashMap<DatasetId, Option<OwnState>> = HashMap::new();
    for (dataset, stage) in access_requests::stages_of(conn, person)? {
        let waits = matches!(stage, Stage::Submitted | Stage::Returned);
        let state = own.entry(dataset).or_default();
        *state = state.or(waits.then_some(OwnState::Waiting));
    }
    for dataset in grants::active_on(conn, person, now)? {
        own.insert(dataset, Some(OwnState::Access));
    }
    Ok(own)
}

/// A page of a list whose order no database has in a column: after the dataset that was shown last or, where that is gone, after
/// its place.
fn page_after(ids: &[DatasetId], after: &Cursor) -> PageOf<DatasetId> {
    let place = ids.iter().position(|id| id.to_string() == after.id);
    let first = place.map_or_else(|| usize::try_from(after.key).unwrap_or(0), |place| place + 1);
    let rows: Vec<(usize, DatasetId)> = ids.iter().copied().enumerate().skip(first).take(ROWS + 1).collect();
    let page = PageOf::cut(rows, |(place, id)| Cursor { key: i64::try_from(*place).unwrap_or(0), id: id.to_string() });
    PageOf { rows: page.rows.into_iter().map(|(_, id)| id).collect(), next: page.next }
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
    let release = releases::find(conn, dataset.release())?;
    let (expectations, decide_within) = match dataset.mode {
        AccessMode::Approval => {
            let holidays = organisations::holidays(conn, dataset.organisation)?;
            let committee = dataset.committee.map_or(Ok(None), |id| committees::by_id(conn, id))?;
            let decide_within = committee.and_then(|committee| committee.deadlines.decide_within());
            (expectations(&access_requests::last_decided(conn, dataset.id)?, &holidays), decide_within)
        }
        AccessMode::Open | AccessMode::Agreement => (None, None),
    };
    Ok(Some(DatasetView {
        dataset,
        organisation,
        access,
        contents,
        agreements,
        related,
        release,
        coming,
        expectations,
        decide_within,
    }))
}

/// How far somebody has come: with their newest request or, if that gives no access, with one that does.
fn facts_of(conn: &mut AnyConnection, slug: &Slug, person: PersonId, now: Timestamp) -> Result<Option<RequestFacts>> {
    let newest = RequestFacts::of_applicant(conn, slug, person, (WantedProject::Latest, now))?;
    let Some(facts) = &newest else { return Ok(None) };
    if facts.grant.as_ref().is_some_and(|grant| grant.is_active(now)) {
        return Ok(newest);
    }
    let granted = grants::on_dataset(conn, person, facts.dataset.id)?;
    let active = granted.iter().find(|grant| grant.is_active(now));
    // Where none is, one that only has to be signed for.
    let other = active.or_else(|| granted.iter().find(|grant| grant.is_running(now))).and_then(|grant| grant.project);
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

/// What somebody may do about whether a dataset is delivered and offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OfferChanges {
    /// Suspend it, for a reason.
    pub suspend: bool,
    /// Deliver it again.
    pub restore: bool,
    /// Retire it, for a reason.
    pub retire: bool,
    /// Offer it again.
    pub reinstate: bool,
}

/// Which of them somebody may do.
pub fn offer_changes(dataset: &Dataset, by: Officer<'_>) -> OfferChanges {
    let may_switch = |suspend| dataset.decide_suspension_change(by, suspend) == Ok(true);
    let (may_retire, is_retired) = (dataset.may_change_retirement(by), dataset.retirement.is_some());
    OfferChanges {
        suspend: may_switch(true),
        restore: may_switch(false),
        retire: may_retire && !is_retired,
        reinstate: may_retire && is_retired,
    }
}
