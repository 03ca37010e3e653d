//! Publishing a dataset: its description, from a file or a form, and the checks that it must pass.

use super::{AccessMode, Dataset, InfoField, Later, Localised};
use crate::domain::ids::{AgreementId, DatasetId, FormId, PersonId};
use crate::domain::person::Person;
use crate::domain::text::{Email, Slug};
use crate::domain::{Refusal, Timestamp};

/// The description of a dataset, from a file or a form.
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
    /// The datasets that its page names first, whether they are there or not.
    pub related: Vec<Slug>,
    /// How people get access to it.
    pub mode: AccessMode,
    /// Its agreements' names, in the order in which they are signed.
    pub agreements: Vec<Slug>,
    /// Its form's name.
    pub form: Option<Slug>,
    /// The addresses of its reviewers' accounts.
    pub reviewers: Vec<Email>,
    /// The number of approvals needed.
    pub quorum: u32,
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
    /// The quorum is 0.
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
    /// Too many related datasets.
    #[error("related: up to {RELATED_MAX} datasets can be named")]
    TooManyRelated,
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

/// A dataset that may be published.
#[derive(Clone, Debug)]
pub struct NewDataset(DatasetDescription);

impl NewDataset {
    /// Checks a description.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(mut description: DatasetDescription) -> Result<Self, DatasetError> {
        check_terms(&description)?;
        let DatasetDescription { mode, reviewers, quorum, .. } = &description;
        for (n, reviewer) in reviewers.iter().enumerate() {
            if reviewers[..n].iter().any(|earlier| earlier.key() == reviewer.key()) {
                return Err(DatasetError::ReviewerTwice(reviewer.clone()));
            }
        }
        if *mode == AccessMode::Approval {
            if *quorum == 0 {
                return Err(DatasetError::NoQuorum);
            }
            if reviewers.len() < *quorum as usize {
                return Err(DatasetError::TooFewReviewers(*quorum));
            }
        }
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
        Ok(Self(description))
    }

    /// This dataset with another root.
    #[must_use]
    pub fn with_root(mut self, root: String) -> Self {
        self.0.root = root;
        self
    }

    /// Its name in addresses.
    pub const fn slug(&self) -> &Slug {
        &self.0.slug
    }

    /// Where its files are.
    pub fn root(&self) -> &str {
        &self.0.root
    }

    /// Its agreements' names.
    pub fn agreements(&self) -> &[Slug] {
        &self.0.agreements
    }

    /// Its form's name.
    pub const fn form(&self) -> Option<&Slug> {
        self.0.form.as_ref()
    }

    /// The addresses of its reviewers' accounts.
    pub fn reviewers(&self) -> &[Email] {
        &self.0.reviewers
    }

    /// Its place in the catalogue.
    pub const fn position(&self) -> i64 {
        self.0.position
    }

    /// The dataset that this becomes: a new one under the id `fresh`, or `published` brought up to date.
    pub fn publish(
        &self,
        fresh: DatasetId,
        (agreements, form): (Vec<AgreementId>, Option<FormId>),
        published: Option<&Dataset>,
        now: Timestamp,
    ) -> Dataset {
        let new = self.0.clone();
        Dataset {
            id: published.map_or(fresh, |old| old.id),
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
            quorum: new.quorum,
            grant_days: new.grant_days,
            later_releases: new.later_releases,
            later_members: new.later_members,
            agreements,
            form,
            root: new.root,
            current_release: published.map_or(0, |old| old.current_release),
            newest_release: published.map_or(0, |old| old.newest_release),
            file_count: published.map_or(0, |old| old.file_count),
            total_bytes: published.map_or(0, |old| old.total_bytes),
            suspended_at: published.and_then(|old| old.suspended_at),
            created_at: published.map_or(now, |old| old.created_at),
            updated_at: published.map_or(now, |old| old.updated_at),
        }
    }
}

/// Checks what is to be signed and filled in.
fn check_terms(description: &DatasetDescription) -> Result<(), DatasetError> {
    let DatasetDescription { mode, agreements, form, .. } = description;
    match mode {
        AccessMode::Open if !agreements.is_empty() => return Err(DatasetError::AgreementOnOpen),
        AccessMode::Open if form.is_some() => return Err(DatasetError::FormOnOpen),
        AccessMode::Agreement | AccessMode::Approval if agreements.is_empty() => {
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

/// Whether this account may be a reviewer. An unverified address might belong to somebody else.
///
/// # Errors
/// [`Refusal::ReviewerUnknown`] or [`Refusal::ReviewerUnverified`], with the reviewer's place in the list.
pub fn check_reviewer(place: usize, found: Option<&Person>) -> Result<PersonId, Refusal> {
    let person = found.ok_or(Refusal::ReviewerUnknown(place))?;
    if person.email_verified_at.is_none() { Err(Refusal::ReviewerUnverified(place)) } else { Ok(person.id) }
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
            reviewers: vec!["a@demo.example".parse().unwrap(), "b@demo.example".parse().unwrap()],
            quorum: 2,
            grant_days: 365,
            later_releases: Later::default(),
            later_members: Later::default(),
            position: 0,
            root: "/srv/data".into(),
        }
    }

    #[test]
    fn what_nobody_could_decide_is_not_published() {
        for mode in AccessMode::ALL {
            let new = NewDataset::parse(description(mode)).unwrap();
            let (first, second) = (DatasetId(uuid::Uuid::nil()), DatasetId(uuid::Uuid::max()));
            let dataset = new.publish(first, (Vec::new(), None), None, Timestamp(1));
            assert_eq!(dataset.tags, ["a", "b"]);
            assert_eq!(
                new.publish(second, (Vec::new(), None), Some(&dataset), Timestamp(2)),
                dataset,
                "the same again is the same"
            );
        }
        let bends: [(&str, Bend); 11] = [
            ("agreements: at least one is needed", |d| d.agreements.clear()),
            ("agreements: an open dataset", |d| d.mode = AccessMode::Open),
            ("agreements: terms is there twice", |d| d.agreements.push("terms".parse().unwrap())),
            ("form: an open dataset", |d| {
                (d.mode, d.form) = (AccessMode::Open, Some("form".parse().unwrap()));
                d.agreements.clear();
            }),
            ("quorum", |d| d.quorum = 0),
            ("reviewers: 3 approvals", |d| d.quorum = 3),
            ("reviewers: A@demo.example is there twice", |d| d.reviewers.push("A@demo.example".parse().unwrap())),
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
