//! Any sequence of commands by any mix of people, and then the log is read by an oracle that knows nothing of the code
//! that wrote it: what was admitted had to be, what was denied had to be, nobody decided on their own request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign::domain::Refusal;
use countersign::domain::access_request::Verdict;
use countersign::domain::access_request::signing::{CompleteForm, SigningForm, Terms};
use countersign::domain::admission::Caller;
use countersign::domain::agreement::{AgreementDescription, AgreementKind, AgreementVersion, NewAgreementVersion};
use countersign::domain::comment::{Comment, Reason};
use countersign::domain::dataset::{AccessMode, DatasetDescription, Later, Localised, NewDataset, SuspensionChange};
use countersign::domain::event::Actor;
use countersign::domain::form::Answers;
use countersign::domain::ids::{DatasetId, GrantId, PersonId, RequestId, TokenId};
use countersign::domain::origin::Origin;
use countersign::domain::person::{AuthMethod, Role, Roles};
use countersign::domain::project::{ProjectField, ProjectForm, WantedProject};
use countersign::domain::text::{Email, Language, Secret, Sha256, Slug};
use countersign::domain::token::{DataAction, NewToken, NewTokenForm};
use countersign::domain::transfer::{ReadMethod, Taker};
use countersign::ledger::commands::access_requests::{Decision, Submission, override_review, submit, vote, withdraw};
use countersign::ledger::commands::admissions::{DeliveryForm, DownloadRequest, admit};
use countersign::ledger::commands::agreements::{PublishedVersion, publish as publish_agreement};
use countersign::ledger::commands::datasets::{change_suspension, publish as publish_dataset};
use countersign::ledger::commands::grants;
use countersign::ledger::commands::people::{self, NewAccount, create};
use countersign::ledger::commands::projects::ending::end as end_project;
use countersign::ledger::commands::sessions::start;
use countersign::ledger::commands::tokens::{issue, revoke as revoke_token};
use countersign::ledger::{ClockPolicy, Ledger};
use countersign::log::LogKey;
use countersign::store::log::{Filter, LogArchive, Walk, select};
use countersign::store::{Database, Priority, ReadPool, RequestFacts, access_requests, verification};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use uuid::Uuid;

use super::support::database::TestDatabase;

/// People 0 and 1 apply; 1, 2 and 3 review; 4 administers.
pub const PEOPLE: usize = 5;
pub const ADMINISTRATOR: usize = 4;

/// An action that somebody tries.
#[derive(Clone, Debug)]
pub enum Step {
    Submit(usize),
    Vote { by: usize, of: usize, verdict: Verdict, round: u32 },
    Override { by: usize, of: usize, verdict: Verdict, round: u32 },
    Withdraw { by: usize, of: usize },
    EndProject { by: usize, of: usize },
    RevokeGrant { by: usize, which: usize },
    Suspend { by: usize, whom: usize },
    Restore(usize),
    SuspendDataset(bool),
    Issue(usize),
    RevokeToken { by: usize, which: usize },
    Session(usize),
    Token(usize),
    Nobody,
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
        1 => (0..2_usize, 0..2_usize).prop_map(|(by, of)| Step::EndProject { by, of }),
        1 => (3..PEOPLE, 0..4_usize).prop_map(|(by, which)| Step::RevokeGrant { by, which }),
        1 => (3..PEOPLE, 0..4_usize).prop_map(|(by, whom)| Step::Suspend { by, whom }),
        2 => (0..4_usize).prop_map(Step::Restore),
        1 => any::<bool>().prop_map(Step::SuspendDataset),
        3 => (0..2_usize).prop_map(Step::Issue),
        1 => (0..2_usize, 0..6_usize).prop_map(|(by, which)| Step::RevokeToken { by, which }),
        5 => (0..3_usize).prop_map(Step::Session),
        5 => (0..6_usize).prop_map(Step::Token),
        1 => Just(Step::Nobody),
    ]
}

/// A dataset with its people, fresh for each case.
pub struct World<'a> {
    pub ledger: &'a Ledger,
    pub slug: Slug,
    dataset: DatasetId,
    version: AgreementVersion,
    pub people: Vec<PersonId>,
    pub requests: BTreeMap<usize, RequestId>,
    tokens: Vec<TokenId>,
    grants: Vec<GrantId>,
}

