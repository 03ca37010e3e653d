//! Datasets and their files.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::comment::Reason;
use super::ids::{AgreementId, DatasetId, PersonId};
use super::path::FilePath;
use super::person::Person;
use super::text::{Email, Language, Sha256, Slug, TextError};
use super::{Refusal, Timestamp};

/// What access takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    /// Anyone may download, no account.
    Open,
    /// Signing the agreement grants access at once.
    Agreement,
    /// Signing files an access request, which reviewers decide.
    Approval,
}

impl AccessMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Open, Self::Agreement, Self::Approval];

    /// The word that is stored and used in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Agreement => "agreement",
            Self::Approval => "approval",
        }
    }

    /// Whether the dataset carries the badge *Need authorization agreement*.
    pub const fn needs_agreement(self) -> bool {
        !matches!(self, Self::Open)
    }
}

impl fmt::Display for AccessMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AccessMode {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(TextError::Form)
    }
}

/// Text in one or more languages. In a TOML file: a string (English), or a table such as `{ en = "…", zh-TW = "…" }`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "LocalisedForm")]
pub struct Localised(pub BTreeMap<Language, String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum LocalisedForm {
    One(String),
    Many(BTreeMap<Language, String>),
}

impl From<LocalisedForm> for Localised {
    fn from(form: LocalisedForm) -> Self {
        match form {
            LocalisedForm::One(text) => Self(BTreeMap::from([(Language::English, text)])),
            LocalisedForm::Many(texts) => Self(texts),
        }
    }
}

impl Localised {
    /// The text and its language: the wanted one where there is one, else the first there is.
    pub fn best(&self, wanted: Language) -> (&str, Language) {
        self.0
            .get_key_value(&wanted)
            .or_else(|| self.0.iter().next())
            .map_or(("", wanted), |(language, text)| (text.as_str(), *language))
    }

    /// The text alone; see [`Self::best`].
    pub fn text(&self, wanted: Language) -> &str {
        self.best(wanted).0
    }

    /// The BCP 47 tag of what [`Self::text`] gives.
    pub fn tag(&self, wanted: Language) -> &'static str {
        self.best(wanted).1.tag()
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

/// A dataset as its page shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dataset {
    /// Its id.
    pub id: DatasetId,
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
    /// What access takes.
    pub mode: AccessMode,
    /// Approvals needed.
    pub quorum: u32,
    /// How long a grant lasts, in days.
    pub grant_days: u32,
    /// The agreement, for modes other than open.
    pub agreement: Option<AgreementId>,
    /// Where its files are: a folder of this machine, `s3://BUCKET/PREFIX`, or the address of an HTTP server.
    pub root: String,
    /// How many files.
    pub file_count: u64,
    /// Bytes in all of them.
    pub total_bytes: u64,
    /// When it was suspended, if it is: nothing is delivered then.
    pub suspended_at: Option<Timestamp>,
    /// When it was first published here.
    pub created_at: Timestamp,
    /// When its record last changed here.
    pub updated_at: Timestamp,
}

/// A file of a dataset, as it was when it was imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileEntry {
    /// Where it is in the dataset.
    pub path: FilePath,
    /// Bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: Sha256,
    /// Of its bytes (IEEE 802.3), for ZIP archives.
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
    /// Where it is in the dataset.
    pub path: FilePath,
    /// Files in it, at any depth.
    pub file_count: u64,
    /// Bytes in them.
    pub total_bytes: u64,
}

/// A dataset as it is handed in, from a file or a form.
#[derive(Clone, Debug)]
pub struct DatasetDescription {
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
    /// What access takes.
    pub mode: AccessMode,
    /// Its agreement's name.
    pub agreement: Option<Slug>,
    /// The addresses of its reviewers' accounts.
    pub reviewers: Vec<Email>,
    /// Approvals needed.
    pub quorum: u32,
    /// How long a grant lasts, in days.
    pub grant_days: u32,
    /// Its place in the catalogue; smaller numbers come first.
    pub position: i64,
    /// Where its files are.
    pub root: String,
}

/// Why a dataset can't be published as described.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DatasetError {
    /// An open dataset with an agreement.
    #[error("agreement: an open dataset has none")]
    AgreementOnOpen,
    /// A dataset that needs an agreement and has none.
    #[error("agreement: is needed when mode is {0}")]
    AgreementMissing(AccessMode),
    /// A quorum of nobody.
    #[error("quorum: must be at least 1")]
    NoQuorum,
    /// Fewer reviewers than approvals needed.
    #[error("reviewers: {0} approvals need at least as many reviewers")]
    TooFewReviewers(u32),
    /// The same reviewer twice.
    #[error("reviewers: {0} is there twice")]
    ReviewerTwice(Email),
    /// A grant that is too short or too long.
    #[error("grant_days: must be from 1 to 36,500")]
    GrantDays,
    /// No title.
    #[error("title: is needed")]
    NoTitle,
}

/// Longest grant, in days.
const GRANT_DAYS_MAX: u32 = 36_500;

/// A dataset that may be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDataset {
    dataset: Dataset,
    agreement: Option<Slug>,
    reviewers: Vec<Email>,
    position: i64,
}

