//! The gate's rule: whether something may be delivered now.
//!
//! The ledger asks inside the transaction that records the answer, with the state of that transaction.

use uuid::Uuid;

use super::Timestamp;
use super::dataset::AccessMode;
use super::grant::{Grant, GrantState};
use super::ids::{PersonId, RequestId, TokenId};
use super::path::FilePath;
use super::text::{Sha256, Slug};
use super::token::{Authorization, DataAction, LEEWAY};

/// The client, as far as it was authenticated. Whether its session or token still holds is part of the decision.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Caller {
    /// An unknown client.
    Anonymous,
    /// A signed-in browser: the account, and the hash of the session's secret.
    Session(PersonId, Sha256),
    /// A token with a good signature.
    Token(TokenId),
}

/// Everything that an admission depends on.
#[derive(Clone, Debug)]
pub struct AdmissionFacts<'a> {
    /// The dataset's access mode.
    pub mode: AccessMode,
    /// Whether it is suspended.
    pub dataset_suspended: bool,
    /// The release that is asked for.
    pub release: ReleaseFacts,
    /// Whether a newer release has other files where those were that are asked for.
    pub bytes_gone: bool,
    /// The dataset's slug.
    pub dataset: &'a Slug,
    /// The file or folder that is asked for.
    pub path: &'a FilePath,
    /// Whether it is to be listed or read.
    pub action: DataAction,
    /// The client's credential.
    pub credential: Credential<'a>,
    /// The person's grants on the dataset, the newest first.
    pub grants: &'a [Grant],
    /// Whether the person has a request waiting for a decision.
    pub request_waiting: bool,
}

/// The release that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReleaseFacts {
    /// Its number; 0 where the dataset has none.
    pub number: u32,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
    /// When its embargo ends or ended, if it has one.
    pub embargoed_until: Option<Timestamp>,
}

impl ReleaseFacts {
    /// Whether anything of it may be delivered to anybody.
    pub fn is_open(&self, now: Timestamp) -> bool {
        !self.withdrawn && self.embargoed_until.is_none_or(|end| end <= now)
    }
}

/// The client's credential, and whether it still holds.
#[derive(Clone, Debug)]
pub enum Credential<'a> {
    /// The client has none.
    None,
    /// The session of a signed-in browser.
    Session {
        /// When it ends; `None` if there is no such session any more.
        ends_at: Option<Timestamp>,
        /// Whether the account is suspended.
        person_suspended: bool,
    },
    /// A token whose signature, type, issuer and audience were right.
    Token {
        /// Whether the account is suspended.
        person_suspended: bool,
        /// Whether the token was revoked, or is not known here.
        revoked: bool,
        /// When it ends.
        expires_at: Timestamp,
        /// The datasets and paths that it covers.
        details: &'a [Authorization],
    },
}

/// The reason why nothing is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// No credential, and the dataset is not open.
    Unauthenticated,
    /// The token was revoked.
    TokenRevoked,
    /// The token has expired.
    TokenExpired,
    /// The token is for other datasets.
    TokenOtherDataset,
    /// The token is for other paths of this dataset.
    TokenOtherPath,
    /// The account is suspended.
    AccountSuspended,
    /// The dataset is suspended.
    DatasetSuspended,
    /// The release was withdrawn.
    ReleaseWithdrawn,
    /// The release is under embargo until then.
    ReleaseEmbargoed(Timestamp),
    /// A newer release has other files where these were.
    BytesGone,
    /// The agreement is not signed.
    NotSigned,
    /// Reviewers have not decided yet.
    AwaitingReview,
    /// The grant was revoked.
    GrantRevoked,
    /// The grant is suspended.
    GrantSuspended,
    /// A newer version of an agreement had to be signed by then, under this request.
    NewVersionToSign(Timestamp, RequestId),
    /// The grant ended then.
    GrantEnded(Timestamp),
    /// The grant covers releases up to this one, and a later one is asked for.
    GrantOtherRelease(u32),
}

impl Denial {
    /// Every reason; a time or a number in it stands for any.
    pub const ALL: [Self; 17] = [
        Self::Unauthenticated,
        Self::TokenRevoked,
        Self::TokenExpired,
        Self::TokenOtherDataset,
        Self::TokenOtherPath,
        Self::AccountSuspended,
        Self::DatasetSuspended,
        Self::ReleaseWithdrawn,
        Self::ReleaseEmbargoed(Timestamp(0)),
        Self::BytesGone,
        Self::NotSigned,
        Self::AwaitingReview,
        Self::GrantRevoked,
        Self::GrantSuspended,
        Self::NewVersionToSign(Timestamp(0), RequestId(Uuid::nil())),
        Self::GrantEnded(Timestamp(0)),
        Self::GrantOtherRelease(0),
    ];

