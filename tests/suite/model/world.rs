//! A dataset with its people, and what they can try.

use std::collections::BTreeMap;

use countersign::domain::access_request::signing::{CompleteForm, ProjectTerms, SigningForm, Terms};
use countersign::domain::admission::Caller;
use countersign::domain::agreement::{AgreementDescription, AgreementKind, AgreementVersion, NewAgreementVersion};
use countersign::domain::comment::Reason;
use countersign::domain::dataset::{
    AccessMode, CommitteeChoice, DatasetDescription, ImportSettings, Later, NewDataset,
};
use countersign::domain::day::Day;
use countersign::domain::event::{Action, Actor, Event};
use countersign::domain::form::Answers;
use countersign::domain::ids::{DatasetId, GrantId, PersonId, ProjectId, RequestId, TokenId};
use countersign::domain::localised::Localised;
use countersign::domain::organisation::{OrganisationDescription, OrganisationRole};
use countersign::domain::origin::Origin;
use countersign::domain::person::{AuthMethod, Roles};
use countersign::domain::preview::PreviewLevel;
use countersign::domain::project::{ProjectField, ProjectForm, WantedProject};
use countersign::domain::release::{Difference, Release};
use countersign::domain::text::{Email, Language, Secret, Sha256, Slug};
use countersign::domain::token::DataAction;
use countersign::domain::transfer::{ReadMethod, Taker};
use countersign::domain::{Refusal, TimeSpan, Timestamp};
use countersign::ledger::commands::access_requests::Submission;
use countersign::ledger::commands::admissions::{DeliveryForm, DownloadRequest, admit};
use countersign::ledger::commands::agreements::publish as publish_agreement;
use countersign::ledger::commands::datasets::publish as publish_dataset;
use countersign::ledger::commands::organisations::{self, members as officers};
use countersign::ledger::commands::people::{NewAccount, create};
use countersign::ledger::commands::releases::{Basis, Target, begin, end, switch};
use countersign::ledger::{CommandError, Ledger, Tx};
use countersign::store::log::{Filter, LogArchive, Walk, select};
use countersign::store::new_versions::{self, RestingOn};
use countersign::store::{ReadPool, RequestFacts, access_requests, agreements, datasets};
use uuid::Uuid;

/// People 0 and 1 apply; 1, 2 and 3 review; 4 administers; 5 owns the organisation, 6 another.
pub const PEOPLE: usize = 7;
pub const ADMINISTRATOR: usize = 4;
pub const OWNER: usize = 5;
pub const OTHER_OWNER: usize = 6;

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
    pub(super) tokens: Vec<TokenId>,
    pub(super) grants: Vec<GrantId>,
}

fn text(text: &str) -> Localised {
    Localised(BTreeMap::from([(Language::English, text.to_owned())]))
}

/// The hash of a fresh session's secret.
pub fn session_hash() -> Sha256 {
    Sha256::of(Uuid::now_v7().as_bytes())
}

pub(super) fn email(n: usize, slug: &Slug) -> Email {
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
        preview: PreviewLevel::default(),
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
    publish_version(ledger, slug, "Be good.".to_owned(), None)
}

fn publish_version(ledger: &Ledger, slug: &Slug, body: String, sign_by: Option<Day>) -> AgreementVersion {
    let description = AgreementDescription {
        organisation: Some(slug.clone()),
        slug: slug.clone(),
        title: text("Terms"),
        statement: text("I accept."),
        consent: text("I consent."),
        kind: AgreementKind::default(),
        binding: None,
        texts: BTreeMap::from([(Language::English, body)]),
        sign_by,
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
    pub(super) fn form(&self, project: ProjectTerms) -> CompleteForm {
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
    pub(super) fn in_project(
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

    pub(super) const fn version_number(&self) -> u32 {
        self.version.number
    }

    /// Publishes the next version of the agreement; from tomorrow on it has to be signed, or not.
    pub(super) fn publish_next_version(&mut self, has_to_be_signed: bool) {
        let body = format!("Be good, for the time after version {}.", self.version.number);
        let sign_by = has_to_be_signed.then(|| Day::of(countersign::clock::now() + TimeSpan::days(1)));
        self.version = publish_version(self.ledger, &self.slug, body, sign_by);
    }

    /// The day is over by which the newest version has to be signed: as a change that is made at that time.
    pub(super) fn let_the_day_come(&self) {
        let version = self.version.id;
        let _ = self.ledger.run_blocking(move |tx| {
            let version = agreements::version(tx.conn, version)?.ok_or(Refusal::NotFound)?;
            if version.sign_by.is_none_or(|by| by <= tx.now) {
                return Err(Refusal::NoGrant.into());
            }
            let version = AgreementVersion { sign_by: Some(tx.now), ..version };
            agreements::set_sign_by(tx.conn, &version)?;
            new_versions::refresh(tx.conn, RestingOn::Agreement(version.agreement), tx.now)?;
            let event = Event::new(Action::AgreementSignByChanged, Actor::SYSTEM).subject(version.id);
            tx.record(event.with("version", version.number).with("sign_by", tx.now.to_string()));
            Ok(())
        });
    }

    /// Publishes the next release, as an import does in the end, at once or under an embargo that only somebody ends.
    pub(super) fn publish_release(&mut self, embargoed: bool) {
        let release = Release {
            number: self.released + 1,
            note: String::new(),
            published_at: Timestamp(0),
            file_count: 1,
            total_bytes: 1,
            formats: Vec::new(),
            sums_sha256: Sha256::of(&self.released.to_be_bytes()),
            difference: Difference { added: 1, ..Difference::default() },
            embargoed_until: embargoed.then(|| countersign::clock::now() + TimeSpan::days(3_650)),
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

    pub(super) fn ask(&self, caller: Caller, release: u32) {
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

    pub(super) fn look_for_grants(&mut self, reads: &ReadPool) {
        let filter =
            Filter { dataset: Some(self.slug.to_string()), action: Some("grant.created".into()), ..Filter::default() };
        let found = reads.read_blocking(move |conn| select(conn, &archive(), &filter, Walk::From(0), 1_000)).unwrap();
        self.grants = found.iter().map(|event| event.fields.subject.as_deref().unwrap().parse().unwrap()).collect();
    }
}

pub(super) fn reason(text: &str) -> Reason {
    Reason::parse(text).unwrap()
}

/// Nothing is archived here.
pub fn archive() -> LogArchive {
    LogArchive::new("nowhere")
}
