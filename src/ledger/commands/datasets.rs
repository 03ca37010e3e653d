//! Publishing datasets, suspending datasets.

use super::batch::{BatchOutcome, act_on_each};
use super::committees;
use super::handover::end_stale_offer;
use super::organisations::{officer, owner_of};
use super::people::actor;
use crate::domain::comment::Reason;
use crate::domain::committee::NewCommittee;
use crate::domain::dataset::{
    CommitteeChoice, Dataset, NewDataset, Retirement, RetirementChange, SuspensionChange, Terms, check_publish,
};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{AgreementId, CommitteeId, DatasetId, FormId, OrganisationId, PersonId};
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::reactions::deciding::DecidingAccounts;
use crate::ledger::transaction::Tx;
use crate::store::datasets::Save;
use crate::store::new_versions::{self, RestingOn};
use crate::store::{self, agreements, datasets, forms, organisations};

/// Checks, before the work of an import, that what a description names is here.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn check_publication(tx: &mut Tx<'_>, new: &NewDataset) -> Result<(), CommandError> {
    let existing = datasets::any_by_slug(tx.conn, new.slug())?;
    let organisation = owner_of(tx, new.organisation(), existing.as_ref().map(|dataset| dataset.organisation))?;
    check_terms(tx, organisation, new)?;
    match (new.committee(), new.own_committee()) {
        (CommitteeChoice::Named(slug), _) => named_committee(tx, organisation, slug).map(|_| ()),
        (_, Some(own)) => {
            check_own_committee(tx, organisation, own, existing.as_ref())?;
            committees::members(tx, own).map(|_| ())
        }
        _ => Ok(()),
    }
}

/// The agreements and the form that a description names.
fn check_terms(
    tx: &mut Tx<'_>,
    organisation: OrganisationId,
    new: &NewDataset,
) -> Result<(Vec<AgreementId>, Option<FormId>), CommandError> {
    let mut agreements = Vec::new();
    for (place, slug) in new.agreements().iter().enumerate() {
        let found = agreements::owned_by(tx.conn, slug)?.filter(|(_, owner)| *owner == organisation);
        agreements.push(found.ok_or(Refusal::AgreementUnknown(place))?.0);
    }
    let form = match new.form() {
        Some(slug) => {
            let found = forms::owned_by(tx.conn, slug)?.filter(|(_, owner)| *owner == organisation);
            Some(found.ok_or(Refusal::FormUnknown)?.0)
        }
        None => None,
    };
    Ok((agreements, form))
}

fn named_committee(
    tx: &mut Tx<'_>,
    organisation: OrganisationId,
    slug: &Slug,
) -> Result<(CommitteeId, u32), CommandError> {
    let found = store::committees::by_slug(tx.conn, organisation, slug)?.ok_or(Refusal::CommitteeUnknown)?;
    Ok((found.id, found.quorum))
}

/// That the committee a dataset brings is its own: one of that name which decides about others is not changed by it.
fn check_own_committee(
    tx: &mut Tx<'_>,
    organisation: OrganisationId,
    own: &NewCommittee,
    dataset: Option<&Dataset>,
) -> Result<(), CommandError> {
    let Some(present) = store::committees::by_slug(tx.conn, organisation, own.slug())? else { return Ok(()) };
    let is_other = |id: &DatasetId| dataset.is_none_or(|dataset| dataset.id != *id);
    let is_shared = store::committees::datasets_of(tx.conn, present.id)?.iter().any(is_other);
    if is_shared { Err(Refusal::NameTaken.into()) } else { Ok(()) }
}

/// What a dataset's description names; the committee that it brings is set up.
fn resolve(tx: &mut Tx<'_>, by: Actor, new: &NewDataset, existing: Option<&Dataset>) -> Result<Terms, CommandError> {
    let organisation = owner_of(tx, new.organisation(), existing.map(|dataset| dataset.organisation))?;
    let (agreements, form) = check_terms(tx, organisation, new)?;
    let committee = match (new.committee(), new.own_committee()) {
        (CommitteeChoice::Named(slug), _) => Some(named_committee(tx, organisation, slug)?),
        (_, Some(own)) => {
            check_own_committee(tx, organisation, own, existing)?;
            let (committee, _) = committees::set_up(tx, by, organisation, own)?.told();
            Some((committee.id, committee.quorum))
        }
        _ => None,
    };
    Ok(Terms { organisation, agreements, form, committee })
}

