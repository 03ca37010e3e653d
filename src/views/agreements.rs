//! An agreement to read: one version of it, the others, and the datasets whose users sign it.

use crate::domain::Timestamp;
use crate::domain::agreement::AgreementVersion;
use crate::domain::dataset::Dataset;
use crate::domain::organisation::Organisation;
use crate::domain::text::Slug;
use crate::store::{AnyConnection, Result, agreements, datasets, organisations};

/// A version of an agreement and what is around it.
#[derive(Clone, Debug)]
pub struct AgreementView {
    /// The version.
    pub version: AgreementVersion,
    /// Numbers and times of publication of all versions, the newest first.
    pub versions: Vec<(u32, Timestamp)>,
    /// The organisation that it belongs to, where there are several.
    pub organisation: Option<Organisation>,
    /// Datasets whose users sign it.
    pub datasets: Vec<Dataset>,
}

impl AgreementView {
    /// Whether this version is the one that is signed today.
    pub fn is_in_force(&self) -> bool {
        self.versions.first().is_some_and(|(newest, _)| *newest == self.version.number)
    }
}

/// Datasets that are listed at most.
const MAX_DATASETS: i64 = 20;

/// A version of an agreement; without a number the one in force. `None` when there is no such agreement or version.
///
/// # Errors
/// When the database fails.
pub fn agreement(conn: &mut AnyConnection, slug: &Slug, number: Option<u32>) -> Result<Option<AgreementView>> {
    let Some((agreement, owner)) = agreements::owned_by(conn, slug)? else { return Ok(None) };
    let version = match number {
        None => agreements::in_force(conn, agreement)?,
        Some(number) => match agreements::id_of_version(conn, slug, number)? {
            Some(id) => agreements::version(conn, id)?,
            None => None,
        },
    };
    let Some(version) = version else { return Ok(None) };
    let versions = agreements::versions(conn, agreement)?;
    let datasets = datasets::with_agreement(conn, agreement, MAX_DATASETS)?;
    let organisation = organisations::among_several(conn, owner)?;
    Ok(Some(AgreementView { version, versions, organisation, datasets }))
}