    /// The word in the log, and the end of the problem's type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::TokenRevoked => "token-revoked",
            Self::TokenExpired => "token-expired",
            Self::TokenOtherDataset => "token-other-dataset",
            Self::TokenOtherPath => "token-other-path",
            Self::AccountSuspended => "account-suspended",
            Self::DatasetSuspended => "dataset-suspended",
            Self::ReleaseWithdrawn => "release-withdrawn",
            Self::ReleaseEmbargoed(_) => "release-embargoed",
            Self::BytesGone => "bytes-gone",
            Self::NotSigned => "not-signed",
            Self::AwaitingReview => "awaiting-review",
            Self::GrantRevoked => "grant-revoked",
            Self::GrantSuspended => "grant-suspended",
            Self::NewVersionToSign(..) => "new-version-to-sign",
            Self::GrantEnded(_) => "grant-ended",
            Self::GrantOtherRelease(_) => "grant-other-release",
        }
    }

    /// Whether another credential could help: these are answered with 401 and a challenge, the others with 403.
    pub const fn is_about_credential(self) -> bool {
        matches!(self, Self::Unauthenticated | Self::TokenRevoked | Self::TokenExpired)
    }
}

/// When an admission that is granted now ends by itself: with the grant, or with the token or session; `None` for an open
/// dataset. A transfer that is still running then is aborted.
pub fn ends_at(facts: &AdmissionFacts<'_>, now: Timestamp) -> Option<Timestamp> {
    if facts.mode == AccessMode::Open {
        return None;
    }
    let credential = match &facts.credential {
        Credential::None => None,
        Credential::Session { ends_at, .. } => *ends_at,
        Credential::Token { expires_at, .. } => Some(*expires_at + LEEWAY),
    };
    credential.into_iter().chain(grant_used(facts, now).map(Grant::stops_at)).min()
}

/// Decides whether a request is admitted.
///
/// # Errors
/// The first rule that forbids it; the dataset is checked first, then the credential, then the grant, then the bytes.
pub fn decide(facts: &AdmissionFacts<'_>, now: Timestamp) -> Result<(), Denial> {
    check_access(facts, now)?;
    if facts.bytes_gone { Err(Denial::BytesGone) } else { Ok(()) }
}

fn check_access(facts: &AdmissionFacts<'_>, now: Timestamp) -> Result<(), Denial> {
    if facts.dataset_suspended {
        return Err(Denial::DatasetSuspended);
    }
    if facts.release.withdrawn {
        return Err(Denial::ReleaseWithdrawn);
    }
    if let Some(end) = facts.release.embargoed_until.filter(|end| *end > now) {
        return Err(Denial::ReleaseEmbargoed(end));
    }
    if facts.mode == AccessMode::Open {
        return Ok(());
    }
    check_credential(facts, now)?;
    match grant_used(facts, now).map(|grant| (grant, grant.state(now))) {
        Some((Grant { last_release: Some(last), .. }, GrantState::Active)) if facts.release.number > *last => {
            Err(Denial::GrantOtherRelease(*last))
        }
        Some((_, GrantState::Active)) => Ok(()),
        Some((_, GrantState::Suspended)) => Err(Denial::GrantSuspended),
        Some((grant, GrantState::ToSign)) => Err(Denial::NewVersionToSign(grant.stops_at(), grant.request)),
        _ if facts.request_waiting => Err(Denial::AwaitingReview),
        Some((_, GrantState::Revoked)) => Err(Denial::GrantRevoked),
        Some((grant, GrantState::Inactive)) => Err(Denial::GrantEnded(grant.ends_at)),
        None => Err(Denial::NotSigned),
    }
}

/// The grant on which the decision rests: of those that the credential may use, the newest that lets the release pass; else
/// the newest that is active; else the newest that is suspended or for which there is something to sign; else the newest.
pub fn grant_used<'a>(facts: &AdmissionFacts<'a>, now: Timestamp) -> Option<&'a Grant> {
    let project = match &facts.credential {
        Credential::Token { details, .. } => {
            details.iter().find(|entry| entry.identifier == *facts.dataset).and_then(|entry| entry.project)
        }
        Credential::None | Credential::Session { .. } => None,
    };
    let usable = || facts.grants.iter().filter(move |grant| project.is_none() || grant.project == project);
    usable()
        .find(|grant| grant.is_active(now) && grant.covers(facts.release.number))
        .or_else(|| usable().find(|grant| grant.is_active(now)))
        .or_else(|| usable().find(|grant| grant.is_running(now)))
        .or_else(|| usable().next())
}

