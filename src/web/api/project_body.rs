//! What a project is, as the API takes and gives it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::project::{ProjectDescription, ProjectField, ProjectForm};

/// What a project is.
#[derive(Serialize, Deserialize, Clone, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectBody {
    /// A short title.
    pub title: String,
    /// What the data is for: the question, the method, what will be published. At least 40 characters.
    pub purpose: String,
    /// The same in plain words, for the public.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lay_summary: String,
    /// The university, hospital or company that the work is done for.
    pub institution: String,
    /// The first day, such as `2026-11-29`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The last day. Access ends with it at the latest.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub until: String,
}

impl ProjectBody {
    /// What a project is, as the API shows it.
    pub fn of(description: &ProjectDescription) -> Self {
        let mut form = description.form();
        let mut take = |field| form.remove(&field).unwrap_or_default();
        Self {
            title: take(ProjectField::Title),
            purpose: take(ProjectField::Purpose),
            lay_summary: take(ProjectField::LaySummary),
            institution: take(ProjectField::Institution),
            from: take(ProjectField::From),
            until: take(ProjectField::Until),
        }
    }

    /// The same as typed in a form.
    pub fn form(&self) -> ProjectForm {
        BTreeMap::from([
            (ProjectField::Title, self.title.clone()),
            (ProjectField::Purpose, self.purpose.clone()),
            (ProjectField::LaySummary, self.lay_summary.clone()),
            (ProjectField::Institution, self.institution.clone()),
            (ProjectField::From, self.from.clone()),
            (ProjectField::Until, self.until.clone()),
        ])
    }
}

/// Where a field of a project stands in the JSON.
pub fn pointer(within: &str, field: ProjectField) -> String {
    format!("{within}/{}", field.as_str().replace('-', "_"))
}
