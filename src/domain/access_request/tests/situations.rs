//! In any situation what is offered is exactly what is accepted.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::access_request::commands::RequestAction;
use crate::domain::access_request::rules::{decide, may_approve, permitted_actions};
use crate::domain::access_request::situation::{AccessConditions, RequestSituation};

/// Everything that a decision depends on, at random.
#[derive(Clone, Debug)]
pub(super) struct AnySituation {
    actor: Person,
    conditions: AccessConditions<'static>,
    reviewers: Vec<PersonId>,
    owners: Vec<PersonId>,
    project: Option<(Project, bool)>,
    members: Vec<PersonId>,
    signers: Vec<PersonId>,
    request: Option<AccessRequest>,
    grant: Option<Grant>,
    own_grant: Option<Grant>,
    is_suspended: bool,
    has_decided: bool,
    to_sign: Option<ToSign>,
}

impl AnySituation {
    /// The same of somebody's own request.
    pub(super) fn of_applicant(mut self) -> Self {
        if let Some(request) = &mut self.request {
            request.applicant = self.actor.id;
        }
        self.is_suspended |= self.grant.as_ref().is_some_and(|grant| grant.suspended_at.is_some());
        self
    }

    fn project(&self) -> Option<ProjectSituation<'_>> {
        let (project, is_settled) = self.project.as_ref()?;
        Some(ProjectSituation { actor: &self.actor, project, is_settled: *is_settled })
    }

    pub(super) fn form(&self, action: RequestAction) -> CompleteForm {
        // Nothing is asked of another member but the signature.
        let alone = matches!(action, RequestAction::SignAsMember | RequestAction::SignNewVersions);
        let mode = if alone { AccessMode::Agreement } else { self.conditions.mode };
        form_for(mode, self.project().as_ref())
    }

    pub(super) fn get(&self) -> RequestSituation<'_> {
        RequestSituation {
            actor: &self.actor,
            conditions: self.conditions,
            reviewers: &self.reviewers,
            owners: &self.owners,
            project: self.project(),
            members: &self.members,
            signers: &self.signers,
            request: self.request.as_ref(),
            saved: None,
            grant: self.grant.as_ref(),
            own_grant: self.own_grant.as_ref(),
            is_suspended: self.is_suspended,
            has_decided: self.has_decided,
            to_sign: self.to_sign.as_ref(),
        }
    }
}

impl AnySituation {
    /// The rules said once more, in other words than `decide` has.
    fn allows(&self, action: RequestAction) -> bool {
        let Self {
            actor,
            conditions,
            reviewers,
            owners,
            project,
            members,
            signers,
            request,
            grant,
            own_grant,
            is_suspended,
            has_decided,
            to_sign,
        } = self;
        let may_act = actor.suspended_at.is_none();
        let is_verified = actor.email_verified_at.is_some();
        let stage = request.as_ref().map(|request| request.stage);
        let is_own = request.as_ref().is_some_and(|request| request.applicant == actor.id);
        let waits = stage == Some(Stage::Submitted);
        let has_lasting_access = grant.as_ref().is_some_and(|grant| {
            let begun = grant.starts_at <= NOW && grant.revoked_at.is_none();
            let is_for_current = grant.last_release.is_none_or(|last| last >= conditions.current_release);
            begun && grant.ends_at > NOW + TimeSpan::days(14) && is_for_current
        });
        let nothing_open = request.is_none() || is_own && !waits;
        let may_apply = may_act
            && !conditions.suspended
            && (!conditions.retired || stage == Some(Stage::Returned))
            && conditions.mode != AccessMode::Open
            && !has_lasting_access
            && !is_suspended
            && nothing_open
            && project.as_ref().is_none_or(|(project, _)| project.ended_at.is_none());
        let is_member = members.contains(&actor.id);
        let waits_for_others = waits && !is_own && !is_member;
        let is_running = project.as_ref().is_none_or(|(project, _)| project.ended_at.is_none());
        let has_access = grant
            .as_ref()
            .is_some_and(|grant| grant.revoked_at.is_none() && grant.starts_at <= NOW && grant.ends_at > NOW);
        let has_as_much = own_grant.as_ref().is_some_and(|own| {
            own.revoked_at.is_some()
                || own.starts_at <= NOW
                    && own.ends_at > NOW
                    && grant.as_ref().is_some_and(|grant| own.ends_at >= grant.ends_at)
        });
        let is_covered = !conditions.retired
            && stage == Some(Stage::Approved)
            && conditions.later_members == Later::Included
            && has_access
            && grant.as_ref().is_some_and(|grant| grant.suspended_at.is_none())
            && !has_as_much;
        let has_voted =
            request.as_ref().is_some_and(|request| request.votes.iter().any(|vote| vote.reviewer == actor.id));
        let has_to_sign = to_sign.as_ref().is_some_and(|ToSign { grant, .. }| {
            grant.revoked_at.is_none() && grant.starts_at <= NOW && grant.ends_at > NOW
        });
        let is_recused = request.as_ref().is_some_and(|request| request.recused.contains(&actor.id));
        let may_decide = may_act && is_verified && !is_recused;
        let is_undecided = matches!(stage, Some(Stage::Submitted | Stage::Returned)) && !is_own && !is_member;
        match action {
            RequestAction::SaveDraft => may_apply,
            RequestAction::Sign => may_apply && is_verified && !conditions.versions.is_empty(),
            RequestAction::SignAsMember => {
                may_act
                    && is_verified
                    && is_member
                    && request.is_some()
                    && !is_own
                    && !conditions.suspended
                    && !is_suspended
                    && !conditions.versions.is_empty()
                    && is_running
                    && !signers.contains(&actor.id)
                    && !has_decided
                    && (waits || is_covered)
            }
            RequestAction::SignNewVersions => {
                may_act && is_verified && request.is_some() && (is_own || is_member) && has_to_sign
            }
            RequestAction::Withdraw => {
                may_act && is_own && matches!(stage, Some(Stage::Draft | Stage::Submitted | Stage::Returned))
            }
            RequestAction::Vote => may_decide && reviewers.contains(&actor.id) && waits_for_others && !has_voted,
            RequestAction::Override => may_decide && owners.contains(&actor.id) && waits_for_others,
            RequestAction::Recuse => {
                may_decide && is_undecided && (reviewers.contains(&actor.id) || owners.contains(&actor.id))
            }
            RequestAction::LiftRecusal => {
                may_decide
                    && is_undecided
                    && owners.contains(&actor.id)
                    && request.as_ref().is_some_and(|request| !request.recused.is_empty())
            }
        }
    }
}

