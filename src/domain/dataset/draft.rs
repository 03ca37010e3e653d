//! Drafts: what they lack, and who may publish them.

use super::Dataset;
use crate::domain::Refusal;
use crate::domain::organisation::Officer;
use crate::domain::words::words;

/// What a draft lacks before it can be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// What its users sign.
    Agreement,
    /// Who decides.
    Committee,
    /// Files.
    Files,
}

words! {
    Missing {
        Agreement = "agreement",
        Committee = "committee",
        Files = "files",
    }
}

/// What a dataset lacks before everybody may see it.
pub fn missing(dataset: &Dataset) -> Vec<Missing> {
    let lacks = |missing: &Missing| match missing {
        Missing::Agreement => dataset.mode.needs_agreement() && dataset.agreements.is_empty(),
        Missing::Committee => dataset.mode.is_reviewed() && dataset.committee.is_none(),
        Missing::Files => dataset.newest_release == 0,
    };
    Missing::ALL.into_iter().filter(lacks).collect()
}

/// Whether somebody may publish a draft.
///
/// # Errors
/// As [`Officer::check_steward`]; [`Refusal::PublishedAlready`], [`Refusal::Incomplete`].
pub fn check_publish(by: Officer<'_>, dataset: &Dataset) -> Result<(), Refusal> {
    by.check_steward()?;
    if dataset.is_published() {
        return Err(Refusal::PublishedAlready);
    }
    if missing(dataset).is_empty() { Ok(()) } else { Err(Refusal::Incomplete) }
}
