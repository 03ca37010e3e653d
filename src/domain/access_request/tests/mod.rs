//! Model tests: any sequence of commands, by any mix of people, keeps the invariants.

mod situations;
mod states;

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::commands::{RequestAction, RequestCommand};
use super::rules::decide;
use super::signing::{CompleteForm, ProjectTerms, SigningErrors, SigningForm, Terms};
use super::situation::{AccessConditions, RequestSituation};
use super::*;
use crate::domain::agreement::{AgreementKind, AgreementVersion};
use crate::domain::comment::Comment;
use crate::domain::dataset::{AccessMode, Later};
use crate::domain::form::{Answers, DraftAnswers, FormVersion, Question, QuestionKind, Section, fingerprint};
use crate::domain::grant::Grant;
use crate::domain::ids::{SignatureId, VersionId};
use crate::domain::localised::Localised;
use crate::domain::new_version::ToSign;
use crate::domain::person::{Person, SIGNING_PROOF_AGE};
use crate::domain::project::{Project, ProjectDescription, ProjectField, ProjectForm, ProjectSituation};
use crate::domain::text::{Language, Sha256, TextError};
use crate::domain::{Refusal, TimeSpan, Timestamp};

/// People 0 and 1 are applicants, 1 to 3 reviewers (1 is both), 4 an owner, 5 a stranger.
const REVIEWERS: [u128; 3] = [1, 2, 3];
const OWNER: u128 = 4;
/// The time of everything.
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn id(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

fn person(n: u128) -> Person {
    Person { email_verified_at: Some(Timestamp(0)), ..Person::fixture(id(n)) }
}

const fn version_id(n: u128) -> VersionId {
    VersionId(Uuid::from_u128(n))
}

/// Nothing is typed about a project.
static NO_PROJECT: ProjectForm = ProjectForm::new();
/// What is signed with.
const SIGNATURES: &[SignatureId] = &[SignatureId(Uuid::from_u128(300))];
/// What is in force.
const VERSIONS: &[VersionId] = &[version_id(1)];

fn terms(questions: Vec<Question>) -> Terms {
    let section =
        Section { id: "all".parse().unwrap(), title: Localised::default(), help: None, questions: questions.clone() };
    let form = FormVersion {
        id: Uuid::from_u128(7).into(),
        form: Uuid::nil().into(),
        slug: "form".parse().unwrap(),
        number: 1,
        title: Localised::default(),
        sections: vec![section],
        published_at: Timestamp(0),
    };
    let form = (!questions.is_empty()).then_some(form);
    Terms { agreements: vec![version()], form, project: ProjectTerms::NotAsked }
}

fn version() -> AgreementVersion {
    AgreementVersion {
        id: version_id(1),
        agreement: Uuid::nil().into(),
        slug: "terms".parse().unwrap(),
        number: 1,
        title: Localised::default(),
        statement: Localised::default(),
        consent: Localised::default(),
        kind: AgreementKind::default(),
        binding: Language::English,
        texts: Vec::new(),
        sign_by: None,
        published_at: Timestamp(0),
    }
}

fn complete_form(answers: &Answers) -> SigningForm<'_> {
    SigningForm {
        shown: VERSIONS,
        language: Language::English,
        form_version: None,
        answers,
        project: &NO_PROJECT,
        accepted: VERSIONS,
        consented: VERSIONS,
        typed_name: "A Name",
        account_name: "A Name",
        name_confirmed: false,
    }
}

/// A form in which nothing is missing of what is asked in this situation.
fn form_for(mode: AccessMode, project: Option<&ProjectSituation<'_>>) -> CompleteForm {
    let terms = Terms { project: ProjectTerms::of(mode, project), ..terms(Vec::new()) };
    let typed = [
        (ProjectField::Title, "Counting".to_owned()),
        (ProjectField::Purpose, "Counting what can be counted, and nothing else.".to_owned()),
        (ProjectField::Institution, "Institute".to_owned()),
    ];
    CompleteForm::parse(&terms, &SigningForm { project: &typed.into(), ..complete_form(&Answers::new()) }).unwrap()
}