fn text(text: &str) -> Localised {
    Localised(BTreeMap::from([(Language::English, text.to_owned())]))
}

/// The hash of a fresh session's secret.
pub fn session_hash() -> Sha256 {
    Sha256::of(Uuid::now_v7().as_bytes())
}

fn email(n: usize, slug: &Slug) -> Email {
    format!("p{n}-{slug}@demo.example").parse().unwrap()
}

/// A dataset with an agreement of its own, under a fresh name.
pub fn publish(ledger: &Ledger, mode: AccessMode, quorum: u32, reviewers: &[Email]) -> Slug {
    let slug: Slug = format!("d{}", Uuid::now_v7().simple()).parse().unwrap();
    publish_as(ledger, &slug, mode, quorum, reviewers);
    slug
}

fn publish_as(
    ledger: &Ledger,
    slug: &Slug,
    mode: AccessMode,
    quorum: u32,
    reviewers: &[Email],
) -> (AgreementVersion, DatasetId) {
    let version = publish_terms(ledger, slug);
    let description = DatasetDescription {
        slug: slug.clone(),
        title: text("Data"),
        summary: text(""),
        description: text(""),
        licence: String::new(),
        publisher: text(""),
        tags: Vec::new(),
        info: Vec::new(),
        mode,
        agreements: vec![slug.clone()],
        form: None,
        reviewers: reviewers.to_vec(),
        quorum,
        grant_days: 30,
        later_releases: Later::default(),
        later_members: Later::default(),
        related: Vec::new(),
        position: 0,
        root: "/nowhere".into(),
    };
    let dataset = NewDataset::parse(description).unwrap();
    let id = ledger.run_blocking(move |tx| publish_dataset(tx, Actor::OPERATOR, &dataset)).unwrap();
    (version, id)
}

/// An agreement under the dataset's name.
fn publish_terms(ledger: &Ledger, slug: &Slug) -> AgreementVersion {
    let description = AgreementDescription {
        slug: slug.clone(),
        title: text("Terms"),
        statement: text("I accept."),
        consent: text("I consent."),
        kind: AgreementKind::default(),
        binding: None,
        texts: BTreeMap::from([(Language::English, "Be good.".to_owned())]),
    };
    let new = NewAgreementVersion::parse(description).unwrap();
    match ledger.run_blocking(move |tx| publish_agreement(tx, Actor::OPERATOR, new)).unwrap() {
        PublishedVersion::New(version) | PublishedVersion::Unchanged(version) => version,
    }
}

impl<'a> World<'a> {
    pub fn new(ledger: &'a Ledger, mode: AccessMode, quorum: u32) -> Self {
        let name = format!("d{}", Uuid::now_v7().simple());
        let slug: Slug = name.parse().unwrap();
        let people: Vec<PersonId> = (0..PEOPLE)
            .map(|n| {
                let account = NewAccount {
                    email: email(n, &slug),
                    name: format!("Person {n}").parse().unwrap(),
                    affiliation: None,
                    language: Language::English,
                    password_hash: Secret::new("none"),
                };
                let roles = Roles { administrator: n == ADMINISTRATOR, auditor: false };
                ledger.run_blocking(move |tx| create(tx, &account, roles)).unwrap()
            })
            .collect();
        let reviewers: Vec<Email> = (1..4).map(|n| email(n, &slug)).collect();
        let (version, dataset) = publish_as(ledger, &slug, mode, quorum, &reviewers);
        Self {
            ledger,
            slug,
            dataset,
            version,
            people,
            requests: BTreeMap::new(),
            tokens: Vec::new(),
            grants: Vec::new(),
        }
    }

