//! Publishing releases, in steps: each is a short command, so that admissions never wait for an import. Which files a release
//! has is seen by nobody until the step that switches the dataset.

use super::datasets::publish as publish_dataset;
use super::organisations::officer;
use super::people::actor;
use crate::domain::comment::Reason;
use crate::domain::dataset::{Dataset, FileEntry, ImportSettings, NewDataset};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{DatasetId, ImportId, PersonId, ReleaseId};
use crate::domain::import_job::{Claim, ImportOutcome, ImportReport};
use crate::domain::preview::Previews;
use crate::domain::release::{Difference, FileChange, FolderChange, Release, Withdrawal};
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{datasets, import_jobs, imports, releases};

/// An import that was begun.
#[derive(Clone, Debug)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// The dataset's slug.
    pub slug: Slug,
    /// The newest release, whatever its state.
    pub newest: ReleaseId,
    /// The release that is prepared.
    pub next: ReleaseId,
    /// Whether an import before it was begun and not ended.
    pub is_left_over: bool,
    /// When what the dataset says of itself had last changed, where it may not change meanwhile.
    described_at: Option<Timestamp>,
}

/// Rows that a step takes away at most.
const CLEARED_AT_ONCE: i64 = 100;

/// What a dataset was when an import began to read its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Basis {
    newest_release: u32,
    current_release: u32,
    /// None where what the dataset says of itself may change meanwhile.
    updated_at: Option<Timestamp>,
}

impl From<&Dataset> for Basis {
    fn from(dataset: &Dataset) -> Self {
        let Dataset { newest_release, current_release, updated_at, .. } = *dataset;
        Self { newest_release, current_release, updated_at: Some(updated_at) }
    }
}

impl Basis {
    /// This, whatever the dataset says of itself meanwhile.
    #[must_use]
    pub const fn of_files(self) -> Self {
        Self { updated_at: None, ..self }
    }

    /// Whether files that were read on this basis may still be imported. A release that came out of its embargo meanwhile
    /// changes nothing about them; one that was withdrawn may.
    fn still_holds(self, dataset: &Dataset) -> bool {
        let now = Self::from(dataset);
        let is_as_described = self.updated_at.is_none() || now.updated_at == self.updated_at;
        is_as_described && now.newest_release == self.newest_release && now.current_release >= self.current_release
    }
}

/// Begins an import of files that were read when the dataset was like this. It takes the place of one that was not ended, which
/// can't go on then.
///
/// # Errors
/// [`Refusal::NotFound`]; [`Refusal::ImportReplaced`] when the dataset has changed since; or when the store fails.
pub fn begin(tx: &mut Tx<'_>, dataset: DatasetId, basis: Basis) -> Result<Import, CommandError> {
    let dataset = datasets::by_id(tx.conn, dataset)?.ok_or(Refusal::NotFound)?;
    if !basis.still_holds(&dataset) {
        return Err(Refusal::ImportReplaced.into());
    }
    let (id, newest) = (tx.id(), dataset.newest());
    let next = ReleaseId { number: newest.number + 1, ..newest };
    let is_left_over = imports::begin(tx.conn, dataset.id, id)?;
    Ok(Import { id, slug: dataset.slug, newest, next, is_left_over, described_at: basis.updated_at })
}

fn check_current(tx: &mut Tx<'_>, import: &Import) -> Result<(), CommandError> {
    let is_current = imports::is_current(tx.conn, import.next.dataset, import.id)?;
    if is_current { Ok(()) } else { Err(Refusal::ImportReplaced.into()) }
}

/// Takes away some of what an unfinished import left; says whether there may be more.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn clear_some(tx: &mut Tx<'_>, import: &Import) -> Result<bool, CommandError> {
    check_current(tx, import)?;
    Ok(imports::clear_some(tx.conn, import.next, CLEARED_AT_ONCE)?)
}

/// Notes some of what the next release has differently.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn note(
    tx: &mut Tx<'_>,
    import: &Import,
    files: &[FileChange],
    folders: &[FolderChange],
) -> Result<(), CommandError> {
    check_current(tx, import)?;
    imports::note_files(tx.conn, import.next, files)?;
    imports::note_folders(tx.conn, import.next, folders)?;
    Ok(())
}

/// Notes what everybody may be shown of the next release.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn note_previews(tx: &mut Tx<'_>, import: &Import, previews: &Previews) -> Result<(), CommandError> {
    check_current(tx, import)?;
    Ok(imports::note_previews(tx.conn, import.next, previews)?)
}

/// What is imported into.
#[derive(Clone, Debug)]
pub enum Target {
    /// A dataset as it is described, which is made where it is not there.
    Described(Box<NewDataset>),
    /// A dataset that is there, of which only the files change.
    Files {
        /// Its name in addresses.
        slug: Slug,
        /// Where its files are.
        root: String,
        /// How they are imported from there.
        settings: ImportSettings,
        /// The import that was requested.
        claim: Claim,
        /// What it found; the release it makes is filled in.
        report: Box<ImportReport>,
    },
}

