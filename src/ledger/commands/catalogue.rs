//! Publishing agreements and datasets, importing files, suspending datasets.

use crate::domain::agreement::AgreementVersion;
use crate::domain::dataset::{Dataset, FileEntry, FolderEntry};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{AgreementId, DatasetId, PersonId};
use crate::domain::person::Role;
use crate::domain::text::Slug;
use crate::domain::{Instant, Refusal};
use crate::ledger::{Refused, Tx};
use crate::store::datasets::Save;
use crate::store::{agreements, datasets, files};

use super::roles::administrator;

/// Publishes a version of an agreement, numbered after the last one; a version that says the same as the last is not
/// published again. `version`'s ids, number and time are given here. Says which version is in force and whether it is new.
///
/// # Errors
/// When the store fails.
pub fn publish_agreement(
    tx: &mut Tx<'_>,
    by: Actor,
    mut version: AgreementVersion,
) -> Result<(AgreementVersion, bool), Refused> {
    let agreement: AgreementId = if let Some(id) = agreements::id_of(tx.conn, &version.slug)? {
        id
    } else {
        let id = tx.id();
        agreements::insert(tx.conn, id, &version.slug)?;
        id
    };
    let last = agreements::in_force(tx.conn, agreement)?;
    version.agreement = agreement;
    version.id = tx.id();
    version.published_at = tx.now;
    version.number = last.as_ref().map_or(1, |last| last.number + 1);
    version.texts.sort_by_key(|text| text.language.tag());
    if let Some(last) = last {
        let mut same = version.clone();
        (same.id, same.number, same.published_at) = (last.id, last.number, last.published_at);
        if same == last {
            return Ok((last, false));
        }
    }
    agreements::insert_version(tx.conn, &version)?;
    let mut event = Event::new(Action::AgreementPublished, by)
        .subject(version.id)
        .with("agreement", version.slug.as_str())
        .with("version", version.number);
    let texts: serde_json::Map<_, _> =
        version.texts.iter().map(|text| (text.language.tag().to_owned(), text.sha256.to_string().into())).collect();
    event.details.set("texts_sha256", texts);
    tx.record(event);
    Ok((version, true))
}

/// A dataset as an operator describes it.
#[derive(Clone, Debug)]
pub struct Publication {
    /// What its page shows; id, counts and times are given here.
    pub dataset: Dataset,
    /// Its agreement's name.
    pub agreement: Option<Slug>,
    /// Its reviewers.
    pub reviewers: Vec<PersonId>,
    /// Its place in the catalogue.
    pub position: i64,
    /// Its files, as they are now.
    pub files: Vec<FileEntry>,
    /// The folders they are in.
    pub folders: Vec<FolderEntry>,
}

/// What a publication changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Published {
    /// The dataset.
    pub id: DatasetId,
    /// Whether it was not there before.
    pub new: bool,
    /// Files added, changed or gone since the last import.
    pub files_changed: usize,
}

