//! What describes a dataset, in a file, a form or the API, and what can be wrong with that.

use super::{AccessMode, ImportSettings, InfoField, Later, texts};
use crate::domain::localised::Localised;
use crate::domain::preview::PreviewLevel;
use crate::domain::text::{Email, Language, Slug, TextError};

/// How many agreements a dataset may ask for.
pub(super) const AGREEMENTS_MAX: usize = 10;
/// How many related datasets can be named.
pub(super) const RELATED_MAX: usize = 12;
/// The maximum length of a grant, in days.
pub(super) const GRANT_DAYS_MAX: u32 = 36_500;

/// Who decides about a dataset's requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitteeChoice {
    /// Nobody.
    None,
    /// The organisation's committee of this name.
    Named(Slug),
    /// A committee that bears the dataset's own name.
    Own {
        /// The addresses of its members' accounts.
        reviewers: Vec<Email>,
        /// The number of approvals needed.
        quorum: u32,
    },
}

/// The description of a dataset, from a file or a form.
#[derive(Clone, Debug)]
pub struct DatasetDescription {
    /// The name of the organisation that it belongs to, where there are several.
    pub organisation: Option<Slug>,
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
    /// The datasets that its page names first, whether they are there or not.
    pub related: Vec<Slug>,
    /// How people get access to it.
    pub mode: AccessMode,
    /// Its agreements' names, in the order in which they are signed.
    pub agreements: Vec<Slug>,
    /// Its form's name.
    pub form: Option<Slug>,
    /// Who decides about requests.
    pub committee: CommitteeChoice,
    /// How long a grant lasts, in days.
    pub grant_days: u32,
    /// Whether a grant covers releases that come after it.
    pub later_releases: Later,
    /// Whether a decision covers members of the project who sign after it.
    pub later_members: Later,
    /// How much of its tables everybody sees.
    pub preview: PreviewLevel,
    /// Its place in the catalogue; smaller numbers come first.
    pub position: i64,
    /// Where its files are.
    pub root: String,
    /// How they are imported from there.
    pub import_settings: ImportSettings,
}

/// Why a dataset can't be published as described.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DatasetError {
    /// An open dataset with an agreement.
    #[error("agreements: an open dataset has none")]
    AgreementOnOpen,
    /// An open dataset with a form.
    #[error("form: an open dataset has none")]
    FormOnOpen,
    /// A dataset that needs an agreement and has none.
    #[error("agreements: at least one is needed when mode is {0}")]
    AgreementMissing(AccessMode),
    /// The same agreement twice.
    #[error("agreements: {0} is there twice")]
    AgreementTwice(Slug),
    /// Too many agreements.
    #[error("agreements: up to {AGREEMENTS_MAX} can be asked for")]
    TooManyAgreements,
    /// Nobody would decide.
    #[error("committee: is needed when mode is approval")]
    NoCommittee,
    /// The quorum is 0.
    #[error("quorum: must be at least 1")]
    NoQuorum,
    /// Fewer reviewers than approvals needed.
    #[error("reviewers: {0} approvals need at least as many reviewers")]
    TooFewReviewers(u32),
    /// The same reviewer twice.
    #[error("reviewers: {0} is there twice")]
    ReviewerTwice(Email),
    /// Too many reviewers.
    #[error("reviewers: there are too many")]
    TooManyReviewers,
    /// A grant that is too short or too long.
    #[error("grant_days: must be from 1 to 36,500")]
    GrantDays,
    /// Too many related datasets.
    #[error("related: up to {RELATED_MAX} datasets can be named")]
    TooManyRelated,
    /// A text that can't be taken.
    #[error("{}: {error}", Self::text_field(field, *language))]
    Text {
        /// The field.
        field: &'static str,
        /// The language, where there are several.
        language: Option<Language>,
        /// Why.
        error: TextError,
    },
    /// A line of *Additional info* that can't be taken.
    #[error("{}: {error}", Self::info_field(*line, *language))]
    Info {
        /// Which line, from 0.
        line: usize,
        /// The language of what it says; `None` for its name.
        language: Option<Language>,
        /// Why.
        error: TextError,
    },
    /// Too many tags.
    #[error("tags: up to {} can be given", texts::TAGS_MAX)]
    TooManyTags,
    /// Too many lines of *Additional info*.
    #[error("info: up to {} lines can be given", texts::INFO_MAX)]
    TooMuchInfo,
    /// No title.
    #[error("title: is needed")]
    NoTitle,
}

impl DatasetError {
    /// The field of a text that can't be taken, such as `title.zh-TW`.
    pub fn text_field(field: &str, language: Option<Language>) -> String {
        language.map_or_else(|| field.to_owned(), |language| format!("{field}.{}", language.tag()))
    }

    /// The field of a line of *Additional info*, such as `info.0.name` or `info.0.zh-TW`.
    pub fn info_field(line: usize, language: Option<Language>) -> String {
        format!("info.{line}.{}", language.map_or("name", Language::tag))
    }
}
