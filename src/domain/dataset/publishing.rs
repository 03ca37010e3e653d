//! Publishing a dataset: its description, from a file or a form, and the checks that it must pass.

use super::{AccessMode, Dataset, ImportSettings, InfoField, Later, texts};
use crate::domain::committee::{CommitteeDescription, CommitteeError, NewCommittee};
use crate::domain::ids::{AgreementId, CommitteeId, DatasetId, FormId, OrganisationId};
use crate::domain::localised::Localised;
use crate::domain::organisation::Officer;
use crate::domain::text::{Email, Language, Slug, TextError};
use crate::domain::words::words;
use crate::domain::{Refusal, Timestamp};

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

/// What a dataset's description names, as it is known here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// The organisation that the dataset belongs to.
    pub organisation: OrganisationId,
    /// What its users sign.
    pub agreements: Vec<AgreementId>,
    /// What they fill in.
    pub form: Option<FormId>,
    /// Who decides, and how many approvals are needed.
    pub committee: Option<(CommitteeId, u32)>,
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

/// How many agreements a dataset may ask for.
const AGREEMENTS_MAX: usize = 10;
/// How many related datasets can be named.
const RELATED_MAX: usize = 12;
/// The maximum length of a grant, in days.
const GRANT_DAYS_MAX: u32 = 36_500;

/// Whether everything must be there that a published dataset needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Completeness {
    Draft,
    Complete,
}

/// A dataset that may be published, or kept as a draft.
#[derive(Clone, Debug)]
pub struct NewDataset {
    description: DatasetDescription,
    own_committee: Option<NewCommittee>,
    completeness: Completeness,
}

impl NewDataset {
    /// Checks a description.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(description: DatasetDescription) -> Result<Self, DatasetError> {
        Self::parse_as(description, Completeness::Complete)
    }

    /// Checks the description of a draft, which may lack agreements and a committee.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse_draft(description: DatasetDescription) -> Result<Self, DatasetError> {
        Self::parse_as(description, Completeness::Draft)
    }

    fn parse_as(mut description: DatasetDescription, completeness: Completeness) -> Result<Self, DatasetError> {
        tidy(&mut description)?;
        check_terms(&description, completeness)?;
        let committee = own_committee(&description, completeness)?;
        if !(1..=GRANT_DAYS_MAX).contains(&description.grant_days) {
            return Err(DatasetError::GrantDays);
        }
        if description.related.len() > RELATED_MAX {
            return Err(DatasetError::TooManyRelated);
        }
        if description.title.0.values().all(|title| title.trim().is_empty()) {
            return Err(DatasetError::NoTitle);
        }
        description.tags.sort();
        description.tags.dedup();
        Ok(Self { description, own_committee: committee, completeness })
    }

    /// This dataset with another root.
    #[must_use]
    pub fn with_root(mut self, root: String) -> Self {
        self.description.root = root;
        self
    }

    /// Whether it lacks nothing that a published dataset needs.
    pub fn is_complete(&self) -> bool {
        self.completeness == Completeness::Complete
    }

    /// Its name in addresses.
    pub const fn slug(&self) -> &Slug {
        &self.description.slug
    }

    /// Where its files are.
    pub fn root(&self) -> &str {
        &self.description.root
    }

    /// Its agreements' names.
    pub fn agreements(&self) -> &[Slug] {
        &self.description.agreements
    }

    /// Its form's name.
    pub const fn form(&self) -> Option<&Slug> {
        self.description.form.as_ref()
    }

    /// The name of the organisation that it is to belong to, if it says so.
    pub const fn organisation(&self) -> Option<&Slug> {
        self.description.organisation.as_ref()
    }

    /// How people get access to it.
    pub const fn mode(&self) -> AccessMode {
        self.description.mode
    }

    /// Who decides about requests.
    pub const fn committee(&self) -> &CommitteeChoice {
        &self.description.committee
    }

    /// The committee that bears its name, if it brings one.
    pub const fn own_committee(&self) -> Option<&NewCommittee> {
        self.own_committee.as_ref()
    }

    /// Its place in the catalogue.
    pub const fn position(&self) -> i64 {
        self.description.position
    }

    /// The dataset that this becomes: a new one under the id `fresh`, or `published` brought up to date.
    pub fn publish(&self, fresh: DatasetId, terms: Terms, published: Option<&Dataset>, now: Timestamp) -> Dataset {
        let Terms { organisation, agreements, form, committee } = terms;
        let new = self.description.clone();
        Dataset {
            id: published.map_or(fresh, |old| old.id),
            organisation,
            slug: new.slug,
            title: new.title,
            summary: new.summary,
            description: new.description,
            licence: new.licence,
            publisher: new.publisher,
            tags: new.tags,
            info: new.info,
            related: new.related,
            mode: new.mode,
            committee: committee.map(|(id, _)| id),
            quorum: committee.map_or(1, |(_, quorum)| quorum),
            grant_days: new.grant_days,
            later_releases: new.later_releases,
            later_members: new.later_members,
            agreements,
            form,
            root: new.root,
            import_settings: new.import_settings,
            current_release: published.map_or(0, |old| old.current_release),
            newest_release: published.map_or(0, |old| old.newest_release),
            file_count: published.map_or(0, |old| old.file_count),
            total_bytes: published.map_or(0, |old| old.total_bytes),
            suspended_at: published.and_then(|old| old.suspended_at),
            organisation_suspended: published.is_some_and(|old| old.organisation_suspended),
            published_at: published.and_then(|old| old.published_at),
            created_at: published.map_or(now, |old| old.created_at),
            updated_at: published.map_or(now, |old| old.updated_at),
        }
    }
}

