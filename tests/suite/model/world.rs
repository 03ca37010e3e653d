//! A dataset with its people, and what they can try.

use std::collections::BTreeMap;

use countersign::domain::access_request::Verdict;
use countersign::domain::access_request::signing::{CompleteForm, ProjectTerms, SigningForm, Terms};
use countersign::domain::admission::Caller;
use countersign::domain::agreement::{AgreementDescription, AgreementKind, AgreementVersion, NewAgreementVersion};
use countersign::domain::comment::{Comment, Reason};
use countersign::domain::dataset::{
    AccessMode, CommitteeChoice, DatasetDescription, ImportSettings, Later, NewDataset, RetirementChange,
    SuspensionChange,
};
use countersign::domain::event::Actor;
use countersign::domain::form::Answers;
use countersign::domain::ids::{DatasetId, GrantId, PersonId, ProjectId, RequestId, TokenId};
use countersign::domain::localised::Localised;
use countersign::domain::organisation::{OrganisationDescription, OrganisationRole};
use countersign::domain::origin::Origin;
use countersign::domain::person::{AuthMethod, Role, Roles};
use countersign::domain::project::{ProjectField, ProjectForm, WantedProject};
use countersign::domain::release::{Difference, Release};
use countersign::domain::text::{Email, Language, Secret, Sha256, Slug};
use countersign::domain::token::{DataAction, NewToken, NewTokenForm};
use countersign::domain::transfer::{ReadMethod, Taker};
use countersign::domain::{Refusal, Timestamp};
use countersign::ledger::commands::access_requests::{
    Decision, MemberSubmission, Submission, override_review, sign_as_member, submit, vote, withdraw,
};
use countersign::ledger::commands::admissions::{DeliveryForm, DownloadRequest, admit};
use countersign::ledger::commands::agreements::publish as publish_agreement;
use countersign::ledger::commands::datasets::{change_retirement, change_suspension, publish as publish_dataset};
use countersign::ledger::commands::grants;
use countersign::ledger::commands::organisations::{self, members as officers};
use countersign::ledger::commands::people::{self, NewAccount, create};
use countersign::ledger::commands::projects::ending::end as end_project;
use countersign::ledger::commands::projects::members;
use countersign::ledger::commands::releases::{Basis, Target, begin, end, switch, withdraw as withdraw_release};
use countersign::ledger::commands::sessions::start;
use countersign::ledger::commands::tokens::{issue, revoke as revoke_token};
use countersign::ledger::{CommandError, Ledger, Tx};
use countersign::store::log::{Filter, LogArchive, Walk, select};
use countersign::store::{ReadPool, RequestFacts, access_requests, datasets};
use proptest::prelude::*;
use uuid::Uuid;

/// People 0 and 1 apply; 1, 2 and 3 review; 4 administers; 5 owns the organisation, 6 another.
pub const PEOPLE: usize = 7;
pub const ADMINISTRATOR: usize = 4;
pub const OWNER: usize = 5;
pub const OTHER_OWNER: usize = 6;

