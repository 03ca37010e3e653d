//! Trying steps in the world.

use countersign::domain::Refusal;
use countersign::domain::access_request::signing::ProjectTerms;
use countersign::domain::admission::Caller;
use countersign::domain::comment::Comment;
use countersign::domain::dataset::{RetirementChange, SuspensionChange};
use countersign::domain::event::Actor;
use countersign::domain::ids::RequestId;
use countersign::domain::origin::Origin;
use countersign::domain::person::{AuthMethod, Role};
use countersign::domain::text::Secret;
use countersign::domain::token::{NewToken, NewTokenForm};
use countersign::ledger::Tx;
use countersign::ledger::commands::access_requests::{
    Decision, OwnSignature, lift_recusal, override_review, recuse, sign_as_member, sign_new_versions, submit, vote,
    withdraw,
};
use countersign::ledger::commands::agreements::set_last_day;
use countersign::ledger::commands::datasets::{change_retirement, change_suspension};
use countersign::ledger::commands::grants;
use countersign::ledger::commands::organisations::{self, members as officers};
use countersign::ledger::commands::people;
use countersign::ledger::commands::projects::ending::end as end_project;
use countersign::ledger::commands::projects::members;
use countersign::ledger::commands::releases::{change_embargo, withdraw as withdraw_release};
use countersign::ledger::commands::sessions::start;
use countersign::ledger::commands::tokens::{issue, revoke as revoke_token};
use countersign::store::{ReadPool, datasets};

use super::steps::{OfficeAct, ProjectAct, Step, TermsAct};
use super::world::{ADMINISTRATOR, World, email, reason, session_hash};

