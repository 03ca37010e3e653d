//! Notices sent by mail. The outbox stores them as JSON; the mail layer puts them into words.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::access_request::Stage;
use super::access_request::deadlines::Nudge;
use super::dataset::Dataset;
use super::grant::GrantState;
use super::localised::Localised;
use super::new_version::Reminder;
use super::person::Person;

/// A message to one person. Paths are on the gateway's public address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Notice {
    /// Prove that the address is yours.
    VerifyEmail {
        /// The recipient's name.
        name: String,
        /// The path of the link; it works like a password.
        path: String,
    },
    /// Somebody tried to register an address that has an account.
    AlreadyRegistered {
        /// The recipient's name.
        name: String,
    },
    /// Prove that an address, which is to become the account's, is yours.
    VerifyNewEmail {
        /// The path of the link; it works like a password.
        path: String,
    },
    /// To the former address: the account has another one now.
    EmailChanged {
        /// The recipient's name.
        name: String,
        /// The new address.
        new_email: String,
    },
    /// Choose a new password.
    ResetPassword {
        /// The recipient's name.
        name: String,
        /// The path of the link; it works like a password.
        path: String,
    },
    /// Your request has arrived.
    RequestReceived(AboutDataset),
    /// To those who were asked to decide: there is nothing to decide any more.
    RequestSettled {
        /// The applicant's name.
        applicant: String,
        /// The stage that the request has reached.
        stage: Stage,
        /// The dataset, and the page of the request.
        about: AboutDataset,
    },
    /// To owners of the organisation: the reviewers can't decide by themselves.
    QuorumOutOfReach {
        /// The applicant's name.
        applicant: String,
        /// The dataset, and the page on which to decide.
        about: AboutDataset,
    },
    /// To reviewers: a request waits.
    ReviewWaiting {
        /// The applicant's name.
        applicant: String,
        /// The dataset, and the page on which to decide.
        about: AboutDataset,
    },
    /// To those who decide: a request still waits.
    StillWaiting {
        /// The applicant's name.
        applicant: String,
        /// The dataset, and the page on which to decide.
        about: AboutDataset,
        /// When the request was sent.
        sent: Timestamp,
        /// Why they are told.
        nudge: Nudge,
    },
    /// To reviewers: one more approval decides.
    OneApprovalMissing {
        /// The applicant's name.
        applicant: String,
        /// The dataset, and the page on which to decide.
        about: AboutDataset,
    },
    /// To somebody who may have no account yet: you are invited to a project.
    ProjectInvitation {
        /// The lead's name; to somebody who has no account the lead's address, which was proved, and nobody's own words.
        lead: String,
        /// The project's page.
        path: String,
    },
    /// To somebody who may have no account yet: you are invited to run an organisation.
    OrganisationInvitation {
        /// The name of the person who invites; to somebody who has no account their address.
        inviter: String,
        /// The organisation's name.
        organisation: Localised,
        /// What they are to be: an owner or a steward.
        role: String,
        /// The page on which to accept.
        path: String,
    },
    /// To owners of an organisation: another offers it a dataset.
    DatasetOffered {
        /// The organisation's name.
        organisation: Localised,
        /// The dataset, and the page on which to answer.
        about: AboutDataset,
    },
    /// You are no member of an organisation any more.
    OrganisationLeft {
        /// The recipient's name.
        name: String,
        /// The organisation's name.
        organisation: Localised,
    },
    /// To the lead of a project: somebody has joined it.
    MemberJoined {
        /// The recipient's name.
        name: String,
        /// The member's name.
        member: String,
        /// The project's title.
        title: String,
        /// The project's page.
        path: String,
    },
    /// To a member of a project: sign for yourself.
    MemberToSign {
        /// The applicant's name.
        applicant: String,
        /// The dataset, and the page on which to sign.
        about: AboutDataset,
    },
    /// You are no member of a project any more.
    MemberRemoved {
        /// The recipient's name.
        name: String,
        /// The project's title.
        title: String,
        /// The reason, if one was given.
        reason: String,
    },
    /// You may download.
    Approved {
        /// The dataset, and the page about it.
        about: AboutDataset,
        /// The end of the grant.
        ends_at: Timestamp,
        /// The reviewer's comment.
        comment: String,
        /// What stands between its holder and a download, if something does.
        state: GrantState,
    },
    /// Your request was rejected.
    Rejected {
        /// The dataset, and the page about it.
        about: AboutDataset,
        /// The reviewer's comment.
        comment: String,
    },
    /// A reviewer asks for changes.
    Returned {
        /// The dataset, and the page about it.
        about: AboutDataset,
        /// The reviewer's comment.
        comment: String,
    },
    /// Your access was revoked.
    GrantRevoked {
        /// The dataset, and the page about it.
        about: AboutDataset,
        /// The reason.
        reason: String,
    },
    /// Your access is suspended.
    GrantSuspended {
        /// The dataset, and the page about it.
        about: AboutDataset,
        /// The reason.
        reason: String,
    },
    /// Your access is suspended no more.
    GrantResumed(AboutDataset),
    /// Your access has another end.
    GrantEndChanged {
        /// The dataset, and the page about it.
        about: AboutDataset,
        /// The end of the grant: the midnight after its last day.
        ends_at: Timestamp,
        /// The reason.
        reason: String,
    },
    /// An agreement that you signed has a new version, which you have to sign by a day.
    NewVersionToSign {
        /// The recipient's name.
        name: String,
        /// The agreement's title.
        agreement: Localised,
        /// When it is too late: access stops, or has stopped.
        sign_by: Timestamp,
        /// How near that is.
        reminder: Reminder,
        /// The page on which to sign.
        path: String,
    },
    /// Your access is about to end.
    GrantEnding {
        /// The dataset, and the page about it.
        about: AboutDataset,
        /// The end of the grant.
        ends_at: Timestamp,
    },
}

