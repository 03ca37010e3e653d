//! Tokens: the contents of a JWT, and how long it is valid.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::api_token::Scope;
use super::ids::{PersonId, ProjectId, TokenId};
use super::path::{FilePath, PathPattern};
use super::person::Person;
use super::text::{Slug, TextError, one_line};
use super::token_rules::check_may_have;
pub use super::token_rules::{LIVE_TOKENS_MAX, MAX_LIFE_DAYS, TOKEN_NAME_MAX};
use super::{Refusal, TimeSpan, Timestamp};

/// How long a token is valid by default.
pub const DEFAULT_LIFE: TimeSpan = TimeSpan::days(7);
/// Tolerated difference of clocks when a token's times are checked.
pub const LEEWAY: TimeSpan = TimeSpan::seconds(30);

/// One entry of `authorization_details` (RFC 9396): a dataset, and what may be done with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Authorization {
    /// Always `dataset`.
    #[serde(rename = "type")]
    pub kind: AuthorizationKind,
    /// The dataset's slug.
    pub identifier: Slug,
    /// The permitted actions.
    pub actions: Vec<DataAction>,
    /// The permitted paths; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<PathPattern>>,
    /// The project whose grant it uses; whichever there is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
}

/// The one kind of authorization there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizationKind {
    /// A dataset.
    Dataset,
}

/// An action on a dataset that a token can permit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataAction {
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
            actions: vec![DataAction::List, DataAction::Read],
            paths,
            project: None,
        }
    }

    /// Whether `action` on `path` is covered. For a folder: whether anything in it may be.
    pub fn covers(&self, action: DataAction, path: &FilePath) -> bool {
        let in_paths = |pattern: &PathPattern| match action {
            DataAction::List => pattern.touches(path),
            DataAction::Read => pattern.covers(path),
        };
        self.actions.contains(&action) && self.paths.as_ref().is_none_or(|paths| paths.iter().any(in_paths))
    }
}

/// A token as the account page lists it. The token itself is shown once and never stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRecord {
    /// The `jti`.
    pub id: TokenId,
    /// The person whose grants it uses.
    pub person: PersonId,
    /// The name that its owner gave it.
    pub name: String,
    /// What it covers of the data.
    pub details: Vec<Authorization>,
    /// What it may be used for in the API; nothing for a token that downloads.
    pub scopes: Vec<Scope>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl TokenRecord {
    /// Whether it works, as far as the token itself decides: the gate accepts it for [`LEEWAY`] after its end.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at + LEEWAY > now
    }

    /// Whether its owner may revoke it; to anyone else it does not exist.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::AlreadyRevoked`], or [`Refusal::TokenEnded`].
    pub fn decide_revoke(&self, by: PersonId, now: Timestamp) -> Result<(), Refusal> {
        if self.person != by {
            return Err(Refusal::NotFound);
        }
        if self.revoked_at.is_some() {
            return Err(Refusal::AlreadyRevoked);
        }
        if self.is_live(now) { Ok(()) } else { Err(Refusal::TokenEnded) }
    }
}

/// The maximum number of path patterns in a token.
pub const PATHS_MAX: usize = 50;
/// Bytes of what a token allows, as JSON. With the rest, and in base64, it stays below the 8 KiB that servers and clients
/// take as a header.
const DETAILS_MAX: usize = 4 * 1024;

/// The form for a new token, as it was filled in.
#[derive(Clone, Debug, Default)]
pub struct NewTokenForm {
    /// The token's name.
    pub name: String,
    /// The datasets that it is for.
    pub datasets: Vec<String>,
    /// The project whose grants it uses; those of every project if empty.
    pub project: String,
    /// The paths in each dataset that it covers; all of them if empty.
    pub paths: Vec<String>,
    /// The number of days that it is to be valid.
    pub days: Option<i64>,
    /// Whether paths may match no file: perhaps the files come later.
    pub allow_unmatched: bool,
}

/// The errors in the form for a new token, field by field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewTokenErrors {
    /// The error in the name.
    pub name: Option<TextError>,
    /// No dataset is chosen.
    pub no_dataset: bool,
    /// Texts that are not names of datasets.
    pub datasets: Vec<String>,
    /// The project is not one.
    pub project: bool,
    /// Texts that are not path patterns.
    pub paths: Vec<String>,
    /// There are more than [`PATHS_MAX`] path patterns.
    pub too_many_paths: bool,
    /// The number of days is not from 1 to [`MAX_LIFE_DAYS`].
    pub days: bool,
}

/// A checked form for a new token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewToken {
    name: String,
    datasets: Vec<Slug>,
    project: Option<ProjectId>,
    paths: Vec<PathPattern>,
    life: TimeSpan,
    latest_end: Option<Timestamp>,
    allow_unmatched: bool,
}

