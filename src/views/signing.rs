//! The signing page: the agreement in force, the applicant's draft, and the actions that they may take.

use super::datasets::access_of;
use super::text_changes::{Piece, word_changes};
use super::timeline::{Audience, last_comment, of_request};
use crate::domain::Timestamp;
use crate::domain::access_request::commands::RequestAction;
use crate::domain::access_request::rules::permitted_actions;
use crate::domain::access_request::signing::{ProjectTerms, Terms};
use crate::domain::access_request::{Stage, Standing};
use crate::domain::agreement::AgreementVersion;
use crate::domain::dataset::Dataset;
use crate::domain::form::{Answers, fingerprint};
use crate::domain::ids::{FormVersionId, PersonId, RequestId, VersionId};
use crate::domain::new_version::ToSign;
use crate::domain::project::{Project, WantedProject};
use crate::domain::text::{Language, Sha256, Slug};
use crate::store::access_requests::StoredRequest;
use crate::store::grants::GrantWithNames;
use crate::store::log::LogArchive;
use crate::store::{
    AnyConnection, RequestFacts, Result, agreements, forms, grants, new_versions, projects, signatures,
};

/// What an applicant signs and fills in, and their answers so far.
#[derive(Clone, Debug)]
pub struct SigningContext {
    /// The dataset.
    pub dataset: Dataset,
    /// What is to be signed and filled in.
    pub terms: Terms,
    /// How far the applicant has come towards access.
    pub standing: Standing,
    /// The request that is still open, if there is one.
    pub open: Option<StoredRequest>,
    /// The comment of the reviewer who asked for changes.
    pub comment: Option<String>,
    /// What is saved so far is known by this.
    pub draft: Sha256,
    /// The applicant's other projects, one of which it may be for instead of a new one.
    pub projects: Vec<Project>,
    /// What the applicant may do.
    pub permitted: Vec<RequestAction>,
    /// What newer versions are signed for, where that is what the page is for.
    pub renewal: Option<Renewal>,
}

/// What newer versions of agreements are signed for.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// When access stops.
    pub stops_at: Timestamp,
    /// Whether it has.
    pub has_stopped: bool,
    /// The other grants that the same signature is for.
    pub others: Vec<GrantWithNames>,
}

impl SigningContext {
    /// Whether a draft can be kept.
    pub fn may_save(&self) -> bool {
        self.renewal.is_none() && self.permitted.contains(&RequestAction::SaveDraft)
    }

    /// Whether it can be signed.
    pub fn may_sign(&self) -> bool {
        let actions: &[_] = match self.renewal {
            Some(_) => &[RequestAction::SignNewVersions],
            None => &[RequestAction::Sign, RequestAction::SignAsMember],
        };
        actions.iter().any(|action| self.permitted.contains(action))
    }
}

/// What changed in an agreement since the version that somebody knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementChanges {
    /// The version that they know.
    pub known: AgreementVersion,
    /// What changed in the text; nothing when only its title or boxes did.
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
    (wanted, now): (WantedProject, Timestamp),
) -> Result<Option<SigningContext>> {
    let Some(facts) = RequestFacts::of_applicant(conn, slug, person, (wanted, now))? else { return Ok(None) };
    if !facts.dataset.mode.needs_agreement() {
        return Ok(None);
    }
    let (access, permitted) = access_of(&facts, now);
    let project = facts.project_terms();
    let RequestFacts { actor, dataset, versions, form_version, request, .. } = facts;
    let Some(terms) = terms(conn, (&versions, form_version), project)? else { return Ok(None) };
    let projects = if terms.project == ProjectTerms::Asked && request.is_none() {
        projects::running_of_lead(conn, actor.id, now)?
    } else {
        Vec::new()
    };
    let open = request.filter(|stored| !stored.request.stage.is_final());
    let comment = match &open {
        Some(stored) if stored.request.stage == Stage::Returned => {
            last_comment(&of_request(conn, archive, stored.request.id, Audience::Applicants)?).map(str::to_owned)
        }
        _ => None,
    };
    let draft = fingerprint(open.as_ref().map_or(&Answers::new(), |stored| &stored.answers));
    let standing = access.standing;
    let renewal = None;
    Ok(Some(SigningContext { dataset, terms, standing, open, comment, draft, projects, permitted, renewal }))
}