/// The dataset a message is about, and where the rest is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AboutDataset {
    /// The recipient's name.
    pub name: String,
    /// The dataset's title.
    pub dataset: Localised,
    /// The page to go to.
    pub path: String,
}

impl AboutDataset {
    /// About a dataset, to somebody.
    pub fn new(recipient: &Person, dataset: &Dataset, path: String) -> Self {
        Self { name: recipient.name.to_string(), dataset: dataset.title.clone(), path }
    }
}

impl Notice {
    /// The kind's word: the folder of its templates.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify-email",
            Self::AlreadyRegistered { .. } => "already-registered",
            Self::VerifyNewEmail { .. } => "verify-new-email",
            Self::EmailChanged { .. } => "email-changed",
            Self::ResetPassword { .. } => "reset-password",
            Self::RequestReceived(_) => "request-received",
            Self::ReviewWaiting { .. } => "review-waiting",
            Self::RequestSettled { .. } => "request-settled",
            Self::QuorumOutOfReach { .. } => "quorum-out-of-reach",
            Self::StillWaiting { nudge: Nudge::Reminder, .. } => "still-waiting",
            Self::StillWaiting { nudge: Nudge::Overdue, .. } => "overdue",
            Self::OneApprovalMissing { .. } => "one-approval-missing",
            Self::ProjectInvitation { .. } => "project-invitation",
            Self::OrganisationInvitation { .. } => "organisation-invitation",
            Self::DatasetOffered { .. } => "dataset-offered",
            Self::OrganisationLeft { .. } => "organisation-left",
            Self::MemberJoined { .. } => "member-joined",
            Self::MemberToSign { .. } => "member-to-sign",
            Self::MemberRemoved { .. } => "member-removed",
            Self::Approved { state: GrantState::Suspended, .. } => "approved-suspended",
            Self::Approved { state: GrantState::ToSign, .. } => "approved-to-sign",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Returned { .. } => "returned",
            Self::GrantSuspended { .. } => "grant-suspended",
            Self::GrantResumed(_) => "grant-resumed",
            Self::GrantRevoked { .. } => "grant-revoked",
            Self::NewVersionToSign { reminder: Reminder::Published, .. } => "new-version-published",
            Self::NewVersionToSign { reminder: Reminder::Stopped, .. } => "new-version-stopped",
            Self::NewVersionToSign { .. } => "new-version-reminder",
            Self::GrantEndChanged { .. } => "grant-end-changed",
            Self::GrantEnding { .. } => "grant-ending",
        }
    }
}