impl Target {
    /// The dataset's name in addresses.
    pub const fn slug(&self) -> &Slug {
        match self {
            Self::Described(description) => description.slug(),
            Self::Files { slug, .. } => slug,
        }
    }

    /// Where its files are.
    pub fn root(&self) -> &str {
        match self {
            Self::Described(description) => description.root(),
            Self::Files { root, .. } => root,
        }
    }
}

/// Brings the dataset's description up to date and, if one was prepared, switches to the release, both at once: new files are
/// never delivered under old terms. One under embargo is added, and becomes the current one later.
///
/// # Errors
/// [`Refusal::ImportReplaced`]; [`Refusal::ReleaseWithdrawn`] when the files are those of a release that was withdrawn; another
/// rule that says no; or when the store fails.
pub fn switch(
    tx: &mut Tx<'_>,
    mut by: Actor,
    import: &Import,
    (target, release): (&Target, Option<&Release>),
) -> Result<(), CommandError> {
    check_current(tx, import)?;
    let root = target.root();
    if let Some(release) = release {
        check_next(tx, import, (root, release.difference), release.embargoed_until)?;
    }
    match target {
        Target::Described(description) => {
            let now = datasets::by_id(tx.conn, import.next.dataset)?.ok_or(Refusal::NotFound)?;
            if import.described_at.is_some_and(|at| at != now.updated_at) {
                return Err(Refusal::ImportReplaced.into());
            }
            publish_dataset(tx, by, description)?;
        }
        Target::Files { settings, claim, report, .. } => {
            // Whoever asked for it may have lost their part meanwhile, or stopped it.
            let person = by.person.ok_or(Refusal::NotAllowed)?;
            by = steward(tx, person, target.slug())?;
            let (number, difference) = release
                .map_or((import.newest.number, Difference::default()), |release| (release.number, release.difference));
            let outcome = ImportOutcome::Release(ImportReport { number, difference, ..ImportReport::clone(report) });
            if !import_jobs::record_outcome(tx.conn, *claim, &outcome)? {
                return Err(Refusal::ImportCancelled.into());
            }
            move_files(tx, by, (import, root), settings)?;
        }
    }
    let Some(release) = release else {
        if releases::facts(tx.conn, import.newest)?.withdrawn {
            return Err(Refusal::ReleaseWithdrawn.into());
        }
        return Ok(imports::set_root(tx.conn, import.newest, root)?);
    };
    let release = Release { number: import.next.number, published_at: tx.now, ..release.clone() };
    imports::switch(tx.conn, import.next.dataset, (&release, root), tx.now)?;
    let mut event = Event::new(Action::ReleasePublished, by)
        .dataset(&import.slug)
        .subject(import.next.dataset)
        .with("release", release.number)
        .with("files", release.file_count)
        .with("bytes", release.total_bytes)
        .with("added", release.difference.added)
        .with("changed", release.difference.changed)
        .with("removed", release.difference.removed)
        .with("sha256sums_sha256", release.sums_sha256.to_string());
    if let Some(until) = release.embargoed_until {
        event = event.with("embargoed_until", until.to_string());
    }
    if !release.note.is_empty() {
        event = event.with("note", release.note.as_str());
    }
    tx.record(event);
    Ok(())
}

/// Notes that files with the same bytes have another time or tag by now. This is the one thing about a release that changes.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn refresh(tx: &mut Tx<'_>, by: Actor, import: &Import, entries: &[FileEntry]) -> Result<(), CommandError> {
    check_current(tx, import)?;
    imports::refresh(tx.conn, import.newest, entries)?;
    let event = Event::new(Action::DatasetFilesRefreshed, by).dataset(&import.slug).subject(import.next.dataset);
    tx.record(event.with("files", entries.len()));
    Ok(())
}

/// Ends an import.
///
/// # Errors
/// [`Refusal::ImportReplaced`], or when the store fails.
pub fn end(tx: &mut Tx<'_>, import: &Import, target: &Target) -> Result<(), CommandError> {
    check_current(tx, import)?;
    if let Target::Files { claim, .. } = target {
        import_jobs::end(tx.conn, *claim, None, tx.now)?;
    }
    Ok(imports::end(tx.conn, import.next.dataset)?)
}

/// Checks, before the work of noting them, that files which differ like this may be the next release.
///
/// # Errors
/// [`Refusal::EmbargoPast`], [`Refusal::EmbargoOrder`], [`Refusal::EmbargoLosesFiles`], or when the store fails.
pub fn check_next(
    tx: &mut Tx<'_>,
    import: &Import,
    next: (&str, Difference),
    embargo: Option<Timestamp>,
) -> Result<(), CommandError> {
    let dataset = datasets::by_id(tx.conn, import.next.dataset)?.ok_or(Refusal::NotFound)?;
    Ok(releases::history(tx.conn, dataset.id)?.check_next(dataset.current_release, next, embargo, tx.now)?)
}

