//! A form to read: one version of it, the others, and the datasets whose users fill it in.

use crate::domain::Timestamp;
use crate::domain::dataset::Dataset;
use crate::domain::form::FormVersion;
use crate::domain::text::Slug;
use crate::store::{AnyConnection, Result, datasets, forms};

/// A version of a form and what is around it.
#[derive(Clone, Debug)]
pub struct FormView {
    /// The version.
    pub version: FormVersion,
    /// Numbers and times of publication of all versions, the newest first.
    pub versions: Vec<(u32, Timestamp)>,
    /// Datasets whose users fill it in.
    pub datasets: Vec<Dataset>,
}

impl FormView {
    /// Whether this version is the one that is filled in today.
    pub fn is_in_force(&self) -> bool {
        self.versions.first().is_some_and(|(newest, _)| *newest == self.version.number)
    }
}

/// Datasets that are listed at most.
const MAX_DATASETS: i64 = 20;

/// A version of a form; without a number the one in force. `None` when there is no such form or version.
///
/// # Errors
/// When the database fails.
pub fn form(conn: &mut AnyConnection, slug: &Slug, number: Option<u32>) -> Result<Option<FormView>> {
    let Some(form) = forms::id_of(conn, slug)? else { return Ok(None) };
    let version = match number {
        None => forms::in_force(conn, form)?,
        Some(number) => forms::version_by_number(conn, form, number)?,
    };
    let Some(version) = version else { return Ok(None) };
    let versions = forms::versions_of(conn, form)?;
    let datasets = datasets::with_form(conn, form, MAX_DATASETS)?;
    Ok(Some(FormView { version, versions, datasets }))
}
