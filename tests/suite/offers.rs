//! Commands refuse the input that only pages used to check, and pages offer exactly what commands accept.

use countersign::domain::Refusal;
use countersign::domain::access_request::commands::RequestAction;
use countersign::domain::access_request::rules::permitted_actions;
use countersign::domain::access_request::{Stage, Verdict};
use countersign::domain::comment::Comment;
use countersign::domain::dataset::AccessMode;
use countersign::domain::form::DraftAnswers;
use countersign::domain::ids::{PersonId, RequestId};
use countersign::domain::person::{Roles, SIGNING_PROOF_AGE};
use countersign::domain::project::WantedProject;
use countersign::domain::token::{NewToken, NewTokenForm};
use countersign::domain::{TimeSpan, Timestamp};
use countersign::ledger::commands::access_requests::{
    Decision, override_review, save_draft, sign_new_versions, submit, vote, withdraw,
};
use countersign::ledger::commands::{people, tokens};
use countersign::ledger::{CommandError, Error, Ledger, Tx};
use countersign::store::{ReadPool, RequestFacts};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::model::{ADMINISTRATOR, OTHER_OWNER, OWNER, PEOPLE, Step, World, in_ledger, step};

/// Tries a command and undoes it; returns whether it was accepted.
fn attempt(ledger: &Ledger, command: impl FnOnce(&mut Tx<'_>) -> Result<(), CommandError> + Send + 'static) -> bool {
    let accepted = ledger.run_blocking(move |tx| match command(tx) {
        // A refusal of our own, told from the command's, takes everything back.
        Ok(()) => Err::<(), _>(CommandError::Refusal(Refusal::TooMany)),
        Err(refused) => Err(refused),
    });
    matches!(accepted, Err(Error::Refused(Refusal::TooMany)))
}

/// What the pages of this person offer for a request, or for the dataset when there is none of theirs.
fn offered(
    reads: &ReadPool,
    world: &World<'_>,
    by: PersonId,
    request: Option<RequestId>,
    now: Timestamp,
) -> Vec<RequestAction> {
    let slug = world.slug.clone();
    let facts = reads.read_blocking(move |conn| match request {
        Some(id) => RequestFacts::of_request(conn, id, by),
        None => RequestFacts::of_applicant(conn, &slug, by, (WantedProject::Latest, now)),
    });
    permitted_actions(&facts.unwrap().unwrap().situation(), now)
}

fn check_own(reads: &ReadPool, world: &World<'_>, by: usize) -> Result<(), TestCaseError> {
    let (person, slug) = (world.people[by], world.slug.clone());
    let offered = offered(reads, world, person, None, countersign::clock::now());
    let saved = attempt(world.ledger, move |tx| {
        save_draft(tx, person, (&slug, WantedProject::Latest), &DraftAnswers::default())
    });
    prop_assert_eq!(offered.contains(&RequestAction::SaveDraft), saved, "{} saves: {:?}", by, &offered);
    let submission = world.submission(by);
    let signed = attempt(world.ledger, move |tx| submit(tx, &submission).map(|_| ()));
    prop_assert_eq!(offered.contains(&RequestAction::Sign), signed, "{} signs: {:?}", by, &offered);
    Ok(())
}

fn check_request(reads: &ReadPool, world: &World<'_>, by: usize, id: RequestId) -> Result<(), TestCaseError> {
    let person = world.people[by];
    let round = reads
        .read_blocking(move |conn| RequestFacts::of_request(conn, id, person))
        .unwrap()
        .and_then(|facts| facts.request().map(|request| request.round))
        .unwrap_or_default();
    let offered = offered(reads, world, person, Some(id), countersign::clock::now());
    let decision = || {
        let comment = Comment::parse("Because.").unwrap();
        Decision { by: person, request: id, verdict: Verdict::Approve, comment, round }
    };
    let (voted, decided) = (decision(), decision());
    let voted = attempt(world.ledger, move |tx| vote(tx, &voted).map(|_| ()));
    prop_assert_eq!(offered.contains(&RequestAction::Vote), voted, "{} votes: {:?}", by, &offered);
    let decided = attempt(world.ledger, move |tx| override_review(tx, &decided).map(|_| ()));
    prop_assert_eq!(offered.contains(&RequestAction::Override), decided, "{} decides alone: {:?}", by, &offered);
    let withdrawn = attempt(world.ledger, move |tx| withdraw(tx, person, id));
    prop_assert_eq!(offered.contains(&RequestAction::Withdraw), withdrawn, "{} withdraws: {:?}", by, &offered);
    let signature = world.own_signature(by, id);
    let signed = attempt(world.ledger, move |tx| sign_new_versions(tx, &signature));
    prop_assert_eq!(offered.contains(&RequestAction::SignNewVersions), signed, "{} signs anew: {:?}", by, &offered);
    Ok(())
}

/// After any sequence of commands, for everybody: what their pages offer is what the ledger accepts.
#[test]
fn pages_offer_exactly_what_commands_accept() {
    in_ledger(|ledger, reads| {
        let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
        let modes = prop_oneof![3 => Just(AccessMode::Approval), 1 => Just(AccessMode::Agreement)];
        let strategy = (modes, 1..3_u32, prop::collection::vec(step(), 1..25));
        runner
            .run(&strategy, |(mode, quorum, steps)| {
                let mut world = World::new(ledger, mode, quorum);
                for step in &steps {
                    world.take(step, reads);
                }
                for by in 0..PEOPLE {
                    check_own(reads, &world, by)?;
                    for id in world.requests.values() {
                        check_request(reads, &world, by, *id)?;
                    }
                }
                Ok(())
            })
            .unwrap();
    });
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("it is refused: {other:?}"),
    }
}