/// The signing page of another member of a request's project; `None` for everybody else.
///
/// # Errors
/// When the database fails.
pub fn member_context(
    conn: &mut AnyConnection,
    id: RequestId,
    person: PersonId,
    now: Timestamp,
) -> Result<Option<SigningContext>> {
    let Some(facts) = RequestFacts::of_request(conn, id, person)? else { return Ok(None) };
    let is_other = facts.members.contains(&person) && facts.request().is_some_and(|own| own.applicant != person);
    if !is_other {
        return Ok(None);
    }
    let versions = facts.versions.clone();
    own_context(conn, facts, (&versions, None), now)
}

/// The page on which somebody signs the newer versions that their access by a request rests on; `None` for everybody else, and
/// when there are none.
///
/// # Errors
/// When the database fails.
pub fn renewal_context(
    conn: &mut AnyConnection,
    id: RequestId,
    person: PersonId,
    now: Timestamp,
) -> Result<Option<SigningContext>> {
    let Some(facts) = RequestFacts::of_request(conn, id, person)? else { return Ok(None) };
    let Some(ToSign { grant, versions }) = facts.to_sign.clone() else { return Ok(None) };
    let mut others = Vec::new();
    for line in grants::to_sign_of(conn, person, now)? {
        let other = new_versions::to_sign(conn, line.grant.request, person)?;
        if line.grant.request != id && other.is_some_and(|other| other.is_covered_by(&versions)) {
            others.push(line);
        }
    }
    let stops_at = grant.stops_at();
    own_context(conn, facts, (&versions, Some(Renewal { stops_at, has_stopped: stops_at <= now, others })), now)
}

/// The page on which somebody signs for themselves under a request that is there.
fn own_context(
    conn: &mut AnyConnection,
    facts: RequestFacts,
    (versions, renewal): (&[VersionId], Option<Renewal>),
    now: Timestamp,
) -> Result<Option<SigningContext>> {
    let permitted = permitted_actions(&facts.situation(), now);
    let RequestFacts { dataset, project, request, .. } = facts;
    let Some(stored) = request else { return Ok(None) };
    let standing = Standing::Waiting(stored.request.id);
    let project = project.map_or(ProjectTerms::NotAsked, |(project, _)| ProjectTerms::Settled(Box::new(project)));
    let Some(terms) = terms(conn, (versions, None), project)? else { return Ok(None) };
    let draft = fingerprint(&Answers::new());
    let (open, comment, projects) = (None, None, Vec::new());
    Ok(Some(SigningContext { dataset, terms, standing, open, comment, draft, projects, permitted, renewal }))
}

/// What is in force; `None` where nothing can be signed.
fn terms(
    conn: &mut AnyConnection,
    (versions, form_version): (&[VersionId], Option<FormVersionId>),
    project: ProjectTerms,
) -> Result<Option<Terms>> {
    let mut agreements = Vec::with_capacity(versions.len());
    for id in versions {
        agreements.extend(agreements::version(conn, *id)?);
    }
    let form = match form_version {
        Some(id) => forms::version(conn, id)?,
        None => None,
    };
    Ok((!agreements.is_empty()).then_some(Terms { agreements, form, project }))
}

/// What changed, in this language, since the version that an applicant has on the page, or else signed last; `None` when that
/// is the one in force.
///
/// # Errors
/// When the database fails.
pub fn changes(
    conn: &mut AnyConnection,
    in_force: &AgreementVersion,
    (person, shown): (PersonId, &[VersionId]),
    language: Language,
) -> Result<Option<AgreementChanges>> {
    let Some(known) = known_version(conn, in_force, person, shown)? else { return Ok(None) };
    let pieces = match (known.text(language), in_force.text(language)) {
        (Some(old), Some(new)) => word_changes(&old.body, &new.body),
        _ => Vec::new(),
    };
    Ok(Some(AgreementChanges { known, pieces }))
}

/// The version of an agreement that somebody knows: one that they have on the page, or else signed last; `None` when that is the
/// one in force.
fn known_version(
    conn: &mut AnyConnection,
    in_force: &AgreementVersion,
    person: PersonId,
    shown: &[VersionId],
) -> Result<Option<AgreementVersion>> {
    for id in shown.iter().filter(|id| **id != in_force.id) {
        let version = agreements::version(conn, *id)?;
        if let Some(version) = version.filter(|version| version.agreement == in_force.agreement) {
            return Ok(Some(version));
        }
    }
    match signatures::last_signed_version(conn, person, in_force.agreement)? {
        Some(last) if last != in_force.id => agreements::version(conn, last),
        _ => Ok(None),
    }
}