impl NewDataset {
    /// Checks a description.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(description: DatasetDescription) -> Result<Self, DatasetError> {
        let DatasetDescription { agreement, reviewers, position, mut tags, .. } = description;
        match (description.mode, &agreement) {
            (AccessMode::Open, Some(_)) => return Err(DatasetError::AgreementOnOpen),
            (mode @ (AccessMode::Agreement | AccessMode::Approval), None) => {
                return Err(DatasetError::AgreementMissing(mode));
            }
            _ => {}
        }
        for (n, reviewer) in reviewers.iter().enumerate() {
            if reviewers[..n].iter().any(|earlier| earlier.key() == reviewer.key()) {
                return Err(DatasetError::ReviewerTwice(reviewer.clone()));
            }
        }
        if description.mode == AccessMode::Approval {
            if description.quorum == 0 {
                return Err(DatasetError::NoQuorum);
            }
            if reviewers.len() < description.quorum as usize {
                return Err(DatasetError::TooFewReviewers(description.quorum));
            }
        }
        if !(1..=GRANT_DAYS_MAX).contains(&description.grant_days) {
            return Err(DatasetError::GrantDays);
        }
        if description.title.0.values().all(|title| title.trim().is_empty()) {
            return Err(DatasetError::NoTitle);
        }
        tags.sort();
        tags.dedup();
        let dataset = Dataset {
            id: uuid::Uuid::nil().into(),
            slug: description.slug,
            title: description.title,
            summary: description.summary,
            description: description.description,
            licence: description.licence,
            publisher: description.publisher,
            tags,
            info: description.info,
            mode: description.mode,
            quorum: description.quorum,
            grant_days: description.grant_days,
            agreement: None,
            root: description.root,
            file_count: 0,
            total_bytes: 0,
            suspended_at: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        Ok(Self { dataset, agreement, reviewers, position })
    }

    /// The dataset; its id, agreement, counts and times are given when it is stored.
    pub const fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The same with its files elsewhere.
    #[must_use]
    pub fn with_root(mut self, root: String) -> Self {
        self.dataset.root = root;
        self
    }

    /// Its agreement's name.
    pub const fn agreement(&self) -> Option<&Slug> {
        self.agreement.as_ref()
    }

    /// The addresses of its reviewers' accounts.
    pub fn reviewers(&self) -> &[Email] {
        &self.reviewers
    }

    /// Its place in the catalogue.
    pub const fn position(&self) -> i64 {
        self.position
    }
}

/// What an administrator does about the delivery of a dataset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SuspensionChange {
    /// Nothing is delivered from now on, for this reason.
    Suspend(Reason),
    /// It is delivered again.
    Restore,
}

impl Dataset {
    /// Whether an administrator may suspend it, or else have it delivered again. `false` when it is so already.
    ///
    /// # Errors
    /// [`Refusal::NotAllowed`].
    pub const fn decide_suspension_change(&self, by: &Person, suspend: bool) -> Result<bool, Refusal> {
        if !by.may_administer() {
            return Err(Refusal::NotAllowed);
        }
        Ok(self.suspended_at.is_some() != suspend)
    }
}

/// Whether a reviewer may be named: an address that nobody proved may be anybody's account.
///
/// # Errors
/// [`Refusal::ReviewerUnknown`] or [`Refusal::ReviewerUnverified`], with the reviewer's place in the list.
pub fn check_reviewer(place: usize, found: Option<&Person>) -> Result<PersonId, Refusal> {
    let person = found.ok_or(Refusal::ReviewerUnknown(place))?;
    if person.email_verified_at.is_none() { Err(Refusal::ReviewerUnverified(place)) } else { Ok(person.id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Bend = fn(&mut DatasetDescription);

    fn description(mode: AccessMode) -> DatasetDescription {
        let text = |text: &str| Localised(BTreeMap::from([(Language::English, text.to_owned())]));
        DatasetDescription {
            slug: "chest-x-rays".parse().unwrap(),
            title: text("Chest X-rays"),
            summary: text("."),
            description: text("."),
            licence: "CC0".into(),
            publisher: text("Us"),
            tags: vec!["b".into(), "a".into(), "b".into()],
            info: Vec::new(),
            mode,
            agreement: mode.needs_agreement().then(|| "terms".parse().unwrap()),
            reviewers: vec!["a@demo.example".parse().unwrap(), "b@demo.example".parse().unwrap()],
            quorum: 2,
            grant_days: 365,
            position: 0,
            root: "/srv/data".into(),
        }
    }

    #[test]
    fn what_nobody_could_decide_is_not_published() {
        for mode in AccessMode::ALL {
            let dataset = NewDataset::parse(description(mode)).unwrap();
            assert_eq!(dataset.dataset().tags, ["a", "b"]);
        }
        let bends: [(&str, Bend); 8] = [
            ("agreement: is needed", |d| d.agreement = None),
            ("agreement: an open dataset", |d| d.mode = AccessMode::Open),
            ("quorum", |d| d.quorum = 0),
            ("reviewers: 3 approvals", |d| d.quorum = 3),
            ("reviewers: A@demo.example is there twice", |d| d.reviewers.push("A@demo.example".parse().unwrap())),
            ("grant_days", |d| d.grant_days = 0),
            ("grant_days", |d| d.grant_days = 36_501),
            ("title", |d| d.title.0.clear()),
        ];
        for (wanted, bend) in bends {
            let mut bent = description(AccessMode::Approval);
            bend(&mut bent);
            let error = NewDataset::parse(bent).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
    }
}