/// Each command is handed what once only a page or the command line looked at.
#[test]
fn commands_refuse_what_only_pages_checked() {
    in_ledger(|ledger, reads| {
        let mut world = World::new(ledger, AccessMode::Approval, 1);
        let now = countersign::clock::now();
        // A proof of identity that is too old.
        let mut late = world.submission(0);
        late.proved_at = now - SIGNING_PROOF_AGE - TimeSpan::seconds(1);
        assert_eq!(refusal(ledger.run_blocking(move |tx| submit(tx, &late))), Refusal::ProofTooOld);
        // A form of another agreement.
        let other = World::new(ledger, AccessMode::Approval, 1);
        let mut foreign = world.submission(0);
        foreign.form = other.submission(0).form;
        assert_eq!(refusal(ledger.run_blocking(move |tx| submit(tx, &foreign))), Refusal::VersionChanged);
        world.take(&Step::Submit(0), reads);
        let (request, reviewer) = (world.requests[&0], world.people[1]);
        let decision = |by, verdict, words: &str, round| {
            let comment = Comment::parse(words).unwrap();
            Decision { by, request, verdict, comment, round }
        };
        // A rejection without a word; a vote on another round; one of nobody; a return by an owner alone.
        let mute = decision(reviewer, Verdict::Reject, " ", 1);
        assert_eq!(refusal(ledger.run_blocking(move |tx| vote(tx, &mute))), Refusal::CommentNeeded);
        let stale = decision(reviewer, Verdict::Approve, "", 0);
        assert_eq!(refusal(ledger.run_blocking(move |tx| vote(tx, &stale))), Refusal::Changed);
        let stranger = decision(world.people[ADMINISTRATOR], Verdict::Approve, "", 1);
        assert_eq!(refusal(ledger.run_blocking(move |tx| vote(tx, &stranger))), Refusal::NotAllowed);
        let back = decision(world.people[OWNER], Verdict::Return, "Change it.", 1);
        assert_eq!(refusal(ledger.run_blocking(move |tx| override_review(tx, &back))), Refusal::NotAllowed);
        let silent = decision(world.people[OWNER], Verdict::Approve, "", 1);
        assert_eq!(refusal(ledger.run_blocking(move |tx| override_review(tx, &silent))), Refusal::CommentNeeded);
        let reviewing = decision(reviewer, Verdict::Approve, "Because.", 1);
        assert_eq!(refusal(ledger.run_blocking(move |tx| override_review(tx, &reviewing))), Refusal::NotAllowed);
        for other in [ADMINISTRATOR, OTHER_OWNER] {
            let alone = decision(world.people[other], Verdict::Approve, "Because.", 1);
            assert_eq!(refusal(ledger.run_blocking(move |tx| override_review(tx, &alone))), Refusal::NotAllowed);
        }
        // A second signature under a request that waits, and another's request taken back.
        let again = world.submission(0);
        assert_eq!(refusal(ledger.run_blocking(move |tx| submit(tx, &again))), Refusal::AlreadyWaiting);
        assert_eq!(refusal(ledger.run_blocking(move |tx| withdraw(tx, reviewer, request))), Refusal::NotFound);
        // Roles by somebody who has none, and the last administrator's.
        let (by, all) = (world.people[ADMINISTRATOR], Roles { administrator: true, auditor: true });
        assert_eq!(
            refusal(ledger.run_blocking(move |tx| people::set_roles(tx, reviewer, by, all))),
            Refusal::NotAllowed
        );
        // A token for a dataset without a grant.
        let form = NewTokenForm {
            name: "t".into(),
            datasets: vec![world.slug.to_string()],
            project: String::new(),
            paths: Vec::new(),
            days: Some(7),
            allow_unmatched: false,
        };
        let (token, applicant) = (NewToken::parse(&form).unwrap(), world.people[0]);
        let actor = countersign::domain::event::Actor::person(applicant, countersign::domain::person::Role::Applicant);
        let issued = ledger.run_blocking(move |tx| tokens::issue(tx, actor, applicant, &token));
        assert_eq!(refusal(issued), Refusal::NoGrant);
        let stage = reads.read_blocking(move |conn| RequestFacts::of_request(conn, request, applicant)).unwrap();
        assert_eq!(stage.unwrap().request().unwrap().stage, Stage::Submitted, "nothing happened");
    });
}
