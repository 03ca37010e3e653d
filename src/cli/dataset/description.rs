//! The file that describes a dataset.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::dataset::{
    AccessMode, CommitteeChoice, Dataset, DatasetDescription, ImportSettings, InfoField, Later,
};
use crate::domain::localised::Localised;
use crate::domain::preview::PreviewLevel;
use crate::domain::text::{Email, Slug};
use crate::views::manage::Named;

/// The contents of the file.
#[derive(Deserialize, Serialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field is what the file calls it")]
pub(super) struct Description {
    /// The organisation that it belongs to, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<Slug>,
    slug: Slug,
    title: Localised,
    summary: Localised,
    description: Localised,
    licence: String,
    publisher: Localised,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    info: Vec<InfoField>,
    /// Datasets that the page names first, by their slugs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    related: Vec<Slug>,
    mode: AccessMode,
    /// What its users sign, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    agreements: Vec<Slug>,
    /// What they fill in.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<Slug>,
    /// The organisation's committee that decides about requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    committee: Option<Slug>,
    /// Instead of that, a committee of the dataset's own: addresses of accounts, and the approvals needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reviewers: Vec<Email>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quorum: Option<u32>,
    #[serde(default = "a_year")]
    grant_days: u32,
    /// Whether a grant covers releases that come after it: `included`, or `requested` for one request each.
    #[serde(default)]
    later_releases: Later,
    /// Whether a decision covers members of the project who sign after it, likewise.
    #[serde(default)]
    later_members: Later,
    /// How much of its tables everybody sees: `nothing`, `schema`, `statistics`, `rows`.
    #[serde(default)]
    preview: PreviewLevel,
    #[serde(default)]
    position: i64,
    /// Where the files are: a folder, relative to the description; `s3://BUCKET/PREFIX`; or `https://HOST/PATH`.
    root: String,
    /// What to leave out: names of files or folders, with stars, such as `*.tmp` or `.git`; or paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) exclude: Vec<String>,
    /// For files behind another HTTP server: a list of them, relative to the description. A path a line, or `SHA256SUMS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manifest: Option<PathBuf>,
}

const fn a_year() -> u32 {
    365
}

impl Description {
    /// The file that describes a dataset.
    pub(super) fn of(dataset: Dataset, named: Named, organisation: Option<Slug>) -> Self {
        let ImportSettings { exclude, manifest } = dataset.import_settings;
        Self {
            organisation,
            slug: dataset.slug,
            title: dataset.title,
            summary: dataset.summary,
            description: dataset.description,
            licence: dataset.licence,
            publisher: dataset.publisher,
            tags: dataset.tags,
            related: dataset.related,
            mode: dataset.mode,
            agreements: named.agreements,
            form: named.form,
            committee: named.committee,
            reviewers: Vec::new(),
            quorum: None,
            grant_days: dataset.grant_days,
            later_releases: dataset.later_releases,
            later_members: dataset.later_members,
            preview: dataset.preview,
            position: named.position,
            root: dataset.root,
            exclude,
            manifest: manifest.map(PathBuf::from),
            info: dataset.info,
        }
    }
}

impl TryFrom<Description> for DatasetDescription {
    type Error = String;

    fn try_from(file: Description) -> Result<Self, String> {
        let committee = match (file.committee, file.quorum) {
            (Some(_), Some(_)) => return Err("quorum: is the committee's own; leave it out here".into()),
            (Some(_), None) if !file.reviewers.is_empty() => {
                return Err("reviewers: are the committee's own; name the committee or the reviewers".into());
            }
            (Some(slug), None) => CommitteeChoice::Named(slug),
            (None, None) if file.reviewers.is_empty() && file.mode != AccessMode::Approval => CommitteeChoice::None,
            (None, quorum) => CommitteeChoice::Own { reviewers: file.reviewers, quorum: quorum.unwrap_or(1) },
        };
        Ok(Self {
            organisation: file.organisation,
            slug: file.slug,
            title: file.title,
            summary: file.summary,
            description: file.description,
            licence: file.licence,
            publisher: file.publisher,
            tags: file.tags,
            info: file.info,
            related: file.related,
            mode: file.mode,
            agreements: file.agreements,
            form: file.form,
            committee,
            grant_days: file.grant_days,
            later_releases: file.later_releases,
            later_members: file.later_members,
            preview: file.preview,
            position: file.position,
            root: file.root,
            import_settings: ImportSettings {
                exclude: file.exclude,
                manifest: file.manifest.map(|file| file.to_string_lossy().into_owned()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::text::Language;

    fn text() -> impl Strategy<Value = Localised> {
        let language = prop::sample::select(Language::ALL.to_vec());
        prop::collection::btree_map(language, "[\\PC\n\t\"'\\\\]{0,40}", 0..3).prop_map(Localised)
    }

    fn slug() -> impl Strategy<Value = Slug> {
        "[a-z][a-z0-9-]{1,8}[a-z0-9]".prop_filter_map("a slug", |slug| slug.parse().ok())
    }

    fn description() -> impl Strategy<Value = Description> {
        let texts = (text(), text(), text(), text(), "\\PC{0,20}");
        let info =
            prop::collection::vec(("\\PC{0,10}", text()).prop_map(|(name, value)| InfoField { name, value }), 0..3);
        let lists = (
            prop::collection::vec("\\PC{0,8}", 0..3),
            prop::collection::vec(slug(), 0..3),
            prop::collection::vec(slug(), 0..3),
            prop::collection::vec("\\PC{0,8}", 0..3),
        );
        let later = || prop::sample::select(Later::ALL.to_vec());
        let names = (slug(), prop::option::of(slug()), prop::option::of(slug()), prop::option::of(slug()));
        let preview = prop::sample::select(PreviewLevel::ALL.to_vec());
        let mode = prop::sample::select(AccessMode::ALL.to_vec());
        let terms = (mode, 1_u32..40_000, (later(), later(), preview), any::<i64>());
        (texts, info, lists, names, terms, "\\PC{1,20}", prop::option::of("[a-z/]{1,9}")).prop_map(
            |(texts, info, lists, names, terms, root, manifest)| {
                let (title, summary, description, publisher, licence) = texts;
                let (tags, related, agreements, exclude) = lists;
                let (slug, organisation, form, committee) = names;
                let (mode, grant_days, (later_releases, later_members, preview), position) = terms;
                Description {
                    organisation,
                    slug,
                    title,
                    summary,
                    description,
                    licence,
                    publisher,
                    tags,
                    info,
                    related,
                    mode,
                    agreements,
                    form,
                    committee,
                    reviewers: Vec::new(),
                    quorum: None,
                    grant_days,
                    later_releases,
                    later_members,
                    preview,
                    position,
                    root,
                    exclude,
                    manifest: manifest.map(PathBuf::from),
                }
            },
        )
    }

    proptest! {
        /// Whatever a dataset says of itself, the file that is written of it says the same.
        #[test]
        fn what_is_exported_is_read_back(description in description()) {
            let text = toml::to_string(&description).unwrap();
            prop_assert_eq!(toml::from_str::<Description>(&text).unwrap(), description, "{}", text);
        }
    }
}
