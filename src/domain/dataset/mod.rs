//! Datasets and their files.

mod description;
mod draft;
mod publishing;
mod state;
pub mod texts;

use serde::{Deserialize, Serialize};

use super::comment::Reason;
use super::ids::{AgreementId, CommitteeId, DatasetId, FormId, OrganisationId, ReleaseId};
use super::localised::Localised;
use super::organisation::Officer;
use super::path::FilePath;
use super::preview::PreviewLevel;
use super::text::{Sha256, Slug};
use super::{Refusal, Timestamp};
use crate::domain::words::words;
pub use description::{CommitteeChoice, DatasetDescription, DatasetError};
pub use draft::{Missing, check_publish, missing};
pub use publishing::{NewDataset, Terms};
pub use state::{DatasetOrder, DatasetSelection, DatasetState};

/// How people get access to a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    /// Anyone may download without an account.
    Open,
    /// Signing the agreement grants access at once.
    Agreement,
    /// Signing files an access request, which reviewers decide.
    Approval,
}

words! {
    AccessMode {
        Open = "open",
        Agreement = "agreement",
        Approval = "approval",
    }
}

impl AccessMode {
    /// Whether reviewers decide about access.
    pub const fn is_reviewed(self) -> bool {
        matches!(self, Self::Approval)
    }

    /// Whether it asks less of people than another mode.
    pub const fn is_looser_than(self, other: Self) -> bool {
        (self as u8) < (other as u8)
    }

    /// Whether the dataset carries the badge *Need authorization agreement*.
    pub const fn needs_agreement(self) -> bool {
        !matches!(self, Self::Open)
    }
}

/// Whether a decision covers what comes after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Later {
    /// It does.
    #[default]
    Included,
    /// It is requested, one decision each.
    Requested,
}

words! {
    Later {
        Included = "included",
        Requested = "requested",
    }
}

/// A line of the *Additional info* table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InfoField {
    /// What it is: `last_updated`, `created`, `payment_instrument` and `update_frequency` are named in the reader's
    /// language; any other is shown as it is.
    pub name: String,
    /// Its value.
    pub value: Localised,
}

/// How a dataset's files are imported.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ImportSettings {
    /// What is left out: names of files or folders with stars, or paths.
    pub exclude: Vec<String>,
    /// A file of this machine that lists what another server has.
    pub manifest: Option<String>,
}

/// A dataset as its page shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dataset {
    /// Its id.
    pub id: DatasetId,
    /// The organisation that it belongs to.
    pub organisation: OrganisationId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Title.
    pub title: Localised,
    /// One or two sentences, plain text.
    pub summary: Localised,
    /// Markdown.
    pub description: Localised,
    /// The licence, as text.
    pub licence: String,
    /// Who publishes it.
    pub publisher: Localised,
    /// Lower-case words to filter by.
    pub tags: Vec<String>,
    /// *Additional info*.
    pub info: Vec<InfoField>,
    /// The datasets that its page names first, whether they are there or not.
    pub related: Vec<Slug>,
    /// How people get access to it.
    pub mode: AccessMode,
    /// The committee that decides about requests for it.
    pub committee: Option<CommitteeId>,
    /// The number of approvals that the committee needs.
    pub quorum: u32,
    /// How long a grant lasts, in days.
    pub grant_days: u32,
    /// Whether a grant covers releases that come after it.
    pub later_releases: Later,
    /// Whether a decision covers members of the project who sign after it.
    pub later_members: Later,
    /// How much of its tables everybody sees.
    pub preview: PreviewLevel,
    /// The agreements that its users sign, in that order; none for an open dataset.
    pub agreements: Vec<AgreementId>,
    /// The form that they fill in.
    pub form: Option<FormId>,
    /// Where its files are: a folder of this machine, `s3://BUCKET/PREFIX`, or the address of an HTTP server.
    pub root: String,
    /// How they are imported from there.
    pub import_settings: ImportSettings,
    /// The number of its newest release that is neither withdrawn nor under embargo; 0 where there is none.
    pub current_release: u32,
    /// The number of its newest release, whatever its state; 0 before the first.
    pub newest_release: u32,
    /// The number of its current release's files.
    pub file_count: u64,
    /// Their total size, in bytes.
    pub total_bytes: u64,
    /// When it was suspended, if it is: nothing is delivered then.
    pub suspended_at: Option<Timestamp>,
    /// Whether its organisation is suspended: nothing is delivered then either.
    pub organisation_suspended: bool,
    /// That it is no longer offered, if it has been retired.
    pub retirement: Option<Retirement>,
    /// When it was first published; none for a draft, which only those see who run its organisation.
    pub published_at: Option<Timestamp>,
    /// When it was first published here.
    pub created_at: Timestamp,
    /// When its record last changed here.
    pub updated_at: Timestamp,
}

