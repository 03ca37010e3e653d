//! An oracle that judges a log by its events alone, and knows nothing of the code that wrote them.

use std::collections::{BTreeMap, BTreeSet};

use countersign::domain::Timestamp;
use serde_json::Value;

/// What an auditor concludes from the events alone, in their order.
#[derive(Default)]
pub struct Oracle {
    quorum: usize,
    needs_review: bool,
    dataset_suspended: bool,
    /// The organisation that holds the dataset, and whether it is suspended.
    organisation: String,
    organisation_suspended: bool,
    /// Owners and stewards: organisation and person, with their role.
    officers: BTreeMap<(String, String), String>,
    administrators: BTreeSet<String>,
    suspended: BTreeSet<String>,
    /// Grants in force: person, project and request by grant.
    grants: BTreeMap<String, (String, String, String)>,
    /// Those of them that are suspended.
    halted: BTreeSet<String>,
    /// Versions of the agreement, and when it is too late for those who signed an earlier one.
    versions: BTreeMap<u64, Option<Timestamp>>,
    /// The newest version that somebody signed under a request.
    signed_versions: BTreeMap<(String, String), u64>,
    /// Tokens in force: person by token.
    tokens: BTreeMap<String, String>,
    /// Who signed each request.
    signed: BTreeMap<String, BTreeSet<String>>,
    /// Who sent each request, and for which project.
    sent: BTreeMap<String, (String, String)>,
    /// Who is invited to each project, as far as they have accounts, and who is a member beside the lead.
    invited: BTreeSet<(String, String)>,
    members: BTreeSet<(String, String)>,
    retired: bool,
    /// Requests that came back to who sent them.
    returned: BTreeSet<String>,
    withdrawn: BTreeSet<u64>,
    embargoed: BTreeSet<u64>,
    approvals: BTreeMap<String, BTreeSet<String>>,
    overridden: BTreeSet<String>,
    /// Who has stepped aside from deciding: request and person.
    recused: BTreeSet<(String, String)>,
    /// Requests that were granted, and to whom.
    granted: BTreeSet<(String, String)>,
    /// Projects: by the one who leads it.
    projects: BTreeMap<String, String>,
    ended: BTreeSet<String>,
}

impl Oracle {
    /// One that knows of a dataset only how many must approve, and whether anybody has to.
    pub fn new(quorum: usize, needs_review: bool) -> Self {
        Self { quorum, needs_review, ..Self::default() }
    }

