//! Audit events, before they get their place in the log.

use std::borrow::Cow;

use serde_json::Value;

use super::ids::{PersonId, ProjectId};
use super::person::Role;
use super::text::Slug;
use super::words::words;

macro_rules! actions {
    ($($name:ident = $word:literal,)*) => {
        /// The kind of an event. The words never change: they are in the log for ever.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[expect(missing_docs, reason = "each says what its word says")]
        pub enum Action { $($name,)* }

        words! { Action { $($name = $word,)* } }
    };
}

actions! {
    LogStarted = "log.started",
    AccountRegistered = "account.registered",
    AccountVerified = "account.verified",
    AccountUpdated = "account.updated",
    AccountPasswordChanged = "account.password_changed",
    AccountPasswordResetAsked = "account.password_reset_asked",
    AccountEmailChangeAsked = "account.email_change_asked",
    AccountEmailChanged = "account.email_changed",
    AccountRolesChanged = "account.roles_changed",
    AccountSuspended = "account.suspended",
    AccountRestored = "account.restored",
    SessionStarted = "session.started",
    SessionRefused = "session.refused",
    SessionEnded = "session.ended",
    SessionProved = "session.proved",
    AttemptsThrottled = "attempts.throttled",
    AccessRefused = "access.refused",
    DatasetPublished = "dataset.published",
    DatasetUpdated = "dataset.updated",
    DatasetFilesRefreshed = "dataset.files_refreshed",
    ReleasePublished = "release.published",
    ReleaseWithdrawn = "release.withdrawn",
    ReleaseEmbargoChanged = "release.embargo_changed",
    ReleaseEmbargoEnded = "release.embargo_ended",
    DatasetSuspended = "dataset.suspended",
    DatasetRestored = "dataset.restored",
    DatasetRetired = "dataset.retired",
    DatasetReinstated = "dataset.reinstated",
    DatasetDrafted = "dataset.drafted",
    ImportBegun = "import.begun",
    ImportCancelled = "import.cancelled",
    ImportFailed = "import.failed",
    DatasetOffered = "dataset.offered",
    DatasetOfferEnded = "dataset.offer_ended",
    DatasetHandedOver = "dataset.handed_over",
    OrganisationFounded = "organisation.founded",
    OrganisationChanged = "organisation.changed",
    OrganisationHolidaysSet = "organisation.holidays_set",
    OrganisationSuspended = "organisation.suspended",
    OrganisationRestored = "organisation.restored",
    OrganisationMemberInvited = "organisation.member_invited",
    OrganisationMemberJoined = "organisation.member_joined",
    OrganisationMemberLeft = "organisation.member_left",
    OrganisationMemberRemoved = "organisation.member_removed",
    OrganisationRoleChanged = "organisation.role_changed",
    CommitteeSetUp = "committee.set_up",
    AgreementPublished = "agreement.published",
    AgreementSignByChanged = "agreement.sign_by_changed",
    AgreementSigned = "agreement.signed",
    FormPublished = "form.published",
    ProjectBegun = "project.begun",
    ProjectChanged = "project.changed",
    ProjectEnded = "project.ended",
    ProjectMemberInvited = "project.member_invited",
    ProjectMemberJoined = "project.member_joined",
    ProjectMemberLeft = "project.member_left",
    ProjectMemberRemoved = "project.member_removed",
    UploadReceived = "upload.received",
    RequestDrafted = "request.drafted",
    RequestSubmitted = "request.submitted",
    RequestMemberSigned = "request.member_signed",
    RequestNewVersionsSigned = "request.new_versions_signed",
    RequestReviewed = "request.reviewed",
    RequestReturned = "request.returned",
    RequestApproved = "request.approved",
    RequestRejected = "request.rejected",
    RequestOverridden = "request.overridden",
    RequestRecused = "request.recused",
    RequestRecusalLifted = "request.recusal_lifted",
    RequestReminded = "request.reminded",
    RequestOverdue = "request.overdue",
    RequestWithdrawn = "request.withdrawn",
    GrantCreated = "grant.created",
    GrantEndChanged = "grant.end_changed",
    GrantSuspended = "grant.suspended",
    GrantResumed = "grant.resumed",
    GrantRevoked = "grant.revoked",
    TokenIssued = "token.issued",
    TokenRevoked = "token.revoked",
    ClientSeen = "client.seen",
    DownloadAdmitted = "download.admitted",
    DownloadDenied = "download.denied",
    DownloadsCompleted = "downloads.completed",
    DownloadFinished = "download.finished",
    DownloadInterrupted = "download.interrupted",
    ListingAdmitted = "listing.admitted",
    LimitReached = "limit.reached",
    FileChanged = "file.changed",
    MailSent = "mail.sent",
    MailFailed = "mail.failed",
    KeyCreated = "key.created",
    AuditExported = "audit.exported",
    AuditErased = "audit.erased",
    AuditArchived = "audit.archived",
    AuditHeadAccepted = "audit.head_accepted",
    AuditClockAccepted = "audit.clock_accepted",
}