fn any_person() -> impl Strategy<Value = Person> {
    (0_u128..4, any::<[bool; 4]>()).prop_map(|(n, [verified, suspended, administrator, auditor])| Person {
        email_verified_at: verified.then_some(Timestamp(0)),
        suspended_at: suspended.then_some(Timestamp(0)),
        administrator,
        auditor,
        ..Person::fixture(id(n))
    })
}

fn any_request() -> impl Strategy<Value = AccessRequest> {
    let votes = prop::collection::btree_map(1_u128..4, verdict(), 0..3);
    let recused = prop::collection::btree_set(0_u128..4, 0..3);
    (0_u128..4, prop::sample::select(Stage::ALL.to_vec()), 0_u32..3, votes, recused).prop_map(
        |(applicant, stage, round, votes, recused)| {
            let votes = votes.into_iter().map(|(n, verdict)| Vote { reviewer: id(n), verdict }).collect();
            let draft =
                AccessRequest::draft(Uuid::from_u128(100).into(), Uuid::from_u128(200).into(), None, id(applicant));
            AccessRequest { stage, round, votes, recused: recused.into_iter().map(id).collect(), ..draft }
        },
    )
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let days = |days: i64| NOW + TimeSpan::days(days);
    let last_release = prop::option::of(0..3_u32);
    let sign_by = prop::option::of(-3_i64..40);
    let times = (-400_i64..5, -3_i64..400, sign_by);
    let taken_back = (any::<[bool; 2]>(), prop::bool::weighted(0.2));
    (times, taken_back, last_release).prop_map(
        move |((from, until, sign_by), ([revoked, is_shortened], suspended), last_release)| Grant {
            id: Uuid::from_u128(400).into(),
            person: id(0),
            dataset: Uuid::from_u128(200).into(),
            request: Uuid::from_u128(100).into(),
            project: None,
            starts_at: days(from),
            ends_at: days(until),
            sign_by: sign_by.map(days),
            last_release,
            suspended_at: suspended.then_some(NOW),
            revoked_at: revoked.then_some(NOW),
            is_shortened,
        },
    )
}