    /// Reads the next event.
    ///
    /// # Errors
    /// What is unjust about it.
    pub fn read(&mut self, event: &Value) -> Result<(), String> {
        let action = event["action"].as_str().unwrap();
        let actor = event["actor"]["id"].as_str().unwrap_or_default().to_owned();
        let subject = event["subject"].as_str().unwrap_or_default().to_owned();
        let detail = |name: &str| event["details"][name].as_str().unwrap_or_default().to_owned();
        let organisation = event["organisation"].as_str().unwrap_or_default().to_owned();
        match action {
            "account.roles_changed" if event["details"]["administrator"] == true => {
                self.administrators.insert(subject);
            }
            "dataset.published" => self.organisation = organisation,
            "dataset.suspended" | "dataset.restored" | "grant.revoked" | "grant.suspended" | "grant.resumed"
                if !self.runs(event, &actor) =>
            {
                return Err(format!("{actor} has no part in the organisation: {event}"));
            }
            "request.overridden" if !self.owns(&self.organisation, &actor) => {
                return Err(format!("{actor} owns nothing of it: {event}"));
            }
            "dataset.suspended" => self.dataset_suspended = true,
            "dataset.restored" => self.dataset_suspended = false,
            "account.suspended" => drop(self.suspended.insert(subject)),
            "account.restored" => drop(self.suspended.remove(&subject)),
            "token.issued" => drop(self.tokens.insert(subject, detail("person"))),
            "token.revoked" => drop(self.tokens.remove(&subject)),
            "grant.revoked" => drop(self.grants.remove(&subject)),
            "grant.suspended" => drop(self.halted.insert(subject)),
            "grant.resumed" => self.resume(&subject, &actor)?,
            "dataset.retired" | "dataset.reinstated" => {
                if !self.runs(event, &actor) {
                    return Err(format!("{actor} has no part in the organisation: {event}"));
                }
                self.retired = action == "dataset.retired";
            }
            "release.published" if event["details"]["embargoed_until"].is_string() => {
                self.embargoed.insert(event["details"]["release"].as_u64().unwrap());
            }
            "release.embargo_ended" => drop(self.embargoed.remove(&event["details"]["release"].as_u64().unwrap())),
            "release.withdrawn" => drop(self.withdrawn.insert(event["details"]["release"].as_u64().unwrap())),
            "request.submitted" => {
                let project = event["project"].as_str().unwrap_or_default();
                if self.retired && !self.returned.remove(&subject) {
                    return Err(format!("a request was sent for a dataset that is retired: {event}"));
                }
                // Everybody signs anew.
                self.signed.insert(subject.clone(), BTreeSet::from([actor.clone()]));
                self.sent.insert(subject.clone(), (actor.clone(), project.to_owned()));
                if self.needs_review && (self.ended.contains(project) || !self.projects.contains_key(project)) {
                    return Err(format!("a request was sent for {project}, which does not go on"));
                }
                self.approvals.remove(&subject);
            }
            "request.reviewed" => {
                if self.is_theirs(&subject, &actor) {
                    return Err(format!("{actor} decided on a request of their own project"));
                }
                if detail("verdict") == "return" {
                    self.returned.insert(subject.clone());
                }
                if self.suspended.contains(&actor) {
                    return Err(format!("{actor} decided while suspended"));
                }
                self.check_eligible(event, &actor, &subject)?;
                if detail("verdict") == "approve" && !self.approvals.entry(subject).or_default().insert(actor.clone()) {
                    return Err(format!("{actor} approved twice"));
                }
            }
            "request.recused" | "request.recusal_lifted" => {
                return self.read_of_recusal(action, event, (actor, subject));
            }
            "request.overridden" => {
                if self.is_theirs(&subject, &actor) || self.is_recused(&subject, &actor) {
                    return Err(format!("{actor} overrode on a request of their own project, or stepped aside"));
                }
                self.overridden.insert(subject);
            }
            "grant.created" => {
                let project = event["project"].as_str().unwrap_or_default().to_owned();
                self.grant(&subject, &detail("request"), (detail("person"), project))?;
                self.halted.extend((event["details"]["suspended"] == true).then_some(subject));
            }
            "download.admitted" | "download.denied" => {
                let release = event["details"]["release"].as_u64().unwrap_or_default();
                let is_closed = self.withdrawn.contains(&release) || self.embargoed.contains(&release);
                let at = Timestamp::parse(event["at"].as_str().unwrap()).unwrap();
                let expected = self.may_pass(&actor, &detail("token"), at) && !is_closed;
                if expected != (action == "download.admitted") {
                    return Err(format!("{action} is wrong: {event}"));
                }
                let used = self.grants.get(&detail("grant")).filter(|_| !self.halted.contains(&detail("grant")));
                if expected && !used.is_some_and(|grant| grant.0 == actor && self.is_signed(grant, at)) {
                    return Err(format!("it rests on a grant that is not in force: {event}"));
                }
            }
            _ if action.starts_with("agreement.") || action == "request.new_versions_signed" => {
                return self.read_of_agreement(action, event, (actor, subject));
            }
            _ if action.starts_with("organisation.") => return self.read_of_organisation(action, event, actor),
            _ => return self.read_of_project(action, event, (actor, subject)),
        }
        Ok(())
    }

    /// Whether a vote says who could vote: whoever did, and nobody who has stepped aside.
    fn check_eligible(&self, event: &Value, actor: &str, subject: &str) -> Result<(), String> {
        let eligible = event["details"]["eligible"].as_array().unwrap();
        let is_recused = |person: &Value| self.is_recused(subject, person.as_str().unwrap_or_default());
        if !eligible.contains(&Value::from(actor)) || eligible.iter().any(is_recused) {
            return Err(format!("{actor} voted, and it does not say well who could: {event}"));
        }
        Ok(())
    }

    /// Reads that somebody stepped aside from a decision, or may decide again.
    fn read_of_recusal(
        &mut self,
        action: &str,
        event: &Value,
        (actor, subject): (String, String),
    ) -> Result<(), String> {
        if self.is_theirs(&subject, &actor) || self.is_recused(&subject, &actor) {
            return Err(format!("{actor} has no part in the decision: {event}"));
        }
        if action == "request.recused" {
            self.recused.insert((subject, actor));
            return Ok(());
        }
        let person = event["details"]["person"].as_str().unwrap_or_default().to_owned();
        if !self.owns(&self.organisation, &actor) || !self.recused.remove(&(subject, person)) {
            return Err(format!("{actor} let somebody back whom they can't: {event}"));
        }
        Ok(())
    }