fn check_credential(facts: &AdmissionFacts<'_>, now: Timestamp) -> Result<(), Denial> {
    match &facts.credential {
        Credential::None => Err(Denial::Unauthenticated),
        Credential::Session { ends_at, .. } if ends_at.is_none_or(|end| end <= now) => Err(Denial::Unauthenticated),
        Credential::Session { person_suspended, .. } | Credential::Token { person_suspended, .. }
            if *person_suspended =>
        {
            Err(Denial::AccountSuspended)
        }
        Credential::Session { .. } => Ok(()),
        Credential::Token { revoked: true, .. } => Err(Denial::TokenRevoked),
        Credential::Token { expires_at, .. } if now >= *expires_at + LEEWAY => Err(Denial::TokenExpired),
        Credential::Token { details, .. } => {
            let Some(entry) = details.iter().find(|entry| entry.identifier == *facts.dataset) else {
                return Err(Denial::TokenOtherDataset);
            };
            if entry.covers(facts.action, facts.path) { Ok(()) } else { Err(Denial::TokenOtherPath) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::TimeSpan;
    use crate::domain::ids::{DatasetId, GrantId, PersonId, ProjectId, RequestId};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_000_000_000);

    fn project(number: u128) -> ProjectId {
        ProjectId(Uuid::from_u128(number))
    }

    fn grant() -> impl Strategy<Value = Grant> {
        let releases = prop::option::of(0..4_u32);
        let ids = (any::<u128>(), prop::option::of((0..2_u128).prop_map(project)));
        let ends = (0_i64..6, prop::option::of(-3_i64..4));
        let taken = (any::<bool>(), prop::bool::weighted(0.3));
        (-3_i64..3, ends, taken, releases, ids).prop_map(
            |(start, (length, sign_by), (revoked, suspended), last_release, (id, project))| {
                let starts_at = NOW + TimeSpan::days(start);
                Grant {
                    id: GrantId(Uuid::from_u128(id)),
                    person: PersonId(Uuid::nil()),
                    dataset: DatasetId(Uuid::nil()),
                    request: RequestId(Uuid::nil()),
                    project,
                    starts_at,
                    ends_at: starts_at + TimeSpan::days(length),
                    sign_by: sign_by.map(|days| NOW + TimeSpan::days(days)),
                    last_release,
                    suspended_at: suspended.then_some(NOW),
                    revoked_at: revoked.then_some(NOW),
                    is_shortened: false,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn nothing_passes_without_every_condition(
            mode in prop::sample::select(AccessMode::ALL.to_vec()),
            dataset_suspended: bool, withdrawn: bool, bytes_gone: bool, person_suspended: bool, token_revoked: bool,
            right_dataset: bool, right_path: bool, waiting: bool,
            number in 0..4_u32, embargo in prop::option::of(-2_i64..3),
            who in 0..3, grants in prop::collection::vec(grant(), 0..4), token_end in -3_i64..3,
            token_project in prop::option::of(0..2_u128),
        ) {
            let slug: Slug = "nih-chest-xray".parse().unwrap();
            let other: Slug = "other".parse().unwrap();
            let paths = if right_path { vec!["images_001/*".parse().unwrap()] } else { vec!["images_002/*".parse().unwrap()] };
            let named = Authorization::download(if right_dataset { slug.clone() } else { other }, Some(paths));
            let token_project = token_project.map(project);
            let details = [Authorization { project: token_project, ..named }];
            let expires_at = NOW + TimeSpan::days(token_end);
            let path = "images_001/a.png".parse().unwrap();
            let embargoed_until = embargo.map(|days| NOW + TimeSpan::days(days));
            let facts = AdmissionFacts {
                mode, dataset_suspended, release: ReleaseFacts { number, withdrawn, embargoed_until }, bytes_gone, dataset: &slug, path: &path, action: DataAction::Read,
                credential: match who {
                    0 => Credential::None,
                    1 => Credential::Session { ends_at: (!token_revoked).then_some(NOW + TimeSpan::days(1)), person_suspended },
                    _ => Credential::Token { person_suspended, revoked: token_revoked, expires_at, details: &details },
                },
                grants: &grants,
                request_waiting: waiting,
            };
            let good = |grant: &&Grant| {
                grant.revoked_at.is_none() && grant.starts_at <= NOW && grant.ends_at > NOW
                    && grant.suspended_at.is_none() && grant.sign_by.is_none_or(|by| by > NOW)
                    && grant.last_release.is_none_or(|last| number <= last)
                    && (who != 2 || token_project.is_none() || grant.project == token_project)
            };
            let token_good = !token_revoked && expires_at + LEEWAY > NOW && right_dataset && right_path;
            let credential_good = !person_suspended && ((who == 1 && !token_revoked) || (who == 2 && token_good));
            let release_good = !withdrawn && embargo.is_none_or(|days| days <= 0);
            let first_good = grants.iter().find(good);
            let expected = !dataset_suspended && release_good && !bytes_gone && (mode == AccessMode::Open || (credential_good && first_good.is_some()));
            prop_assert_eq!(decide(&facts, NOW).is_ok(), expected);
            if expected && mode != AccessMode::Open {
                // The newest of those that let it pass is the one it rests on, and its end is the latest.
                prop_assert_eq!(grant_used(&facts, NOW), first_good);
                prop_assert!(ends_at(&facts, NOW) <= first_good.map(|grant| grant.ends_at));
                let sign_by = first_good.and_then(|grant| grant.sign_by);
                prop_assert!(sign_by.is_none() || ends_at(&facts, NOW) <= sign_by);
            }
        }
    }
}
