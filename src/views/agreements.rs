//! An agreement to read: one version of it, the others, and the datasets whose users sign it.

use super::text_changes::{Piece, word_changes};
use crate::domain::Timestamp;
use crate::domain::agreement::AgreementVersion;
use crate::domain::dataset::Dataset;
use crate::domain::ids::OrganisationId;
use crate::domain::organisation::Organisation;
use crate::domain::text::{Language, Slug};
use crate::domain::words::words;
use crate::store::new_versions::{self, Concerned};
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

/// The version in force as those see it who publish the next.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The version.
    pub version: AgreementVersion,
    /// Whose access rests on the agreement, in whichever version: who would have to sign a new one.
    pub resting: Concerned,
    /// Of them, those who have not signed the version in force.
    pub not_signed: Concerned,
    /// Versions before it that have to be signed by those who signed an even earlier one, and when it is too late.
    pub earlier: Vec<(u32, Timestamp)>,
}

/// The version in force of an agreement of this organisation; `None` if it has no such agreement.
///
/// # Errors
/// When the database fails.
pub fn in_force(
    conn: &mut AnyConnection,
    organisation: OrganisationId,
    slug: &Slug,
    now: Timestamp,
) -> Result<Option<InForce>> {
    let owned = agreements::owned_by(conn, slug)?.filter(|(_, owner)| *owner == organisation);
    let Some((agreement, _)) = owned else { return Ok(None) };
    let Some(version) = agreements::in_force(conn, agreement)? else { return Ok(None) };
    let resting = new_versions::resting_on(conn, agreement, None, now)?;
    let not_signed = new_versions::resting_on(conn, agreement, Some(version.id), now)?;
    let earlier = agreements::earlier_deadlines(conn, &version)?;
    Ok(Some(InForce { version, resting, not_signed, earlier }))
}

/// What changed from one version of an agreement to another, in one language.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Numbers and times of publication of all versions, the newest first.
    pub versions: Vec<(u32, Timestamp)>,
    /// The version that is compared.
    pub from: AgreementVersion,
    /// The version that it is compared with.
    pub to: AgreementVersion,
    /// The language.
    pub language: Language,
    /// The languages that both have.
    pub languages: Vec<Language>,
    /// What changed: in which part, and how. Parts that did not are not there.
    pub changes: Vec<(ComparedPart, Vec<Piece>)>,
}

/// A part of an agreement that may change from version to version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ComparedPart {
    /// Its title.
    Title,
    /// Its text.
    Text,
    /// The words by which it is agreed to.
    Statement,
    /// The words by which signing electronically is consented to.
    Consent,
}

words! {
    ComparedPart {
        Title = "title",
        Text = "text",
        Statement = "statement",
        Consent = "consent",
    }
}

/// Compares two versions of an agreement; without numbers the newest with the one before it. `None` when there is no such
/// agreement or version.
///
/// # Errors
/// When the database fails.
pub fn compare(
    conn: &mut AnyConnection,
    slug: &Slug,
    (from, to): (Option<u32>, Option<u32>),
    language: Language,
) -> Result<Option<Comparison>> {
    let Some((agreement, _)) = agreements::owned_by(conn, slug)? else { return Ok(None) };
    let versions = agreements::versions(conn, agreement)?;
    let newest = versions.first().map_or(0, |(number, _)| *number);
    let to = to.unwrap_or(newest);
    let from = from.unwrap_or_else(|| to.saturating_sub(1).max(1));
    let (Some(from), Some(to)) = (numbered(conn, slug, from)?, numbered(conn, slug, to)?) else { return Ok(None) };
    let has = |version: &AgreementVersion, language| version.texts.iter().any(|text| text.language == language);
    let languages: Vec<Language> =
        Language::ALL.into_iter().filter(|language| has(&from, *language) && has(&to, *language)).collect();
    // Texts in different languages differ in every word.
    let wanted = [language, to.binding].into_iter().find(|language| languages.contains(language));
    let language = wanted.or_else(|| languages.first().copied()).unwrap_or(to.binding);
    let text = |version: &AgreementVersion| version.text(language).map(|text| text.body.clone()).unwrap_or_default();
    let parts = [
        (ComparedPart::Title, from.title.text(language).to_owned(), to.title.text(language).to_owned()),
        (ComparedPart::Text, text(&from), text(&to)),
        (ComparedPart::Statement, from.statement.text(language).to_owned(), to.statement.text(language).to_owned()),
        (ComparedPart::Consent, from.consent.text(language).to_owned(), to.consent.text(language).to_owned()),
    ];
    let changes = parts.map(|(part, old, new)| (part, word_changes(&old, &new)));
    let changes = changes.into_iter().filter(|(_, pieces)| !pieces.is_empty()).collect();
    Ok(Some(Comparison { versions, from, to, language, languages, changes }))
}

fn numbered(conn: &mut AnyConnection, slug: &Slug, number: u32) -> Result<Option<AgreementVersion>> {
    match agreements::id_of_version(conn, slug, number)? {
        Some(id) => agreements::version(conn, id),
        None => Ok(None),
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
        Some(number) => numbered(conn, slug, number)?,
    };
    let Some(version) = version else { return Ok(None) };
    let versions = agreements::versions(conn, agreement)?;
    let datasets = datasets::with_agreement(conn, agreement, MAX_DATASETS)?;
    let organisation = organisations::among_several(conn, owner)?;
    Ok(Some(AgreementView { version, versions, organisation, datasets }))
}
