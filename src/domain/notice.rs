//! What people are told by mail. The outbox keeps it as JSON; the mail layer puts it into words.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::dataset::Localised;

/// A message to one person. Paths are on the gateway's public address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Notice {
    /// Prove that the address is yours.
    VerifyEmail {
        /// Who.
        name: String,
        /// Where; works like a password.
        path: String,
    },
    /// Somebody tried to register an address that has an account.
    AlreadyRegistered {
        /// Who.
        name: String,
    },
    /// Choose a new password.
    ResetPassword {
        /// Who.
        name: String,
        /// Where; works like a password.
        path: String,
    },
    /// Your request has arrived.
    RequestReceived(AboutRequest),
    /// To reviewers: a request waits.
    ReviewWaiting {
        /// Who asks.
        applicant: String,
        /// For what, and where to decide.
        about: AboutRequest,
    },
    /// You may download.
    Approved {
        /// What.
        about: AboutRequest,
        /// Until when.
        ends_at: Timestamp,
        /// What the reviewer said.
        comment: String,
    },
    /// You may not.
    Rejected {
        /// What.
        about: AboutRequest,
        /// What the reviewer said.
        comment: String,
    },
    /// A reviewer asks for changes.
    Returned {
        /// What.
        about: AboutRequest,
        /// What the reviewer said.
        comment: String,
    },
    /// Your access was revoked.
    GrantRevoked {
        /// What.
        about: AboutRequest,
        /// Why.
        reason: String,
    },
    /// Your access is about to end.
    GrantEnding {
        /// What.
        about: AboutRequest,
        /// When.
        ends_at: Timestamp,
    },
}

/// The dataset a message is about, and where the rest is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AboutRequest {
    /// The recipient's name.
    pub name: String,
    /// The dataset's title.
    pub dataset: Localised,
    /// The page to go to.
    pub path: String,
}

impl Notice {
    /// The kind's word: the folder of its templates.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify-email",
            Self::AlreadyRegistered { .. } => "already-registered",
            Self::ResetPassword { .. } => "reset-password",
            Self::RequestReceived(_) => "request-received",
            Self::ReviewWaiting { .. } => "review-waiting",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Returned { .. } => "returned",
            Self::GrantRevoked { .. } => "grant-revoked",
            Self::GrantEnding { .. } => "grant-ending",
        }
    }
}