    fn is_recused(&self, request: &str, person: &str) -> bool {
        self.recused.contains(&(request.to_owned(), person.to_owned()))
    }

    /// Reads an event about the agreement, and what is signed.
    fn read_of_agreement(
        &mut self,
        action: &str,
        event: &Value,
        (actor, subject): (String, String),
    ) -> Result<(), String> {
        let detail = |name: &str| event["details"][name].as_str().unwrap_or_default().to_owned();
        match action {
            "agreement.published" | "agreement.sign_by_changed" => {
                if event["details"]["replaces_earlier"] == true {
                    // In the place of what was said of earlier versions.
                    self.versions.values_mut().for_each(|by| *by = None);
                }
                let by = event["details"]["sign_by"].as_str().map(|by| Timestamp::parse(by).unwrap());
                self.versions.insert(event["details"]["version"].as_u64().unwrap(), by);
            }
            "agreement.signed" => {
                let version = event["details"]["agreement"]["version"].as_u64().unwrap();
                if self.versions.keys().last() != Some(&version) {
                    return Err(format!("a version was signed that is not in force: {event}"));
                }
                let signer = (detail("request"), actor.clone());
                self.signed_versions.insert(signer, version);
                self.signed.entry(detail("request")).or_default().insert(actor);
            }
            "request.new_versions_signed" => {
                let grant = self.grants.get(&detail("grant"));
                if grant.is_none_or(|(person, _, request)| *person != actor || *request != subject) {
                    return Err(format!("{actor} has nothing to sign there: {event}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads an event about an organisation and those who run it.
    fn read_of_organisation(&mut self, action: &str, event: &Value, actor: String) -> Result<(), String> {
        let detail = |name: &str| event["details"][name].as_str().unwrap_or_default().to_owned();
        let organisation = event["organisation"].as_str().unwrap_or_default().to_owned();
        match action {
            "organisation.member_joined" | "organisation.role_changed" => {
                let person = if detail("person").is_empty() { actor } else { detail("person") };
                self.officers.insert((organisation, person), detail("role"));
            }
            "organisation.member_left" | "organisation.member_removed" => {
                if actor != detail("person") && !self.owns(&organisation, &actor) {
                    return Err(format!("{actor} removed somebody from an organisation of others: {event}"));
                }
                self.officers.remove(&(organisation.clone(), detail("person")));
                if !self.officers.iter().any(|((of, _), role)| *of == organisation && role == "owner") {
                    return Err(format!("{organisation} was left without an owner"));
                }
            }
            "organisation.suspended" | "organisation.restored" => {
                if !self.administrators.contains(&actor) {
                    return Err(format!("{actor} is no administrator: {event}"));
                }
                if organisation == self.organisation {
                    self.organisation_suspended = action == "organisation.suspended";
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads an event about a project and its members.
    fn read_of_project(
        &mut self,
        action: &str,
        event: &Value,
        (actor, subject): (String, String),
    ) -> Result<(), String> {
        let person = event["details"]["person"].as_str().unwrap_or_default().to_owned();
        match action {
            "project.member_invited" => drop(self.invited.insert((subject, person))),
            "project.member_joined" => {
                if !self.invited.remove(&(subject.clone(), actor.clone())) {
                    return Err(format!("{actor} joined a project without an invitation"));
                }
                self.members.insert((subject, actor));
            }
            "project.member_left" => self.end_membership(&subject, &actor),
            "project.member_removed" => {
                let leads = self.projects.get(&subject) == Some(&actor);
                if !leads && event["actor"]["role"] != "reviewer" {
                    return Err(format!("{actor} removed a member of somebody else's project"));
                }
                if self.members.contains(&(subject.clone(), actor.clone())) {
                    return Err(format!("{actor} removed a member of their own project as a reviewer"));
                }
                self.end_membership(&subject, &person);
            }
            "project.begun" => drop(self.projects.insert(subject, actor)),
            "project.ended" => {
                if self.projects.get(&subject) != Some(&actor) {
                    return Err(format!("{actor} ended somebody else's project"));
                }
                if !self.ended.insert(subject.clone()) {
                    return Err("a project was ended twice".into());
                }
                // Whether or not an event says so of each.
                self.grants.retain(|_, (_, project, _)| *project != subject);
            }
            _ => {}
        }
        Ok(())
    }

    fn grant(&mut self, grant: &str, request: &str, (person, project): (String, String)) -> Result<(), String> {
        if self.ended.contains(&project) {
            return Err(format!("{person} was granted access for {project}, which is over"));
        }
        if !self.signed.get(request).is_some_and(|signers| signers.contains(&person)) {
            return Err(format!("{person} was granted access without a signature"));
        }
        let sender = self.sent.get(request).is_some_and(|(sender, _)| *sender == person);
        if !sender && !self.members.contains(&(project.clone(), person.clone())) {
            return Err(format!("{person} was granted access to a project they have no part in"));
        }
        let approvals = self.approvals.get(request).into_iter().flatten();
        let approved = approvals.filter(|person| !self.is_recused(request, person)).count() >= self.quorum;
        if self.needs_review && !approved && !self.overridden.contains(request) {
            return Err(format!("{request} was granted without its quorum"));
        }
        if !self.granted.insert((request.to_owned(), person.clone())) {
            return Err(format!("{request} was granted twice"));
        }
        self.grants.insert(grant.to_owned(), (person, project, request.to_owned()));
        Ok(())
    }

    /// Those who run the organisation let others use a grant again, and not themselves.
    fn resume(&mut self, grant: &str, actor: &str) -> Result<(), String> {
        let own = self.grants.get(grant).is_some_and(|(_, _, request)| self.is_theirs(request, actor));
        if own || !self.halted.remove(grant) {
            return Err(format!("{actor} gives back what is theirs, or was not taken: {grant}"));
        }
        Ok(())
    }

    /// Whether a request is of a project that somebody leads or is a member of.
    fn is_theirs(&self, request: &str, person: &str) -> bool {
        self.sent.get(request).is_some_and(|(sender, project)| {
            sender == person
                || self.projects.get(project).is_some_and(|lead| lead == person)
                || self.members.contains(&(project.clone(), person.to_owned()))
        })
    }

    /// A member's grants for the project end with their part in it, whether or not an event says so of each.
    fn end_membership(&mut self, project: &str, person: &str) {
        self.members.remove(&(project.to_owned(), person.to_owned()));
        self.invited.remove(&(project.to_owned(), person.to_owned()));
        self.grants.retain(|_, (holder, of, _)| !(holder == person && of == project));
        // What they signed as a member counts no more, nor what they were granted: invited again, they sign again.
        for (request, (sender, of)) in &self.sent {
            if of == project && sender != person {
                self.signed.entry(request.clone()).or_default().remove(person);
                self.granted.remove(&(request.clone(), person.to_owned()));
            }
        }
    }

    fn owns(&self, organisation: &str, person: &str) -> bool {
        self.officers.get(&(organisation.to_owned(), person.to_owned())).is_some_and(|role| role == "owner")
    }

    /// Whether somebody publishes for the organisation, or what they did was by another right.
    fn runs(&self, event: &Value, actor: &str) -> bool {
        let by_office =
            ["owner", "steward", "administrator"].contains(&event["actor"]["role"].as_str().unwrap_or_default());
        !by_office || self.officers.contains_key(&(self.organisation.clone(), actor.to_owned()))
    }

    /// Whether the holder of a grant has signed every version that had to be signed by now.
    fn is_signed(&self, (person, _, request): &(String, String, String), now: Timestamp) -> bool {
        let signed = self.signed_versions.get(&(request.clone(), person.clone())).copied().unwrap_or_default();
        self.versions.range(signed + 1..).all(|(_, by)| by.is_none_or(|by| by > now))
    }

    fn may_pass(&self, actor: &str, token: &str, now: Timestamp) -> bool {
        let is_usable = |id: &String, grant: &(String, String, String)| {
            grant.0 == actor && self.is_signed(grant, now) && !self.halted.contains(id)
        };
        let granted = self.grants.iter().any(|(id, grant)| is_usable(id, grant));
        let token_good = token.is_empty() || self.tokens.get(token).is_some_and(|person| person == actor);
        !self.dataset_suspended
            && !self.organisation_suspended
            && granted
            && token_good
            && !self.suspended.contains(actor)
    }
}