/// Publishes a dataset, or brings it up to date; safe to repeat.
///
/// # Errors
/// [`Refusal::NotFound`] when the agreement is not there, or when the store fails.
pub fn publish_dataset(tx: &mut Tx<'_>, by: Actor, publication: &Publication) -> Result<Published, Refused> {
    let mut dataset = publication.dataset.clone();
    let existing = datasets::by_slug(tx.conn, &dataset.slug)?;
    dataset.agreement = match &publication.agreement {
        Some(slug) => Some(agreements::id_of(tx.conn, slug)?.ok_or(Refusal::NotFound)?),
        None => None,
    };
    dataset.tags.sort();
    dataset.tags.dedup();
    let (how, action) = match &existing {
        None => {
            dataset.id = tx.id();
            (dataset.created_at, dataset.updated_at) = (tx.now, tx.now);
            (Save::Insert, Action::DatasetPublished)
        }
        Some(old) => {
            dataset.id = old.id;
            (dataset.created_at, dataset.updated_at) = (old.created_at, old.updated_at);
            (dataset.file_count, dataset.total_bytes) = (old.file_count, old.total_bytes);
            dataset.suspended_at = old.suspended_at;
            (Save::Update, Action::DatasetUpdated)
        }
    };
    let mut reviewers = publication.reviewers.clone();
    reviewers.sort_unstable();
    let same_reviewers = existing.is_some() && datasets::reviewers(tx.conn, dataset.id)? == reviewers;
    let same_position = existing.is_some() && datasets::position(tx.conn, dataset.id)? == publication.position;
    if existing.as_ref() != Some(&dataset) || !same_reviewers || !same_position {
        dataset.updated_at = tx.now;
        datasets::save(tx.conn, &dataset, publication.position, how)?;
        datasets::set_reviewers(tx.conn, dataset.id, &reviewers)?;
        let mut event = Event::new(action, by)
            .dataset(&dataset.slug)
            .subject(dataset.id)
            .with("mode", dataset.mode.as_str())
            .with("quorum", dataset.quorum)
            .with("grant_days", dataset.grant_days);
        if let Some(agreement) = &publication.agreement {
            event = event.with("agreement", agreement.as_str());
        }
        let ids: Vec<_> = reviewers.iter().map(ToString::to_string).collect();
        event.details.set("reviewers", ids);
        tx.record(event);
    }
    let files_changed = import(tx, by, &dataset, publication)?;
    Ok(Published { id: dataset.id, new: existing.is_none(), files_changed })
}

fn import(tx: &mut Tx<'_>, by: Actor, dataset: &Dataset, publication: &Publication) -> Result<usize, Refused> {
    let mut old = files::all(tx.conn, dataset.id, "", i64::MAX)?;
    let mut new = publication.files.clone();
    old.sort_by(|a, b| a.path.cmp(&b.path));
    new.sort_by(|a, b| a.path.cmp(&b.path));
    if old == new {
        return Ok(0);
    }
    let before: std::collections::HashMap<_, _> = old.iter().map(|entry| (&entry.path, entry)).collect();
    let kept = new.iter().filter(|entry| before.get(&entry.path) == Some(entry)).count();
    let gone = old.len() - new.iter().filter(|entry| before.contains_key(&entry.path)).count();
    let changed = new.len() - kept + gone;
    files::replace(tx.conn, dataset.id, &new, &publication.folders)?;
    let lines: Vec<String> = new.iter().map(|entry| format!("{}  {}\n", entry.sha256, entry.path)).collect();
    let manifest = lines.concat();
    tx.record(
        Event::new(Action::DatasetFilesImported, by)
            .dataset(&dataset.slug)
            .subject(dataset.id)
            .with("files", new.len())
            .with("changed", changed)
            .with("bytes", new.iter().map(|entry| entry.size).sum::<u64>())
            .with("sha256sums_sha256", crate::domain::text::Sha256::of(manifest.as_bytes()).to_string()),
    );
    Ok(changed)
}

/// Stops delivering a dataset, or starts again.
///
/// # Errors
/// [`Refusal::NotAllowed`], [`Refusal::NotFound`], [`Refusal::CommentNeeded`] to suspend without a reason, or when the
/// store fails.
pub fn suspend_dataset(tx: &mut Tx<'_>, by: PersonId, slug: &Slug, reason: Option<&str>) -> Result<(), Refused> {
    administrator(tx, by)?;
    let dataset = datasets::by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let actor = Actor::person(by, Role::Administrator);
    let (at, event): (Option<Instant>, _) = match reason {
        Some(reason) if reason.trim().is_empty() => return Err(Refusal::CommentNeeded.into()),
        Some(reason) => (Some(tx.now), Event::new(Action::DatasetSuspended, actor).with("reason", reason)),
        None => (None, Event::new(Action::DatasetRestored, actor)),
    };
    if dataset.suspended_at.is_some() == at.is_some() {
        return Ok(());
    }
    datasets::set_suspended(tx.conn, dataset.id, at)?;
    tx.revoked_something();
    tx.record(event.dataset(slug).subject(dataset.id));
    Ok(())
}
