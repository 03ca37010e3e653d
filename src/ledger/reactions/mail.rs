//! Mail to those who wait for a change. It is queued in the transaction of the change and sent afterwards.

use crate::domain::access_request::quorum::{Deciders, deciders};
use crate::domain::access_request::{AccessRequest, Change, Stage};
use crate::domain::agreement::AgreementVersion;
use crate::domain::comment::{Comment, Reason};
use crate::domain::dataset::Dataset;
use crate::domain::grant::{ENDING_NOTICE, Grant, GrantState};
use crate::domain::ids::PersonId;
use crate::domain::new_version::Reminder;
use crate::domain::notice::{AboutDataset, Notice};
use crate::domain::organisation::{Organisation, OrganisationRole};
use crate::domain::person::Person;
use crate::domain::project::Project;
use crate::domain::text::{Email, Secret};
use crate::domain::{TimeSpan, Timestamp};
use crate::ledger::transaction::Tx;
use crate::store::grants::GrantWithNames;
use crate::store::{self, access_requests, committees, grants, members, organisation_members, people};

fn about(recipient: &Person, dataset: &Dataset, path: String) -> AboutDataset {
    AboutDataset { name: recipient.name.to_string(), dataset: dataset.title.clone(), path }
}

/// Somebody tried to register an address that has an account: its owner is told, and nobody else.
pub fn registered_again(tx: &mut Tx<'_>, owner: &Person) -> store::Result<bool> {
    queue_rate_limited(tx, owner, &Notice::AlreadyRegistered { name: proved_name(owner) })
}

/// A link that proves an address. `path` works like a password.
pub fn verification_link(tx: &mut Tx<'_>, person: &Person, path: &Secret) -> store::Result<bool> {
    queue_rate_limited(tx, person, &Notice::VerifyEmail { name: proved_name(person), path: path.expose().to_owned() })
}

/// A link to choose a new password. `path` works like a password.
pub fn password_link(tx: &mut Tx<'_>, person: &Person, path: &Secret) -> store::Result<bool> {
    queue_rate_limited(tx, person, &Notice::ResetPassword { name: proved_name(person), path: path.expose().to_owned() })
}

/// A link that proves an address which is to become the account's. `path` works like a password. The address is nobody's
/// yet, so the message has no words of anybody's.
pub fn new_address_link(tx: &mut Tx<'_>, person: &Person, to: &Email, path: &Secret) -> store::Result<bool> {
    let notice = Notice::VerifyNewEmail { path: path.expose().to_owned() };
    queue_rate_limited(tx, &Person { email: to.clone(), ..person.clone() }, &notice)
}

/// The account of `before` has another address now: the former one is told.
pub fn address_changed(tx: &mut Tx<'_>, before: &Person, new_email: &Email) -> store::Result<()> {
    let notice = Notice::EmailChanged { name: proved_name(before), new_email: new_email.to_string() };
    tx.queue_mail(before, &notice)
}

/// The name to greet with; none for an address that nobody has proved: whoever registered it may have typed anything.
fn proved_name(person: &Person) -> String {
    if person.email_verified_at.is_some() { person.name.to_string() } else { String::new() }
}

/// Queues a message that anybody can cause, unless the address got several of its kind already within the hour: their
/// links still work. Says whether it was queued.
fn queue_rate_limited(tx: &mut Tx<'_>, person: &Person, notice: &Notice) -> store::Result<bool> {
    const MAX_PER_HOUR: u64 = 3;
    let since = tx.now - TimeSpan::hours(1);
    if store::mail::count_since(tx.conn, person.email.as_str(), notice.kind(), since)? >= MAX_PER_HOUR {
        return Ok(false);
    }
    tx.queue_mail(person, notice)?;
    Ok(true)
}

