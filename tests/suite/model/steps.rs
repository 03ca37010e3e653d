//! What somebody can try, and how often they do.

use countersign::domain::access_request::Verdict;
use countersign::domain::organisation::OrganisationRole;
use proptest::prelude::*;

use super::world::{ADMINISTRATOR, OWNER, PEOPLE};

/// An action that somebody tries.
#[derive(Clone, Debug)]
pub enum Step {
    Submit(usize),
    Vote {
        by: usize,
        of: usize,
        verdict: Verdict,
        round: u32,
    },
    Override {
        by: usize,
        of: usize,
        verdict: Verdict,
        round: u32,
    },
    Withdraw {
        by: usize,
        of: usize,
    },
    /// Somebody steps aside from a decision.
    Recuse {
        by: usize,
        of: usize,
    },
    /// Somebody who has stepped aside is let back.
    LiftRecusal {
        by: usize,
        of: usize,
        whom: usize,
    },
    /// In the project that somebody's request is for.
    InProject {
        by: usize,
        of: usize,
        act: ProjectAct,
    },
    InOffice(OfficeAct),
    InTerms(TermsAct),
    RevokeGrant {
        by: usize,
        which: usize,
    },
    SuspendGrant {
        by: usize,
        which: usize,
        is_to_be: bool,
    },
    Issue(usize),
    RevokeToken {
        by: usize,
        which: usize,
    },
    Session {
        by: usize,
        release: u32,
    },
    Token {
        which: usize,
        release: u32,
    },
    Nobody,
}

/// What is tried in a project.
#[derive(Clone, Copy, Debug)]
pub enum ProjectAct {
    End,
    Invite(usize),
    Join,
    Leave,
    Remove(usize),
    Exclude(usize),
    Sign,
}

/// What those try who run something: accounts, the organisation, the dataset.
#[derive(Clone, Copy, Debug)]
pub enum OfficeAct {
    Suspend { by: usize, whom: usize },
    Restore(usize),
    SuspendDataset { by: usize, on: bool },
    SuspendOrganisation { by: usize, on: bool },
    Appoint { whom: usize, role: OrganisationRole },
    RemoveOfficer { by: usize, whom: usize },
    PublishRelease { embargoed: bool },
    EndEmbargo(u32),
    WithdrawRelease(u32),
    Retire { by: usize, on: bool },
}

/// What is tried with the agreement.
#[derive(Clone, Copy, Debug)]
pub enum TermsAct {
    Publish {
        has_to_be_signed: bool,
    },
    /// The day comes by which the newest version has to be signed.
    DayComes,
    /// What had to be signed need not be any more.
    TakeDayBack {
        by: usize,
    },
    /// Under somebody's request.
    Sign {
        by: usize,
        of: usize,
    },
}

fn terms_act() -> impl Strategy<Value = TermsAct> {
    prop_oneof![
        2 => any::<bool>().prop_map(|has_to_be_signed| TermsAct::Publish { has_to_be_signed }),
        2 => Just(TermsAct::DayComes),
        1 => (0..PEOPLE).prop_map(|by| TermsAct::TakeDayBack { by }),
        5 => (0..4_usize, 0..2_usize).prop_map(|(by, of)| TermsAct::Sign { by, of }),
    ]
}

/// Any step.
pub fn step() -> impl Strategy<Value = Step> {
    let verdict = || prop_oneof![6 => Just(Verdict::Approve), 1 => Just(Verdict::Reject), 1 => Just(Verdict::Return)];
    let person = || 0..PEOPLE;
    // Mostly those who may, so that sequences get somewhere; always some who may not.
    let voter = || prop_oneof![6 => 1..4_usize, 1 => 0..PEOPLE];
    let round = || prop_oneof![5 => Just(1_u32), 1 => 2..4_u32];
    prop_oneof![
        4 => (0..2_usize).prop_map(Step::Submit),
        10 => (voter(), 0..2_usize, verdict(), round())
            .prop_map(|(by, of, verdict, round)| Step::Vote { by, of, verdict, round }),
        1 => (person(), 0..2_usize, verdict(), round())
            .prop_map(|(by, of, verdict, round)| Step::Override { by, of, verdict, round }),
        1 => (person(), 0..2_usize).prop_map(|(by, of)| Step::Withdraw { by, of }),
        2 => (prop_oneof![4 => voter(), 1 => Just(OWNER)], 0..2_usize).prop_map(|(by, of)| Step::Recuse { by, of }),
        2 => (prop_oneof![3 => Just(OWNER), 1 => person()], 0..2_usize, voter())
            .prop_map(|(by, of, whom)| Step::LiftRecusal { by, of, whom }),
        17 => project_step(),
        16 => office_act().prop_map(Step::InOffice),
        8 => terms_act().prop_map(Step::InTerms),
        1 => (3..PEOPLE, 0..4_usize).prop_map(|(by, which)| Step::RevokeGrant { by, which }),
        2 => (0..PEOPLE, 0..4_usize, any::<bool>())
            .prop_map(|(by, which, is_to_be)| Step::SuspendGrant { by, which, is_to_be }),
        3 => (0..2_usize).prop_map(Step::Issue),
        1 => (0..2_usize, 0..6_usize).prop_map(|(by, which)| Step::RevokeToken { by, which }),
        6 => (0..4_usize, 0..4_u32).prop_map(|(by, release)| Step::Session { by, release }),
        5 => (0..6_usize, 0..4_u32).prop_map(|(which, release)| Step::Token { which, release }),
        1 => Just(Step::Nobody),
    ]
}