impl World<'_> {
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
            Step::Recuse { by, of } => {
                let Some(request) = self.requests.get(&of).copied() else { return };
                let person = self.people[by];
                let _ = ledger.run_blocking(move |tx| recuse(tx, person, request, &reason("We work together.")));
            }
            Step::LiftRecusal { by, of, whom } => {
                let Some(request) = self.requests.get(&of).copied() else { return };
                let (person, whom) = (self.people[by], email(whom, &self.slug));
                let lift = move |tx: &mut Tx<'_>| lift_recusal(tx, person, request, (&whom, &reason("A mistake.")));
                let _ = ledger.run_blocking(lift);
            }
            Step::RevokeGrant { by, which } => {
                self.look_for_grants(reads);
                let Some(grant) = self.grants.get(which).copied() else { return };
                let person = self.people[by];
                let _ = ledger.run_blocking(move |tx| grants::revoke(tx, person, grant, &reason("Over.")));
            }
            Step::SuspendGrant { by, which, is_to_be } => {
                self.look_for_grants(reads);
                let Some(grant) = self.grants.get(which).copied() else { return };
                let person = self.people[by];
                let change =
                    if is_to_be { SuspensionChange::Suspend(reason("Wait.")) } else { SuspensionChange::Restore };
                let _ = ledger.run_blocking(move |tx| grants::change_suspension(tx, person, grant, &change));
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
            Step::InProject { by, of, act } => self.take_in_project(by, of, act),
            Step::InOffice(act) => self.take_in_office(act),
            Step::InTerms(act) => self.take_in_terms(act),
        }
    }

    /// Tries something in the project that somebody's request is for.
    fn take_in_project(&self, by: usize, of: usize, act: ProjectAct) {
        let by = self.people[by];
        let address = |whom: usize| email(whom, &self.slug);
        match act {
            ProjectAct::End => self.in_project(of, move |tx, project, _| end_project(tx, by, project)),
            ProjectAct::Invite(whom) => {
                let whom = address(whom);
                self.in_project(of, move |tx, project, _| members::invite(tx, by, project, &whom).map(drop));
            }
            ProjectAct::Join => self.in_project(of, move |tx, project, _| members::join(tx, by, project)),
            ProjectAct::Leave => self.in_project(of, move |tx, project, _| members::leave(tx, by, project)),
            ProjectAct::Remove(whom) => {
                let whom = address(whom);
                self.in_project(of, move |tx, project, _| members::remove(tx, by, project, &whom));
            }
            ProjectAct::Exclude(whom) => {
                let whom = address(whom);
                let exclude = move |tx: &mut Tx<'_>, _, request| {
                    members::exclude(tx, by, request, (&whom, &reason("Not trusted.")))
                };
                self.in_project(of, exclude);
            }
            ProjectAct::Sign => {
                let form = self.form(ProjectTerms::NotAsked);
                self.in_project(of, move |tx, _, request| {
                    let (auth_method, proved_at, origin) = (AuthMethod::Password, tx.now, Origin::default());
                    let submission = OwnSignature { person: by, request, form, auth_method, proved_at, origin };
                    sign_as_member(tx, &submission)
                });
            }
        }
    }

    /// Tries something with the agreement.
    fn take_in_terms(&mut self, act: TermsAct) {
        match act {
            TermsAct::Publish { has_to_be_signed } => self.publish_next_version(has_to_be_signed),
            TermsAct::DayComes => self.let_the_day_come(),
            TermsAct::TakeDayBack { by } => {
                let (by, slug, seen) = (self.people[by], self.slug.clone(), self.version_number());
                let _ = self.ledger.run_blocking(move |tx| {
                    let organisation = datasets::by_slug(tx.conn, &slug)?.ok_or(Refusal::NotFound)?.organisation;
                    set_last_day(tx, by, organisation, (&slug, seen), None)
                });
            }
            TermsAct::Sign { by, of } => {
                let Some(request) = self.requests.get(&of).copied() else { return };
                let signature = self.own_signature(by, request);
                let _ = self.ledger.run_blocking(move |tx| sign_new_versions(tx, &signature));
            }
        }
    }

    /// A signature on the version in force, and nothing else.
    pub fn own_signature(&self, by: usize, request: RequestId) -> OwnSignature {
        OwnSignature {
            person: self.people[by],
            request,
            form: self.form(ProjectTerms::NotAsked),
            auth_method: AuthMethod::Password,
            proved_at: countersign::clock::now(),
            origin: Origin::default(),
        }
    }

    /// Tries a step of those who run something: accounts, the organisation, the dataset.
    fn take_in_office(&mut self, act: OfficeAct) {
        let ledger = self.ledger;
        match act {
            OfficeAct::Suspend { by, whom } => {
                let (by, whom) = (self.people[by], self.people[whom]);
                let _ = ledger.run_blocking(move |tx| people::suspend(tx, by, whom, &reason("Lost laptop.")));
            }
            OfficeAct::Restore(whom) => {
                let (by, whom) = (self.people[ADMINISTRATOR], self.people[whom]);
                let _ = ledger.run_blocking(move |tx| people::restore(tx, by, whom));
            }
            OfficeAct::SuspendDataset { by, on } => {
                let (by, slug) = (self.people[by], self.slug.clone());
                let switch =
                    if on { SuspensionChange::Suspend(reason("Revision.")) } else { SuspensionChange::Restore };
                let _ = ledger.run_blocking(move |tx| change_suspension(tx, by, &slug, &switch));
            }
            OfficeAct::SuspendOrganisation { by, on } => {
                let (by, slug) = (self.people[by], self.slug.clone());
                let switch = if on { SuspensionChange::Suspend(reason("Audit.")) } else { SuspensionChange::Restore };
                let _ = ledger.run_blocking(move |tx| organisations::change_suspension(tx, by, &slug, &switch));
            }
            OfficeAct::Appoint { whom, role } => {
                let (slug, email) = (self.slug.clone(), email(whom, &self.slug));
                let _ = ledger.run_blocking(move |tx| officers::appoint(tx, &slug, (&email, role)));
            }
            OfficeAct::RemoveOfficer { by, whom } => {
                let (by, slug, email) = (self.people[by], self.slug.clone(), email(whom, &self.slug));
                let _ = ledger.run_blocking(move |tx| officers::remove(tx, by, &slug, &email));
            }
            OfficeAct::PublishRelease { embargoed } => self.publish_release(embargoed),
            OfficeAct::EndEmbargo(number) => {
                let slug = self.slug.clone();
                let _ = ledger.run_blocking(move |tx| change_embargo(tx, Actor::OPERATOR, &slug, number, None));
            }
            OfficeAct::WithdrawRelease(number) => {
                let slug = self.slug.clone();
                let _ = ledger
                    .run_blocking(move |tx| withdraw_release(tx, Actor::OPERATOR, &slug, number, &reason("Wrong.")));
            }
            OfficeAct::Retire { by, on } => {
                let (by, slug) = (self.people[by], self.slug.clone());
                let change =
                    if on { RetirementChange::Retire(reason("Replaced.")) } else { RetirementChange::Reinstate };
                let _ = ledger.run_blocking(move |tx| change_retirement(tx, by, &slug, &change));
            }
        }
    }
}
