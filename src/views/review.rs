//! The reviewers' queue, and one request with everything needed to decide.

use super::projects::{MemberRow, member_rows};
use super::signatures::{AnsweredQuestion, ProjectChanges, answered, project_changes};
use super::timeline::{self, Audience, TimelineEntry};
use crate::domain::access_request::commands::RequestAction;
use crate::domain::access_request::conflicts::{PossibleConflict, possible_conflicts};
use crate::domain::access_request::quorum::{QuorumReach, approvals, deciders, next_approval_reaches_quorum};
use crate::domain::access_request::reading::check_read_case;
use crate::domain::access_request::rules::{check_action, may_approve, permitted_actions};
use crate::domain::access_request::signing::is_same_name;
use crate::domain::access_request::{AccessRequest, Stage};
use crate::domain::dataset::Dataset;
use crate::domain::ids::RequestId;
use crate::domain::member::{RequestCommittee, check_exclude};
use crate::domain::person::Person;
use crate::domain::project::Project;
use crate::domain::{Refusal, Timestamp};
use crate::store::access_requests::StoredRequest;
use crate::store::log::LogArchive;
use crate::store::request_lists::{self, RequestLine};
use crate::store::signatures::{self, StoredSignature};
use crate::store::{AnyConnection, Cursor, PageOf, RequestFacts, Result, grants, members, people};

/// A request as the people who decide it see it.
#[derive(Clone, Debug)]
pub struct ReviewCase {
    /// The request.
    pub stored: StoredRequest,
    /// The dataset that is asked for.
    pub dataset: Dataset,
    /// The applicant.
    pub applicant: Person,
    /// The project that it is for.
    pub project: Option<Project>,
    /// The other members of the project.
    pub members: Vec<ReviewedMember>,
    /// What changed in the project since the round before.
    pub project_changes: ProjectChanges,
    /// What the applicant signed last under it.
    pub signatures: Vec<StoredSignature>,
    /// The questions and their answers.
    pub answers: Vec<AnsweredQuestion>,
    /// The applicant's other requests that the reader may see.
    pub other_requests: PageOf<RequestLine>,
    /// The request's history.
    pub timeline: Vec<TimelineEntry>,
    /// The number of approvals that count.
    pub approvals: u32,
    /// What the reader may do.
    pub permitted: Vec<RequestAction>,
    /// Whether those who decide may approve.
    pub may_approve: bool,
    /// Whether access of the applicant to the dataset is suspended: an approval does not change that.
    pub is_access_suspended: bool,
    /// Why the reader can't decide, if they can't.
    pub refusal: Option<Refusal>,
    /// Who has stepped aside, and whether those who are left are enough.
    pub deciding: Deciding,
}

/// Those who decide about a request, as far as they can.
#[derive(Clone, Debug)]
pub struct Deciding {
    /// Who has stepped aside: the first of them first.
    pub recused: Vec<Person>,
    /// What may be a conflict of interest of the reader.
    pub conflicts: Vec<PossibleConflict>,
    /// Who can bring about a decision, while the request waits for one.
    pub reach: Option<QuorumReach>,
}

impl Deciding {
    fn of(
        conn: &mut AnyConnection,
        facts: &RequestFacts,
        (request, applicant): (&AccessRequest, &Person),
    ) -> Result<Self> {
        let reviewers = people::by_ids(conn, &facts.reviewers)?;
        let (owners, mut recused) = (people::by_ids(conn, &facts.owners)?, people::by_ids(conn, &request.recused)?);
        recused.sort_by_key(|person| request.recused.iter().position(|id| *id == person.id));
        let deciders = deciders(&reviewers, &owners, &facts.members, request, facts.dataset.quorum);
        let reach = (request.stage == Stage::Submitted).then_some(deciders.reach);
        let mut concerned = people::by_ids(conn, &facts.members)?;
        if !concerned.contains(applicant) {
            concerned.push(applicant.clone());
        }
        let ids: Vec<_> = concerned.iter().map(|person| person.id).collect();
        let shared = members::sharing_a_project(conn, facts.actor.id, &ids)?;
        let institution = facts.project.as_ref().map(|(project, _)| project.description.institution.as_str());
        let conflicts = possible_conflicts(&facts.actor, (institution, &concerned), &shared);
        Ok(Self { recused, conflicts, reach })
    }
}

/// Another member of a request's project, as the people who decide see them.
#[derive(Clone, Debug)]
pub struct ReviewedMember {
    /// Who it is.
    pub row: MemberRow,
    /// Whether they have signed every agreement.
    pub has_signed: bool,
    /// Whether the reader may remove them from the project.
    pub may_remove: bool,
}

impl ReviewCase {
    /// Whether the reader may vote.
    pub fn may_vote(&self) -> bool {
        self.permitted.contains(&RequestAction::Vote)
    }

    /// Whether the reader may override the reviewers.
    pub fn may_override(&self) -> bool {
        self.permitted.contains(&RequestAction::Override)
    }

