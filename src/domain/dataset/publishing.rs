//! Publishing a dataset: the checks that its description must pass.

use super::description::{AGREEMENTS_MAX, GRANT_DAYS_MAX, RELATED_MAX};
use super::{AccessMode, CommitteeChoice, Dataset, DatasetDescription, DatasetError, InfoField, texts};
use crate::domain::Timestamp;
use crate::domain::committee::{CommitteeDescription, CommitteeError, NewCommittee};
use crate::domain::ids::{AgreementId, CommitteeId, DatasetId, FormId, OrganisationId};
use crate::domain::localised::LocalisedError;
use crate::domain::text::{Slug, TextError};

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
            preview: new.preview,
            agreements,
            form,
            root: new.root,
            import_settings: new.import_settings,
            current_release: published.map_or(0, |old| old.current_release),
            newest_release: published.map_or(0, |old| old.newest_release),
            file_count: published.map_or(0, |old| old.file_count),
            total_bytes: published.map_or(0, |old| old.total_bytes),
            suspended_at: published.and_then(|old| old.suspended_at),
            retirement: published.and_then(|old| old.retirement.clone()),
            organisation_suspended: published.is_some_and(|old| old.organisation_suspended),
            published_at: published.and_then(|old| old.published_at),
            created_at: published.map_or(now, |old| old.created_at),
            updated_at: published.map_or(now, |old| old.updated_at),
        }
    }
}

/// Takes every text of a description, or says which can't be taken.
fn tidy(description: &mut DatasetDescription) -> Result<(), DatasetError> {
    let wrong = |field| move |(language, error)| DatasetError::Text { field, language: Some(language), error };
    let wrong_line = |field| move |error| DatasetError::Text { field, language: None, error };
    description.title = description.title.parsed(texts::parse_title).map_err(wrong("title"))?;
    description.summary = description.summary.parsed(texts::parse_summary).map_err(wrong("summary"))?;
    description.description = description.description.parsed(texts::parse_description).map_err(wrong("description"))?;
    description.publisher = description.publisher.parsed(texts::parse_line).map_err(wrong("publisher"))?;
    description.licence = match texts::parse_line(&description.licence) {
        Err(TextError::Empty) => String::new(),
        licence => licence.map_err(wrong_line("licence"))?,
    };
    if description.tags.len() > texts::TAGS_MAX {
        return Err(DatasetError::TooManyTags);
    }
    for tag in &mut description.tags {
        *tag = texts::parse_tag(tag).map_err(wrong_line("tags"))?;
    }
    if description.info.len() > texts::INFO_MAX {
        return Err(DatasetError::TooMuchInfo);
    }
    for (line, InfoField { name, value }) in description.info.iter_mut().enumerate() {
        let wrong = |error: LocalisedError| DatasetError::Info { line, language: error.language, error: error.error };
        *name = texts::parse_line(name).map_err(|error| wrong(LocalisedError { language: None, error }))?;
        *value = value.parsed(texts::parse_info_value).map_err(|error| wrong(error.into()))?;
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
    let description = CommitteeDescription { slug, name, members: reviewers, quorum, deadlines: None };
    NewCommittee::parse(description).map(Some).map_err(|error| match error {
        CommitteeError::Name(LocalisedError::EMPTY) => DatasetError::NoTitle,
        CommitteeError::Name(LocalisedError { language, error }) => {
            DatasetError::Text { field: "title", language, error }
        }
        CommitteeError::NoQuorum => DatasetError::NoQuorum,
        CommitteeError::TooFewMembers(quorum) => DatasetError::TooFewReviewers(quorum),
        CommitteeError::MemberTwice(email) => DatasetError::ReviewerTwice(email),
        CommitteeError::TooManyMembers => DatasetError::TooManyReviewers,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::dataset::{ImportSettings, Later};
    use crate::domain::localised::Localised;
    use crate::domain::preview::PreviewLevel;
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
            preview: PreviewLevel::default(),
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
