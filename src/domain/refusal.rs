//! Why a command was refused. Each reason has one clear sentence in every language, found by [`Refusal::key`].

use super::words::words;

/// A rule forbade the command. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// It does not exist, or the person may not know that it does.
    #[error("no such thing")]
    NotFound,
    /// The person's role does not allow it.
    #[error("not allowed")]
    NotAllowed,
    /// The password was changed since it was checked.
    #[error("the password was changed meanwhile")]
    PasswordChanged,
    /// Nobody decides on their own request.
    #[error("nobody decides on their own request")]
    OwnRequest,
    /// The request was decided, withdrawn or returned meanwhile.
    #[error("the request is no longer waiting for a decision")]
    NotWaiting,
    /// This reviewer has already voted in this round.
    #[error("already voted")]
    AlreadyVoted,
    /// They have stepped aside from deciding on this request.
    #[error("they have stepped aside from deciding on this request")]
    Recused,
    /// Nobody of this address has stepped aside from deciding on this request.
    #[error("they have not stepped aside")]
    NotRecused,
    /// The request was sent again since the page was shown.
    #[error("the request changed since the page was shown")]
    Changed,
    /// Returning and rejecting need words for the applicant; an override needs a reason.
    #[error("a comment is needed")]
    CommentNeeded,
    /// The request can't be edited in this state.
    #[error("the request can't be edited now")]
    NotEditable,
    /// The person already has a request for this dataset that is waiting.
    #[error("a request is already waiting")]
    AlreadyWaiting,
    /// The person already has access.
    #[error("access is already granted")]
    AlreadyGranted,
    /// The dataset needs no agreement.
    #[error("the dataset is open")]
    NothingToSign,
    /// The dataset is suspended.
    #[error("the dataset is suspended")]
    DatasetSuspended,
    /// The dataset is retired.
    #[error("the dataset is retired")]
    DatasetRetired,
    /// The dataset is a draft.
    #[error("the dataset is not published")]
    NotPublished,
    /// The draft was saved elsewhere since the page was shown.
    #[error("the draft was saved elsewhere since the page was shown")]
    DraftChanged,
    /// The agreement was replaced by a newer version since the page was shown.
    #[error("a newer version of the agreement is in force")]
    VersionChanged,
    /// The form was replaced by a newer version since the page was shown.
    #[error("a newer version of the form is in force")]
    FormChanged,
    /// The e-mail address is not verified.
    #[error("the e-mail address is not verified")]
    EmailUnverified,
    /// The address of the account it is about is not verified.
    #[error("the account's address is not verified")]
    TargetUnverified,
    /// The link is another account's.
    #[error("the link is another account's")]
    LinkOfAnother,
    /// The token would be too long for clients to send.
    #[error("the token would be too long")]
    TokenTooLong,
    /// The path in this place of the list matches no file.
    #[error("a path matches no file; for a folder, end it with /*")]
    PathMatchesNothing(usize),
    /// The token has ended by itself.
    #[error("the token has ended already")]
    TokenEnded,
    /// The last proof of identity is too old to sign with.
    #[error("sign in again first")]
    ProofTooOld,
    /// The e-mail address has an account.
    #[error("the address has an account")]
    EmailTaken,
    /// The link was used, is too old, or never existed.
    #[error("the link is no longer good")]
    LinkInvalid,
    /// The link was used.
    #[error("the link was used already")]
    LinkUsed,
    /// The account is suspended.
    #[error("the account is suspended")]
    AccountSuspended,
    /// Access is suspended, and asking anew does not change that.
    #[error("access is suspended")]
    GrantSuspended,
    /// No active grant covers what is asked.
    #[error("no active grant")]
    NoGrant,
    /// Everybody signs the first version of an agreement anyhow.
    #[error("there is no earlier version of the agreement")]
    NoEarlierVersion,
    /// A day by which a version is to be signed that is over.
    #[error("the day by which it is to be signed is over")]
    SignByPast,
    /// A day by which a version is to be signed that is too far away.
    #[error("the day by which it is to be signed is too far away")]
    SignByTooLate,
    /// Access ends then already.
    #[error("access ends then already")]
    GrantEndSame,
    /// Access would end in the past.
    #[error("access must end in the future")]
    GrantEndPast,
    /// Access would outlast its project, or a hundred years.
    #[error("access can't last so long")]
    GrantEndTooLate,
    /// One's own access, or that of a project that one is in, would be prolonged.
    #[error("nobody prolongs their own access")]
    OwnGrant,
    /// Already revoked.
    #[error("already revoked")]
    AlreadyRevoked,
    /// An account is an administrator's or an auditor's, and nobody makes themselves an auditor.
    #[error("an account is an administrator's or an auditor's")]
    BothRoles,
    /// The import was tried too often.
    #[error("this import was tried too often")]
    ImportGivenUp,
    /// The place is none of those that this organisation may publish from any more.
    #[error("files may not be published from there any more")]
    SourceGone,
    /// The organisation must keep an owner.
    #[error("the organisation's last owner")]
    LastOwner,
    /// There is no such organisation.
    #[error("no such organisation")]
    OrganisationUnknown,
    /// There are several organisations, and none was named.
    #[error("there are several organisations")]
    OrganisationNeeded,
    /// It belongs to another organisation.
    #[error("it belongs to another organisation")]
    OtherOrganisation,
    /// It belongs to the organisation already.
    #[error("it belongs to this organisation already")]
    SameOrganisation,
    /// Other datasets need its agreements or its form, which would go with it.
    #[error("other datasets need its agreements or its form")]
    SharedTerms,
    /// The name in addresses is taken.
    #[error("the name is taken")]
    NameTaken,
    /// Somebody else has changed it since the page was shown.
    #[error("somebody else has changed it meanwhile")]
    EditedMeanwhile,
    /// An `Idempotency-Key` was given to another request before.
    #[error("the key was given to another request before")]
    KeyReused,
    /// An import of the dataset is open.
    #[error("an import of this dataset is under way")]
    ImportRunning,
    /// The import has ended.
    #[error("this import is over")]
    ImportOver,
    /// The import was stopped.
    #[error("this import was stopped")]
    ImportCancelled,
    /// The dataset is published.
    #[error("this dataset is published already")]
    PublishedAlready,
    /// Something is missing that a published dataset needs.
    #[error("something is missing that a published dataset needs")]
    Incomplete,
    /// The committee is not known in the organisation.
    #[error("no such committee")]
    CommitteeUnknown,
    /// At least one administrator must stay.
    #[error("the last administrator")]
    LastAdministrator,
    /// The project was ended, or its last day has passed.
    #[error("the project is over")]
    ProjectEnded,
    /// A committee reads what the project says, or has approved it.
    #[error("what the project says is settled")]
    ProjectSettled,
    /// The request is of another project than the page was shown for, or of none.
    #[error("the request is of another project")]
    OtherProject,
    /// The person is a member already, or was invited.
    #[error("a member already")]
    AlreadyMember,
    /// There are as many members as are allowed.
    #[error("too many members")]
    TooManyMembers,
    /// A committee has removed the person from the project.
    #[error("a committee has removed them")]
    MemberExcluded,
    /// The lead has invited as many people within a day as are allowed.
    #[error("too many invitations today")]
    TooManyInvitations,
    /// The person has signed already.
    #[error("signed already")]
    AlreadySigned,
    /// The person has decided on the request before they became a member.
    #[error("they have decided on this request")]
    DecidedBefore,
    /// The person's access was revoked, so that signing is not enough.
    #[error("access was revoked")]
    AccessRevoked,
    /// The release was withdrawn already.
    #[error("this release was withdrawn already")]
    ReleaseWithdrawn,
    /// The end of the embargo is not in the future.
    #[error("the embargo must end in the future")]
    EmbargoPast,
    /// A release would be public before one that it builds on.
    #[error("releases come out of embargo in their order")]
    EmbargoOrder,
    /// The release that is current until the embargo ends would lose files.
    #[error("the current release would lose files before the embargo ends")]
    EmbargoLosesFiles,
    /// The release is not under embargo.
    #[error("this release is not under embargo")]
    NoEmbargo,
    /// Another import of the dataset has begun since.
    #[error("another import of this dataset has begun since")]
    ImportReplaced,
    /// The agreement in this place of the list is not published.
    #[error("an agreement is not published yet")]
    AgreementUnknown(usize),
    /// The form is not published.
    #[error("the form is not published yet")]
    FormUnknown,
    /// The reviewer in this place of the list has no account.
    #[error("a reviewer has no account")]
    ReviewerUnknown(usize),
    /// The reviewer in this place of the list has not verified their address.
    #[error("a reviewer has not verified their address")]
    ReviewerUnverified(usize),
    /// A file that was given as an answer is not there, or is another.
    #[error("no such file")]
    NoSuchFile,
    /// The person has handed in as many files as are kept for one.
    #[error("too many files")]
    TooManyFiles,
    /// The person has handed in more files than may wait to become part of a request.
    #[error("too much is waiting")]
    TooMuchWaiting,
    /// The person already has as many live tokens as are allowed.
    #[error("too many")]
    TooMany,
}