    /// Whether the reader may step aside.
    pub fn may_recuse(&self) -> bool {
        self.permitted.contains(&RequestAction::Recuse)
    }

    /// Whether the reader may let others decide again who have stepped aside.
    pub fn may_lift_recusals(&self) -> bool {
        self.permitted.contains(&RequestAction::LiftRecusal)
    }

    /// Whether the name on the signature line is not the account's.
    pub fn name_differs(&self) -> bool {
        let signer = self.signatures.first().map(|signature| &signature.record.signer);
        signer.is_some_and(|signer| !signer.is_erased() && !is_same_name(&signer.typed_name, &signer.name))
    }

    /// Whether the answers are compared with those of an earlier round.
    pub fn has_earlier_round(&self) -> bool {
        self.stored.request.round > 1
    }

    /// Whether one more approval is enough.
    pub fn next_approval_reaches_quorum(&self) -> bool {
        next_approval_reaches_quorum(self.approvals, self.dataset.quorum)
    }
}

/// A request with everything needed to decide; a refusal when the reader may not see it: there is none for them, or they have
/// stepped aside.
///
/// # Errors
/// When the database fails.
pub fn case(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    id: RequestId,
    reader: &Person,
    others_after: &Cursor,
    now: Timestamp,
) -> Result<std::result::Result<ReviewCase, Refusal>> {
    let not_found = Ok(Err(Refusal::NotFound));
    let Some(mut facts) = RequestFacts::of_request(conn, id, reader.id)? else { return not_found };
    // With what this reader may see here: a token may be good for less than its owner's account.
    facts.actor = reader.clone();
    let Some(request) = facts.request() else { return not_found };
    let scope = match check_read_case(&facts.actor, facts.deciding(), request) {
        Ok(scope) => scope,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(applicant) = people::by_id(conn, request.applicant)? else { return not_found };
    let other_requests = request_lists::others_of_applicant(conn, request, scope, others_after)?;
    let (permitted, refusal) = permitted_or_refusal(&facts, now);
    let may_approve = may_approve(&facts.situation(), now);
    let approvals = approvals(request, &facts.reviewers, &facts.members);
    // What they handed in, and not what they have signed anew since.
    let submitted_at = facts.request.as_ref().and_then(|stored| stored.submitted_at).unwrap_or_default();
    let signatures = signatures::of_submission(conn, id, applicant.id, submitted_at)?;
    let answers = signatures.first().map_or(Ok(Vec::new()), |signature| answered(conn, signature))?;
    let members = match &facts.project {
        Some((project, _)) => reviewed_members(conn, &facts, project)?,
        None => Vec::new(),
    };
    let project_changes =
        signatures.first().map_or(Ok(<_>::default()), |signature| project_changes(conn, signature))?;
    let timeline = timeline::of_request(conn, archive, id, Audience::Deciders)?;
    let deciding = Deciding::of(conn, &facts, (request, &applicant))?;
    let is_access_suspended = grants::is_suspended(conn, applicant.id, facts.dataset.id)?;
    let RequestFacts { dataset, request: Some(stored), project, .. } = facts else { return not_found };
    let project = project.map(|(project, _)| project);
    let case = ReviewCase {
        stored,
        dataset,
        applicant,
        project,
        members,
        project_changes,
        signatures,
        answers,
        other_requests,
        timeline,
        approvals,
        permitted,
        may_approve,
        is_access_suspended,
        refusal,
        deciding,
    };
    Ok(Ok(case))
}

fn reviewed_members(conn: &mut AnyConnection, facts: &RequestFacts, project: &Project) -> Result<Vec<ReviewedMember>> {
    let invited = members::of_project(conn, project.id)?;
    let Some(request) = facts.request() else { return Ok(Vec::new()) };
    let committee = RequestCommittee { request, reviewers: &facts.reviewers, people: &facts.members };
    let rows = member_rows(conn, project, &facts.actor, invited)?.into_iter().map(|row| ReviewedMember {
        has_signed: row.member.person.is_some_and(|person| facts.signers.contains(&person)),
        may_remove: check_exclude(&facts.actor, committee, &row.member).is_ok(),
        row,
    });
    Ok(rows.collect())
}

/// The permitted actions and, if the reader can't decide, the reason. A reason that concerns the request is preferred to
/// [`Refusal::NotAllowed`], which concerns the reader's role.
fn permitted_or_refusal(facts: &RequestFacts, now: Timestamp) -> (Vec<RequestAction>, Option<Refusal>) {
    let situation = facts.situation();
    let permitted = permitted_actions(&situation, now);
    if permitted.contains(&RequestAction::Vote) || permitted.contains(&RequestAction::Override) {
        return (permitted, None);
    }
    let refusals =
        [RequestAction::Vote, RequestAction::Override].map(|action| check_action(&situation, action, now).err());
    let refusal = refusals.into_iter().flatten().find(|refusal| *refusal != Refusal::NotAllowed);
    (permitted, Some(refusal.unwrap_or(Refusal::NotAllowed)))
}
