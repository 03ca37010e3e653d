//! The signing page: the agreement in force, the applicant's draft, and the actions that they may take.

use super::datasets::access_of;
use super::text_changes::{Piece, word_changes};
use super::timeline::{last_comment, of_request};
use crate::domain::Timestamp;
use crate::domain::access_request::rules::RequestAction;
use crate::domain::access_request::{Stage, Standing};
use crate::domain::agreement::{AgreementVersion, Answers, fingerprint};
use crate::domain::dataset::Dataset;
use crate::domain::ids::{PersonId, VersionId};
use crate::domain::text::{Language, Sha256, Slug};
use crate::store::access_requests::StoredRequest;
use crate::store::log::LogArchive;
use crate::store::{AnyConnection, RequestFacts, Result, agreements, signatures};

/// The agreement that an applicant signs, and their answers so far.
#[derive(Clone, Debug)]
pub struct SigningContext {
    /// The dataset.
    pub dataset: Dataset,
    /// The version that is to be signed.
    pub version: AgreementVersion,
    /// How far the applicant has come towards access.
    pub standing: Standing,
    /// The request that is still open, if there is one.
    pub open: Option<StoredRequest>,
    /// The comment of the reviewer who asked for changes.
    pub comment: Option<String>,
    /// What is saved so far is known by this.
    pub draft: Sha256,
    /// The version that the applicant knows, if it is not this one.
    pub known: Option<AgreementVersion>,
    /// What the applicant may do.
    pub permitted: Vec<RequestAction>,
}

impl SigningContext {
    /// Whether a draft can be kept.
    pub fn may_save(&self) -> bool {
        self.permitted.contains(&RequestAction::SaveDraft)
    }

    /// Whether it can be signed.
    pub fn may_sign(&self) -> bool {
        self.permitted.contains(&RequestAction::Sign)
    }

    /// What changed, in this language, since the version that the applicant knows.
    pub fn changes(&self, language: Language) -> Vec<Piece> {
        let text = |version: &AgreementVersion| version.text(language).map(|text| text.body.clone());
        match (self.known.as_ref().and_then(text), text(&self.version)) {
            (Some(old), Some(new)) => word_changes(&old, &new),
            _ => Vec::new(),
        }
    }
}

/// The signing page of an applicant, who was shown the version `shown` before, if any; `None` when the dataset has no
/// agreement.
///
/// # Errors
/// When the database fails.
pub fn context(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    slug: &Slug,
    (person, shown): (PersonId, Option<VersionId>),
    now: Timestamp,
) -> Result<Option<SigningContext>> {
    let Some(facts) = RequestFacts::of_applicant(conn, slug, person)? else { return Ok(None) };
    if !facts.dataset.mode.needs_agreement() {
        return Ok(None);
    }
    let (access, permitted) = access_of(&facts, now);
    let RequestFacts { dataset, version, request, .. } = facts;
    let Some(version) = version.map_or(Ok(None), |id| agreements::version(conn, id))? else { return Ok(None) };
    let open = request.filter(|stored| !stored.request.stage.is_final());
    let comment = match &open {
        Some(stored) if stored.request.stage == Stage::Returned => {
            last_comment(&of_request(conn, archive, stored.request.id)?).map(str::to_owned)
        }
        _ => None,
    };
    let draft = fingerprint(open.as_ref().map_or(&Answers::new(), |stored| &stored.answers));
    let known = known_version(conn, &version, (person, shown))?;
    let standing = access.standing;
    Ok(Some(SigningContext { dataset, version, standing, open, comment, draft, known, permitted }))
}

/// The version that the applicant has on the page, or else signed last, if it is not the one in force.
fn known_version(
    conn: &mut AnyConnection,
    in_force: &AgreementVersion,
    (person, shown): (PersonId, Option<VersionId>),
) -> Result<Option<AgreementVersion>> {
    let known = match shown {
        Some(shown) if shown != in_force.id => Some(shown),
        _ => signatures::last_signed_version(conn, person, in_force.agreement)?,
    };
    let Some(known) = known.filter(|known| *known != in_force.id) else { return Ok(None) };
    Ok(agreements::version(conn, known)?.filter(|version| version.agreement == in_force.agreement))
}