/// Why somebody was refused what is not theirs to see or do. The log has these words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessRefusal {
    /// It is not there, or they have no part in it.
    NotFound,
    /// They have a part in it, and not this one.
    NotAllowed,
    /// It is about a request of their own project.
    OwnRequest,
    /// They have decided on what they would now sign under.
    DecidedBefore,
    /// They would be administrator and auditor in one.
    BothRoles,
    /// It is a link that was mailed to another account.
    LinkOfAnother,
    /// Their token is good for something else.
    InsufficientScope,
    /// They were refused so often that further refusals are not recorded for a while.
    NotRecordedFurther,
}

words! {
    AccessRefusal {
        NotFound = "not-found",
        NotAllowed = "not-allowed",
        OwnRequest = "own-request",
        DecidedBefore = "decided-before",
        BothRoles = "both-roles",
        LinkOfAnother = "link-of-another",
        InsufficientScope = "insufficient-scope",
        NotRecordedFurther = "not-recorded-further",
    }
}

impl Refusal {
    /// Whether it keeps somebody from what is not theirs, and which of the reasons it is.
    pub const fn of_access(&self) -> Option<AccessRefusal> {
        match self {
            Self::NotFound => Some(AccessRefusal::NotFound),
            Self::NotAllowed => Some(AccessRefusal::NotAllowed),
            Self::OwnRequest => Some(AccessRefusal::OwnRequest),
            Self::DecidedBefore => Some(AccessRefusal::DecidedBefore),
            Self::BothRoles => Some(AccessRefusal::BothRoles),
            Self::LinkOfAnother => Some(AccessRefusal::LinkOfAnother),
            _ => None,
        }
    }