/// An action that somebody tries.
#[derive(Clone, Debug)]
pub enum Step {
    Submit(usize),
    Vote { by: usize, of: usize, verdict: Verdict, round: u32 },
    Override { by: usize, of: usize, verdict: Verdict, round: u32 },
    Withdraw { by: usize, of: usize },
    EndProject { by: usize, of: usize },
    Invite { by: usize, of: usize, whom: usize },
    Join { by: usize, of: usize },
    Leave { by: usize, of: usize },
    RemoveMember { by: usize, of: usize, whom: usize },
    Exclude { by: usize, of: usize, whom: usize },
    SignAsMember { by: usize, of: usize },
    PublishRelease,
    WithdrawRelease(u32),
    Retire { by: usize, on: bool },
    RevokeGrant { by: usize, which: usize },
    Suspend { by: usize, whom: usize },
    Restore(usize),
    SuspendDataset { by: usize, on: bool },
    SuspendOrganisation { by: usize, on: bool },
    Appoint { whom: usize, role: OrganisationRole },
    RemoveOfficer { by: usize, whom: usize },
    Issue(usize),
    RevokeToken { by: usize, which: usize },
    Session { by: usize, release: u32 },
    Token { which: usize, release: u32 },
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
        4 => (0..2_usize, 0..4_usize).prop_map(|(by, whom)| Step::Invite { by, of: by, whom }),
        1 => (0..2_usize, 0..2_usize, 0..4_usize).prop_map(|(by, of, whom)| Step::Invite { by, of, whom }),
        5 => (0..4_usize, 0..2_usize).prop_map(|(by, of)| Step::Join { by, of }),
        1 => (0..4_usize, 0..2_usize).prop_map(|(by, of)| Step::Leave { by, of }),
        1 => (0..2_usize, 0..2_usize, 0..4_usize).prop_map(|(by, of, whom)| Step::RemoveMember { by, of, whom }),
        1 => (person(), 0..2_usize, 0..4_usize).prop_map(|(by, of, whom)| Step::Exclude { by, of, whom }),
        3 => (0..4_usize, 0..2_usize).prop_map(|(by, of)| Step::SignAsMember { by, of }),
        2 => Just(Step::PublishRelease),
        1 => (1..4_u32).prop_map(Step::WithdrawRelease),
        1 => (person(), any::<bool>()).prop_map(|(by, on)| Step::Retire { by, on }),
        1 => Just(Step::Retire { by: OWNER, on: false }),
        1 => (3..PEOPLE, 0..4_usize).prop_map(|(by, which)| Step::RevokeGrant { by, which }),
        1 => (3..PEOPLE, 0..4_usize).prop_map(|(by, whom)| Step::Suspend { by, whom }),
        2 => (0..4_usize).prop_map(Step::Restore),
        1 => (person(), any::<bool>()).prop_map(|(by, on)| Step::SuspendDataset { by, on }),
        2 => Just(Step::SuspendDataset { by: OWNER, on: false }),
        1 => (person(), any::<bool>()).prop_map(|(by, on)| Step::SuspendOrganisation { by, on }),
        2 => Just(Step::SuspendOrganisation { by: ADMINISTRATOR, on: false }),
        1 => (person(), prop::sample::select(OrganisationRole::ALL.to_vec()))
            .prop_map(|(whom, role)| Step::Appoint { whom, role }),
        1 => (person(), person()).prop_map(|(by, whom)| Step::RemoveOfficer { by, whom }),
        3 => (0..2_usize).prop_map(Step::Issue),
        1 => (0..2_usize, 0..6_usize).prop_map(|(by, which)| Step::RevokeToken { by, which }),
        6 => (0..4_usize, 0..4_u32).prop_map(|(by, release)| Step::Session { by, release }),
        5 => (0..6_usize, 0..4_u32).prop_map(|(which, release)| Step::Token { which, release }),
        1 => Just(Step::Nobody),
    ]
}

