//! Ids: UUID version 7 (RFC 9562), one type for each kind of thing, so that one can't be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

id! {
    /// An account. Pseudonymous: it is what the audit log and tokens say instead of a name.
    PersonId;
    /// An organisation. People see its slug.
    OrganisationId;
    /// A committee of an organisation.
    CommitteeId;
    /// A dataset. People see its slug.
    DatasetId;
    /// An import that prepares a release.
    ImportId;
    /// An agreement, all its versions together.
    AgreementId;
    /// One published version of an agreement.
    VersionId;
    /// A form, all its versions together.
    FormId;
    /// One published version of a form.
    FormVersionId;
    /// One person's signing of one agreement version.
    SignatureId;
    /// A project.
    ProjectId;
    /// An access request.
    RequestId;
    /// A grant.
    GrantId;
    /// A token: its `jti`.
    TokenId;
    /// An audit event.
    EventId;
    /// A file that was handed in as an answer.
    UploadId;
    /// A message in the outbox.
    MailId;
}

/// One release of a dataset. Number 0 stands for what a dataset has before its first release: nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReleaseId {
    /// The dataset.
    pub dataset: DatasetId,
    /// The release's number.
    pub number: u32,
}