    /// Whether a field was left empty that this needs.
    pub const fn is_missing_field(self) -> bool {
        matches!(self, Self::CommentNeeded)
    }

    /// The word by which programs know it, such as `already-voted`.
    pub fn word(self) -> &'static str {
        self.key().trim_start_matches("refusal-")
    }

    /// The localisation key of its sentence.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NotFound => "refusal-not-found",
            Self::NotAllowed => "refusal-not-allowed",
            Self::PasswordChanged => "refusal-password-changed",
            Self::OwnRequest => "refusal-own-request",
            Self::NotWaiting => "refusal-not-waiting",
            Self::AlreadyVoted => "refusal-already-voted",
            Self::Recused => "refusal-recused",
            Self::NotRecused => "refusal-not-recused",
            Self::Changed => "refusal-changed",
            Self::CommentNeeded => "refusal-comment-needed",
            Self::NotEditable => "refusal-not-editable",
            Self::AlreadyWaiting => "refusal-already-waiting",
            Self::AlreadyGranted => "refusal-already-granted",
            Self::NothingToSign => "refusal-nothing-to-sign",
            Self::DatasetSuspended => "refusal-dataset-suspended",
            Self::DatasetRetired => "refusal-dataset-retired",
            Self::NotPublished => "refusal-not-published",
            Self::DraftChanged => "refusal-draft-changed",
            Self::VersionChanged => "refusal-version-changed",
            Self::FormChanged => "refusal-form-changed",
            Self::EmailUnverified => "refusal-email-unverified",
            Self::TargetUnverified => "refusal-target-unverified",
            Self::LinkOfAnother => "refusal-link-of-another",
            Self::TokenTooLong => "refusal-token-too-long",
            Self::PathMatchesNothing(_) => "refusal-path-matches-nothing",
            Self::TokenEnded => "refusal-token-ended",
            Self::ProofTooOld => "refusal-proof-too-old",
            Self::EmailTaken => "refusal-email-taken",
            Self::LinkInvalid => "refusal-link-invalid",
            Self::LinkUsed => "refusal-link-used",
            Self::AccountSuspended => "refusal-account-suspended",
            Self::GrantSuspended => "refusal-grant-suspended",
            Self::NoGrant => "refusal-no-grant",
            Self::NoEarlierVersion => "refusal-no-earlier-version",
            Self::SignByPast => "refusal-sign-by-past",
            Self::SignByTooLate => "refusal-sign-by-too-late",
            Self::GrantEndSame => "refusal-grant-end-same",
            Self::GrantEndPast => "refusal-grant-end-past",
            Self::GrantEndTooLate => "refusal-grant-end-too-late",
            Self::OwnGrant => "refusal-own-grant",
            Self::AlreadyRevoked => "refusal-already-revoked",
            Self::LastAdministrator => "refusal-last-administrator",
            Self::BothRoles => "refusal-both-roles",
            Self::ImportGivenUp => "refusal-import-given-up",
            Self::SourceGone => "refusal-source-gone",
            Self::LastOwner => "refusal-last-owner",
            Self::OrganisationUnknown => "refusal-organisation-unknown",
            Self::OrganisationNeeded => "refusal-organisation-needed",
            Self::OtherOrganisation => "refusal-other-organisation",
            Self::SameOrganisation => "refusal-same-organisation",
            Self::SharedTerms => "refusal-shared-terms",
            Self::NameTaken => "refusal-name-taken",
            Self::EditedMeanwhile => "refusal-edited-meanwhile",
            Self::KeyReused => "refusal-key-reused",
            Self::ImportRunning => "refusal-import-running",
            Self::ImportOver => "refusal-import-over",
            Self::ImportCancelled => "refusal-import-cancelled",
            Self::PublishedAlready => "refusal-published-already",
            Self::Incomplete => "refusal-incomplete",
            Self::CommitteeUnknown => "refusal-committee-unknown",
            Self::ProjectEnded => "refusal-project-ended",
            Self::ProjectSettled => "refusal-project-settled",
            Self::OtherProject => "refusal-other-project",
            Self::AlreadyMember => "refusal-already-member",
            Self::TooManyMembers => "refusal-too-many-members",
            Self::MemberExcluded => "refusal-member-excluded",
            Self::TooManyInvitations => "refusal-too-many-invitations",
            Self::AlreadySigned => "refusal-already-signed",
            Self::DecidedBefore => "refusal-decided-before",
            Self::AccessRevoked => "refusal-access-revoked",
            Self::ReleaseWithdrawn => "refusal-release-withdrawn",
            Self::EmbargoPast => "refusal-embargo-past",
            Self::EmbargoOrder => "refusal-embargo-order",
            Self::EmbargoLosesFiles => "refusal-embargo-loses-files",
            Self::NoEmbargo => "refusal-no-embargo",
            Self::ImportReplaced => "refusal-import-replaced",
            Self::FormUnknown => "refusal-form-unknown",
            Self::AgreementUnknown(_) => "refusal-agreement-unknown",
            Self::ReviewerUnknown(_) => "refusal-reviewer-unknown",
            Self::ReviewerUnverified(_) => "refusal-reviewer-unverified",
            Self::NoSuchFile => "refusal-no-such-file",
            Self::TooManyFiles => "refusal-too-many-files",
            Self::TooMuchWaiting => "refusal-too-much-waiting",
            Self::TooMany => "refusal-too-many",
        }
    }
}
