//! What a dataset is, as the API takes and gives it to those who publish.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::dataset::{
    CommitteeChoice, DatasetDescription, DatasetError, ImportSettings, InfoField, NewDataset,
};
use crate::domain::localised::Localised;
use crate::domain::preview::PreviewLevel;
use crate::domain::text::{Slug, TextError};
use crate::views::manage::{DatasetDesk, Named};
use crate::web::api::datasets::InfoLine;
use crate::web::api::field_errors::FieldErrors;
use crate::web::error::WebError;
use crate::web::pages::manage::place_of;

/// What a dataset is.
#[derive(Serialize, Deserialize, Clone, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetBody {
    /// Its name in addresses; it never changes.
    pub slug: String,
    /// Its title.
    pub title: Localised,
    /// One or two sentences.
    #[serde(default)]
    pub summary: Localised,
    /// Markdown.
    #[serde(default)]
    pub description: Localised,
    /// Who publishes it.
    #[serde(default)]
    pub publisher: Localised,
    /// The licence.
    #[serde(default)]
    pub licence: String,
    /// Words to filter by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// *Additional info*.
    #[serde(default)]
    pub info: Vec<InfoLine>,
    /// Datasets that its page names first.
    #[serde(default)]
    pub related: Vec<String>,
    /// How people get access: `open`, `agreement`, `approval`.
    pub mode: String,
    /// The agreements that its users sign, in that order.
    #[serde(default)]
    pub agreements: Vec<String>,
    /// The form that they fill in.
    #[serde(default)]
    pub form: Option<String>,
    /// The committee that decides.
    #[serde(default)]
    pub committee: Option<String>,
    /// How long a grant lasts, in days.
    #[serde(default = "a_year")]
    pub grant_days: u32,
    /// Whether a grant covers releases that come after it: `included` or `requested`.
    #[serde(default = "included")]
    pub later_releases: String,
    /// Whether a decision covers members who sign after it: `included` or `requested`.
    #[serde(default = "included")]
    pub later_members: String,
    /// How much of its tables everybody sees: `nothing`, `schema`, `statistics`, `rows`.
    #[serde(default = "nothing")]
    pub preview: String,
    /// Its place in the catalogue; smaller numbers come first.
    #[serde(default)]
    pub position: i64,
}

const fn a_year() -> u32 {
    365
}

fn nothing() -> String {
    PreviewLevel::default().to_string()
}

fn included() -> String {
    "included".to_owned()
}

impl DatasetBody {
    /// A dataset as it is described now.
    pub fn of(desk: &DatasetDesk, named: &Named) -> Self {
        let dataset = &desk.managed.dataset;
        let words = |all: &[Slug]| all.iter().map(ToString::to_string).collect();
        Self {
            slug: dataset.slug.to_string(),
            title: dataset.title.clone(),
            summary: dataset.summary.clone(),
            description: dataset.description.clone(),
            publisher: dataset.publisher.clone(),
            licence: dataset.licence.clone(),
            tags: dataset.tags.clone(),
            info: dataset.info.iter().map(InfoLine::from).collect(),
            related: words(&dataset.related),
            mode: dataset.mode.to_string(),
            agreements: words(&named.agreements),
            form: named.form.as_ref().map(ToString::to_string),
            committee: named.committee.as_ref().map(ToString::to_string),
            grant_days: dataset.grant_days,
            later_releases: dataset.later_releases.to_string(),
            later_members: dataset.later_members.to_string(),
            preview: dataset.preview.to_string(),
            position: named.position,
        }
    }

    /// What was sent, if nothing is wrong with it. A published dataset lacks nothing.
    pub fn checked(&self, is_published: bool) -> Result<NewDataset, WebError> {
        let mut errors = FieldErrors::default();
        let slugs = |errors: &mut FieldErrors, pointer: &str, all: &[String]| -> Option<Vec<Slug>> {
            let parsed: Result<Vec<Slug>, TextError> = all.iter().map(|text| text.parse()).collect();
            errors.take(pointer, parsed)
        };
        let slug = errors.take("/slug", self.slug.parse());
        let related = slugs(&mut errors, "/related", &self.related);
        let agreements = slugs(&mut errors, "/agreements", &self.agreements);
        let form = errors.take("/form", self.form.as_deref().map(str::parse).transpose());
        let committee = errors.take("/committee", self.committee.as_deref().map(str::parse).transpose());
        let mode = errors.choose("/mode", &self.mode);
        let later_releases = errors.choose("/later_releases", &self.later_releases);
        let later_members = errors.choose("/later_members", &self.later_members);
        let preview = errors.choose("/preview", &self.preview);
        let parsed = (|| {
            Some(DatasetDescription {
                organisation: None,
                slug: slug?,
                title: self.title.clone(),
                summary: self.summary.clone(),
                description: self.description.clone(),
                licence: self.licence.clone(),
                publisher: self.publisher.clone(),
                tags: self.tags.clone(),
                info: self
                    .info
                    .iter()
                    .map(|line| InfoField { name: line.name.clone(), value: line.value.clone() })
                    .collect(),
                related: related?,
                mode: mode?,
                agreements: agreements?,
                form: form?,
                committee: committee?.map_or(CommitteeChoice::None, CommitteeChoice::Named),
                grant_days: self.grant_days,
                later_releases: later_releases?,
                later_members: later_members?,
                preview: preview?,
                position: self.position,
                root: String::new(),
                import_settings: ImportSettings::default(),
            })
        })();
        let description = errors.check(parsed)?;
        let new = if is_published { NewDataset::parse(description) } else { NewDataset::parse_draft(description) };
        new.map_err(|error| {
            let (field, fault) = place_of(&error);
            let field = match error {
                // The page has one field for each agreement, and one beside the other for what a line says.
                _ if field == "agreement" => "agreements".to_owned(),
                DatasetError::Info { line, language: Some(language), .. } => {
                    format!("info/{line}/value/{}", language.tag())
                }
                _ => field.replace('.', "/"),
            };
            FieldErrors::one(&format!("/{field}"), fault)
        })
    }
}