/// A request took these steps, by somebody's hand: the applicant hears of a decision, the people who decide of something to
/// decide, and of its end when it was not their own doing.
pub fn request_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (before, request): (Option<&AccessRequest>, &AccessRequest),
    (by, changes): (PersonId, &[Change]),
    (comment, project_end): (&Comment, Option<Timestamp>),
) -> store::Result<()> {
    let Some(applicant) = people::by_id(tx.conn, request.applicant)? else { return Ok(()) };
    if let Some(before) = before.filter(|before| before.stage == Stage::Submitted && before.stage != request.stage) {
        request_settled(tx, dataset, (before, request.stage), (&applicant, by))?;
    }
    let about = about(&applicant, dataset, format!("/requests/{}", request.id));
    let comment = comment.as_str().to_owned();
    let notice = match changes.last() {
        Some(Change::Submitted { .. }) => {
            review_waiting(tx, dataset, request, &applicant)?;
            members_to_sign(tx, dataset, request, &applicant)?;
            Notice::RequestReceived(about)
        }
        Some(Change::Approved) => {
            let ends_at = Grant::end(tx.now, dataset.grant_days, project_end);
            let granted = grants::of_request(tx.conn, request.id, applicant.id)?;
            approved(about, (ends_at, comment), granted.is_some_and(|grant| grant.state(tx.now) == GrantState::ToSign))
        }
        Some(Change::Recused(_) | Change::RecusalLifted(_)) => {
            if let Some(before) = before {
                recusals_changed(tx, dataset, (before, request), &applicant)?;
            }
            return Ok(());
        }
        Some(Change::Rejected) => Notice::Rejected { about, comment },
        Some(Change::Returned) => Notice::Returned { about, comment },
        Some(
            Change::Drafted { .. }
            | Change::ProjectBegun { .. }
            | Change::ProjectChanged { .. }
            | Change::MemberSigned { .. }
            | Change::MemberGranted { .. }
            | Change::NewVersionsSigned { .. }
            | Change::Voted(_)
            | Change::Overridden
            | Change::Withdrawn,
        )
        | None => {
            return Ok(());
        }
    };
    tx.queue_mail(&applicant, &notice)
}

/// The people of a request's project; its applicant alone where there is none.
fn members_of(tx: &mut Tx<'_>, request: &AccessRequest) -> store::Result<Vec<PersonId>> {
    request.project.map_or_else(|| Ok(vec![request.applicant]), |project| members::people(tx.conn, project))
}

/// Asks the people who can decide: the dataset's reviewers, and the owners of its organisation where those can't do it
/// alone.
fn review_waiting(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    applicant: &Person,
) -> store::Result<()> {
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let members = members_of(tx, request)?;
    ask(tx, dataset, (request, applicant), deciding.deciders(request, &members))
}

/// Asks these people to decide.
fn ask(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (request, applicant): (&AccessRequest, &Person),
    asked: Deciders<'_>,
) -> store::Result<()> {
    let to_decide = |person: &Person| about(person, dataset, format!("/review/{}", request.id));
    for reviewer in asked.reviewers {
        let (applicant, about) = (applicant.name.to_string(), to_decide(reviewer));
        tx.queue_mail(reviewer, &Notice::ReviewWaiting { applicant, about })?;
    }
    for owner in asked.owners {
        let (applicant, about) = (applicant.name.to_string(), to_decide(owner));
        tx.queue_mail(owner, &Notice::QuorumOutOfReach { applicant, about })?;
    }
    Ok(())
}

/// Tells those who were asked to decide about a request, as it was before, that it is done, but for the one who did it.
fn request_settled(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (request, stage): (&AccessRequest, Stage),
    (applicant, by): (&Person, PersonId),
) -> store::Result<()> {
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let asked = deciding.deciders(request, &members_of(tx, request)?);
    for person in asked.everybody().filter(|person| person.id != by) {
        let about = about(person, dataset, format!("/review/{}", request.id));
        let applicant = applicant.name.to_string();
        tx.queue_mail(person, &Notice::RequestSettled { applicant, stage, about })?;
    }
    Ok(())
}

/// The people who may be asked to decide about a dataset's requests.
#[derive(Clone, Debug)]
pub struct DecidingAccounts {
    reviewers: Vec<Person>,
    owners: Vec<Person>,
    quorum: u32,
}

impl DecidingAccounts {
    /// As it is now; nobody for a dataset that is not there yet.
    pub fn of(tx: &mut Tx<'_>, dataset: &Dataset) -> store::Result<Self> {
        let (reviewers, quorum) = match dataset.committee.map_or(Ok(None), |id| committees::by_id(tx.conn, id))? {
            Some(committee) => (people::by_ids(tx.conn, &committee.members)?, committee.quorum),
            None => (Vec::new(), dataset.quorum),
        };
        let owners = organisation_members::owners(tx.conn, dataset.organisation)?;
        Ok(Self { reviewers, owners: people::by_ids(tx.conn, &owners)?, quorum })
    }

