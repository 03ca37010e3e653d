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
}

/// What changed in an agreement since the version that somebody knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementChanges {
    /// The version that they know.
    pub known: AgreementVersion,
    /// What changed in the text; nothing when only the questions did.
    pub pieces: Vec<Piece>,
}

/// The signing page of an applicant; `None` when the dataset has no agreement.
///
/// # Errors
/// When the database fails.
pub fn context(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    slug: &Slug,
    person: PersonId,
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
    let standing = access.standing;
    Ok(Some(SigningContext { dataset, version, standing, open, comment, draft, permitted }))
}

/// What changed, in this language, since the version that an applicant has on the page, or else signed last; `None` when that
/// is the one in force.
///
/// # Errors
/// When the database fails.
pub fn changes(
    conn: &mut AnyConnection,
    in_force: &AgreementVersion,
    (person, shown): (PersonId, Option<VersionId>),
    language: Language,
) -> Result<Option<AgreementChanges>> {
    let known = match shown {
        Some(shown) if shown != in_force.id => Some(shown),
        _ => signatures::last_signed_version(conn, person, in_force.agreement)?,
    };
    let Some(known) = known.filter(|known| *known != in_force.id) else { return Ok(None) };
    let known = agreements::version(conn, known)?.filter(|version| version.agreement == in_force.agreement);
    Ok(known.map(|known| {
        let pieces = match (known.text(language), in_force.text(language)) {
            (Some(old), Some(new)) => word_changes(&old.body, &new.body),
            _ => Vec::new(),
        };
        AgreementChanges { known, pieces }
    }))
}