/// Publishes a dataset, or brings it up to date; safe to repeat. A draft becomes public with it.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn publish(tx: &mut Tx<'_>, by: Actor, new: &NewDataset) -> Result<DatasetId, CommandError> {
    let existing = datasets::any_by_slug(tx.conn, new.slug())?;
    let terms = resolve(tx, by, new, existing.as_ref())?;
    // As it stands, with its committee as that is now.
    let existing = datasets::any_by_slug(tx.conn, new.slug())?;
    let action = if existing.is_some() { Action::DatasetUpdated } else { Action::DatasetPublished };
    let mut dataset = new.publish(tx.id(), terms, existing.as_ref(), tx.now);
    dataset.published_at = dataset.published_at.or(Some(tx.now));
    store_if_changed(tx, (action, by), (existing.as_ref(), dataset), new)
}

/// What an edit is based on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EditBasis {
    /// There is no such dataset yet: a draft is made in this organisation.
    New(OrganisationId),
    /// The dataset as it is since this time.
    Since(Timestamp),
}

/// Changes what a dataset says of itself, or makes a draft. What its files are stays as it is.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn edit(tx: &mut Tx<'_>, by: PersonId, basis: EditBasis, new: &NewDataset) -> Result<DatasetId, CommandError> {
    let person = actor(tx, by)?;
    let existing = datasets::any_by_slug(tx.conn, new.slug())?;
    let organisation = match (basis, &existing) {
        (EditBasis::New(organisation), None) => organisation,
        (EditBasis::New(_), Some(_)) => return Err(Refusal::NameTaken.into()),
        (EditBasis::Since(_), None) => return Err(Refusal::NotFound.into()),
        (EditBasis::Since(_), Some(dataset)) => dataset.organisation,
    };
    let officer = officer(tx, &person, organisation)?;
    officer.check_steward()?;
    if let (EditBasis::Since(seen), Some(dataset)) = (basis, &existing) {
        if dataset.updated_at != seen {
            return Err(Refusal::EditedMeanwhile.into());
        }
        if dataset.is_published() && !new.is_complete() {
            return Err(Refusal::Incomplete.into());
        }
        if dataset.is_published() && new.mode().is_looser_than(dataset.mode) {
            officer.check_owner()?;
        }
    }
    let by = Actor::person(by, officer.acts_as());
    let action = if existing.is_some() { Action::DatasetUpdated } else { Action::DatasetDrafted };
    let (agreements, form) = check_terms(tx, organisation, new)?;
    let committee = match new.committee() {
        CommitteeChoice::Named(slug) => Some(named_committee(tx, organisation, slug)?),
        CommitteeChoice::None | CommitteeChoice::Own { .. } => None,
    };
    let terms = Terms { organisation, agreements, form, committee };
    let mut dataset = new.publish(tx.id(), terms, existing.as_ref(), tx.now);
    (dataset.root, dataset.import_settings) =
        existing.as_ref().map(|old| (old.root.clone(), old.import_settings.clone())).unwrap_or_default();
    store_if_changed(tx, (action, by), (existing.as_ref(), dataset), new)
}

/// Stores what a dataset's description makes of it, with what follows, unless it is that already.
fn store_if_changed(
    tx: &mut Tx<'_>,
    (action, by): (Action, Actor),
    (existing, mut dataset): (Option<&Dataset>, Dataset),
    new: &NewDataset,
) -> Result<DatasetId, CommandError> {
    if existing == Some(&dataset) && datasets::position(tx.conn, dataset.id)? == new.position() {
        return Ok(dataset.id);
    }
    let before = DecidingAccounts::of(tx, existing.unwrap_or(&dataset))?;
    dataset.updated_at = tx.now;
    let how = if existing.is_some() { Save::Update } else { Save::Insert };
    datasets::save(tx.conn, &dataset, new.position(), how)?;
    // What has to be signed depends on what is asked for.
    if existing.is_some_and(|earlier| earlier.agreements != dataset.agreements) {
        new_versions::refresh(tx.conn, RestingOn::Dataset(dataset.id), tx.now)?;
    }
    let event = published_event(tx, action, by, (&dataset, new))?;
    tx.record(event);
    end_stale_offer(tx, by, &dataset)?;
    reactions::deciding::committee_changed(tx, &dataset, &before)?;
    Ok(dataset.id)
}

