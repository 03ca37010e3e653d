//! A model test: any sequence of commands, by any mix of people, keeps the invariants.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// People 0 and 1 are applicants, 1 to 3 reviewers (1 is both), 4 an administrator, 5 a stranger.
const REVIEWERS: [u128; 3] = [1, 2, 3];

fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Approve), Just(Verdict::Reject), Just(Verdict::Return)]
}

fn command() -> impl Strategy<Value = Command> {
    let who = (0_u128..6).prop_map(person);
    let words = prop_oneof![Just(String::new()), Just("  ".to_owned()), Just("a reason".to_owned())];
    let round = 0_u32..4;
    prop_oneof![
        (who.clone(), any::<u128>())
            .prop_map(|(by, n)| Command::Submit { by, signature: SignatureId(Uuid::from_u128(n)) }),
        (who.clone(), verdict(), words.clone(), round.clone())
            .prop_map(|(by, verdict, comment, round)| Command::Vote { by, verdict, comment, round }),
        who.clone().prop_map(|by| Command::Withdraw { by }),
        (who, verdict(), words, round).prop_map(|(by, verdict, reason, round)| Command::Override {
            by,
            verdict,
            reason,
            round
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_sequence_of_commands_breaks_a_rule(
        applicant in 0_u128..2,
        quorum in 0_u32..4,
        commands in prop::collection::vec(command(), 0..40),
    ) {
        let applicant = person(applicant);
        let committee = Committee { reviewers: REVIEWERS.map(person).to_vec(), quorum };
        let mut request = AccessRequest::draft(
            RequestId(Uuid::from_u128(100)), DatasetId(Uuid::from_u128(200)), applicant);
        let mut signed_rounds = 0;
        for command in commands {
            let before = request.clone();
            match decide(&request, &command, &committee) {
                Err(_) => prop_assert_eq!(&before, &request),
                Ok(changes) => {
                    prop_assert!(!changes.is_empty(), "a success changes something");
                    prop_assert!(!before.stage.is_final(), "nothing happens after the end");
                    for change in &changes {
                        request.apply(change);
                    }
                    check_step(&before, &request, &command, &changes, &committee)?;
                    if matches!(command, Command::Submit { .. }) {
                        signed_rounds += 1;
                    }
                }
            }
            prop_assert_eq!(request.round, signed_rounds, "every round has its signature");
            let mut voters: Vec<_> = request.votes.iter().map(|vote| vote.reviewer).collect();
            voters.sort_unstable();
            voters.dedup();
            prop_assert_eq!(voters.len(), request.votes.len(), "one vote each a round");
            prop_assert!(!voters.contains(&applicant), "four eyes");
        }
    }
}

fn check_step(
    before: &AccessRequest,
    after: &AccessRequest,
    command: &Command,
    changes: &[Change],
    committee: &Committee,
) -> Result<(), TestCaseError> {
    match command {
        Command::Submit { by, .. } | Command::Withdraw { by } => prop_assert_eq!(*by, before.applicant),
        Command::Vote { by, verdict, comment, round } => {
            prop_assert_ne!(*by, before.applicant, "nobody decides their own");
            prop_assert!(committee.reviewers.contains(by));
            prop_assert_eq!(before.stage, Stage::Submitted);
            prop_assert_eq!(*round, before.round, "a vote is on what was seen");
            prop_assert!(*verdict == Verdict::Approve || !comment.trim().is_empty());
        }
        Command::Override { by, reason, verdict, .. } => {
            prop_assert_ne!(*by, before.applicant);
            prop_assert!(!reason.trim().is_empty());
            prop_assert!(changes.contains(&Change::Overridden), "an override is an event of its own kind");
            prop_assert!(*verdict != Verdict::Return);
        }
    }
    if after.stage == Stage::Approved && !changes.contains(&Change::Overridden) {
        let approvals = after.votes.iter().filter(|vote| vote.verdict == Verdict::Approve).count();
        prop_assert!(approvals >= committee.quorum.max(1) as usize, "approved only with the quorum");
    }
    Ok(())
}

#[test]
fn two_reviewers_at_once_one_wins_the_other_is_told() {
    let committee = Committee { reviewers: REVIEWERS.map(person).to_vec(), quorum: 1 };
    let mut request = AccessRequest::draft(RequestId(Uuid::from_u128(1)), DatasetId(Uuid::from_u128(2)), person(0));
    request.apply(&Change::Submitted { signature: SignatureId(Uuid::from_u128(3)) });
    let approve = |by| Command::Vote { by: person(by), verdict: Verdict::Approve, comment: String::new(), round: 1 };
    for change in decide(&request, &approve(2), &committee).unwrap() {
        request.apply(&change);
    }
    assert_eq!(request.stage, Stage::Approved);
    assert_eq!(decide(&request, &approve(3), &committee), Err(Refusal::NotWaiting));
}

#[test]
fn a_vote_on_an_older_round_is_refused() {
    let committee = Committee { reviewers: REVIEWERS.map(person).to_vec(), quorum: 1 };
    let mut request = AccessRequest::draft(RequestId(Uuid::from_u128(1)), DatasetId(Uuid::from_u128(2)), person(0));
    let signature = SignatureId(Uuid::from_u128(3));
    for change in [Change::Submitted { signature }, Change::Returned, Change::Submitted { signature }] {
        request.apply(&change);
    }
    let stale = Command::Vote { by: person(2), verdict: Verdict::Approve, comment: String::new(), round: 1 };
    assert_eq!(decide(&request, &stale, &committee), Err(Refusal::Changed));
}