/// A request of a project with a member, which the committee approves.
pub fn with_members() -> Vec<Step> {
    let approval = |by| Step::Vote { by, of: 0, verdict: Verdict::Approve, round: 1 };
    vec![
        Step::Submit(0),
        Step::Invite { by: 0, of: 0, whom: 1 },
        Step::Join { by: 1, of: 0 },
        Step::SignAsMember { by: 1, of: 0 },
        approval(2),
        approval(3),
        Step::Session { by: 1, release: 0 },
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
    description: NewDataset,
    released: u32,
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
    found_organisation(ledger, slug);
    let version = publish_terms(ledger, slug);
    let committee = if reviewers.is_empty() {
        CommitteeChoice::None
    } else {
        CommitteeChoice::Own { reviewers: reviewers.to_vec(), quorum }
    };
    let description = described(slug, mode, committee);
    let dataset = NewDataset::parse(description).unwrap();
    let id = ledger.run_blocking(move |tx| publish_dataset(tx, Actor::OPERATOR, &dataset)).unwrap();
    (version, id)
}

/// A dataset of the organisation of the same name, with its agreement.
pub fn described(slug: &Slug, mode: AccessMode, committee: CommitteeChoice) -> DatasetDescription {
    DatasetDescription {
        organisation: Some(slug.clone()),
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
        committee,
        grant_days: 30,
        later_releases: Later::default(),
        later_members: Later::default(),
        related: Vec::new(),
        position: 0,
        root: "/nowhere".into(),
        import_settings: ImportSettings::default(),
    }
}

/// An organisation under a name.
fn found_organisation(ledger: &Ledger, slug: &Slug) {
    let description = OrganisationDescription::parse(&text("Institute"), &Localised::default()).unwrap();
    let new = organisations::NewOrganisation { slug: slug.clone(), description };
    ledger.run_blocking(move |tx| organisations::found(tx, Actor::OPERATOR, new)).unwrap();
}

/// Makes somebody an owner.
fn appoint_owner(ledger: &Ledger, organisation: &Slug, email: Email) {
    let slug = organisation.clone();
    ledger.run_blocking(move |tx| officers::appoint(tx, &slug, (&email, OrganisationRole::Owner))).unwrap();
}

/// An agreement under the dataset's name.
fn publish_terms(ledger: &Ledger, slug: &Slug) -> AgreementVersion {
    let description = AgreementDescription {
        organisation: Some(slug.clone()),
        slug: slug.clone(),
        title: text("Terms"),
        statement: text("I accept."),
        consent: text("I consent."),
        kind: AgreementKind::default(),
        binding: None,
        texts: BTreeMap::from([(Language::English, "Be good.".to_owned())]),
    };
    let new = NewAgreementVersion::parse(description).unwrap();
    ledger.run_blocking(move |tx| publish_agreement(tx, Actor::OPERATOR, new)).unwrap().told().0
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
        let committee = CommitteeChoice::Own { reviewers, quorum };
        let description = NewDataset::parse(described(&slug, mode, committee)).unwrap();
        appoint_owner(ledger, &slug, email(OWNER, &slug));
        let other: Slug = format!("o{}", Uuid::now_v7().simple()).parse().unwrap();
        found_organisation(ledger, &other);
        appoint_owner(ledger, &other, email(OTHER_OWNER, &slug));
        Self {
            ledger,
            slug,
            dataset,
            version,
            people,
            requests: BTreeMap::new(),
            description,
            released: 0,
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
            Step::RevokeGrant { by, which } => {
                self.look_for_grants(reads);
                let Some(grant) = self.grants.get(which).copied() else { return };
                let person = self.people[by];
                let _ = ledger.run_blocking(move |tx| grants::revoke(tx, person, grant, &reason("Over.")));
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
            Step::Session { by, release } => {
                let (person, hash) = (self.people[by], session_hash());
                // Refused while the account is suspended; then it asks with a session that there is not.
                let _ = ledger
                    .run_blocking(move |tx| start(tx, person, &Secret::new("none"), hash, &Origin::default()))
                    .unwrap();
                self.ask(Caller::Session(person, hash), release);
            }
            Step::Token { which, release } => {
                if let Some(token) = self.tokens.get(which).copied() {
                    self.ask(Caller::Token(token), release);
                }
            }
            Step::Nobody => self.ask(Caller::Anonymous, 0),
            other => self.take_in_project(other),
        }
    }

    /// Tries a step about a project and its members.
    fn take_in_project(&mut self, step: Step) {
        match step {
            Step::EndProject { by, of } => {
                let person = self.people[by];
                self.in_project(of, move |tx, project, _| end_project(tx, person, project));
            }
            Step::Invite { by, of, whom } => {
                let (by, whom) = (self.people[by], email(whom, &self.slug));
                self.in_project(of, move |tx, project, _| members::invite(tx, by, project, &whom).map(drop));
            }
            Step::Join { by, of } => {
                let by = self.people[by];
                self.in_project(of, move |tx, project, _| members::join(tx, by, project));
            }
            Step::Leave { by, of } => {
                let by = self.people[by];
                self.in_project(of, move |tx, project, _| members::leave(tx, by, project));
            }
            Step::RemoveMember { by, of, whom } => {
                let (by, whom) = (self.people[by], email(whom, &self.slug));
                self.in_project(of, move |tx, project, _| members::remove(tx, by, project, &whom));
            }
            Step::Exclude { by, of, whom } => {
                let (by, whom) = (self.people[by], email(whom, &self.slug));
                self.in_project(of, move |tx, _, request| {
                    members::exclude(tx, by, request, (&whom, &reason("Not trusted.")))
                });
            }
            Step::SignAsMember { by, of } => {
                let person = self.people[by];
                let form = self.form(ProjectTerms::NotAsked);
                self.in_project(of, move |tx, _, request| {
                    let (auth_method, proved_at, origin) = (AuthMethod::Password, tx.now, Origin::default());
                    let submission = MemberSubmission { person, request, form, auth_method, proved_at, origin };
                    sign_as_member(tx, &submission)
                });
            }
            other => self.take_in_office(other),
        }
    }

    /// Tries a step of those who run something: accounts, the organisation, the dataset.
    fn take_in_office(&mut self, step: Step) {
        let ledger = self.ledger;
        match step {
            Step::Suspend { by, whom } => {
                let (by, whom) = (self.people[by], self.people[whom]);
                let _ = ledger.run_blocking(move |tx| people::suspend(tx, by, whom, &reason("Lost laptop.")));
            }
            Step::Restore(whom) => {
                let (by, whom) = (self.people[ADMINISTRATOR], self.people[whom]);
                let _ = ledger.run_blocking(move |tx| people::restore(tx, by, whom));
            }
            Step::SuspendDataset { by, on } => {
                let (by, slug) = (self.people[by], self.slug.clone());
                let switch =
                    if on { SuspensionChange::Suspend(reason("Revision.")) } else { SuspensionChange::Restore };
                let _ = ledger.run_blocking(move |tx| change_suspension(tx, by, &slug, &switch));
            }
            Step::SuspendOrganisation { by, on } => {
                let (by, slug) = (self.people[by], self.slug.clone());
                let switch = if on { SuspensionChange::Suspend(reason("Audit.")) } else { SuspensionChange::Restore };
                let _ = ledger.run_blocking(move |tx| organisations::change_suspension(tx, by, &slug, &switch));
            }
            Step::Appoint { whom, role } => {
                let (slug, email) = (self.slug.clone(), email(whom, &self.slug));
                let _ = ledger.run_blocking(move |tx| officers::appoint(tx, &slug, (&email, role)));
            }
            Step::RemoveOfficer { by, whom } => {
                let (by, slug, email) = (self.people[by], self.slug.clone(), email(whom, &self.slug));
                let _ = ledger.run_blocking(move |tx| officers::remove(tx, by, &slug, &email));
            }
            Step::PublishRelease => self.publish_release(),
            Step::WithdrawRelease(number) => {
                let slug = self.slug.clone();
                let _ = ledger
                    .run_blocking(move |tx| withdraw_release(tx, Actor::OPERATOR, &slug, number, &reason("Wrong.")));
            }
            Step::Retire { by, on } => {
                let (by, slug) = (self.people[by], self.slug.clone());
                let change =
                    if on { RetirementChange::Retire(reason("Replaced.")) } else { RetirementChange::Reinstate };
                let _ = ledger.run_blocking(move |tx| change_retirement(tx, by, &slug, &change));
            }
            _ => unreachable!("every other step is taken elsewhere"),
        }
    }

    /// A form in which nothing is missing, as this person hands it in.
    pub fn submission(&self, by: usize) -> Submission {
        let (slug, person) = (self.slug.clone(), self.people[by]);
        let project = self.ledger.run_blocking(move |tx| {
            let facts = RequestFacts::of_applicant(tx.conn, &slug, person, (WantedProject::Latest, tx.now))?;
            Ok(facts.map(|facts| facts.project_terms()).unwrap_or_default())
        });
        Submission {
            person: self.people[by],
            dataset: self.slug.clone(),
            project: WantedProject::Latest,
            form: self.form(project.unwrap()),
            auth_method: AuthMethod::Password,
            proved_at: countersign::clock::now(),
            origin: Origin::default(),
        }
    }

    /// A form in which nothing is missing.
    fn form(&self, project: ProjectTerms) -> CompleteForm {
        let (answers, versions) = (Answers::new(), [self.version.id]);
        let terms = Terms { agreements: vec![self.version.clone()], form: None, project };
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
        CompleteForm::parse(&terms, &form).unwrap()
    }

    /// Tries something in the project that somebody's request is for.
    fn in_project(
        &self,
        of: usize,
        command: impl FnOnce(&mut Tx<'_>, ProjectId, RequestId) -> Result<(), CommandError> + Send + 'static,
    ) {
        let Some(request) = self.requests.get(&of).copied() else { return };
        let _ = self.ledger.run_blocking(move |tx| {
            let stored = access_requests::by_id(tx.conn, request)?;
            let project = stored.and_then(|stored| stored.request.project).ok_or(Refusal::NotFound)?;
            command(tx, project, request)
        });
    }

    /// Publishes the next release, as an import does in the end.
    fn publish_release(&mut self) {
        let release = Release {
            number: self.released + 1,
            note: String::new(),
            published_at: Timestamp(0),
            file_count: 1,
            total_bytes: 1,
            formats: Vec::new(),
            sums_sha256: Sha256::of(&self.released.to_be_bytes()),
            difference: Difference { added: 1, ..Difference::default() },
            embargoed_until: None,
            withdrawal: None,
        };
        let (dataset, target) = (self.dataset, Target::Described(Box::new(self.description.clone())));
        let published = self.ledger.run_blocking(move |tx| {
            let now = datasets::by_id(tx.conn, dataset)?.ok_or(Refusal::NotFound)?;
            let import = begin(tx, dataset, Basis::from(&now))?;
            switch(tx, Actor::OPERATOR, &import, (&target, Some(&release)))?;
            end(tx, &import, &target)
        });
        self.released += u32::from(published.is_ok());
    }

    fn ask(&self, caller: Caller, release: u32) {
        let request = DownloadRequest {
            caller,
            dataset: self.dataset,
            slug: self.slug.clone(),
            release: release.min(self.released),
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
pub fn archive() -> LogArchive {
    LogArchive::new("nowhere")
}