impl DatasetError {
    /// The field of a text that can't be taken, such as `title.zh-TW`.
    pub fn text_field(field: &str, language: Option<Language>) -> String {
        language.map_or_else(|| field.to_owned(), |language| format!("{field}.{}", language.tag()))
    }
}

/// Takes every text of a description, or says which can't be taken.
fn tidy(description: &mut DatasetDescription) -> Result<(), DatasetError> {
    let wrong = |field| move |(language, error)| DatasetError::Text { field, language: Some(language), error };
    let wrong_line = |field| move |error| DatasetError::Text { field, language: None, error };
    description.title = texts::taken(&description.title, texts::title).map_err(wrong("title"))?;
    description.summary = texts::taken(&description.summary, texts::summary).map_err(wrong("summary"))?;
    description.description =
        texts::taken(&description.description, texts::description).map_err(wrong("description"))?;
    description.publisher = texts::taken(&description.publisher, texts::line).map_err(wrong("publisher"))?;
    description.licence = match texts::line(&description.licence) {
        Err(TextError::Empty) => String::new(),
        licence => licence.map_err(wrong_line("licence"))?,
    };
    if description.tags.len() > texts::TAGS_MAX {
        return Err(DatasetError::TooManyTags);
    }
    for tag in &mut description.tags {
        *tag = texts::tag(tag).map_err(wrong_line("tags"))?;
    }
    if description.info.len() > texts::INFO_MAX {
        return Err(DatasetError::TooMuchInfo);
    }
    for InfoField { name, value } in &mut description.info {
        *name = texts::line(name).map_err(wrong_line("info"))?;
        *value = texts::taken(value, texts::info_value).map_err(wrong("info"))?;
    }
    Ok(())
}

/// Checks what is to be signed and filled in.
fn check_terms(description: &DatasetDescription, completeness: Completeness) -> Result<(), DatasetError> {
    let DatasetDescription { mode, agreements, form, .. } = description;
    match mode {
        AccessMode::Open if !agreements.is_empty() => return Err(DatasetError::AgreementOnOpen),
        AccessMode::Open if form.is_some() => return Err(DatasetError::FormOnOpen),
        AccessMode::Agreement | AccessMode::Approval
            if agreements.is_empty() && completeness == Completeness::Complete =>
        {
            return Err(DatasetError::AgreementMissing(*mode));
        }
        _ => {}
    }
    if agreements.len() > AGREEMENTS_MAX {
        return Err(DatasetError::TooManyAgreements);
    }
    let twice = agreements.iter().enumerate().find(|(n, slug)| agreements[..*n].contains(slug));
    twice.map_or(Ok(()), |(_, slug)| Err(DatasetError::AgreementTwice(slug.clone())))
}

/// The committee that bears the dataset's own name, if the description brings one.
fn own_committee(
    description: &DatasetDescription,
    completeness: Completeness,
) -> Result<Option<NewCommittee>, DatasetError> {
    let (reviewers, quorum) = match &description.committee {
        CommitteeChoice::None if description.mode == AccessMode::Approval && completeness == Completeness::Complete => {
            return Err(DatasetError::NoCommittee);
        }
        CommitteeChoice::None | CommitteeChoice::Named(_) => return Ok(None),
        CommitteeChoice::Own { reviewers, quorum } => (reviewers.clone(), *quorum),
    };
    let (slug, name) = (description.slug.clone(), description.title.clone());
    NewCommittee::parse(CommitteeDescription { slug, name, members: reviewers, quorum }).map(Some).map_err(|error| {
        match error {
            CommitteeError::Name(TextError::Empty) => DatasetError::NoTitle,
            CommitteeError::Name(error) => DatasetError::Text { field: "title", language: None, error },
            CommitteeError::NoQuorum => DatasetError::NoQuorum,
            CommitteeError::TooFewMembers(quorum) => DatasetError::TooFewReviewers(quorum),
            CommitteeError::MemberTwice(email) => DatasetError::ReviewerTwice(email),
            CommitteeError::TooManyMembers => DatasetError::TooManyReviewers,
        }
    })
}

