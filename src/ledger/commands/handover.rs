//! Handing datasets over to another organisation, by offer and acceptance.

use super::organisations::officer;
use super::people::actor;
use crate::domain::Refusal;
use crate::domain::dataset::Dataset;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::handover::{check_accept, check_end_offer, check_offer};
use crate::domain::ids::{OrganisationId, PersonId};
use crate::domain::organisation::Organisation;
use crate::domain::text::Slug;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::reactions::deciding::DecidingAccounts;
use crate::ledger::transaction::Tx;
use crate::store::{agreements, committees, datasets, deadlines, forms, import_jobs, offers, organisations};

/// Offers a dataset to another organisation, whose owners are told.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn offer(tx: &mut Tx<'_>, by: PersonId, (slug, to): (&Slug, &Slug)) -> Result<(), CommandError> {
    let (person, dataset) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, dataset.organisation)?;
    officer.check_owner()?;
    let to = organisations::by_slug(tx.conn, to)?.ok_or(Refusal::OrganisationUnknown)?;
    let shares_terms = offers::shares_terms(tx.conn, &dataset)?;
    check_offer(officer, &dataset, &to, shares_terms)?;
    if offers::of_dataset(tx.conn, dataset.id)? == Some(to.id) {
        return Ok(());
    }
    offers::put(tx.conn, dataset.id, to.id, tx.now)?;
    let by = Actor::person(by, officer.acts_as());
    let event = event(tx, Action::DatasetOffered, by, &dataset)?.with("to", to.slug.as_str());
    tx.record(event);
    Ok(reactions::mail::dataset_offered(tx, &dataset, &to)?)
}

/// Takes an offer back, or declines it.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn end_offer(tx: &mut Tx<'_>, by: PersonId, slug: &Slug) -> Result<(), CommandError> {
    let (person, dataset) = (actor(tx, by)?, find(tx, slug)?);
    let to = offered_to(tx, &dataset)?;
    let (giving, receiving) = (officer(tx, &person, dataset.organisation)?, officer(tx, &person, to.id)?);
    check_end_offer(giving, receiving)?;
    let acts_as = if giving.may_own() { giving.acts_as() } else { receiving.acts_as() };
    offers::remove(tx.conn, dataset.id)?;
    let event =
        event(tx, Action::DatasetOfferEnded, Actor::person(by, acts_as), &dataset)?.with("to", to.slug.as_str());
    tx.record(event);
    Ok(())
}

/// Takes a dataset that was offered, with its agreements and its form; the committee named decides about it from now on.
/// Grants and what was signed stay as they are.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn accept(tx: &mut Tx<'_>, by: PersonId, (slug, committee): (&Slug, Option<&Slug>)) -> Result<(), CommandError> {
    let (person, dataset) = (actor(tx, by)?, find(tx, slug)?);
    let to = offered_to(tx, &dataset)?;
    let receiving = officer(tx, &person, to.id)?;
    receiving.check_owner()?;
    let committee = match committee {
        Some(slug) => Some(committees::by_slug(tx.conn, to.id, slug)?.ok_or(Refusal::CommitteeUnknown)?),
        None => None,
    };
    let shares_terms = offers::shares_terms(tx.conn, &dataset)?;
    let is_importing = import_jobs::is_open(tx.conn, dataset.id)?;
    check_accept(receiving, &dataset, (&to, committee.as_ref()), (shares_terms, is_importing))?;
    let before = DecidingAccounts::of(tx, &dataset)?;
    let event = event(tx, Action::DatasetHandedOver, Actor::person(by, receiving.acts_as()), &dataset)?;
    for agreement in &dataset.agreements {
        agreements::set_organisation(tx.conn, *agreement, to.id)?;
    }
    if let Some(form) = dataset.form {
        forms::set_organisation(tx.conn, form, to.id)?;
    }
    offers::remove(tx.conn, dataset.id)?;
    datasets::set_organisation(tx.conn, dataset.id, (to.id, committee.as_ref().map(|committee| committee.id)), tx.now)?;
    let mut event = event.with("to", to.slug.as_str());
    if let Some(committee) = &committee {
        event = event.with("committee", committee.slug.as_str());
    }
    tx.record(event);
    let dataset = find(tx, slug)?;
    deadlines::forget_escalations(tx.conn, dataset.id)?;
    Ok(reactions::deciding::committee_changed(tx, &dataset, &before)?)
}

/// Ends an offer of a dataset that is described anew: what was offered is not what would be taken.
pub(super) fn end_stale_offer(tx: &mut Tx<'_>, by: Actor, dataset: &Dataset) -> Result<(), CommandError> {
    if offers::of_dataset(tx.conn, dataset.id)?.is_some() {
        offers::remove(tx.conn, dataset.id)?;
        let event = event(tx, Action::DatasetOfferEnded, by, dataset)?;
        tx.record(event);
    }
    Ok(())
}

fn find(tx: &mut Tx<'_>, slug: &Slug) -> Result<Dataset, CommandError> {
    Ok(datasets::any_by_slug(tx.conn, slug)?.ok_or(Refusal::NotFound)?)
}

fn offered_to(tx: &mut Tx<'_>, dataset: &Dataset) -> Result<Organisation, CommandError> {
    let to: OrganisationId = offers::of_dataset(tx.conn, dataset.id)?.ok_or(Refusal::NotFound)?;
    Ok(organisations::by_id(tx.conn, to)?.ok_or(Refusal::NotFound)?)
}

fn event(tx: &mut Tx<'_>, action: Action, by: Actor, dataset: &Dataset) -> Result<Event, CommandError> {
    let owner = organisations::by_id(tx.conn, dataset.organisation)?.ok_or(Refusal::NotFound)?;
    Ok(Event::new(action, by).organisation(&owner.slug).dataset(&dataset.slug).subject(dataset.id))
}