    /// Tries a step. Refusals are as good as successes: the oracle judges by what was recorded.
    pub fn take(&mut self, step: &Step, reads: &ReadPool) {
        let ledger = self.ledger;
        match step.clone() {
            Step::Submit(by) => {
                let submission = self.submission(by);
                if let Ok(done) = ledger.run_blocking(move |tx| submit(tx, &submission)) {
                    self.requests.insert(by, done.request);
                }
            }
            Step::Vote { by, of, verdict, round } | Step::Override { by, of, verdict, round } => {
                let Some(request) = self.requests.get(&of).copied() else { return };
                let comment = Comment::parse("Because.").unwrap();
                let decision = Decision { by: self.people[by], request, verdict, comment, round };
                let alone = matches!(step, Step::Override { .. });
                // Refused or not, the log says what came of it.
                let _ = ledger.run_blocking(
                    move |tx| {
                        if alone { override_review(tx, &decision) } else { vote(tx, &decision) }
                    },
                );
            }
            Step::Withdraw { by, of } => {
                let Some(request) = self.requests.get(&of).copied() else { return };
                let person = self.people[by];
                let _ = ledger.run_blocking(move |tx| withdraw(tx, person, request));
            }
            Step::EndProject { by, of } => {
                let Some(request) = self.requests.get(&of).copied() else { return };
                let person = self.people[by];
                let _ = ledger.run_blocking(move |tx| {
                    let stored = access_requests::by_id(tx.conn, request)?;
                    let project = stored.and_then(|stored| stored.request.project).ok_or(Refusal::NotFound)?;
                    end_project(tx, person, project)
                });
            }
            Step::RevokeGrant { by, which } => {
                self.look_for_grants(reads);
                let Some(grant) = self.grants.get(which).copied() else { return };
                let person = self.people[by];
                let _ = ledger.run_blocking(move |tx| grants::revoke(tx, person, grant, &reason("Over.")));
            }
            Step::Suspend { by, whom } => {
                let (by, whom) = (self.people[by], self.people[whom]);
                let _ = ledger.run_blocking(move |tx| people::suspend(tx, by, whom, &reason("Lost laptop.")));
            }
            Step::Restore(whom) => {
                let (by, whom) = (self.people[ADMINISTRATOR], self.people[whom]);
                let _ = ledger.run_blocking(move |tx| people::restore(tx, by, whom));
            }
            Step::SuspendDataset(on) => {
                let (by, slug) = (self.people[ADMINISTRATOR], self.slug.clone());
                let switch =
                    if on { SuspensionChange::Suspend(reason("Revision.")) } else { SuspensionChange::Restore };
                let _ = ledger.run_blocking(move |tx| change_suspension(tx, by, &slug, &switch));
            }
            Step::Issue(by) => {
                let form = NewTokenForm {
                    name: "t".into(),
                    datasets: vec![self.slug.to_string()],
                    project: String::new(),
                    paths: Vec::new(),
                    days: Some(7),
                    allow_unmatched: false,
                };
                let (token, person) = (NewToken::parse(&form).unwrap(), self.people[by]);
                let actor = Actor::person(person, Role::Applicant);
                if let Ok(record) = ledger.run_blocking(move |tx| issue(tx, actor, person, &token)) {
                    self.tokens.push(record.id);
                }
            }
            Step::RevokeToken { by, which } => {
                let Some(token) = self.tokens.get(which).copied() else { return };
                let person = self.people[by];
                let _ = ledger.run_blocking(move |tx| revoke_token(tx, person, token));
            }
            Step::Session(by) => {
                let (person, hash) = (self.people[by], session_hash());
                // Refused while the account is suspended; then it asks with a session that there is not.
                let _ = ledger
                    .run_blocking(move |tx| start(tx, person, &Secret::new("none"), hash, &Origin::default()))
                    .unwrap();
                self.ask(Caller::Session(person, hash));
            }
            Step::Token(which) => {
                if let Some(token) = self.tokens.get(which).copied() {
                    self.ask(Caller::Token(token));
                }
            }
            Step::Nobody => self.ask(Caller::Anonymous),
        }
    }

    /// A form in which nothing is missing, as this person hands it in.
    pub fn submission(&self, by: usize) -> Submission {
        let (answers, versions) = (Answers::new(), [self.version.id]);
        let (slug, person) = (self.slug.clone(), self.people[by]);
        let project = self.ledger.run_blocking(move |tx| {
            let facts = RequestFacts::of_applicant(tx.conn, &slug, person, (WantedProject::Latest, tx.now))?;
            Ok(facts.map(|facts| facts.project_terms()).unwrap_or_default())
        });
        let terms = Terms { agreements: vec![self.version.clone()], form: None, project: project.unwrap() };
        let project: ProjectForm = [
            (ProjectField::Title, "Counting".to_owned()),
            (ProjectField::Purpose, "Counting what can be counted, and nothing else.".to_owned()),
            (ProjectField::Institution, "Institute".to_owned()),
        ]
        .into();
        let form = SigningForm {
            shown: &versions,
            language: Language::English,
            form_version: None,
            answers: &answers,
            project: &project,
            accepted: &versions,
            consented: &versions,
            typed_name: "A Name",
            account_name: "A Name",
            name_confirmed: false,
        };
        Submission {
            person: self.people[by],
            dataset: self.slug.clone(),
            project: WantedProject::Latest,
            form: CompleteForm::parse(&terms, &form).unwrap(),
            auth_method: AuthMethod::Password,
            proved_at: countersign::clock::now(),
            origin: Origin::default(),
        }
    }