impl NewToken {
    /// Checks what was typed.
    ///
    /// # Errors
    /// All errors in it.
    pub fn parse(form: &NewTokenForm) -> Result<Self, NewTokenErrors> {
        let name = one_line(&form.name, TOKEN_NAME_MAX);
        let (mut datasets, wrong_datasets) = parse_each::<Slug>(&form.datasets);
        datasets.sort();
        datasets.dedup();
        let project = Some(form.project.trim()).filter(|id| !id.is_empty()).map(str::parse).transpose();
        let (paths, wrong_paths) = parse_each::<PathPattern>(&form.paths);
        let days = form.days.filter(|days| (1..=MAX_LIFE_DAYS).contains(days));
        let errors = NewTokenErrors {
            name: name.as_ref().err().copied(),
            no_dataset: form.datasets.is_empty(),
            datasets: wrong_datasets,
            project: project.is_err(),
            too_many_paths: paths.len() > PATHS_MAX,
            paths: wrong_paths,
            days: days.is_none(),
        };
        match (name, project, days) {
            (Ok(name), Ok(project), Some(days)) if errors == NewTokenErrors::default() => {
                let allow_unmatched = form.allow_unmatched;
                let life = TimeSpan::days(days);
                Ok(Self { name, datasets, project, paths, life, latest_end: None, allow_unmatched })
            }
            _ => Err(errors),
        }
    }

    /// The same, ending by this time at the latest.
    #[must_use]
    pub fn ending_by(mut self, latest: Option<Timestamp>) -> Self {
        self.latest_end = latest;
        self
    }

    /// What to call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The datasets that it is for.
    pub fn datasets(&self) -> &[Slug] {
        &self.datasets
    }

    /// The paths that must match a file of one of its datasets. When one does not, that is
    /// [`Refusal::PathMatchesNothing`].
    pub fn paths_to_match(&self) -> &[PathPattern] {
        if self.allow_unmatched { &[] } else { &self.paths }
    }
}

/// Parses each text; returns the parsed values, and the texts that can't be parsed.
fn parse_each<T: FromStr>(texts: &[String]) -> (Vec<T>, Vec<String>) {
    let (mut read, mut wrong) = (Vec::new(), Vec::new());
    for text in texts {
        match text.trim().parse() {
            Ok(value) => read.push(value),
            Err(_) => wrong.push(text.clone()),
        }
    }
    (read, wrong)
}

/// The scope and the end of a token that may be issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenTerms {
    /// What it covers of the data.
    pub details: Vec<Authorization>,
    /// When it ends: after the life asked for, never past the last of the grants it uses.
    pub expires_at: Timestamp,
}