/// Publishes a draft: from now on everybody sees it.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn publish_draft(tx: &mut Tx<'_>, by: PersonId, slug: &Slug) -> Result<(), CommandError> {
    let person = actor(tx, by)?;
    let dataset = datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let officer = officer(tx, &person, dataset.organisation)?;
    check_publish(officer, &dataset)?;
    let owner = organisations::by_id(tx.conn, dataset.organisation)?.ok_or(Refusal::NotFound)?;
    datasets::set_published(tx.conn, dataset.id, tx.now)?;
    let event = Event::new(Action::DatasetPublished, Actor::person(by, officer.acts_as()));
    tx.record(event.organisation(&owner.slug).dataset(slug).subject(dataset.id).with("mode", dataset.mode.as_str()));
    Ok(())
}

fn published_event(
    tx: &mut Tx<'_>,
    action: Action,
    by: Actor,
    (dataset, new): (&Dataset, &NewDataset),
) -> Result<Event, CommandError> {
    let owner = organisations::by_id(tx.conn, dataset.organisation)?.ok_or(Refusal::NotFound)?;
    let mut event = Event::new(action, by)
        .organisation(&owner.slug)
        .dataset(&dataset.slug)
        .subject(dataset.id)
        .with("mode", dataset.mode.as_str())
        .with("grant_days", dataset.grant_days)
        .with("later_releases", dataset.later_releases.as_str())
        .with("later_members", dataset.later_members.as_str())
        .with("preview", dataset.preview.as_str());
    if !new.agreements().is_empty() {
        let slugs: Vec<_> = new.agreements().iter().map(ToString::to_string).collect();
        event.details.set("agreements", slugs);
    }
    if let Some(form) = new.form() {
        event = event.with("form", form.as_str());
    }
    if let Some(committee) = dataset.committee.map_or(Ok(None), |id| store::committees::by_id(tx.conn, id))? {
        event = event.with("committee", committee.slug.as_str());
    }
    Ok(event)
}

/// Takes a dataset out of what is offered, or offers it again.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn change_retirement(
    tx: &mut Tx<'_>,
    by: PersonId,
    slug: &Slug,
    change: &RetirementChange,
) -> Result<(), CommandError> {
    let by = actor(tx, by)?;
    let dataset = datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let officer = officer(tx, &by, dataset.organisation)?;
    if !dataset.decide_retirement_change(officer, change)? {
        return Ok(());
    }
    let actor = Actor::person(by.id, officer.acts_as());
    let (retirement, event) = match change {
        RetirementChange::Retire(reason) => {
            let event = Event::new(Action::DatasetRetired, actor).with("reason", reason.as_str());
            (Some(Retirement { at: tx.now, reason: reason.clone() }), event)
        }
        RetirementChange::Reinstate => (None, Event::new(Action::DatasetReinstated, actor)),
    };
    datasets::set_retired(tx.conn, dataset.id, retirement.as_ref())?;
    tx.record(event.dataset(slug).subject(dataset.id));
    Ok(())
}

/// Stops delivering a dataset, or starts again.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn change_suspension(
    tx: &mut Tx<'_>,
    by: PersonId,
    slug: &Slug,
    switch: &SuspensionChange,
) -> Result<(), CommandError> {
    let by = actor(tx, by)?;
    let dataset = datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    let officer = officer(tx, &by, dataset.organisation)?;
    if !dataset.decide_suspension_change(officer, matches!(switch, SuspensionChange::Suspend(_)))? {
        return Ok(());
    }
    let actor = Actor::person(by.id, officer.acts_as());
    let (at, event) = match switch {
        SuspensionChange::Suspend(reason) => {
            (Some(tx.now), Event::new(Action::DatasetSuspended, actor).with("reason", reason.as_str()))
        }
        SuspensionChange::Restore => (None, Event::new(Action::DatasetRestored, actor)),
    };
    datasets::set_suspended(tx.conn, dataset.id, at)?;
    tx.record(event.dataset(slug).subject(dataset.id));
    Ok(())
}

/// Stops delivering several datasets, each as if it were alone.
///
/// # Errors
/// When the store fails. What a rule refuses is in the outcome.
pub fn suspend_several(
    tx: &mut Tx<'_>,
    by: PersonId,
    slugs: &[Slug],
    reason: &Reason,
) -> Result<BatchOutcome<Slug>, CommandError> {
    let suspended = SuspensionChange::Suspend(reason.clone());
    act_on_each(tx, slugs, |tx, slug| change_suspension(tx, by, slug, &suspended))
}