/// A command as a person hands it in.
#[derive(Clone, Debug)]
struct Wish {
    action: RequestAction,
    verdict: Verdict,
    words: Comment,
    round: u32,
    proved_at: Timestamp,
    draft: DraftAnswers,
    /// Whom it concerns, where that is not the one who acts.
    other: Option<PersonId>,
}

impl Wish {
    /// In which nothing is wrong.
    fn well_formed(action: RequestAction, round: u32) -> Self {
        Self {
            action,
            verdict: Verdict::Approve,
            words: Comment::parse("a reason").unwrap(),
            round,
            proved_at: NOW,
            draft: DraftAnswers::default(),
            other: None,
        }
    }

    fn command<'a>(&'a self, form: &'a CompleteForm) -> RequestCommand<'a> {
        let (fresh, verdict, round) = (Uuid::from_u128(100).into(), self.verdict, self.round);
        match self.action {
            RequestAction::SaveDraft => RequestCommand::SaveDraft { new_request_id: fresh, answers: &self.draft },
            RequestAction::Sign => RequestCommand::Sign {
                new_request_id: fresh,
                new_project_id: Uuid::from_u128(500).into(),
                form,
                proved_at: self.proved_at,
                signatures: SIGNATURES,
            },
            RequestAction::SignAsMember => {
                RequestCommand::SignAsMember { form, proved_at: self.proved_at, signatures: SIGNATURES }
            }
            RequestAction::SignNewVersions => {
                RequestCommand::SignNewVersions { form, proved_at: self.proved_at, signatures: SIGNATURES }
            }
            RequestAction::Withdraw => RequestCommand::Withdraw,
            RequestAction::Vote => RequestCommand::Vote { verdict, comment: &self.words, round },
            RequestAction::Override => RequestCommand::Override { verdict, reason: &self.words, round },
            RequestAction::Recuse => RequestCommand::Recuse,
            RequestAction::LiftRecusal => RequestCommand::LiftRecusal { person: self.other },
        }
    }
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Approve), Just(Verdict::Reject), Just(Verdict::Return)]
}