/// A step in a project, mostly by those who may take it.
fn project_step() -> impl Strategy<Value = Step> {
    let (lead, anybody, whom) = (|| 0..2_usize, || 0..4_usize, || 0..4_usize);
    let step = |by, of, act| Step::InProject { by, of, act };
    prop_oneof![
        1 => (lead(), lead()).prop_map(move |(by, of)| step(by, of, ProjectAct::End)),
        4 => (lead(), whom()).prop_map(move |(by, whom)| step(by, by, ProjectAct::Invite(whom))),
        1 => (lead(), lead(), whom()).prop_map(move |(by, of, whom)| step(by, of, ProjectAct::Invite(whom))),
        5 => (anybody(), lead()).prop_map(move |(by, of)| step(by, of, ProjectAct::Join)),
        1 => (anybody(), lead()).prop_map(move |(by, of)| step(by, of, ProjectAct::Leave)),
        1 => (lead(), lead(), whom()).prop_map(move |(by, of, whom)| step(by, of, ProjectAct::Remove(whom))),
        1 => (0..PEOPLE, lead(), whom()).prop_map(move |(by, of, whom)| step(by, of, ProjectAct::Exclude(whom))),
        3 => (anybody(), lead()).prop_map(move |(by, of)| step(by, of, ProjectAct::Sign)),
    ]
}

/// What is suspended or retired is mostly restored again, so that sequences go on.
fn office_act() -> impl Strategy<Value = OfficeAct> {
    let person = || 0..PEOPLE;
    prop_oneof![
        1 => (3..PEOPLE, 0..4_usize).prop_map(|(by, whom)| OfficeAct::Suspend { by, whom }),
        2 => (0..4_usize).prop_map(OfficeAct::Restore),
        1 => (person(), any::<bool>()).prop_map(|(by, on)| OfficeAct::SuspendDataset { by, on }),
        2 => Just(OfficeAct::SuspendDataset { by: OWNER, on: false }),
        1 => (person(), any::<bool>()).prop_map(|(by, on)| OfficeAct::SuspendOrganisation { by, on }),
        2 => Just(OfficeAct::SuspendOrganisation { by: ADMINISTRATOR, on: false }),
        1 => (person(), prop::sample::select(OrganisationRole::ALL.to_vec()))
            .prop_map(|(whom, role)| OfficeAct::Appoint { whom, role }),
        1 => (person(), person()).prop_map(|(by, whom)| OfficeAct::RemoveOfficer { by, whom }),
        2 => prop_oneof![2 => Just(false), 1 => Just(true)].prop_map(|embargoed| OfficeAct::PublishRelease { embargoed }),
        1 => (1..4_u32).prop_map(OfficeAct::EndEmbargo),
        1 => (1..4_u32).prop_map(OfficeAct::WithdrawRelease),
        1 => (person(), any::<bool>()).prop_map(|(by, on)| OfficeAct::Retire { by, on }),
        1 => Just(OfficeAct::Retire { by: OWNER, on: false }),
    ]
}

/// A request of a project with a member, which the committee approves.
pub fn with_members() -> Vec<Step> {
    let approval = |by| Step::Vote { by, of: 0, verdict: Verdict::Approve, round: 1 };
    let in_project = |by, act| Step::InProject { by, of: 0, act };
    vec![
        Step::Submit(0),
        in_project(0, ProjectAct::Invite(1)),
        in_project(1, ProjectAct::Join),
        in_project(1, ProjectAct::Sign),
        approval(2),
        approval(3),
        Step::Session { by: 1, release: 0 },
    ]
}