    fn ask(&self, caller: Caller) {
        let request = DownloadRequest {
            caller,
            dataset: self.dataset,
            slug: self.slug.clone(),
            release: 0,
            path: "a.txt".parse().unwrap(),
            action: DataAction::Read,
            method: ReadMethod::Get,
            form: DeliveryForm::File,
            ranges: None,
            bytes: 1,
            origin: Origin::default(),
            taker: Taker::Client,
            looked_up: None,
        };
        // The answer is in the log.
        let _ = self.ledger.run_blocking(move |tx| Ok(admit(tx, &request)?)).unwrap();
    }

    fn look_for_grants(&mut self, reads: &ReadPool) {
        let filter =
            Filter { dataset: Some(self.slug.to_string()), action: Some("grant.created".into()), ..Filter::default() };
        let found = reads.read_blocking(move |conn| select(conn, &archive(), &filter, Walk::From(0), 1_000)).unwrap();
        self.grants = found.iter().map(|event| event.fields.subject.as_deref().unwrap().parse().unwrap()).collect();
    }
}

fn reason(text: &str) -> Reason {
    Reason::parse(text).unwrap()
}

/// Nothing is archived here.
fn archive() -> LogArchive {
    LogArchive::new("nowhere")
}

/// What an auditor concludes from the events alone, in their order.
#[derive(Default)]
struct Oracle {
    quorum: usize,
    needs_review: bool,
    dataset_suspended: bool,
    suspended: BTreeSet<String>,
    /// Grants in force: person by grant.
    grants: BTreeMap<String, String>,
    /// Tokens in force: person by token.
    tokens: BTreeMap<String, String>,
    /// The signer of each request.
    signed: BTreeMap<String, String>,
    approvals: BTreeMap<String, BTreeSet<String>>,
    overridden: BTreeSet<String>,
    granted: BTreeSet<String>,
    /// Projects: by the one who leads it.
    projects: BTreeMap<String, String>,
    ended: BTreeSet<String>,
}