/// Changes when the embargo of a release ends; without a time it ends now.
///
/// # Errors
/// [`Refusal::NotFound`], a rule about embargoes that says no, or when the store fails.
pub fn change_embargo(
    tx: &mut Tx<'_>,
    by: Actor,
    slug: &Slug,
    number: u32,
    until: Option<Timestamp>,
) -> Result<(), CommandError> {
    let dataset = datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let id = ReleaseId { dataset: dataset.id, number };
    let release = releases::find(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    releases::history(tx.conn, dataset.id)?.check_embargo_change(&release, until, tx.now)?;
    set_embargo(tx, by, (&dataset, number), until)
}

fn set_embargo(
    tx: &mut Tx<'_>,
    by: Actor,
    (dataset, number): (&Dataset, u32),
    until: Option<Timestamp>,
) -> Result<(), CommandError> {
    releases::set_embargo(tx.conn, ReleaseId { dataset: dataset.id, number }, until, tx.now)?;
    let action = if until.is_some() { Action::ReleaseEmbargoChanged } else { Action::ReleaseEmbargoEnded };
    let mut event = Event::new(action, by).dataset(&dataset.slug).subject(dataset.id).with("release", number);
    if let Some(until) = until {
        event = event.with("embargoed_until", until.to_string());
    }
    tx.record(event);
    Ok(())
}

/// Makes releases public whose embargo has ended; says how many.
///
/// # Errors
/// When the store fails.
pub fn end_embargoes(tx: &mut Tx<'_>) -> Result<usize, CommandError> {
    const AT_A_TIME: i64 = 100;
    let ended = releases::embargoes_ended(tx.conn, tx.now, AT_A_TIME)?;
    for release in &ended {
        let dataset = datasets::by_id(tx.conn, release.dataset)?.ok_or(Refusal::NotFound)?;
        set_embargo(tx, Actor::SYSTEM, (&dataset, release.number), None)?;
    }
    Ok(ended.len())
}

/// Withdraws a release: nothing of it is delivered from now on.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::ReleaseWithdrawn`], or when the store fails.
pub fn withdraw(tx: &mut Tx<'_>, by: Actor, slug: &Slug, number: u32, reason: &Reason) -> Result<(), CommandError> {
    let dataset = datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let id = ReleaseId { dataset: dataset.id, number };
    releases::find(tx.conn, id)?.ok_or(Refusal::NotFound)?.decide_withdrawal()?;
    releases::withdraw(tx.conn, id, &Withdrawal { at: tx.now, reason: reason.clone() }, tx.now)?;
    let event = Event::new(Action::ReleaseWithdrawn, by).dataset(slug).subject(dataset.id);
    tx.record(event.with("release", number).with("reason", reason.as_str()));
    Ok(())
}

/// Notes that a dataset's files are in another place, or imported in another way.
fn move_files(
    tx: &mut Tx<'_>,
    by: Actor,
    (import, root): (&Import, &str),
    settings: &ImportSettings,
) -> Result<(), CommandError> {
    let dataset = datasets::by_id(tx.conn, import.next.dataset)?.ok_or(Refusal::NotFound)?;
    if dataset.root != root || dataset.import_settings != *settings {
        datasets::set_root(tx.conn, dataset.id, (root, settings))?;
        tx.record(Event::new(Action::DatasetFilesRefreshed, by).dataset(&dataset.slug).subject(dataset.id));
    }
    Ok(())
}

/// A steward of a dataset's organisation, as the one who acts.
fn steward(tx: &mut Tx<'_>, by: PersonId, slug: &Slug) -> Result<Actor, CommandError> {
    let person = actor(tx, by)?;
    let dataset = datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let officer = officer(tx, &person, dataset.organisation)?;
    officer.check_steward()?;
    Ok(Actor::person(by, officer.acts_as()))
}

/// What a steward does with a release.
#[derive(Clone, Debug)]
pub enum ReleaseChange {
    /// Takes it back for ever, for this reason.
    Withdraw(Reason),
    /// Lets its embargo end then.
    Embargo(Timestamp),
    /// Ends its embargo now.
    EndEmbargo,
}

/// Withdraws a release, or changes its embargo, as a steward of the dataset's organisation.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn change_as_steward(
    tx: &mut Tx<'_>,
    by: PersonId,
    (slug, number): (&Slug, u32),
    change: &ReleaseChange,
) -> Result<(), CommandError> {
    let by = steward(tx, by, slug)?;
    match change {
        ReleaseChange::Withdraw(reason) => withdraw(tx, by, slug, number, reason),
        ReleaseChange::Embargo(until) => change_embargo(tx, by, slug, number, Some(*until)),
        ReleaseChange::EndEmbargo => change_embargo(tx, by, slug, number, None),
    }
}