/// What a draft lacks before it can be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// What its users sign.
    Agreement,
    /// Who decides.
    Committee,
    /// Files.
    Files,
}

words! {
    Missing {
        Agreement = "agreement",
        Committee = "committee",
        Files = "files",
    }
}

/// What a dataset lacks before everybody may see it.
pub fn missing(dataset: &Dataset) -> Vec<Missing> {
    let lacks = |missing: &Missing| match missing {
        Missing::Agreement => dataset.mode.needs_agreement() && dataset.agreements.is_empty(),
        Missing::Committee => dataset.mode.is_reviewed() && dataset.committee.is_none(),
        Missing::Files => dataset.newest_release == 0,
    };
    Missing::ALL.into_iter().filter(lacks).collect()
}

/// Whether somebody may publish a draft.
///
/// # Errors
/// As [`Officer::check_steward`]; [`Refusal::PublishedAlready`], [`Refusal::Incomplete`].
pub fn check_publish(by: Officer<'_>, dataset: &Dataset) -> Result<(), Refusal> {
    by.check_steward()?;
    if dataset.is_published() {
        return Err(Refusal::PublishedAlready);
    }
    if missing(dataset).is_empty() { Ok(()) } else { Err(Refusal::Incomplete) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::text::Language;

    type Bend = fn(&mut DatasetDescription);

    fn description(mode: AccessMode) -> DatasetDescription {
        let text = |text: &str| Localised(BTreeMap::from([(Language::English, text.to_owned())]));
        DatasetDescription {
            organisation: None,
            slug: "chest-x-rays".parse().unwrap(),
            title: text("Chest X-rays"),
            summary: text("."),
            description: text("."),
            licence: "CC0".into(),
            publisher: text("Us"),
            tags: vec!["b".into(), "a".into(), "b".into()],
            info: Vec::new(),
            related: Vec::new(),
            mode,
            agreements: mode.needs_agreement().then(|| "terms".parse().unwrap()).into_iter().collect(),
            form: None,
            committee: CommitteeChoice::Own {
                reviewers: vec!["a@demo.example".parse().unwrap(), "b@demo.example".parse().unwrap()],
                quorum: 2,
            },
            grant_days: 365,
            later_releases: Later::default(),
            later_members: Later::default(),
            position: 0,
            root: "/srv/data".into(),
            import_settings: ImportSettings::default(),
        }
    }

    fn of(reviewers: &[&str], quorum: u32) -> CommitteeChoice {
        let reviewers = reviewers.iter().map(|address| address.parse().unwrap()).collect();
        CommitteeChoice::Own { reviewers, quorum }
    }

    #[test]
    fn what_nobody_could_decide_is_not_published() {
        for mode in AccessMode::ALL {
            let new = NewDataset::parse(description(mode)).unwrap();
            let (first, second) = (DatasetId(uuid::Uuid::nil()), DatasetId(uuid::Uuid::max()));
            let organisation = OrganisationId(uuid::Uuid::nil());
            let terms = Terms { organisation, agreements: Vec::new(), form: None, committee: None };
            let dataset = new.publish(first, terms.clone(), None, Timestamp(1));
            assert_eq!(dataset.tags, ["a", "b"]);
            let again = new.publish(second, terms, Some(&dataset), Timestamp(2));
            assert_eq!(again, dataset, "the same again is the same");
        }
        let bends: [(&str, Bend); 12] = [
            ("agreements: at least one is needed", |d| d.agreements.clear()),
            ("agreements: an open dataset", |d| d.mode = AccessMode::Open),
            ("agreements: terms is there twice", |d| d.agreements.push("terms".parse().unwrap())),
            ("form: an open dataset", |d| {
                (d.mode, d.form) = (AccessMode::Open, Some("form".parse().unwrap()));
                d.agreements.clear();
            }),
            ("committee: is needed", |d| d.committee = CommitteeChoice::None),
            ("quorum", |d| d.committee = of(&["a@demo.example"], 0)),
            ("reviewers: 3 approvals", |d| d.committee = of(&["a@demo.example", "b@demo.example"], 3)),
            ("reviewers: A@demo.example is there twice", |d| {
                d.committee = of(&["a@demo.example", "A@demo.example"], 1);
            }),
            ("grant_days", |d| d.grant_days = 0),
            ("grant_days", |d| d.grant_days = 36_501),
            ("related: up to 12", |d| d.related = vec!["scans".parse().unwrap(); 13]),
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