    fn deciders(&self, request: &AccessRequest, members: &[PersonId]) -> Deciders<'_> {
        deciders(&self.reviewers, &self.owners, members, request, self.quorum)
    }
}

/// Somebody has stepped aside from deciding on a request, or may decide again.
fn recusals_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (before, request): (&AccessRequest, &AccessRequest),
    applicant: &Person,
) -> store::Result<()> {
    if request.stage != Stage::Submitted {
        return Ok(());
    }
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let members = members_of(tx, request)?;
    let asked_before = deciding.deciders(before, &members);
    let asked = deciding.deciders(request, &members);
    ask(tx, dataset, (request, applicant), asked.newly_asked(&asked_before))
}

/// Who can decide about a dataset's requests has changed: about those that wait, reviewers who could not decide before are
/// asked, and the owners where the reviewers could do it alone before and can't any more.
pub fn committee_changed(tx: &mut Tx<'_>, dataset: &Dataset, before: &DecidingAccounts) -> store::Result<()> {
    let deciding = DecidingAccounts::of(tx, dataset)?;
    for stored in access_requests::waiting_for(tx.conn, dataset.id)? {
        let request = &stored.request;
        let Some(applicant) = people::by_id(tx.conn, request.applicant)? else { continue };
        let members = members_of(tx, request)?;
        let asked = deciding.deciders(request, &members);
        ask(tx, dataset, (request, &applicant), asked.newly_asked(&before.deciders(request, &members)))?;
    }
    Ok(())
}

/// A grant was revoked: its holder is told why.
pub fn grant_revoked(tx: &mut Tx<'_>, dataset: &Dataset, grant: &Grant, reason: &Reason) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = about(&holder, dataset, format!("/datasets/{}", dataset.slug));
    tx.queue_mail(&holder, &Notice::GrantRevoked { about, reason: reason.as_str().to_owned() })
}

/// A grant has another end: its holder is told when, and why.
pub fn grant_end_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    grant: &Grant,
    (ends_at, reason): (Timestamp, &Reason),
) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = about(&holder, dataset, format!("/datasets/{}", dataset.slug));
    tx.queue_mail(&holder, &Notice::GrantEndChanged { about, ends_at, reason: reason.as_str().to_owned() })
}

/// A grant ends soon: its holder is told, unless the grant is shorter than the notice itself.
pub fn grant_ending(tx: &mut Tx<'_>, line: &GrantWithNames) -> store::Result<()> {
    if line.grant.ends_at - line.grant.starts_at <= ENDING_NOTICE {
        return Ok(());
    }
    let Some(holder) = people::by_id(tx.conn, line.grant.person)? else { return Ok(()) };
    let about = AboutDataset {
        name: holder.name.to_string(),
        dataset: line.title.clone(),
        path: format!("/datasets/{}", line.dataset),
    };
    tx.queue_mail(&holder, &Notice::GrantEnding { about, ends_at: line.grant.ends_at })
}

/// The holder of a grant has to sign a newer version of an agreement.
pub fn new_version_to_sign(
    tx: &mut Tx<'_>,
    version: &AgreementVersion,
    grant: &Grant,
    reminder: Reminder,
) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let notice = Notice::NewVersionToSign {
        name: holder.name.to_string(),
        agreement: version.title.clone(),
        sign_by: grant.stops_at(),
        reminder,
        path: format!("/requests/{}/new-versions", grant.request),
    };
    tx.queue_mail(&holder, &notice)
}

/// The other members of a request's project are asked to sign for themselves.
fn members_to_sign(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    applicant: &Person,
) -> store::Result<()> {
    let others: Vec<PersonId> = members_of(tx, request)?.into_iter().filter(|id| *id != applicant.id).collect();
    for member in people::by_ids(tx.conn, &others)? {
        let about = about(&member, dataset, format!("/requests/{}/sign", request.id));
        tx.queue_mail(&member, &Notice::MemberToSign { applicant: applicant.name.to_string(), about })?;
    }
    Ok(())
}