impl Action {
    /// Its part of the names of messages about it: its word with dashes, such as `request-approved`.
    pub fn message_part(self) -> String {
        self.as_str().replace(['.', '_'], "-")
    }

    /// Whether admissions may be decided differently after it: it concerns a dataset, its files, a token, a grant, an
    /// account's standing or a session.
    pub const fn changes_access(self) -> bool {
        matches!(
            self,
            Self::DatasetPublished
                | Self::DatasetUpdated
                | Self::DatasetFilesRefreshed
                | Self::ReleasePublished
                | Self::ReleaseWithdrawn
                | Self::ReleaseEmbargoChanged
                | Self::ReleaseEmbargoEnded
                | Self::DatasetSuspended
                | Self::DatasetRestored
                | Self::DatasetHandedOver
                | Self::OrganisationSuspended
                | Self::OrganisationRestored
                | Self::AgreementPublished
                | Self::AgreementSignByChanged
                | Self::RequestNewVersionsSigned
                | Self::GrantCreated
                | Self::GrantEndChanged
                | Self::GrantSuspended
                | Self::GrantResumed
                | Self::GrantRevoked
                | Self::TokenRevoked
                | Self::AccountSuspended
                | Self::AccountRestored
                | Self::AccountPasswordChanged
                | Self::SessionEnded
                | Self::AuditErased
        )
    }
}

/// The one who acted, under the log's pseudonym.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The account, if one acted.
    pub person: Option<PersonId>,
    /// The role in which they acted.
    pub role: Role,
}

impl Actor {
    /// Countersign itself.
    pub const SYSTEM: Self = Self { person: None, role: Role::System };
    /// An operator at the command line.
    pub const OPERATOR: Self = Self { person: None, role: Role::Operator };
    /// An unknown client.
    pub const ANONYMOUS: Self = Self { person: None, role: Role::Anonymous };

    /// The client of a download: the person whose access it uses, or a stranger.
    pub const fn downloader(person: Option<PersonId>) -> Self {
        match person {
            Some(person) => Self::person(person, Role::Applicant),
            None => Self::ANONYMOUS,
        }
    }

    /// A person in a role.
    pub const fn person(person: PersonId, role: Role) -> Self {
        Self { person: Some(person), role }
    }
}

/// Whether the action succeeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// A rule forbade it.
    Refused,
    /// It failed.
    Failed,
}

words! {
    Outcome {
        Done = "done",
        Refused = "refused",
        Failed = "failed",
    }
}

/// Fields of an event, sorted by name as bytes. There are few, so a vector costs less than a tree.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Details(Vec<(Cow<'static, str>, Value)>);

impl Details {
    /// Sets a field, replacing one of the same name.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether there are no fields.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All fields, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

impl<N: Into<Cow<'static, str>>> FromIterator<(N, Value)> for Details {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(fields: I) -> Self {
        let mut details = Self::default();
        for (name, value) in fields {
            details.set(name, value);
        }
        details
    }
}

/// An event that is about to be recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// The kind of event.
    pub action: Action,
    /// The one who acted.
    pub actor: Actor,
    /// The organisation it is about, where its dataset does not say so.
    pub organisation: Option<Slug>,
    /// The dataset it is about.
    pub dataset: Option<Slug>,
    /// The project it is about.
    pub project: Option<ProjectId>,
    /// The id of the thing it is about.
    pub subject: Option<String>,
    /// Whether the action succeeded.
    pub outcome: Outcome,
    /// Public fields: numbers must be integers up to 2^53, so that every JSON reader agrees (RFC 8785, I-JSON).
    pub details: Details,
    /// Personal fields: the log holds only a salted hash of them.
    pub private: Details,
}

impl Event {
    /// An event for an action that succeeded.
    pub fn new(action: Action, actor: Actor) -> Self {
        Self {
            action,
            actor,
            organisation: None,
            dataset: None,
            project: None,
            subject: None,
            outcome: Outcome::Done,
            details: Details::default(),
            private: Details::default(),
        }
    }

    /// Sets the organisation that it is about.
    #[must_use]
    pub fn organisation(mut self, slug: &Slug) -> Self {
        self.organisation = Some(slug.clone());
        self
    }

    /// Sets the dataset that it is about.
    #[must_use]
    pub fn dataset(mut self, slug: &Slug) -> Self {
        self.dataset = Some(slug.clone());
        self
    }

    /// Sets the project that it is about, if it is about one.
    #[must_use]
    pub const fn project(mut self, id: Option<ProjectId>) -> Self {
        self.project = id;
        self
    }

    /// Sets the thing that it is about.
    #[must_use]
    pub fn subject(mut self, id: impl ToString) -> Self {
        self.subject = Some(id.to_string());
        self
    }

    /// Sets the person whose access it concerns, so that searching the log for them finds it.
    #[must_use]
    pub fn person(self, id: PersonId) -> Self {
        self.with("person", id.to_string())
    }

    /// Sets the outcome.
    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Adds a public field.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.details.set(name, value);
        self
    }

    /// Adds a personal field.
    #[must_use]
    pub fn private(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.private.set(name, value);
        self
    }
}
