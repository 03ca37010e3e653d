//! Publishing datasets, suspending datasets.

use super::people::actor;
use crate::domain::Refusal;
use crate::domain::dataset::{NewDataset, SuspensionChange, check_reviewer};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{AgreementId, DatasetId, FormId, PersonId};
use crate::domain::person::Role;
use crate::domain::text::Slug;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::reactions::mail::Committee;
use crate::ledger::transaction::Tx;
use crate::store::datasets::Save;
use crate::store::{agreements, datasets, forms, people};

/// Checks, before the work of an import, that the agreement and the reviewers' accounts exist.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn check_publication(tx: &mut Tx<'_>, new: &NewDataset) -> Result<(), CommandError> {
    resolve(tx, new).map(|_| ())
}

/// What a dataset's description names, as it is known here.
struct Resolved {
    agreements: Vec<AgreementId>,
    form: Option<FormId>,
    /// In ascending order.
    reviewers: Vec<PersonId>,
}

fn resolve(tx: &mut Tx<'_>, new: &NewDataset) -> Result<Resolved, CommandError> {
    let mut agreements = Vec::new();
    for (place, slug) in new.agreements().iter().enumerate() {
        agreements.push(agreements::id_of(tx.conn, slug)?.ok_or(Refusal::AgreementUnknown(place))?);
    }
    let form = match new.form() {
        Some(slug) => Some(forms::id_of(tx.conn, slug)?.ok_or(Refusal::FormUnknown)?),
        None => None,
    };
    let mut reviewers = Vec::new();
    for (place, email) in new.reviewers().iter().enumerate() {
        let found = people::by_email(tx.conn, email)?;
        reviewers.push(check_reviewer(place, found.as_ref().map(|(person, _)| person))?);
    }
    reviewers.sort_unstable();
    Ok(Resolved { agreements, form, reviewers })
}

/// Publishes a dataset, or brings it up to date; safe to repeat.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn publish(tx: &mut Tx<'_>, by: Actor, new: &NewDataset) -> Result<DatasetId, CommandError> {
    let Resolved { agreements, form, reviewers } = resolve(tx, new)?;
    let existing = datasets::by_slug(tx.conn, new.slug())?;
    let (how, action) = match existing {
        None => (Save::Insert, Action::DatasetPublished),
        Some(_) => (Save::Update, Action::DatasetUpdated),
    };
    let mut dataset = new.publish(tx.id(), (agreements, form), existing.as_ref(), tx.now);
    let same = existing.as_ref() == Some(&dataset)
        && datasets::reviewers(tx.conn, dataset.id)? == reviewers
        && datasets::position(tx.conn, dataset.id)? == new.position();
    if !same {
        let committee_before = Committee::of(tx, existing.as_ref().unwrap_or(&dataset))?;
        dataset.updated_at = tx.now;
        datasets::save(tx.conn, &dataset, new.position(), how)?;
        datasets::set_reviewers(tx.conn, dataset.id, &reviewers)?;
        let mut event = Event::new(action, by)
            .dataset(&dataset.slug)
            .subject(dataset.id)
            .with("mode", dataset.mode.as_str())
            .with("quorum", dataset.quorum)
            .with("grant_days", dataset.grant_days)
            .with("later_releases", dataset.later_releases.as_str())
            .with("later_members", dataset.later_members.as_str());
        if !new.agreements().is_empty() {
            let slugs: Vec<_> = new.agreements().iter().map(ToString::to_string).collect();
            event.details.set("agreements", slugs);
        }
        if let Some(form) = new.form() {
            event = event.with("form", form.as_str());
        }
        let ids: Vec<_> = reviewers.iter().map(ToString::to_string).collect();
        event.details.set("reviewers", ids);
        tx.record(event);
        reactions::mail::committee_changed(tx, &dataset, &committee_before)?;
    }
    Ok(dataset.id)
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
    let dataset = datasets::by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?;
    if !dataset.decide_suspension_change(&by, matches!(switch, SuspensionChange::Suspend(_)))? {
        return Ok(());
    }
    let actor = Actor::person(by.id, Role::Administrator);
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
