//! Tokens: what a JWT may say, and how long it lives.

use serde::{Deserialize, Serialize};

use super::ids::{PersonId, TokenId};
use super::path::{FilePath, PathPattern};
use super::text::Slug;
use super::{Instant, Span};

/// How long a token lives unless asked otherwise.
pub const DEFAULT_LIFE: Span = Span::days(7);
/// How long it may live at most.
pub const MAX_LIFE_DAYS: i64 = 90;
/// Tolerated difference of clocks when a token's times are checked.
pub const LEEWAY: Span = Span::seconds(30);

/// One entry of `authorization_details` (RFC 9396): a dataset, and what may be done with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Authorization {
    /// Always `dataset`.
    #[serde(rename = "type")]
    pub kind: AuthorizationKind,
    /// The dataset's slug.
    pub identifier: Slug,
    /// What may be done.
    pub actions: Vec<TokenAction>,
    /// Which files; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<PathPattern>>,
}

/// The one kind of authorization there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationKind {
    /// A dataset.
    Dataset,
}

/// What a token lets its bearer do with a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenAction {
    /// See what files there are.
    List,
    /// Download them.
    Read,
}

impl Authorization {
    /// Listing and reading `dataset`, all of it or only `paths`.
    pub fn download(dataset: Slug, paths: Option<Vec<PathPattern>>) -> Self {
        Self {
            kind: AuthorizationKind::Dataset,
            identifier: dataset,
            actions: vec![TokenAction::List, TokenAction::Read],
            paths,
        }
    }

    /// Whether `action` on `path` is covered. For a folder: whether anything in it may be.
    pub fn covers(&self, action: TokenAction, path: &FilePath) -> bool {
        let in_paths = |pattern: &PathPattern| match action {
            TokenAction::List => pattern.touches(path),
            TokenAction::Read => pattern.covers(path),
        };
        self.actions.contains(&action) && self.paths.as_ref().is_none_or(|paths| paths.iter().any(in_paths))
    }
}

/// A token as the account page lists it. The token itself is shown once and never stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRecord {
    /// The `jti`.
    pub id: TokenId,
    /// Whose grants it uses.
    pub person: PersonId,
    /// What its owner calls it.
    pub name: String,
    /// What it covers.
    pub details: Vec<Authorization>,
    /// When it was issued.
    pub issued_at: Instant,
    /// When it ends.
    pub expires_at: Instant,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Instant>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Instant>,
}

/// When a token issued at `now` ends: after the wished life, never past the last of the grants it uses.
pub fn expiry(now: Instant, wished: Span, grant_ends: &[Instant]) -> Instant {
    let limit = now + Span::days(MAX_LIFE_DAYS).min(wished.max(Span::minutes(1)));
    grant_ends.iter().max().map_or(limit, |end| limit.min(*end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_outlives_its_grants() {
        let now = Instant::from_unix_seconds(1_000_000);
        let soon = now + Span::days(2);
        assert_eq!(expiry(now, DEFAULT_LIFE, &[soon]), soon);
        assert_eq!(expiry(now, Span::days(400), &[now + Span::days(1000)]), now + Span::days(90));
        assert_eq!(expiry(now, Span(-5), &[soon]), now + Span::minutes(1));
    }
}
