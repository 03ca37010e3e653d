//! Handing a dataset over to another organisation: one offers it, the other takes it.

use super::Refusal;
use super::committee::Committee;
use super::dataset::Dataset;
use super::organisation::{Officer, Organisation};

/// Whether somebody may offer a dataset to an organisation. `shares_terms` says whether other datasets need its agreements or
/// its form, which go with it.
///
/// # Errors
/// As [`Officer::check_owner`]; [`Refusal::DatasetSuspended`] while its organisation is, which could escape that, or the other;
/// [`Refusal::SameOrganisation`]; [`Refusal::SharedTerms`].
pub fn check_offer(by: Officer<'_>, dataset: &Dataset, to: &Organisation, shares_terms: bool) -> Result<(), Refusal> {
    by.check_owner()?;
    if dataset.organisation_suspended || to.suspended_at.is_some() {
        return Err(Refusal::DatasetSuspended);
    }
    if dataset.organisation == to.id {
        return Err(Refusal::SameOrganisation);
    }
    if shares_terms { Err(Refusal::SharedTerms) } else { Ok(()) }
}

/// Whether somebody may end an offer: an owner of the organisation that made it, or of the one that it was made to.
///
/// # Errors
/// As [`Officer::check_owner`].
pub fn check_end_offer(giving: Officer<'_>, receiving: Officer<'_>) -> Result<(), Refusal> {
    giving.check_owner().or_else(|_| receiving.check_owner())
}

/// Whether somebody may take a dataset that was offered to their organisation, with the committee that is to decide about it.
///
/// # Errors
/// As [`Officer::check_owner`]; [`Refusal::CommitteeUnknown`] where a committee decides about it and none of the organisation
/// was named; [`Refusal::SharedTerms`]; [`Refusal::DatasetSuspended`]; [`Refusal::ImportRunning`]. `is_importing` says whether an
/// import of it waits or runs.
pub fn check_accept(
    receiving: Officer<'_>,
    dataset: &Dataset,
    (to, committee): (&Organisation, Option<&Committee>),
    (shares_terms, is_importing): (bool, bool),
) -> Result<(), Refusal> {
    receiving.check_owner()?;
    if dataset.organisation_suspended || to.suspended_at.is_some() {
        return Err(Refusal::DatasetSuspended);
    }
    if is_importing {
        return Err(Refusal::ImportRunning);
    }
    if shares_terms {
        return Err(Refusal::SharedTerms);
    }
    match committee {
        Some(committee) if committee.organisation != to.id => Err(Refusal::CommitteeUnknown),
        None if dataset.mode.is_reviewed() => Err(Refusal::CommitteeUnknown),
        _ => Ok(()),
    }
}