/// A file of a dataset, as it was when it was imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileEntry {
    /// The path in the dataset.
    pub path: FilePath,
    /// Bytes.
    pub size: u64,
    /// The SHA-256 hash of its bytes.
    pub sha256: Sha256,
    /// The CRC-32 of its bytes (IEEE 802.3), for ZIP archives.
    pub crc32: u32,
    /// Media type.
    pub media_type: String,
    /// The file's own modification time.
    pub modified_at: Timestamp,
    /// The entity tag that another server had for it, if it is there.
    pub pinned_etag: Option<String>,
}

/// A folder, with what is in it at any depth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderEntry {
    /// The path in the dataset.
    pub path: FilePath,
    /// Files in it, at any depth.
    pub file_count: u64,
    /// Bytes in them.
    pub total_bytes: u64,
}

/// That a dataset is no longer offered: it leaves the catalogue and takes no new requests. People who have access keep it; its
/// page and its releases stay where they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Retirement {
    /// Since when.
    pub at: Timestamp,
    /// Why, for everybody to read.
    pub reason: Reason,
}

/// A change to whether a dataset is offered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RetirementChange {
    /// It is no longer offered, for this reason.
    Retire(Reason),
    /// It is offered again.
    Reinstate,
}

/// A change to whether a dataset, what an organisation holds or what somebody was granted is delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SuspensionChange {
    /// Nothing is delivered from now on, for this reason.
    Suspend(Reason),
    /// It is delivered again.
    Restore,
}

impl Dataset {
    /// What has become of it.
    pub const fn state(&self) -> DatasetState {
        if !self.is_published() {
            DatasetState::Draft
        } else if self.is_suspended() {
            DatasetState::Suspended
        } else if self.retirement.is_some() {
            DatasetState::Retired
        } else {
            DatasetState::Published
        }
    }

    /// Its current release.
    pub const fn release(&self) -> ReleaseId {
        ReleaseId { dataset: self.id, number: self.current_release }
    }

    /// Its newest release, whatever its state.
    pub const fn newest(&self) -> ReleaseId {
        ReleaseId { dataset: self.id, number: self.newest_release }
    }

    /// The newest release that a grant covers which is given now; `None` for all that come.
    pub fn last_release_of_new_grant(&self) -> Option<u32> {
        (self.later_releases == Later::Requested).then_some(self.current_release)
    }

    /// Whether everybody sees it.
    pub const fn is_published(&self) -> bool {
        self.published_at.is_some()
    }

    /// Whether nothing of it is delivered.
    pub const fn is_suspended(&self) -> bool {
        self.suspended_at.is_some() || self.organisation_suspended
    }

    /// Whether somebody may retire it, retire it for another reason, or offer it again. `false` if that would change nothing.
    ///
    /// # Errors
    /// As [`Officer::check_steward`]; [`Refusal::NotPublished`] for a draft, which nobody is offered.
    pub fn decide_retirement_change(&self, by: Officer<'_>, change: &RetirementChange) -> Result<bool, Refusal> {
        by.check_steward()?;
        if !self.is_published() {
            return Err(Refusal::NotPublished);
        }
        let now = self.retirement.as_ref().map(|retirement| &retirement.reason);
        Ok(match change {
            RetirementChange::Retire(reason) => now != Some(reason),
            RetirementChange::Reinstate => now.is_some(),
        })
    }

    /// Whether somebody may retire it or, once it is retired, offer it again.
    pub fn may_change_retirement(&self, by: Officer<'_>) -> bool {
        by.may_steward() && self.is_published()
    }

    /// Whether somebody may suspend it, or resume its delivery. `false` if that would change nothing.
    ///
    /// # Errors
    /// As [`Officer::check_steward`].
    pub fn decide_suspension_change(&self, by: Officer<'_>, suspend: bool) -> Result<bool, Refusal> {
        by.check_steward()?;
        Ok(self.suspended_at.is_some() != suspend)
    }
}
