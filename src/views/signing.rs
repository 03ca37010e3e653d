//! The signing page: the agreement in force, the applicant's draft, and the actions that they may take.

use super::datasets::access_of;
use super::timeline::{last_comment, of_request};
use crate::domain::Timestamp;
use crate::domain::access_request::rules::RequestAction;
use crate::domain::access_request::{Stage, Standing};
use crate::domain::agreement::AgreementVersion;
use crate::domain::dataset::Dataset;
use crate::domain::ids::PersonId;
use crate::domain::text::Slug;
use crate::store::access_requests::StoredRequest;
use crate::store::log::LogArchive;
use crate::store::{AnyConnection, RequestFacts, Result, agreements};

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
    Ok(Some(SigningContext { dataset, version, standing: access.standing, open, comment, permitted }))
}