impl Oracle {
    fn read(&mut self, event: &Value) -> Result<(), String> {
        let action = event["action"].as_str().unwrap();
        let actor = event["actor"]["id"].as_str().unwrap_or_default().to_owned();
        let subject = event["subject"].as_str().unwrap_or_default().to_owned();
        let detail = |name: &str| event["details"][name].as_str().unwrap_or_default().to_owned();
        match action {
            "dataset.suspended" => self.dataset_suspended = true,
            "dataset.restored" => self.dataset_suspended = false,
            "account.suspended" => drop(self.suspended.insert(subject)),
            "account.restored" => drop(self.suspended.remove(&subject)),
            "token.issued" => drop(self.tokens.insert(subject, detail("person"))),
            "token.revoked" => drop(self.tokens.remove(&subject)),
            "grant.revoked" => drop(self.grants.remove(&subject)),
            "agreement.signed" => drop(self.signed.insert(detail("request"), actor)),
            "project.begun" => drop(self.projects.insert(subject, actor)),
            "project.ended" => {
                if self.projects.get(&subject) != Some(&actor) {
                    return Err(format!("{actor} ended somebody else's project"));
                }
                if !self.ended.insert(subject) {
                    return Err("a project was ended twice".into());
                }
            }
            "request.submitted" => {
                let project = event["project"].as_str().unwrap_or_default();
                if self.needs_review && (self.ended.contains(project) || !self.projects.contains_key(project)) {
                    return Err(format!("a request was sent for {project}, which does not go on"));
                }
                self.approvals.remove(&subject);
            }
            "request.reviewed" => {
                if self.signed.get(&subject) == Some(&actor) {
                    return Err(format!("{actor} decided on their own request"));
                }
                if self.suspended.contains(&actor) {
                    return Err(format!("{actor} decided while suspended"));
                }
                if detail("verdict") == "approve" && !self.approvals.entry(subject).or_default().insert(actor.clone()) {
                    return Err(format!("{actor} approved twice"));
                }
            }
            "request.overridden" => {
                if self.signed.get(&subject) == Some(&actor) {
                    return Err(format!("{actor} overrode on their own request"));
                }
                self.overridden.insert(subject);
            }
            "grant.created" => self.grant(&subject, &detail("request"), detail("person"))?,
            "download.admitted" | "download.denied" => {
                let expected = self.may_pass(&actor, &detail("token"));
                if expected != (action == "download.admitted") {
                    return Err(format!("{action} is wrong: {event}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn grant(&mut self, grant: &str, request: &str, person: String) -> Result<(), String> {
        if self.signed.get(request) != Some(&person) {
            return Err(format!("{person} was granted access without a signature"));
        }
        let approved = self.approvals.get(request).map_or(0, BTreeSet::len) >= self.quorum;
        if self.needs_review && !approved && !self.overridden.contains(request) {
            return Err(format!("{request} was granted without its quorum"));
        }
        if !self.granted.insert(request.to_owned()) {
            return Err(format!("{request} was granted twice"));
        }
        self.grants.insert(grant.to_owned(), person);
        Ok(())
    }

    fn may_pass(&self, actor: &str, token: &str) -> bool {
        let granted = self.grants.values().any(|person| person == actor);
        let token_good = token.is_empty() || self.tokens.get(token).is_some_and(|person| person == actor);
        !self.dataset_suspended && granted && token_good && !self.suspended.contains(actor)
    }
}

fn key() -> Arc<LogKey> {
    Arc::new(LogKey::parse(&LogKey::generate("model/log", &[7; 32]).unwrap()).unwrap())
}

/// Runs a test against a ledger of its own, on the database that the suite runs on.
pub fn in_ledger(test: impl FnOnce(&Ledger, &ReadPool)) {
    let folder = tempfile::tempdir().unwrap();
    let test_database = TestDatabase::fresh();
    let database = match test_database.url() {
        Some(url) => Database::parse(&url),
        None => Database::Sqlite(folder.path().join("model.db").display().to_string()),
    };
    database.migrate().unwrap();
    let ledger = Ledger::start(database.clone(), key(), None, ClockPolicy::NeverBack).unwrap();
    test(&ledger, &database.read_pool(1, Priority::Usual).unwrap());
}

#[test]
fn the_log_of_any_sequence_of_commands_is_just() {
    in_ledger(check_sequences);
}

fn check_sequences(ledger: &Ledger, reads: &ReadPool) {
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let modes = prop_oneof![3 => Just(AccessMode::Approval), 1 => Just(AccessMode::Agreement)];
    let strategy = (modes, 1..3_u32, prop::collection::vec(step(), 1..80));
    runner
        .run(&strategy, |(mode, quorum, steps)| {
            let mut world = World::new(ledger, mode, quorum);
            let start = reads.read_blocking(countersign::store::log::size);
            for step in &steps {
                world.take(step, reads);
            }
            let from = start.unwrap();
            let events =
                reads.read_blocking(move |conn| select(conn, &archive(), &Filter::default(), Walk::From(from), 10_000));
            let mut oracle =
                Oracle { quorum: quorum as usize, needs_review: mode == AccessMode::Approval, ..Oracle::default() };
            for event in events.unwrap() {
                let body: Value = serde_json::from_str(&event.body).unwrap();
                if let Err(why) = oracle.read(&body) {
                    return Err(TestCaseError::fail(why));
                }
            }
            Ok(())
        })
        .unwrap();
    let filter = Filter { action: Some("download.admitted".into()), ..Filter::default() };
    let admitted =
        reads.read_blocking(move |conn| select(conn, &archive(), &filter, Walk::From(0), 100_000)).unwrap().len();
    assert!(admitted > 200, "the sequences reach downloads: {admitted}");
    let verified =
        reads.read_blocking(|conn| verification::verify(conn, &archive(), key().verifier().clone(), &[])).unwrap();
    verified.unwrap();
}