/// A member of a project was granted access by a decision on its request.
pub fn member_granted(tx: &mut Tx<'_>, dataset: &Dataset, request: &AccessRequest, grant: &Grant) -> store::Result<()> {
    let Some(member) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = about(&member, dataset, format!("/requests/{}", request.id));
    let to_sign = grant.state(tx.now) == GrantState::ToSign;
    tx.queue_mail(&member, &approved(about, (grant.ends_at, String::new()), to_sign))
}

/// You may download, or may once you have signed what has changed since you signed.
fn approved(about: AboutDataset, (ends_at, comment): (Timestamp, String), to_sign: bool) -> Notice {
    let path = if to_sign { format!("{}/new-versions", about.path) } else { about.path };
    Notice::Approved { about: AboutDataset { path, ..about }, ends_at, comment, to_sign }
}

/// Somebody is invited to a project, who may have no account yet.
pub fn project_invitation(tx: &mut Tx<'_>, lead: &Person, email: &Email, project: &Project) -> store::Result<bool> {
    let (recipient, known_as) = recipient_and_sender(tx, lead, email)?;
    let notice = Notice::ProjectInvitation { lead: known_as, path: format!("/projects/{}", project.id) };
    queue_rate_limited(tx, &recipient, &notice)
}

/// The lead of a project hears that somebody has joined it.
pub fn member_joined(tx: &mut Tx<'_>, member: &Person, project: &Project) -> store::Result<()> {
    let Some(lead) = people::by_id(tx.conn, project.lead)? else { return Ok(()) };
    let (name, member) = (lead.name.to_string(), member.name.to_string());
    let (title, path) = (project.description.title.clone(), format!("/projects/{}", project.id));
    tx.queue_mail(&lead, &Notice::MemberJoined { name, member, title, path })
}

/// A member was removed from a project.
pub fn member_removed(tx: &mut Tx<'_>, member: PersonId, project: &Project, reason: &str) -> store::Result<()> {
    let Some(member) = people::by_id(tx.conn, member)? else { return Ok(()) };
    let (name, title) = (member.name.to_string(), project.description.title.clone());
    tx.queue_mail(&member, &Notice::MemberRemoved { name, title, reason: reason.to_owned() })
}

/// Somebody is invited to run an organisation, who may have no account yet.
pub fn organisation_invitation(
    tx: &mut Tx<'_>,
    by: &Person,
    email: &Email,
    (organisation, role): (&Organisation, OrganisationRole),
) -> store::Result<bool> {
    let (recipient, inviter) = recipient_and_sender(tx, by, email)?;
    let (organisation, role) = (organisation.name.clone(), role.as_str().to_owned());
    let notice = Notice::OrganisationInvitation { inviter, organisation, role, path: "/manage".into() };
    queue_rate_limited(tx, &recipient, &notice)
}

/// Who gets an invitation, and what the one who sends it is called in it: to somebody without an account by their address,
/// which was proved.
fn recipient_and_sender(tx: &mut Tx<'_>, by: &Person, email: &Email) -> store::Result<(Person, String)> {
    Ok(match people::by_email(tx.conn, email)? {
        Some((person, _)) => (person, by.name.to_string()),
        None => (Person { email: email.clone(), ..by.clone() }, by.email.to_string()),
    })
}

/// Somebody was removed from an organisation.
pub fn organisation_left(tx: &mut Tx<'_>, person: PersonId, organisation: &Organisation) -> store::Result<()> {
    let Some(person) = people::by_id(tx.conn, person)? else { return Ok(()) };
    let (name, organisation) = (person.name.to_string(), organisation.name.clone());
    tx.queue_mail(&person, &Notice::OrganisationLeft { name, organisation })
}

/// A dataset is offered to an organisation: its owners are told.
pub fn dataset_offered(tx: &mut Tx<'_>, dataset: &Dataset, to: &Organisation) -> store::Result<()> {
    let owners = organisation_members::owners(tx.conn, to.id)?;
    for owner in people::by_ids(tx.conn, &owners)? {
        let about = about(&owner, dataset, "/manage".into());
        tx.queue_mail(&owner, &Notice::DatasetOffered { organisation: to.name.clone(), about })?;
    }
    Ok(())
}
