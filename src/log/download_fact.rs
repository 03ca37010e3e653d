//! What single events say about downloads: what was signed and granted, what was admitted, and how transfers ended.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::index_ranges;
use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::ids::{GrantId, PersonId, ProjectId, SignatureId};
use crate::domain::path::FilePath;
use crate::domain::signature::SignedText;
use crate::domain::text::Slug;
use crate::domain::transfer::{Interruption, SentRanges};

/// What one event says about downloads of a dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DownloadFact {
    /// A signature binds its signer to a version of an agreement.
    Signed {
        /// The signature.
        signature: SignatureId,
        /// What was signed.
        agreement: Box<SignedText>,
    },
    /// A grant rests on signatures.
    Granted {
        /// The grant.
        grant: GrantId,
        /// The project that it is for.
        project: Option<ProjectId>,
        /// The signatures: one for each agreement.
        signatures: Vec<SignatureId>,
    },
    /// The holder of a grant signed newer versions of its agreements.
    SignedAnew {
        /// The grant.
        grant: GrantId,
        /// The signatures: one for each agreement that has a newer version.
        signatures: Vec<SignatureId>,
    },
    /// A download was admitted.
    Admitted(Box<AdmittedDownload>),
    /// Transfers were sent whole: ranges of the indexes of their admissions.
    Completed(Vec<(u64, u64)>),
    /// A transfer was cut short.
    Interrupted {
        /// The index of its admission.
        transfer: u64,
        /// The bytes that were sent.
        bytes: u64,
        /// Why; `None` where the log has a word that is not known.
        reason: Option<Interruption>,
    },
}

/// An admission of which bytes were to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdmittedDownload {
    /// The event's index.
    pub index: u64,
    /// When it was admitted.
    pub at: Timestamp,
    /// The person whose access was used; `None` for strangers, to whom open datasets are sent too.
    pub person: Option<PersonId>,
    /// The grant, where one was needed.
    pub grant: Option<GrantId>,
    /// The release.
    pub release: u32,
    /// The file; `None` for the archive of the whole release.
    pub path: Option<FilePath>,
    /// The number of bytes that were to be sent; at least one.
    pub bytes: u64,
    /// Which parts were to be sent, where that was not the whole.
    pub ranges: Option<SentRanges>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    actor: ActorBody<'a>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    dataset: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    details: DetailsBody<'a>,
    #[serde(borrow)]
    project: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ActorBody<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
struct DetailsBody<'a> {
    /// An object where it was signed, a word where a dataset names it.
    #[serde(borrow)]
    agreement: Option<&'a RawValue>,
    #[serde(borrow)]
    archive: Option<Cow<'a, str>>,
    bytes: Option<u64>,
    #[serde(borrow)]
    grant: Option<Cow<'a, str>>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ranges: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    release: Option<u32>,
    #[serde(borrow, default)]
    signatures: Vec<Cow<'a, str>>,
    transfer: Option<u64>,
    #[serde(borrow)]
    transfers: Option<Cow<'a, str>>,
}

impl DownloadFact {
    /// What the event at `index` says; `None` if it says nothing about downloads, or is damaged.
    pub fn of(index: u64, body: &str) -> Option<Self> {
        serde_json::from_str::<Body<'_>>(body).ok()?.fact(index)
    }

    /// What the event at `index` says about the downloads of a dataset.
    pub fn about(dataset: &Slug, index: u64, body: &str) -> Option<Self> {
        let body: Body<'_> = serde_json::from_str(body).ok()?;
        if body.dataset.as_deref() == Some(dataset.as_str()) { body.fact(index) } else { None }
    }
}

impl Body<'_> {
    fn fact(&self, index: u64) -> Option<DownloadFact> {
        let Self { action, details, .. } = self;
        match action.parse().ok()? {
            Action::DownloadAdmitted => self.admitted(index),
            Action::DownloadsCompleted => {
                Some(DownloadFact::Completed(index_ranges::parse(details.transfers.as_ref()?).collect()))
            }
            Action::DownloadFinished => details.transfer.map(|index| DownloadFact::Completed(vec![(index, index)])),
            Action::DownloadInterrupted => Some(DownloadFact::Interrupted {
                transfer: details.transfer?,
                bytes: details.bytes?,
                reason: details.reason.as_deref().and_then(Interruption::of_word),
            }),
            Action::GrantCreated => Some(DownloadFact::Granted {
                grant: self.subject.as_ref()?.parse().ok()?,
                project: self.project.as_deref().map(str::parse).transpose().ok()?,
                signatures: self.signatures()?,
            }),
            Action::RequestNewVersionsSigned => Some(DownloadFact::SignedAnew {
                grant: details.grant.as_ref()?.parse().ok()?,
                signatures: self.signatures()?,
            }),
            Action::AgreementSigned => Some(DownloadFact::Signed {
                signature: self.subject.as_ref()?.parse().ok()?,
                agreement: serde_json::from_str(details.agreement?.get()).ok()?,
            }),
            _ => None,
        }
    }

    fn signatures(&self) -> Option<Vec<SignatureId>> {
        self.details.signatures.iter().map(|id| id.parse()).collect::<Result<_, _>>().ok()
    }

    fn admitted(&self, index: u64) -> Option<DownloadFact> {
        let details = &self.details;
        let path = if details.archive.is_some() { None } else { Some(details.path.as_ref()?.parse().ok()?) };
        Some(DownloadFact::Admitted(Box::new(AdmittedDownload {
            index,
            at: Timestamp::parse(&self.at)?,
            person: self.actor.id.as_deref().map(str::parse).transpose().ok()?,
            grant: details.grant.as_deref().map(str::parse).transpose().ok()?,
            release: details.release?,
            path,
            bytes: details.bytes.filter(|bytes| *bytes > 0)?,
            ranges: details.ranges.as_deref().map(str::parse).transpose().ok()?,
        })))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn anything_else_says_nothing(body in ".{0,80}") {
            prop_assert_eq!(DownloadFact::of(0, &body), None);
        }
    }

    #[test]
    fn a_dataset_is_the_events_own() {
        let slug: Slug = "x-rays".parse().unwrap();
        let body = |dataset: &str| {
            format!(
                "{{\"action\":\"download.interrupted\",\"actor\":{{}},\"at\":\"t\",\"dataset\":\"{dataset}\",\"details\":\
                 {{\"bytes\":1,\"dataset\":\"x-rays\",\"reason\":\"client-gone\",\"transfer\":7}}}}"
            )
        };
        let fact = DownloadFact::Interrupted { transfer: 7, bytes: 1, reason: Some(Interruption::ClientGone) };
        assert_eq!(DownloadFact::about(&slug, 9, &body("x-rays")), Some(fact));
        assert_eq!(DownloadFact::about(&slug, 9, &body("x-rays-2")), None, "what a detail says is something else");
    }
}