/// An active grant, as far as a token that uses it is concerned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsableGrant {
    /// The dataset that it is on.
    pub dataset: Slug,
    /// The project that it is for.
    pub project: Option<ProjectId>,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// Whether a person may have a token, given their active grants and how many tokens of theirs work.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn decide_issue(
    person: &Person,
    token: &NewToken,
    active_grants: &[UsableGrant],
    live_tokens: i64,
    now: Timestamp,
) -> Result<TokenTerms, Refusal> {
    check_may_have(person, live_tokens)?;
    let mut last_end = None;
    for slug in &token.datasets {
        let is_used = |grant: &&UsableGrant| {
            grant.dataset == *slug && (token.project.is_none() || grant.project == token.project)
        };
        let end = active_grants.iter().filter(is_used).map(|grant| grant.ends_at).max();
        last_end = last_end.max(Some(end.ok_or(Refusal::NoGrant)?));
    }
    let paths = (!token.paths.is_empty()).then(|| token.paths.clone());
    let authorize =
        |slug: &Slug| Authorization { project: token.project, ..Authorization::download(slug.clone(), paths.clone()) };
    let details: Vec<_> = token.datasets.iter().map(authorize).collect();
    if serde_json::to_string(&details).is_ok_and(|text| text.len() > DETAILS_MAX) {
        return Err(Refusal::TokenTooLong);
    }
    let wished = token.latest_end.map_or(now + token.life, |latest| latest.min(now + token.life));
    Ok(TokenTerms { details, expires_at: last_end.map_or(wished, |end| wished.min(end)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> NewTokenForm {
        NewTokenForm {
            name: "laptop".into(),
            datasets: vec!["nih-chest-xray".into()],
            project: String::new(),
            paths: Vec::new(),
            days: Some(7),
            allow_unmatched: false,
        }
    }

    fn person() -> Person {
        Person { email_verified_at: Some(Timestamp(0)), ..Person::fixture(PersonId(uuid::Uuid::nil())) }
    }

    #[test]
    fn a_token_never_outlives_its_grants() {
        let (now, token) = (Timestamp::from_unix_seconds(1_000_000), NewToken::parse(&form()).unwrap());
        let grant = |ends_at| [UsableGrant { dataset: "nih-chest-xray".parse().unwrap(), project: None, ends_at }];
        let soon = now + TimeSpan::days(2);
        assert_eq!(decide_issue(&person(), &token, &grant(soon), 0, now).unwrap().expires_at, soon);
        let late = now + TimeSpan::days(1000);
        assert_eq!(decide_issue(&person(), &token, &grant(late), 0, now).unwrap().expires_at, now + TimeSpan::days(7));
        assert_eq!(decide_issue(&person(), &token, &[], 0, now), Err(Refusal::NoGrant));
        assert_eq!(decide_issue(&person(), &token, &grant(late), LIVE_TOKENS_MAX, now), Err(Refusal::TooMany));
        let form = NewTokenForm { paths: vec!["images/*".into()], ..form() };
        assert_eq!(NewToken::parse(&form).unwrap().paths_to_match().len(), 1);
        let form = NewTokenForm { allow_unmatched: true, ..form };
        assert!(NewToken::parse(&form).unwrap().paths_to_match().is_empty());
    }

    #[test]
    fn a_token_of_a_project_uses_the_grants_of_that_project_alone() {
        let now = Timestamp::from_unix_seconds(1_000_000);
        let project = |number| ProjectId::from(uuid::Uuid::from_u128(number));
        let grant = |number, days| UsableGrant {
            dataset: "nih-chest-xray".parse().unwrap(),
            project: Some(project(number)),
            ends_at: now + TimeSpan::days(days),
        };
        let grants = [grant(1, 2), grant(2, 5)];
        let issue = |project: String| {
            let token = NewToken::parse(&NewTokenForm { project, ..form() }).unwrap();
            decide_issue(&person(), &token, &grants, 0, now)
        };
        for (number, grant) in (1..).zip(&grants) {
            let terms = issue(project(number).to_string()).unwrap();
            assert_eq!((terms.details[0].project, terms.expires_at), (grant.project, grant.ends_at));
        }
        let any = issue(" ".into()).unwrap();
        assert_eq!((any.details[0].project, any.expires_at), (None, grants[1].ends_at));
        assert_eq!(issue(project(3).to_string()), Err(Refusal::NoGrant));
    }

    #[test]
    fn each_wrong_field_is_named() {
        let wrong = NewTokenForm {
            name: " ".into(),
            datasets: vec![],
            project: "mine".into(),
            paths: vec!["../x".into(), "images_001/*".into()],
            days: Some(91),
            allow_unmatched: false,
        };
        let errors = NewToken::parse(&wrong).unwrap_err();
        assert!(errors.name.is_some() && errors.no_dataset && errors.project && errors.days && !errors.too_many_paths);
        assert_eq!(errors.paths, ["../x"]);
        // An empty path would be all paths, if it were passed over.
        for empty in ["", " "] {
            let errors = NewToken::parse(&NewTokenForm { paths: vec![empty.into()], ..form() }).unwrap_err();
            assert_eq!(errors.paths, [empty]);
        }
        let unnamed = NewTokenForm { datasets: vec!["nih-chest-xray".into(), "No Name".into()], ..form() };
        assert_eq!(NewToken::parse(&unnamed).unwrap_err().datasets, ["No Name"]);
        for days in [None, Some(0), Some(-1), Some(91)] {
            assert!(NewToken::parse(&NewTokenForm { days, ..form() }).unwrap_err().days);
        }
        let many = NewTokenForm { paths: vec!["a".into(); PATHS_MAX + 1], ..form() };
        assert!(NewToken::parse(&many).unwrap_err().too_many_paths);
    }

    #[test]
    fn a_token_can_be_revoked_for_as_long_as_the_gate_accepts_it() {
        let owner = PersonId(uuid::Uuid::nil());
        let token = TokenRecord {
            id: uuid::Uuid::nil().into(),
            person: owner,
            name: "laptop".into(),
            details: Vec::new(),
            scopes: Vec::new(),
            issued_at: Timestamp(0),
            expires_at: Timestamp::from_unix_seconds(1_000),
            revoked_at: None,
            last_used_at: None,
        };
        let last = token.expires_at + LEEWAY;
        assert_eq!(token.decide_revoke(owner, Timestamp(last.0 - 1)), Ok(()));
        assert_eq!(token.decide_revoke(owner, last), Err(Refusal::TokenEnded));
        let stranger = PersonId(uuid::Uuid::max());
        assert_eq!(token.decide_revoke(stranger, Timestamp(0)), Err(Refusal::NotFound));
    }
}