/// A project, led by one of two people, and whether what it says is settled.
fn any_project() -> impl Strategy<Value = (Project, bool)> {
    (0_u128..2, any::<bool>(), any::<bool>()).prop_map(|(lead, has_ended, is_settled)| {
        let project = Project {
            id: Uuid::from_u128(600).into(),
            description: ProjectDescription {
                title: "Earlier".into(),
                purpose: "Something that was said before.".into(),
                lay_summary: None,
                institution: "Institute".into(),
                from: None,
                until: None,
            },
            lead: id(lead),
            ended_at: has_ended.then_some(Timestamp(0)),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        (project, is_settled)
    })
}

pub(super) fn any_situation() -> impl Strategy<Value = AnySituation> {
    let mode = prop::sample::select(AccessMode::ALL.to_vec());
    let conditions =
        (mode, any::<[bool; 4]>(), 0_u32..4).prop_map(|(mode, [suspended, retired, covers, has_version], quorum)| {
            AccessConditions {
                mode,
                suspended,
                retired,
                quorum,
                later_members: if covers { Later::Included } else { Later::Requested },
                current_release: 1,
                versions: if has_version { VERSIONS } else { &[] },
                form_version: None,
            }
        });
    let reviewers = prop::collection::vec((0_u128..4).prop_map(id), 0..3);
    let (request, grant, project) = (any_request(), any_grant(), any_project());
    let own = (prop::option::of(any_grant()), any::<bool>(), prop::option::of(any_grant()), prop::bool::weighted(0.1));
    let optional = (prop::option::of(request), prop::option::of(grant), prop::option::of(project), own);
    let people = || prop::collection::vec((0_u128..4).prop_map(id), 0..3);
    let deciding = (reviewers, prop::collection::vec((0_u128..4).prop_map(id), 0..2));
    (any_person(), conditions, deciding, (people(), people()), optional).prop_map(
        |(
            actor,
            conditions,
            (reviewers, owners),
            (members, signers),
            (request, grant, project, (own_grant, has_decided, newer, is_suspended)),
        )| {
            // Where signing is enough there are no projects.
            let project = project.filter(|_| conditions.mode == AccessMode::Approval);
            AnySituation {
                actor,
                conditions,
                reviewers,
                owners,
                project,
                members,
                signers,
                request,
                grant,
                own_grant,
                is_suspended,
                has_decided,
                to_sign: newer.map(|grant| ToSign { grant, versions: VERSIONS.to_vec() }),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// What pages and the API offer is what a command is accepted for, given a form in which nothing is wrong.
    #[test]
    fn what_is_offered_is_exactly_what_is_accepted(situation in any_situation()) {
        let offered = permitted_actions(&situation.get(), NOW);
        let round = situation.request.as_ref().map_or(0, |request| request.round);
        for action in RequestAction::ALL {
            let form = situation.form(action);
            let mut wish = Wish::well_formed(action, round);
            wish.other = situation.request.as_ref().and_then(|request| request.recused.first().copied());
            // Nothing is approved for a project that is over, but the rest can be decided.
            if !may_approve(&situation.get(), NOW) && matches!(action, RequestAction::Vote | RequestAction::Override) {
                prop_assert!(decide(&situation.get(), &wish.command(&form), NOW).is_err());
                wish.verdict = Verdict::Reject;
            }
            let decided = decide(&situation.get(), &wish.command(&form), NOW);
            prop_assert_eq!(offered.contains(&action), decided.is_ok(), "{:?}: {:?}", action, decided);
            prop_assert_eq!(decided.is_ok(), situation.allows(action), "{:?} by the book: {:?}", action, decided);
        }
    }

    /// Where signing is enough it grants at once, but not to somebody whose access was revoked.
    #[test]
    fn signing_grants_where_it_is_enough(situation in any_situation()) {
        let form = situation.form(RequestAction::Sign);
        let signed = decide(&situation.get(), &Wish::well_formed(RequestAction::Sign, 0).command(&form), NOW);
        let Ok(changes) = signed else { return Ok(()) };
        let taken_back =
            situation.grant.as_ref().is_some_and(|grant| grant.revoked_at.is_some() || grant.is_shortened);
        let enough = situation.conditions.mode == AccessMode::Agreement && !taken_back;
        prop_assert_eq!(changes.contains(&Change::Approved), enough);
    }

    /// Whatever is wrong with what is handed in, nothing is accepted that was not offered.
    #[test]
    fn nothing_else_is_accepted(situation in any_situation(), wish in wish()) {
        let offered = permitted_actions(&situation.get(), NOW);
        if decide(&situation.get(), &wish.command(&situation.form(wish.action)), NOW).is_ok() {
            prop_assert!(offered.contains(&wish.action));
        }
    }

    /// A dataset's page offers signing, for the first time or again, exactly to those whose signature is accepted.
    #[test]
    fn the_next_step_is_signing_when_signing_is_accepted(situation in any_situation()) {
        // A page shows a person's own request.
        let situation = situation.of_applicant();
        let permitted = permitted_actions(&situation.get(), NOW);
        let AnySituation { actor, conditions, request, grant, .. } = &situation;
        let standing = standing(conditions, Some(actor), request.as_ref(), grant.as_ref(), NOW);
        let next = next_step(standing, &permitted);
        let leads_to_signing = matches!(
            next,
            Some(NextStep::Sign | NextStep::ContinueDraft | NextStep::Answer | NextStep::SignAgain | NextStep::RequestNewer)
        );
        let offered = leads_to_signing || may_renew(standing, &permitted);
        prop_assert_eq!(offered, permitted.contains(&RequestAction::Sign), "{:?}, {:?}", standing, next);
    }
}