fn wish() -> impl Strategy<Value = Wish> {
    let words = prop_oneof![Just(""), Just("  "), Just("a reason")];
    let age = prop_oneof![Just(0), Just(SIGNING_PROOF_AGE.0), Just(SIGNING_PROOF_AGE.0 + 1)];
    let action = prop::sample::select(RequestAction::ALL.to_vec());
    let other = prop::option::of((0_u128..6).prop_map(id));
    (action, verdict(), words, 0_u32..4, age, other).prop_map(|(action, verdict, words, round, age, other)| Wish {
        other,
        action,
        verdict,
        words: Comment::parse(words).unwrap(),
        round,
        proved_at: Timestamp(NOW.0 - age),
        draft: DraftAnswers::default(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_sequence_of_commands_breaks_a_rule(
        applicant in 0_u128..2,
        quorum in 0_u32..4,
        wishes in prop::collection::vec((0_u128..6, wish()), 0..40),
    ) {
        let reviewers = REVIEWERS.map(id);
        let form = form_for(AccessMode::Approval, None);
        let conditions =
            AccessConditions { mode: AccessMode::Approval, suspended: false, retired: false, quorum, later_members: Later::Included, current_release: 1, versions: VERSIONS, form_version: None };
        let mut request = AccessRequest::draft(Uuid::from_u128(100).into(), Uuid::from_u128(200).into(), None, id(applicant));
        let mut signed_rounds = 0;
        for (by, wish) in wishes {
            let before = request.clone();
            let actor = person(by);
            let situation =
                RequestSituation { actor: &actor, conditions, reviewers: &reviewers, owners: &[id(OWNER)], project: None, members: &[], signers: &[], request: Some(&request), saved: None, grant: None, own_grant: None, is_suspended: false, has_decided: false, to_sign: None };
            let decided = decide(&situation, &wish.command(&form), NOW);
            let Ok(changes) = decided else { continue };
            prop_assert!(wish.action == RequestAction::SaveDraft || !changes.is_empty(), "a success changes something");
            if changes.iter().any(|change| matches!(change, Change::Drafted { .. })) {
                // The next request of the same person: another story.
                prop_assert!(before.stage.is_final(), "a new request begins only after the end of the last");
                prop_assert_eq!(actor.id, before.applicant);
                continue;
            }
            prop_assert!(!before.stage.is_final(), "nothing happens after the end");
            for change in &changes {
                request.apply(change);
            }
            check_step(&before, &request, (&actor, &wish), &changes, quorum)?;
            signed_rounds += u32::from(wish.action == RequestAction::Sign);
            prop_assert_eq!(request.round, signed_rounds, "every round has its signature");
            let mut voters: Vec<_> = request.votes.iter().map(|vote| vote.reviewer).collect();
            voters.sort_unstable();
            voters.dedup();
            prop_assert_eq!(voters.len(), request.votes.len(), "one vote each a round");
            prop_assert!(!voters.contains(&id(applicant)), "four eyes");
        }
    }
}

fn check_step(
    before: &AccessRequest,
    after: &AccessRequest,
    (actor, wish): (&Person, &Wish),
    changes: &[Change],
    quorum: u32,
) -> Result<(), TestCaseError> {
    match wish.action {
        RequestAction::SaveDraft | RequestAction::Withdraw => prop_assert_eq!(actor.id, before.applicant),
        RequestAction::Sign => {
            prop_assert_eq!(actor.id, before.applicant);
            prop_assert!(NOW - wish.proved_at <= SIGNING_PROOF_AGE, "a signature needs a fresh proof");
        }
        RequestAction::SignAsMember => prop_assert!(false, "there are no other members"),
        RequestAction::SignNewVersions => prop_assert!(false, "there are no newer versions"),
        RequestAction::Vote => {
            prop_assert_ne!(actor.id, before.applicant, "nobody decides their own");
            prop_assert!(REVIEWERS.map(id).contains(&actor.id));
            prop_assert_eq!(before.stage, Stage::Submitted);
            prop_assert_eq!(wish.round, before.round, "a vote is on what was seen");
            prop_assert!(wish.verdict == Verdict::Approve || !wish.words.is_empty());
        }
        RequestAction::Override => {
            prop_assert_ne!(actor.id, before.applicant);
            prop_assert!(!wish.words.is_empty());
            prop_assert!(changes.contains(&Change::Overridden), "an override is an event of its own kind");
            prop_assert!(wish.verdict != Verdict::Return);
        }
        RequestAction::Recuse => {
            prop_assert_ne!(actor.id, before.applicant, "nobody decides their own");
            prop_assert!(after.recused.contains(&actor.id) && !before.recused.contains(&actor.id));
        }
        RequestAction::LiftRecusal => {
            prop_assert_eq!(actor.id, id(OWNER), "only an owner lets others back");
            let back: Vec<_> = before.recused.iter().filter(|person| !after.recused.contains(person)).collect();
            prop_assert_eq!(back, wish.other.iter().collect::<Vec<_>>());
        }
    }
    if wish.action != RequestAction::Recuse {
        prop_assert!(
            !before.recused.contains(&actor.id) || actor.id == before.applicant,
            "who stepped aside is out of it"
        );
    }
    if after.stage == Stage::Approved && !changes.contains(&Change::Overridden) {
        let counts = |vote: &&Vote| vote.verdict == Verdict::Approve && !after.recused.contains(&vote.reviewer);
        let approvals = after.votes.iter().filter(counts).count();
        prop_assert!(approvals >= quorum.max(1) as usize, "approved only with the quorum");
    }
    Ok(())
}

#[test]
fn a_form_in_which_anything_is_missing_is_not_signed() {
    let id: crate::domain::text::Slug = "purpose".parse().unwrap();
    let kind = QuestionKind::Long { min_length: 10 };
    let question = Question { id, label: Localised::default(), hint: None, required: true, only_if: None, kind };
    let terms = terms(vec![question]);
    let answered = Answers::from([("purpose".to_owned(), "Research on label noise.".to_owned())]);
    let whole = SigningForm { form_version: terms.form_version(), ..complete_form(&answered) };
    assert!(CompleteForm::parse(&terms, &whole).is_ok());
    let none = Answers::new();
    let wrong = |form: SigningForm<'_>| *CompleteForm::parse(&terms, &form).unwrap_err();
    let answers = BTreeMap::from([("purpose".to_owned(), TextError::Empty)]);
    assert_eq!(
        wrong(SigningForm { answers: &none, ..whole.clone() }),
        SigningErrors { answers, ..SigningErrors::default() }
    );
    assert_eq!(wrong(SigningForm { accepted: &[version_id(2)], ..whole.clone() }).not_accepted, VERSIONS);
    assert_eq!(wrong(SigningForm { consented: &[], ..whole.clone() }).not_consented, VERSIONS);
    assert_eq!(wrong(SigningForm { typed_name: " ", ..whole.clone() }).typed_name, Some(TextError::Empty));
    assert_eq!(wrong(SigningForm { shown: &[version_id(2)], ..whole.clone() }).not_shown, VERSIONS);
    assert!(wrong(SigningForm { form_version: None, ..whole }).form_changed);
}

fn submission() -> Change {
    Change::Submitted { signatures: SIGNATURES.to_vec() }
}

fn submitted(rounds: &[Change]) -> AccessRequest {
    let mut request = AccessRequest::draft(Uuid::from_u128(1).into(), Uuid::from_u128(2).into(), None, id(0));
    for change in rounds {
        request.apply(change);
    }
    request
}

fn approve(by: u128, round: u32, request: &AccessRequest) -> Result<Vec<Change>, Refusal> {
    let (actor, reviewers, form) = (person(by), REVIEWERS.map(id), form_for(AccessMode::Approval, None));
    let conditions = AccessConditions {
        mode: AccessMode::Approval,
        suspended: false,
        retired: false,
        quorum: 1,
        later_members: Later::Included,
        current_release: 1,
        versions: VERSIONS,
        form_version: None,
    };
    let situation = RequestSituation {
        actor: &actor,
        conditions,
        reviewers: &reviewers,
        owners: &[],
        project: None,
        members: &[],
        signers: &[],
        request: Some(request),
        saved: None,
        grant: None,
        own_grant: None,
        is_suspended: false,
        has_decided: false,
        to_sign: None,
    };
    decide(&situation, &Wish::well_formed(RequestAction::Vote, round).command(&form), NOW)
}

#[test]
fn two_reviewers_at_once_one_wins_the_other_is_told() {
    let mut request = submitted(&[submission()]);
    for change in approve(2, 1, &request).unwrap() {
        request.apply(&change);
    }
    assert_eq!(request.stage, Stage::Approved);
    assert_eq!(approve(3, 1, &request), Err(Refusal::NotWaiting));
}

#[test]
fn an_old_page_does_not_undo_a_newer_draft() {
    let (actor, reviewers) = (person(1), REVIEWERS.map(id));
    let conditions = AccessConditions {
        mode: AccessMode::Approval,
        suspended: false,
        retired: false,
        quorum: 1,
        later_members: Later::Included,
        current_release: 1,
        versions: VERSIONS,
        form_version: None,
    };
    let request = AccessRequest::draft(Uuid::from_u128(100).into(), Uuid::from_u128(200).into(), None, id(1));
    let answers = |text: &str| Answers::from([("purpose".to_owned(), text.to_owned())]);
    let (name, kind) = ("purpose".parse().unwrap(), QuestionKind::Short);
    let question = Question { id: name, label: Localised::default(), hint: None, required: true, only_if: None, kind };
    let (saved, questions) = (answers("newer"), [question]);
    let save = |typed: &str, shown: Option<Sha256>, saved: Option<&Answers>| {
        let situation = RequestSituation {
            actor: &actor,
            conditions,
            reviewers: &reviewers,
            owners: &[],
            project: None,
            members: &[],
            signers: &[],
            request: saved.map(|_| &request),
            saved,
            grant: None,
            own_grant: None,
            is_suspended: false,
            has_decided: false,
            to_sign: None,
        };
        let typed = DraftAnswers::parse(questions.iter(), [("purpose", typed)].into_iter()).based_on(shown);
        decide(&situation, &RequestCommand::SaveDraft { new_request_id: request.id, answers: &typed }, NOW).map(|_| ())
    };
    let (old, new) = (Some(fingerprint(&answers("older"))), Some(fingerprint(&saved)));
    assert_eq!(save("typed in an old tab", old, Some(&saved)), Err(Refusal::DraftChanged));
    assert_eq!(
        save("typed in an old tab", Some(fingerprint(&Answers::new())), Some(&saved)),
        Err(Refusal::DraftChanged)
    );
    assert_eq!(save("typed after the newest was shown", new, Some(&saved)), Ok(()));
    assert_eq!(save("newer", old, Some(&saved)), Ok(()), "the same again, from anywhere");
    assert_eq!(save("the first", old, None), Ok(()));
}

#[test]
fn a_vote_on_an_older_round_is_refused() {
    let request = submitted(&[submission(), Change::Returned, submission()]);
    assert_eq!(approve(2, 1, &request), Err(Refusal::Changed));
}

#[test]
fn somebody_who_can_decide_is_asked() {
    let (applicant, reviewer, owner) = (person(1), person(2), person(OWNER));
    let suspended = Person { suspended_at: Some(NOW), ..person(3) };
    let asked = |reviewers: &[Person], quorum: u32, voted: &[u128]| -> (Vec<PersonId>, Vec<PersonId>) {
        let vote = |by: &u128| Change::Voted(Vote { reviewer: id(*by), verdict: Verdict::Approve });
        let steps: Vec<_> = [submission()].into_iter().chain(voted.iter().map(vote)).collect();
        let request = submitted(&steps);
        let owners = [owner.clone(), suspended.clone()];
        let asked = quorum::deciders(reviewers, &owners, &[applicant.id], &request, quorum);
        let ids = |people: Vec<&Person>| people.into_iter().map(|person| person.id).collect();
        (ids(asked.reviewers), ids(asked.owners))
    };
    let some = [applicant.clone(), reviewer.clone(), suspended.clone()];
    assert_eq!(asked(&some, 1, &[]), (vec![reviewer.id], vec![]));
    for nobody in [vec![], vec![applicant.clone()], vec![suspended.clone(), applicant.clone()]] {
        assert_eq!(asked(&nobody, 1, &[]), (vec![], vec![owner.id]), "an owner, where no reviewer can");
    }
    // One reviewer is too few for a quorum of two, unless somebody who still reviews has approved already.
    assert_eq!(asked(&some, 2, &[]), (vec![reviewer.id], vec![owner.id]));
    assert_eq!(asked(&some, 2, &[3]), (vec![reviewer.id], vec![]));
    assert_eq!(asked(&some, 2, &[4]), (vec![reviewer.id], vec![owner.id]), "who left does not count");
    assert_eq!(asked(&some, 2, &[2]), (vec![reviewer.id], vec![owner.id]), "nobody votes twice");
}
